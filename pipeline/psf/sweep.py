"""Fits of the PSF to all sources of an image at once, source after source in place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.measurement.compiled import compiled
from skyassay.pipeline.psf.render import render


@compiled
def sweep(
    residual: NDArray[np.float64],
    good: NDArray[np.bool_],
    noise: NDArray[np.float64],
    column: NDArray[np.int64],
    row: NDArray[np.int64],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    flux: NDArray[np.float64],
    shapes: NDArray[np.float64],
    free: NDArray[np.bool_],
    table: NDArray[np.float64],
    per_step: float,
    bump: NDArray[np.float64],
    half: int,
    rounds: int,
    most_shift: float,
) -> None:
    """Fit flux and position of every source to what all others leave over.

    Gauss-Newton with weights 1 / (sky variance + flux P): the variance the model expects, so
    that noise in the data cannot pull its own weight. Where the positions of sources
    overlap, repeated sweeps converge to the simultaneous fit (Gauss-Seidel).

    Parameters
    ----------
    residual : ndarray of float64, shape (ny, nx)
        Image without the sky and without every source's flux P; kept up to date.
    good : ndarray of bool, shape (ny, nx)
    noise : ndarray, shape (n,)
        Standard deviation of the sky at each source.
    column, row : ndarray of int, shape (n,)
        Central pixel of each source's stamp; stays the same in all sweeps.
    x, y, flux : ndarray, shape (n,)
        Changed in place. Position from the central pixel, in pixels.
    shapes : ndarray, shape (n, 3)
    free : ndarray of bool, shape (n,)
        Whether the position is fitted too; set to False where it runs away.
    rounds : int
        Gauss-Newton steps per source.
    most_shift : float
        Farthest a position may move from its central pixel along each axis, pixel.
    """
    ny, nx = residual.shape
    side = 2 * half + 1
    p, px, py = np.empty((side, side)), np.empty((side, side)), np.empty((side, side))
    for k in range(len(x)):
        left, low = column[k] - half, row[k] - half
        i0, i1 = max(-left, 0), min(nx - left, side)
        j0, j1 = max(-low, 0), min(ny - low, side)
        sky = noise[k] * noise[k]
        for turn in range(rounds + 1):
            render(table, per_step, bump, shapes[k], x[k], y[k], p, px, py)
            if turn == 0:
                for j in range(j0, j1):
                    for i in range(i0, i1):
                        residual[low + j, left + i] += flux[k] * p[j, i]
            if turn == rounds:
                break
            h00 = h01 = h02 = h11 = h12 = h22 = g0 = g1 = g2 = 0.0
            positive = max(flux[k], 0.0)
            for j in range(j0, j1):
                for i in range(i0, i1):
                    if not good[low + j, left + i]:
                        continue
                    w = 1.0 / (sky + positive * max(p[j, i], 0.0))
                    r = residual[low + j, left + i]
                    h00 += w * p[j, i] * p[j, i]
                    h01 += w * p[j, i] * px[j, i]
                    h02 += w * p[j, i] * py[j, i]
                    h11 += w * px[j, i] * px[j, i]
                    h12 += w * px[j, i] * py[j, i]
                    h22 += w * py[j, i] * py[j, i]
                    g0 += w * p[j, i] * r
                    g1 += w * px[j, i] * r
                    g2 += w * py[j, i] * r
            if not h00 > 0.0:
                flux[k] = 0.0
                free[k] = False
                continue
            flat = g0 / h00
            flux[k] = flat
            if free[k] and flat > 0.0:
                # Position by the slopes orthogonal to the profile: residual at this flux.
                a11, a12, a22 = h11 - h01 * h01 / h00, h12 - h01 * h02 / h00, h22 - h02 * h02 / h00
                b1, b2 = g1 - h01 * flat, g2 - h02 * flat
                det = a11 * a22 - a12 * a12
                if det > 0.0:
                    mx = (a22 * b1 - a12 * b2) / det / flat
                    my = (a11 * b2 - a12 * b1) / det / flat
                    x[k] += min(max(mx, -0.5), 0.5)
                    y[k] += min(max(my, -0.5), 0.5)
                if det <= 0.0 or abs(x[k]) > most_shift or abs(y[k]) > most_shift:
                    x[k] = y[k] = 0.0
                    free[k] = False
        for j in range(j0, j1):
            for i in range(i0, i1):
                residual[low + j, left + i] -= flux[k] * p[j, i]
