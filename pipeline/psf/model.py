"""The point-spread function of one detector."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skyassay.pipeline.measurement.moments import adaptive_moments
from skyassay.pipeline.psf.render import render

#: Entries of the profile's table per unit of squared radius, and where it ends (in sigma**2).
PER_STEP, END = 64.0, 400.0
#: Positions along each axis at which moments of the drawn model are taken.
PLACES = (0.1, 0.5, 0.9)


def terms(
    x: NDArray[np.float64], y: NDArray[np.float64], shape: tuple[int, int], degree: int
) -> NDArray[np.float64]:
    """Return the polynomial terms at positions: 1; y, x; y y, x y, x x; shape (n, n_terms).

    Coordinates run from -1 to 1 over the detector of `shape` (rows, columns).
    """
    u = (2.0 * x - (shape[1] - 1)) / max(shape[1] - 1, 1)
    v = (2.0 * y - (shape[0] - 1)) / max(shape[0] - 1, 1)
    columns = [u**i * v ** (k - i) for k in range(degree + 1) for i in range(k + 1)]
    return np.stack(columns, axis=-1)


@dataclass(frozen=True, eq=False)
class PsfModel:
    """Concentric Gaussians of one shape that varies over the detector, and a correction.

    Attributes
    ----------
    coefficients : ndarray, shape (n_terms, 3)
        Polynomials of the second moments xx, xy, yy, pixel**2; see `terms`.
    widths, shares : ndarray, shape (n_gaussians,)
        Standard deviations of the Gaussians in units of the shape, and their shares of the
        flux, which sum to one.
    bump : ndarray, shape (2 r + 1, 2 r + 1)
        What the Gaussians leave over, per pixel of a star centred on a pixel.
    half : int
        A stamp has 2 half + 1 pixels a side.
    shape : tuple of int
        Rows and columns of the detector.
    """

    coefficients: NDArray[np.float64]
    widths: NDArray[np.float64]
    shares: NDArray[np.float64]
    bump: NDArray[np.float64]
    half: int
    shape: tuple[int, int]

    @property
    def degree(self) -> int:
        """Degree of the polynomials over the detector."""
        return {1: 0, 3: 1, 6: 2}[len(self.coefficients)]

    @cached_property
    def table(self) -> NDArray[np.float64]:
        """The radial profile, see `render`."""
        q = np.arange(int(END * PER_STEP)) / PER_STEP
        square = self.widths**2
        gaussians = np.exp(-0.5 * q[:, None] / square) / (2.0 * np.pi * square)
        made: NDArray[np.float64] = gaussians @ self.shares
        return made

    def shapes(self, x: ArrayLike, y: ArrayLike) -> NDArray[np.float64]:
        """Return xx, xy, yy of the profile at positions, shape (n, 3), pixel**2."""
        at = np.atleast_1d(np.asarray(x, float)), np.atleast_1d(np.asarray(y, float))
        made: NDArray[np.float64] = terms(*at, self.shape, self.degree) @ self.coefficients
        return made

    def moments(self, x: ArrayLike, y: ArrayLike) -> NDArray[np.float64]:
        """Return adaptive moments xx, xy, yy of the drawn PSF at positions, shape (n, 3)."""
        return self.shapes(x, y) + self._drawn

    @cached_property
    def _drawn(self) -> NDArray[np.float64]:
        """What drawing adds to the moments of the profile: the same all over the detector."""
        found = []
        for fy in PLACES:
            for fx in PLACES:
                x, y = fx * (self.shape[1] - 1), fy * (self.shape[0] - 1)
                found.append(self.drawn_moments(x, y) - self.shapes(x, y)[0])
        made: NDArray[np.float64] = np.mean(found, axis=0)
        return made

    def drawn_moments(self, x: float, y: float) -> NDArray[np.float64]:
        """Return adaptive moments xx, xy, yy of the stamp of one position."""
        stamp, out = self.image(x, y), np.empty(6)
        good = np.ones(stamp.shape, dtype=np.bool_)
        guess = float(self.shapes(x, y)[0, ::2].mean())
        centre = self.half + x - np.rint(x), self.half + y - np.rint(y)
        if not adaptive_moments(stamp, good, *centre, guess, 2.0, out):
            return np.full(3, np.nan)
        return out[2:5]

    def image(self, x: float, y: float) -> NDArray[np.float64]:
        """Return the image of a star of unit flux at (x, y).

        Parameters
        ----------
        x, y : float
            Pixel position on the detector.

        Returns
        -------
        ndarray of float64, shape (2 half + 1, 2 half + 1)
            Sums to one. The central pixel is pixel (rint(x), rint(y)) of the detector, and
            the star lies in it where (x, y) does: not shifted to the pixel's centre.
        """
        return self._stamp(x, y, x - float(np.rint(x)), y - float(np.rint(y)))

    def kernel(self, x: float, y: float) -> NDArray[np.float64]:
        """Return the PSF at (x, y), exactly centred on the central pixel; sums to one."""
        return self._stamp(x, y, 0.0, 0.0)

    def _stamp(self, x: float, y: float, dx: float, dy: float) -> NDArray[np.float64]:
        values = self.draw(self.shapes(x, y)[0], dx, dy)
        made: NDArray[np.float64] = values / values.sum()
        return made

    def draw(self, shape: NDArray[np.float64], dx: float, dy: float) -> NDArray[np.float64]:
        """Return a stamp of the given shape and offset, as the fits draw it (no norm)."""
        side = 2 * self.half + 1
        values, one, two = (np.empty((side, side)) for _ in range(3))
        render(self.table, PER_STEP, self.bump, shape, dx, dy, values, one, two)
        return values

    def to_arrays(self) -> dict[str, NDArray[np.float64]]:
        """Return everything as arrays of float64, for a file."""
        return {
            "coefficients": self.coefficients,
            "widths": self.widths,
            "shares": self.shares,
            "bump": self.bump,
            "geometry": np.array([self.half, *self.shape], dtype=np.float64),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.float64]]) -> PsfModel:
        """Return the model that `to_arrays` wrote."""
        half, rows, columns = (int(v) for v in arrays["geometry"])
        coefficients = np.array(arrays["coefficients"], dtype=np.float64).reshape(-1, 3)
        widths, shares, bump = (np.array(arrays[k], float) for k in ("widths", "shares", "bump"))
        return cls(coefficients, widths, shares, bump, half, (rows, columns))
