"""World coordinates of an image: gnomonic projection with a polynomial distortion in pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skyassay.pipeline.astrometry import header as fits
from skyassay.pipeline.astrometry.polynomial import evaluate, gradient
from skyassay.pipeline.astrometry.sphere import ARCSEC, deproject, frame, project

Floats = NDArray[np.float64]
#: The inverse has converged when a step is below this, pixels: 0.2 microarcsec at 0.2 arcsec.
_TOLERANCE = 1e-6
_ITERATIONS = 20


@dataclass(frozen=True, eq=False)
class SkyWcs:
    """Pixel to sky: TAN with the SIP distortion, both ways.

    With u, v = x - crpix[0], y - crpix[1]: the corrected pixel offset is U = u + a(u, v),
    V = v + b(u, v), and the gnomonic coordinates (xi, eta) in degrees about `crval` are
    cd @ (U, V) (Calabretta & Greisen 2002; Shupe et al. 2005). Pixels are counted from 0 at
    the centre of the lower left pixel; `to_header` adds the 1 that FITS wants.

    Attributes
    ----------
    crval : tuple of float
        ICRS position of the reference pixel, degrees.
    crpix : tuple of float
        Reference pixel, counted from 0.
    cd : ndarray, shape (2, 2)
        Degrees per pixel.
    a, b : ndarray, shape (4, 4)
        Coefficients of u**p v**q; only 2 <= p + q <= 3 is used, pixels.
    size : tuple of int
        Columns and rows of the image: where the inverse polynomials of the header hold.
    """

    crval: tuple[float, float]
    crpix: tuple[float, float]
    cd: Floats
    a: Floats
    b: Floats
    size: tuple[int, int]

    def __post_init__(self) -> None:
        fits.check(self.crval, self.crpix, self.cd, self.a, self.b)

    def pixel_to_sky(self, x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
        """Return (ra in [0, 360), dec) in degrees of pixels; NaN where x or y is NaN."""
        xi, eta = self._plane(*self._offsets(x, y))
        return deproject(xi, eta, *self.crval)

    def sky_to_pixel(self, ra: ArrayLike, dec: ArrayLike) -> tuple[Floats, Floats]:
        """Return pixels of positions in degrees, by Newton's iteration.

        NaN where there is none: 90 degrees or more away, or where the distortion cannot be
        inverted (far outside the image).
        """
        xi, eta = project(ra, dec, *self.crval)
        inverse = np.linalg.inv(self.cd)
        shape = np.shape(xi)
        target = inverse @ np.stack([np.ravel(xi), np.ravel(eta)])
        u, v = self._undistort(target[0], target[1])
        return (u + self.crpix[0]).reshape(shape), (v + self.crpix[1]).reshape(shape)

    def jacobian(self, x: ArrayLike, y: ArrayLike) -> Floats:
        """Return d(east, north) / d(x, y) on the sky at pixels, arcsec per pixel.

        Returns
        -------
        ndarray, shape (..., 2, 2)
            First index: east, north at the place itself. Second: x, y.
        """
        u, v = self._offsets(x, y)
        plane = self._plane_jacobian(u, v)
        xi, eta = (np.radians(w) for w in self._plane(u, v))
        p, e, n = frame(*self.crval)
        vector = np.stack([p[k] + xi * e[k] + eta * n[k] for k in range(3)])
        length = np.sqrt((vector**2).sum(axis=0))
        _, east, north = frame(*self.pixel_to_sky(x, y))
        # The radial part of the derivative is orthogonal to east and north: it drops out.
        rows = [
            np.stack([np.tensordot(axis, of, axes=(0, 0)) / length for axis in (e, n)], axis=-1)
            for of in (east, north)
        ]
        return np.asarray(np.stack(rows, axis=-2) @ plane * ARCSEC)

    def pixel_scale(self, x: ArrayLike, y: ArrayLike) -> Floats:
        """Return the side of a square of a pixel's area, arcsec."""
        return np.asarray(np.sqrt(np.abs(np.linalg.det(self.jacobian(x, y)))))

    def to_header(self) -> dict[str, str | int | float]:
        """Return FITS keywords: TAN, or TAN-SIP where there is a distortion."""
        inverse = fits.inverse(self.a, self.b, self.crpix, self.size, self._undistort)
        return fits.write(self.crval, self.crpix, self.cd, (self.a, self.b), inverse)

    @classmethod
    def from_header(cls, header: Mapping[str, Any], size: tuple[int, int] | None = None) -> SkyWcs:
        """Return the WCS of FITS keywords (TAN or TAN-SIP, CD or PC with CDELT).

        Parameters
        ----------
        header : mapping
            A dict or an `astropy.io.fits.Header`.
        size : tuple of int, optional
            Columns and rows; NAXIS1 and NAXIS2 by default.

        Raises
        ------
        AstrometryError
            ``no_wcs``, ``unsupported_wcs`` or ``bad_wcs``.
        """
        return cls(*fits.read(header), size=size or fits.image_size(header))

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the parts by name, for `from_arrays`."""
        return {
            "crval": np.array(self.crval),
            "crpix": np.array(self.crpix),
            "cd": self.cd.copy(),
            "a": self.a.copy(),
            "b": self.b.copy(),
            "size": np.array(self.size, dtype=np.int64),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> SkyWcs:
        """Return what `to_arrays` took apart."""
        crval, crpix, size = (arrays[name] for name in ("crval", "crpix", "size"))
        cd, a, b = (np.array(arrays[name], dtype=np.float64) for name in ("cd", "a", "b"))
        return cls(
            (float(crval[0]), float(crval[1])),
            (float(crpix[0]), float(crpix[1])),
            cd,
            a,
            b,
            (int(size[0]), int(size[1])),
        )

    def _offsets(self, x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
        """Return pixel offsets from the reference pixel, broadcast."""
        u, v = np.broadcast_arrays(np.asarray(x, float), np.asarray(y, float))
        return u - self.crpix[0], v - self.crpix[1]

    def _plane(self, u: Floats, v: Floats) -> tuple[Floats, Floats]:
        """Return gnomonic coordinates, degrees."""
        big_u, big_v = u + evaluate(self.a, u, v), v + evaluate(self.b, u, v)
        (c11, c12), (c21, c22) = self.cd
        return c11 * big_u + c12 * big_v, c21 * big_u + c22 * big_v

    def _plane_jacobian(self, u: Floats, v: Floats) -> Floats:
        """Return d(xi, eta) / d(x, y), degrees per pixel, shape (..., 2, 2)."""
        au, av = gradient(self.a, u, v)
        bu, bv = gradient(self.b, u, v)
        inner = np.stack(
            [np.stack([1.0 + au, av], axis=-1), np.stack([bu, 1.0 + bv], axis=-1)], axis=-2
        )
        return np.asarray(self.cd @ inner)

    def _undistort(self, big_u: Floats, big_v: Floats) -> tuple[Floats, Floats]:
        """Return offsets u, v whose corrected values are given; NaN where there are none."""
        u, v = big_u.copy(), big_v.copy()
        if not (self.a.any() or self.b.any()):
            return u, v
        moved = np.full(u.shape, np.inf)
        # Far outside the image the polynomial folds over and the steps run away: not converged.
        with np.errstate(all="ignore"):
            for _ in range(_ITERATIONS):
                fu = u + evaluate(self.a, u, v) - big_u
                fv = v + evaluate(self.b, u, v) - big_v
                (au, av), (bu, bv) = gradient(self.a, u, v), gradient(self.b, u, v)
                det = (1.0 + au) * (1.0 + bv) - av * bu
                du, dv = ((1.0 + bv) * fu - av * fv) / det, ((1.0 + au) * fv - bu * fu) / det
                u, v = u - du, v - dv
                moved = np.hypot(du, dv)
                if not np.any(moved > _TOLERANCE):
                    break
        good = moved <= _TOLERANCE
        return np.where(good, u, np.nan), np.where(good, v, np.nan)
