"""The world coordinates that a pointing and the nominal camera predict."""

from __future__ import annotations

import numpy as np

from skyassay.pipeline.astrometry.errors import AstrometryError
from skyassay.pipeline.astrometry.polynomial import MAX_ORDER, design, table, terms
from skyassay.pipeline.astrometry.sphere import ARCSEC, Floats, deproject, project
from skyassay.pipeline.astrometry.wcs import SkyWcs
from skyassay.pipeline.instrument.camera import Camera, Detector

_GRID = 9


def initial_wcs(
    camera: Camera, detector: Detector | int, ra: float, dec: float, rotation: float
) -> SkyWcs:
    """Return the WCS of a detector from the boresight and the nominal geometry.

    The reference point is the detector's centre. A plane touching the sky there differs from
    the one touching at the boresight by a polynomial, which becomes the distortion (0.01 mas
    over a detector of 4096 pixels at the edge of the field).

    Parameters
    ----------
    camera : Camera
    detector : Detector or int
        One of the camera's, or its id.
    ra, dec : float
        Boresight, ICRS degrees.
    rotation : float
        Degrees from east to north by which the camera's +x axis is turned: with x, y the
        field angles, xi = x cos - y sin (east) and eta = x sin + y cos (north).

    Raises
    ------
    AstrometryError
        ``bad_pointing`` where the boresight or rotation is no position.
    """
    if not np.all(np.isfinite([ra, dec, rotation])) or abs(dec) > 90.0:
        raise AstrometryError(
            f"The boresight ({ra}, {dec}) with rotation {rotation} is no position on the sky.",
            code="bad_pointing",
            hint="RA, DEC and ROTPA of the raw header are degrees.",
        )
    where = camera[detector] if isinstance(detector, int) else detector
    scale = camera.pixel_scale / ARCSEC
    centre = ((where.nx - 1) / 2.0, (where.ny - 1) / 2.0)

    def sky(u: Floats, v: Floats) -> tuple[Floats, Floats]:
        turn = np.radians(rotation)
        x, y = where.x + scale * u, where.y + scale * v
        xi, eta = x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)
        return deproject(xi, eta, ra, dec)

    zero = np.zeros(1)
    crval = tuple(float(w[0]) for w in sky(zero, zero))
    half = max(where.nx, where.ny) / 2.0
    line = np.linspace(-half, half, _GRID)
    u, v = (w.ravel() for w in np.meshgrid(line, line))
    plane = np.stack(project(*sky(u, v), crval[0], crval[1]))
    return from_plane(plane, u, v, (crval[0], crval[1]), centre, (where.nx, where.ny))


def from_plane(
    plane: Floats,
    u: Floats,
    v: Floats,
    crval: tuple[float, float],
    crpix: tuple[float, float],
    size: tuple[int, int],
) -> SkyWcs:
    """Return the WCS through gnomonic coordinates (2, n; deg) at pixel offsets u, v.

    A least-squares fit with all terms of orders 1 to `MAX_ORDER`, none of order 0.
    """
    exponents = terms(MAX_ORDER, 1)
    half = float(max(np.abs(u).max(), np.abs(v).max()))
    scale = np.array([half ** (p + q) for p, q in exponents])
    fitted = np.linalg.lstsq(design(u / half, v / half, exponents), plane.T, rcond=None)[0]
    return from_coefficients(fitted.T / scale, exponents, crval, crpix, size)


def from_coefficients(
    plane: Floats,
    exponents: tuple[tuple[int, int], ...],
    crval: tuple[float, float],
    crpix: tuple[float, float],
    size: tuple[int, int],
) -> SkyWcs:
    """Return the WCS whose gnomonic coordinates are polynomials without a constant.

    Parameters
    ----------
    plane : ndarray, shape (2, k)
        Coefficients of xi and eta, degrees per power of a pixel; the first two are linear.
    exponents : tuple
        Of `polynomial.terms(order, 1)`.
    """
    cd = np.ascontiguousarray(plane[:, :2])
    if np.linalg.det(cd) == 0.0:
        raise AstrometryError(
            "A world coordinate system squeezes the image to a line.", code="bad_wcs"
        )
    a, b = np.linalg.solve(cd, plane[:, 2:])
    return SkyWcs(crval, crpix, cd, table(a, exponents[2:]), table(b, exponents[2:]), size)
