"""Adaptive moments: second moments under the Gaussian weight that matches them (HSM)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.measurement.compiled import compiled

#: Relative change at which the iteration ends, how often it may run, and after how many rounds
#: a thousand times more will do: pixels that enter and leave the weight can keep it swinging.
TOLERANCE = 1e-6
ROUNDS, PATIENCE = 60, 20
#: Standard deviations of the weight beyond which a pixel weighs nothing (exp(-10)).
CUT = 20.0
#: A weight narrower than this (pixel**2) falls between the pixels.
LEAST_TRACE = 0.2


@compiled
def adaptive_moments(
    stamp: NDArray[np.float64],
    good: NDArray[np.bool_],
    start_x: float,
    start_y: float,
    guess: float,
    most_shift: float,
    out: NDArray[np.float64],
) -> bool:
    """Fill out with x, y, ixx, ixy, iyy, flux of one stamp; return whether it converged.

    Positions are in pixels of the stamp, counted from 0. The flux is that of the matching
    Gaussian, 2 sum(w D).

    Notes
    -----
    Under a Gaussian weight W a Gaussian of covariance S has the moments
    N = (1/S + 1/W)^-1. Setting the next weight to (1/N - 1/W)^-1 has the fixed point N = W/2
    of Bernstein & Jarvis (2002) and Hirata & Seljak (2003), reached in a few rounds.
    """
    ny, nx = stamp.shape
    cx, cy = start_x, start_y
    wxx, wxy, wyy = guess, 0.0, guess
    for turn in range(ROUNDS):
        det = wxx * wyy - wxy * wxy
        if not (det > 0.0 and wxx + wyy > LEAST_TRACE and wxx < nx * nx and wyy < ny * ny):
            return False
        a, b, c = wyy / det, -wxy / det, wxx / det
        reach_x, reach_y = np.sqrt(CUT * wxx), np.sqrt(CUT * wyy)
        s0 = sx = sy = sxx = sxy = syy = 0.0
        for j in range(max(int(cy - reach_y), 0), min(int(cy + reach_y) + 2, ny)):
            v = j - cy
            for i in range(max(int(cx - reach_x), 0), min(int(cx + reach_x) + 2, nx)):
                u = i - cx
                q = a * u * u + 2.0 * b * u * v + c * v * v
                if q > CUT or not good[j, i]:
                    continue
                w = np.exp(-0.5 * q) * stamp[j, i]
                s0 += w
                sx += w * u
                sy += w * v
                sxx += w * u * u
                sxy += w * u * v
                syy += w * v * v
        if not s0 > 0.0:
            return False
        mx, my = sx / s0, sy / s0
        nxx, nxy, nyy = sxx / s0 - mx * mx, sxy / s0 - mx * my, syy / s0 - my * my
        d = nxx * nyy - nxy * nxy
        if not d > 0.0:
            return False
        # Twice the offset: under the matching weight a shift shows at half its size.
        cx += 2.0 * mx
        cy += 2.0 * my
        if abs(cx - start_x) > most_shift or abs(cy - start_y) > most_shift:
            return False
        pxx, pxy, pyy = nyy / d - a, -nxy / d - b, nxx / d - c
        e = pxx * pyy - pxy * pxy
        if pxx > 0.0 and e > 0.0:
            txx, txy, tyy = pyy / e, -pxy / e, pxx / e
        else:
            txx, txy, tyy = 2.0 * nxx, 2.0 * nxy, 2.0 * nyy
        # No step farther than a factor of two, or a noisy stamp runs away.
        grow = (txx + tyy) / (wxx + wyy)
        if grow > 2.0 or grow < 0.5:
            txx, txy, tyy = 2.0 * nxx, 2.0 * nxy, 2.0 * nyy
        change = abs(txx - wxx) + abs(txy - wxy) + abs(tyy - wyy)
        limit = TOLERANCE if turn < PATIENCE else 1000.0 * TOLERANCE
        done = change < limit * (wxx + wyy) and abs(mx) + abs(my) < 10.0 * limit
        wxx, wxy, wyy = txx, txy, tyy
        if done:
            out[0], out[1], out[2], out[3], out[4] = cx, cy, wxx, wxy, wyy
            out[5] = 2.0 * s0
            return True
    return False


@compiled
def moments_at(
    image: NDArray[np.float32],
    good: NDArray[np.bool_],
    x: NDArray[np.int64],
    y: NDArray[np.int64],
    half: int,
    guess: float,
    out: NDArray[np.float64],
    found: NDArray[np.bool_],
) -> None:
    """Fill the adaptive moments of stamps centred on pixels; positions in detector pixels.

    `out` has a row x, y, ixx, ixy, iyy, flux per stamp. A stamp over the edge or with an
    unusable pixel within two widths of its centre is not found: its moments would be those
    of the hole.
    """
    ny, nx = image.shape
    near = int(np.ceil(2.0 * np.sqrt(guess)))
    for k in range(len(x)):
        found[k] = False
        if x[k] < half or y[k] < half or x[k] >= nx - half or y[k] >= ny - half:
            continue
        left, low = x[k] - half, y[k] - half
        usable = good[low : low + 2 * half + 1, left : left + 2 * half + 1]
        core = usable[half - near : half + near + 1, half - near : half + near + 1]
        if not core.all():
            continue
        stamp = image[low : low + 2 * half + 1, left : left + 2 * half + 1].astype(np.float64)
        found[k] = adaptive_moments(stamp, usable, float(half), float(half), guess, 2.0, out[k])
        out[k, 0] += left
        out[k, 1] += low
