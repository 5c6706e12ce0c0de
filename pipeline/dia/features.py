"""What the pixels around a detection say about whether it is real."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.measurement.compiled import compiled
from skyassay.pipeline.psf.render import render

#: Columns of `pixel_features`, in order.
PIXEL_FEATURES = (
    "coreChi2", "ringChi2", "ringMean", "evenness", "oppositeShare", "worstPixel", "sharpness",
    "coreRatio", "templatePeak", "saturatedShare",
)  # fmt: skip
#: Radii in FWHM: of the core, and of the ring around it; of the surroundings, pixel.
CORE, RING = 1.25, 2.5
AROUND = 12


@compiled
def pixel_features(
    residual: NDArray[np.float64],
    variance: NDArray[np.float32],
    good: NDArray[np.bool_],
    template: NDArray[np.float32],
    template_variance: NDArray[np.float32],
    saturated: NDArray[np.bool_],
    sign: int,
    column: NDArray[np.int64],
    row: NDArray[np.int64],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    flux: NDArray[np.float64],
    shapes: NDArray[np.float64],
    table: NDArray[np.float64],
    per_step: float,
    bump: NDArray[np.float64],
    half: int,
    fwhm: float,
    out: NDArray[np.float64],
) -> None:
    """Fill a row of `PIXEL_FEATURES` per source of one sign.

    Parameters
    ----------
    residual, variance, good : ndarray, shape (ny, nx)
        Difference image without its sources, its variance, and which pixels count.
    template, template_variance : ndarray of float32, shape (ny, nx)
    saturated : ndarray of bool, shape (ny, nx)
        In the science image or the template.
    sign : int
        1 or -1; fluxes are those of the image times the sign.
    column, row, x, y, flux, shapes
        See `fit.Points`.
    table, per_step, bump, half
        See `psf.render`.
    fwhm : float
        Of the PSF, pixel.
    out : ndarray, shape (n, 10)

    Notes
    -----
    coreChi2, ringChi2: mean square residual over its error in core and ring. ringMean: mean of
    the ring in units of its error. evenness: sum over sum of absolute values in the core, 1
    where every pixel has the sign of the source. oppositeShare: share of core pixels more than
    two errors beyond zero on the other side. worstPixel: largest residual over its error.
    sharpness: brightest pixel over the model there. coreRatio: flux of the core over the
    model's. templatePeak: brightest template pixel around, over its error. saturatedShare:
    share of saturated pixels around.
    """
    ny, nx = residual.shape
    side = 2 * half + 1
    p, px, py = np.empty((side, side)), np.empty((side, side)), np.empty((side, side))
    core, ring = (CORE * fwhm) ** 2, (RING * fwhm) ** 2
    for k in range(len(x)):
        render(table, per_step, bump, shapes[k], x[k], y[k], p, px, py)
        left, low = column[k] - half, row[k] - half
        n_core = n_ring = opposite = 0
        chi_core = chi_ring = total_ring = error_ring = 0.0
        total = absolute = model = worst = peak = at_peak = 0.0
        for j in range(side):
            for i in range(side):
                yy, xx = low + j, left + i
                r2 = (i - half - x[k]) ** 2 + (j - half - y[k]) ** 2
                inside = 0 <= yy < ny and 0 <= xx < nx
                if r2 > ring or not inside or not good[yy, xx]:
                    continue
                v = variance[yy, xx]
                off = sign * residual[yy, xx]
                if r2 > core:
                    n_ring += 1
                    chi_ring += off * off / v
                    total_ring += off
                    error_ring += v
                    continue
                expected = flux[k] * p[j, i]
                d = off + expected
                n_core += 1
                chi_core += off * off / v
                total += d
                absolute += abs(d)
                model += expected
                worst = max(worst, abs(off) / np.sqrt(v))
                if d < -2.0 * np.sqrt(v):
                    opposite += 1
                if d > peak:
                    peak, at_peak = d, expected
        row_out = out[k]
        row_out[0] = chi_core / max(n_core - 3, 1)
        row_out[1] = chi_ring / max(n_ring, 1)
        row_out[2] = total_ring / np.sqrt(error_ring) if error_ring > 0.0 else 0.0
        row_out[3] = total / absolute if absolute > 0.0 else 0.0
        row_out[4] = opposite / max(n_core, 1)
        row_out[5] = worst
        row_out[6] = peak / at_peak if at_peak > 0.0 else 0.0
        row_out[7] = total / model if model > 0.0 else 0.0
        _surroundings(template, template_variance, saturated, column[k], row[k], row_out)


@compiled
def _surroundings(
    template: NDArray[np.float32],
    variance: NDArray[np.float32],
    saturated: NDArray[np.bool_],
    column: int,
    row: int,
    out: NDArray[np.float64],
) -> None:
    """Fill templatePeak and saturatedShare."""
    ny, nx = template.shape
    best, n, full = 0.0, 0, 0
    for j in range(max(row - AROUND, 0), min(row + AROUND + 1, ny)):
        for i in range(max(column - AROUND, 0), min(column + AROUND + 1, nx)):
            n += 1
            full += saturated[j, i]
            if variance[j, i] > 0.0:
                value = template[j, i] / np.sqrt(variance[j, i])
                if value > best:
                    best = value
    out[8] = best
    out[9] = full / max(n, 1)


@compiled
def count_good(
    good: NDArray[np.bool_],
    column: NDArray[np.int64],
    row: NDArray[np.int64],
    half: int,
    out: NDArray[np.int32],
) -> None:
    """Fill how many good pixels the stamps around pixels hold."""
    ny, nx = good.shape
    for k in range(len(column)):
        n = 0
        for j in range(max(row[k] - half, 0), min(row[k] + half + 1, ny)):
            for i in range(max(column[k] - half, 0), min(column[k] + half + 1, nx)):
                n += good[j, i]
        out[k] = n
