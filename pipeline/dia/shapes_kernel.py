"""Fits of what is no point: two lobes of opposite sign, and a line."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.measurement.compiled import compiled
from skyassay.pipeline.psf.render import render

#: Rounds of a fit, relative gain of chi-square at which it ends, and steps per round in which
#: chi-square may be made to fall.
ROUNDS, GAIN, TRIES = 40, 1e-7, 12


@compiled
def solved(
    h: NDArray[np.float64], g: NDArray[np.float64], damping: float, step: NDArray[np.float64]
) -> bool:
    """Fill the solution of (h + damping diag h) step = g by elimination; False if singular."""
    n = len(g)
    a = np.empty((n, n + 1))
    for i in range(n):
        for j in range(n):
            a[i, j] = h[i, j]
        a[i, i] += damping * h[i, i]
        a[i, n] = g[i]
    for i in range(n):
        pivot = i
        for k in range(i + 1, n):
            if abs(a[k, i]) > abs(a[pivot, i]):
                pivot = k
        if not abs(a[pivot, i]) > 0.0:
            return False
        if pivot != i:
            for j in range(n + 1):
                a[i, j], a[pivot, j] = a[pivot, j], a[i, j]
        for k in range(i + 1, n):
            f = a[k, i] / a[i, i]
            for j in range(i, n + 1):
                a[k, j] -= f * a[i, j]
    for i in range(n - 1, -1, -1):
        total = a[i, n]
        for j in range(i + 1, n):
            total -= a[i, j] * step[j]
        step[i] = total / a[i, i]
    return True


@compiled
def _draw_dipole(
    q: NDArray[np.float64],
    shape: NDArray[np.float64],
    table: NDArray[np.float64],
    per_step: float,
    bump: NDArray[np.float64],
    model: NDArray[np.float64],
    slopes: NDArray[np.float64],
) -> None:
    """Fill model and slopes of q: flux, x, y of the bright lobe, then of the dark one."""
    for lobe in range(2):
        sign, b = 1.0 - 2.0 * lobe, 3 * lobe
        p, px, py = slopes[b], slopes[b + 1], slopes[b + 2]
        render(table, per_step, bump, shape, q[b + 1], q[b + 2], p, px, py)
        for j in range(model.shape[0]):
            for i in range(model.shape[1]):
                p[j, i] *= sign
                px[j, i] *= sign * q[b]
                py[j, i] *= sign * q[b]
                model[j, i] = q[b] * p[j, i] + (model[j, i] if lobe else 0.0)


@compiled
def _draw_trail(
    q: NDArray[np.float64],
    shape: NDArray[np.float64],
    table: NDArray[np.float64],
    per_step: float,
    bump: NDArray[np.float64],
    model: NDArray[np.float64],
    slopes: NDArray[np.float64],
) -> None:
    """Fill model and slopes of q: flux, x, y of the middle, and the vector from there to an end.

    The light is spread evenly along the line: midpoints less than a pixel apart.
    """
    nodes = max(int(2.0 * np.hypot(q[3], q[4]) / 0.8) + 1, 3)
    ny, nx = model.shape
    p, px, py = np.empty((ny, nx)), np.empty((ny, nx)), np.empty((ny, nx))
    slopes[:] = 0.0
    for m in range(nodes):
        t = (2.0 * m + 1.0) / nodes - 1.0
        render(table, per_step, bump, shape, q[1] + t * q[3], q[2] + t * q[4], p, px, py)
        for j in range(ny):
            for i in range(nx):
                slopes[0, j, i] += p[j, i] / nodes
                slopes[1, j, i] += q[0] * px[j, i] / nodes
                slopes[2, j, i] += q[0] * py[j, i] / nodes
                slopes[3, j, i] += t * q[0] * px[j, i] / nodes
                slopes[4, j, i] += t * q[0] * py[j, i] / nodes
    for j in range(ny):
        for i in range(nx):
            model[j, i] = q[0] * slopes[0, j, i]


@compiled
def fit_shape(
    stamp: NDArray[np.float64],
    weight: NDArray[np.float64],
    start: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    shape: NDArray[np.float64],
    table: NDArray[np.float64],
    per_step: float,
    bump: NDArray[np.float64],
    covariance: NDArray[np.float64],
) -> float:
    """Fit a dipole (6 parameters) or a trail (5) by Levenberg-Marquardt; return chi-square.

    Parameters
    ----------
    stamp, weight : ndarray, shape (ny, nx)
        Odd numbers of pixels a side; weight is one over the variance, zero where unusable.
    start : ndarray, shape (n,)
        First guess; becomes the solution.
    low, high : ndarray, shape (n,)
        Bounds of the parameters.
    shape, table, per_step, bump
        See `psf.render`.
    covariance : ndarray, shape (n, n)
        Gets that of the solution; NaN where it has none.

    Notes
    -----
    NaN where the start has no finite chi-square.
    """
    n = len(start)
    model, slopes = np.empty(stamp.shape), np.empty((n, *stamp.shape))
    trial, step, g, h = np.empty(n), np.empty(n), np.empty(n), np.empty((n, n))
    damping, best = 1e-2, np.inf
    for _turn in range(ROUNDS):
        _draw(start, shape, table, per_step, bump, model, slopes)
        best = _normal(stamp, weight, model, slopes, h, g)
        if not np.isfinite(best):
            return np.nan
        gained = False
        for _ in range(TRIES):
            if not solved(h, g, damping, step):
                break
            for a in range(n):
                trial[a] = min(max(start[a] + step[a], low[a]), high[a])
            _draw(trial, shape, table, per_step, bump, model, slopes)
            new = _chi2(stamp, weight, model)
            if new < best:
                gained = best - new > GAIN * best
                start[:] = trial
                damping = max(0.2 * damping, 1e-7)
                best = new
                break
            damping *= 5.0
        if not gained:
            break
    _draw(start, shape, table, per_step, bump, model, slopes)
    best = _normal(stamp, weight, model, slopes, h, g)
    for a in range(n):
        g[:] = 0.0
        g[a] = 1.0
        if solved(h, g, 0.0, step):
            covariance[a] = step
        else:
            covariance[a] = np.nan
    return best


@compiled
def _draw(
    q: NDArray[np.float64],
    shape: NDArray[np.float64],
    table: NDArray[np.float64],
    per_step: float,
    bump: NDArray[np.float64],
    model: NDArray[np.float64],
    slopes: NDArray[np.float64],
) -> None:
    if len(q) == 6:
        _draw_dipole(q, shape, table, per_step, bump, model, slopes)
    else:
        _draw_trail(q, shape, table, per_step, bump, model, slopes)


@compiled
def _chi2(
    stamp: NDArray[np.float64], weight: NDArray[np.float64], model: NDArray[np.float64]
) -> float:
    total = 0.0
    for j in range(stamp.shape[0]):
        for i in range(stamp.shape[1]):
            total += weight[j, i] * (stamp[j, i] - model[j, i]) ** 2
    return total


@compiled
def _normal(
    stamp: NDArray[np.float64],
    weight: NDArray[np.float64],
    model: NDArray[np.float64],
    slopes: NDArray[np.float64],
    h: NDArray[np.float64],
    g: NDArray[np.float64],
) -> float:
    """Fill the normal equations; return chi-square."""
    n, total = len(g), 0.0
    h[:], g[:] = 0.0, 0.0
    for j in range(stamp.shape[0]):
        for i in range(stamp.shape[1]):
            w = weight[j, i]
            if w == 0.0:
                continue
            r = stamp[j, i] - model[j, i]
            total += w * r * r
            for a in range(n):
                g[a] += w * slopes[a, j, i] * r
                for b in range(a + 1):
                    h[a, b] += w * slopes[a, j, i] * slopes[b, j, i]
    for a in range(n):
        for b in range(a + 1, n):
            h[a, b] = h[b, a]
    return total
