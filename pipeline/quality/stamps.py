"""The flux of a point source at a given place: a linear fit of the PSF and a constant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
#: (x, y) -> the PSF there, shape (n, n), n odd, sum 1. Its central pixel is the one that holds
#: (x, y), and the PSF's centre lies in it where (x, y) does.
Psf = Callable[[float, float], NDArray[Any]]


@dataclass(frozen=True)
class Pixels:
    """What is fitted: three planes of one shape.

    Attributes
    ----------
    image : ndarray, shape (ny, nx)
        Background-subtracted.
    variance : ndarray, shape (ny, nx)
        In the image's unit squared.
    usable : ndarray of bool, shape (ny, nx)
        Pixels that may be used. Those without a finite value or with a variance that is
        not above zero are left out besides.
    """

    image: NDArray[Any]
    variance: NDArray[Any]
    usable: NDArray[np.bool_]


@dataclass(frozen=True)
class Fit:
    """A fitted flux; NaN where it could not be fitted.

    Attributes
    ----------
    flux, error : float
        In the image's unit; the error is that of the stated variance.
    covered : float
        Share of the PSF's light that falls on usable pixels.
    """

    flux: float
    error: float
    covered: float


def fit_flux(pixels: Pixels, psf: Psf, x: float, y: float) -> Fit:
    """Return the flux of a point source at a place, above what is constant around it.

    Parameters
    ----------
    pixels : Pixels
    psf : callable
        See `Psf`.
    x, y : float
        Pixels; (0, 0) is the centre of the first.

    Notes
    -----
    Weighted least squares of ``image = flux * psf + constant`` with weights 1/variance. Weights
    should not follow the source itself (a variance made from its own light biases the flux of
    faint sources by a part of its noise); here the source is expected to be nothing.
    """
    stamp = np.asarray(psf(x, y), dtype=np.float64)
    half = stamp.shape[0] // 2
    x0, y0 = round(x) - half, round(y) - half
    ny, nx = pixels.image.shape
    rows = slice(max(y0, 0), min(y0 + 2 * half + 1, ny))
    columns = slice(max(x0, 0), min(x0 + 2 * half + 1, nx))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return Fit(np.nan, np.nan, 0.0)
    p = stamp[rows.start - y0 : rows.stop - y0, columns.start - x0 : columns.stop - x0]
    data = pixels.image[rows, columns].astype(np.float64)
    variance = pixels.variance[rows, columns].astype(np.float64)
    good = pixels.usable[rows, columns] & np.isfinite(data) & np.isfinite(variance)
    good &= np.where(good, variance, 0.0) > 0.0
    covered = float(p[good].sum())
    return _solved(p[good], data[good], variance[good], covered)


def _solved(p: Floats, data: Floats, variance: Floats, covered: float) -> Fit:
    """Return the solution of the two normal equations."""
    if p.size < 3:
        return Fit(np.nan, np.nan, covered)
    w = 1.0 / variance
    pp, p1, ones = float(w @ p**2), float(w @ p), float(w.sum())
    determinant = pp * ones - p1 * p1
    if not determinant > 1e-12 * pp * ones:  # a PSF as flat as the constant
        return Fit(np.nan, np.nan, covered)
    pd, d1 = float((w * p) @ data), float(w @ data)
    flux = (ones * pd - p1 * d1) / determinant
    return Fit(flux, float(np.sqrt(ones / determinant)), covered)


def aperture_sums(
    image: NDArray[Any], x: NDArray[Any], y: NDArray[Any], radius: float
) -> tuple[Floats, Floats]:
    """Return the sums of finite pixels within a radius, and the brightest pixel in it.

    Parameters
    ----------
    image : ndarray, shape (ny, nx)
    x, y : ndarray, shape (n,)
    radius : float
        Pixels. Whole pixels are summed: this ranks sources, it does not measure them.

    Returns
    -------
    sums, peaks : ndarray, shape (n,)
        NaN where no pixel of the image is within the radius, or the place is not finite.
    """
    ny, nx = image.shape
    reach = int(np.ceil(radius))
    sums, peaks = np.full(len(x), np.nan), np.full(len(x), np.nan)
    for i, (a, b) in enumerate(zip(np.asarray(x, float), np.asarray(y, float), strict=True)):
        if not (np.isfinite(a) and np.isfinite(b)):
            continue
        columns = np.arange(max(round(a) - reach, 0), min(round(a) + reach + 1, nx))
        rows = np.arange(max(round(b) - reach, 0), min(round(b) + reach + 1, ny))
        if not (columns.size and rows.size):
            continue
        part = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        inside = (rows[:, None] - b) ** 2 + (columns[None, :] - a) ** 2 <= radius**2
        inside &= np.isfinite(part)
        if inside.any():
            sums[i], peaks[i] = part[inside].sum(dtype=np.float64), part[inside].max()
    return sums, peaks
