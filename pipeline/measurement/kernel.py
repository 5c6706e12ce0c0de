"""Everything measured on the stamp of a source, one source after the other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.measurement.compiled import compiled
from skyassay.pipeline.measurement.moments import adaptive_moments
from skyassay.pipeline.psf.render import render

#: Columns of the results of `measure_stamps`.
COLUMNS = (
    "flux", "fluxErr", "xx", "xy", "yy", "area", "share", "chi2",
    "mx", "my", "ixx", "ixy", "iyy", "gaussian", "gaussianErr", "own", "all",
)  # fmt: skip


@compiled
def measure_stamps(
    residual: NDArray[np.float64],
    image: NDArray[np.float32],
    variance: NDArray[np.float32],
    good: NDArray[np.bool_],
    noise: NDArray[np.float64],
    column: NDArray[np.int64],
    row: NDArray[np.int64],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    flux: NDArray[np.float64],
    whole: NDArray[np.bool_],
    shapes: NDArray[np.float64],
    table: NDArray[np.float64],
    per_step: float,
    bump: NDArray[np.float64],
    half: int,
    out: NDArray[np.float64],
    shaped: NDArray[np.bool_],
) -> None:
    """Fill a row of `COLUMNS` per source, and whether its moments converged.

    A source is measured on the residual with its own flux P put back; where `whole`, on the
    image with its neighbours. The flux is a linear fit with equal weights, so a bright source
    is no other mix of core and wings than a faint one; its error and those of the position
    (weights of the fit that made it) are propagated from the variance plane. Unusable pixels
    count neither way; for the moments they take the model's value.
    """
    ny, nx = residual.shape
    side = 2 * half + 1
    p, px, py = np.empty((side, side)), np.empty((side, side)), np.empty((side, side))
    stamp, every = np.empty((side, side)), np.ones((side, side), dtype=np.bool_)
    moments = np.empty(6)
    for k in range(len(x)):
        left, low = column[k] - half, row[k] - half
        render(table, per_step, bump, shapes[k], x[k], y[k], p, px, py)
        sky, positive = noise[k] * noise[k], max(flux[k], 0.0)
        pp = pd = ppv = total = squares = own = everything = 0.0
        h = np.zeros((3, 3))
        m = np.zeros((3, 3))
        for j in range(side):
            for i in range(side):
                yy, xx = low + j, left + i
                total += p[j, i]
                squares += p[j, i] * p[j, i]
                inside = 0 <= yy < ny and 0 <= xx < nx
                if not inside or not good[yy, xx]:
                    stamp[j, i] = flux[k] * p[j, i]
                    continue
                d = float(image[yy, xx]) if whole[k] else residual[yy, xx] + flux[k] * p[j, i]
                stamp[j, i] = d
                v = variance[yy, xx]
                pp += p[j, i] * p[j, i]
                pd += p[j, i] * d
                ppv += p[j, i] * p[j, i] * v
                own += p[j, i] * abs(d)
                everything += p[j, i] * abs(image[yy, xx])
                w = 1.0 / (sky + positive * max(p[j, i], 0.0))
                s0, s1, s2 = p[j, i], flux[k] * px[j, i], flux[k] * py[j, i]
                h[0, 0] += w * s0 * s0
                h[0, 1] += w * s0 * s1
                h[0, 2] += w * s0 * s2
                h[1, 1] += w * s1 * s1
                h[1, 2] += w * s1 * s2
                h[2, 2] += w * s2 * s2
                w *= w * v
                m[0, 0] += w * s0 * s0
                m[0, 1] += w * s0 * s1
                m[0, 2] += w * s0 * s2
                m[1, 1] += w * s1 * s1
                m[1, 2] += w * s1 * s2
                m[2, 2] += w * s2 * s2
        row_out = out[k]
        row_out[:] = np.nan
        row_out[5] = total * total / squares
        row_out[6] = pp / squares
        row_out[15], row_out[16] = own, everything
        if not pp > 0.0:
            shaped[k] = False
            continue
        row_out[0], row_out[1] = pd / pp, np.sqrt(ppv) / pp
        for a in range(3):
            for b in range(a):
                h[a, b] = h[b, a]
                m[a, b] = m[b, a]
        _position_errors(h, m, row_out)
        row_out[7] = _chi_square(stamp, p, row_out[0], variance, good, left, low)
        guess = 0.5 * (shapes[k, 0] + shapes[k, 2])
        found = adaptive_moments(stamp, every, half + x[k], half + y[k], guess, 2.0, moments)
        shaped[k] = found
        if found:
            row_out[8], row_out[9] = left + moments[0], low + moments[1]
            for c in range(4):
                row_out[10 + c] = moments[2 + c]
            row_out[14] = _gaussian_error(moments, variance, good, left, low, half)


@compiled
def _position_errors(
    h: NDArray[np.float64], m: NDArray[np.float64], out: NDArray[np.float64]
) -> None:
    """Fill the covariance of the position: inverse(h) m inverse(h), by cofactors."""
    c = np.empty((3, 3))
    for a in range(3):
        for b in range(3):
            r0, r1, s0, s1 = (a + 1) % 3, (a + 2) % 3, (b + 1) % 3, (b + 2) % 3
            c[a, b] = h[r0, s0] * h[r1, s1] - h[r0, s1] * h[r1, s0]
    det = h[0, 0] * c[0, 0] + h[0, 1] * c[0, 1] + h[0, 2] * c[0, 2]
    if not det > 0.0:
        return
    xx = xy = yy = 0.0
    for a in range(3):
        for b in range(3):
            xx += c[1, a] * m[a, b] * c[b, 1]
            xy += c[1, a] * m[a, b] * c[b, 2]
            yy += c[2, a] * m[a, b] * c[b, 2]
    out[2], out[3], out[4] = xx / det / det, xy / det / det, yy / det / det


@compiled
def _chi_square(
    stamp: NDArray[np.float64],
    p: NDArray[np.float64],
    flux: float,
    variance: NDArray[np.float32],
    good: NDArray[np.bool_],
    left: int,
    low: int,
) -> float:
    """Return chi-square per pixel of the PSF fit."""
    ny, nx = variance.shape
    total, n = 0.0, 0
    for j in range(stamp.shape[0]):
        for i in range(stamp.shape[1]):
            yy, xx = low + j, left + i
            if 0 <= yy < ny and 0 <= xx < nx and good[yy, xx] and variance[yy, xx] > 0.0:
                total += (stamp[j, i] - flux * p[j, i]) ** 2 / variance[yy, xx]
                n += 1
    return total / n if n else np.nan


@compiled
def _gaussian_error(
    moments: NDArray[np.float64],
    variance: NDArray[np.float32],
    good: NDArray[np.bool_],
    left: int,
    low: int,
    half: int,
) -> float:
    """Return the error of 2 sum(w D) from the variance plane.

    The weight follows the data. For a Gaussian the fit of flux and size together answers a
    change of a pixel with 2 q w, q the squared radius, not with 2 w: the variance doubles.
    """
    ny, nx = variance.shape
    det = moments[2] * moments[4] - moments[3] ** 2
    a, b, c = moments[4] / det, -moments[3] / det, moments[2] / det
    total = 0.0
    for j in range(max(low, 0), min(low + 2 * half + 1, ny)):
        v = j - low - moments[1]
        for i in range(max(left, 0), min(left + 2 * half + 1, nx)):
            u = i - left - moments[0]
            q = a * u * u + 2.0 * b * u * v + c * v * v
            if q < 20.0 and good[j, i]:
                total += q * q * np.exp(-q) * variance[j, i]
    return 2.0 * float(np.sqrt(total))
