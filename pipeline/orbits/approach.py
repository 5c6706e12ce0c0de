"""How near an orbit comes to the Earth's, and its Tisserand parameter."""

from __future__ import annotations

import numpy as np

from skyassay.pipeline.orbits.elements import Elements
from skyassay.pipeline.orbits.kepler import Floats

#: Earth's mean orbit of J2000 (E. M. Standish): a, e, longitude of perihelion; and Jupiter's a.
_EARTH_A, _EARTH_E, _EARTH_PERI = 1.00000261, 0.01671123, np.radians(102.93768193)
_JUPITER_A = 5.20288700
#: Steps of the first grid in each true anomaly; further grids around the best of it.
_STEPS, _ROUNDS, _FINE = 120, 9, 5


def closest_approach(orbits: Elements) -> Floats:
    """Return the smallest distance between each orbit and the Earth's, AU.

    Both ellipses are searched on a grid, then on ever finer ones around its best point.
    Unbound orbits are searched where their true anomaly exists.
    """
    return np.array([_one(*(float(v[k]) for v in orbits)) for k in range(len(orbits.q))])


def tisserand(orbits: Elements) -> Floats:
    """Return the Tisserand parameter with respect to Jupiter; NaN for unbound orbits."""
    a = np.where(orbits.e < 1.0, orbits.q / np.maximum(1.0 - orbits.e, 1e-12), np.nan)
    ratio = a / _JUPITER_A
    tilt = np.cos(np.radians(orbits.i))
    return np.asarray(1.0 / ratio + 2.0 * tilt * np.sqrt(ratio * (1.0 - orbits.e**2)))


def _one(q: float, e: float, i: float, node: float, peri: float, _: float) -> float:
    """Return the smallest distance of one orbit."""
    limit = np.pi if e < 1.0 else 0.999 * np.arccos(-1.0 / e)
    axes = _axes(*np.radians([i, node, peri]))
    centre = np.zeros(2)
    width = np.array([limit, np.pi])
    steps = _STEPS
    best = np.inf
    for _round in range(_ROUNDS):
        grid = np.linspace(-1.0, 1.0, steps)
        mine = np.clip(centre[0] + width[0] * grid, -limit, limit)
        hers = centre[1] + width[1] * grid
        apart = _ellipse(q, e, axes, mine)[:, None, :] - _earth(hers)[None, :, :]
        square = (apart * apart).sum(axis=-1)
        row, column = np.unravel_index(square.argmin(), square.shape)
        best = min(best, float(square[row, column]))
        centre = np.array([mine[row], hers[column]])
        # Two steps to either side stay within the next grid.
        width = width * 4.0 / (steps - 1)
        steps = 4 * _FINE + 1
    return float(np.sqrt(best))


def _axes(i: float, node: float, peri: float) -> Floats:
    """Return unit vectors to perihelion and 90 degrees ahead, (2, 3), ecliptic."""
    out = []
    for angle in (peri, peri + np.pi / 2.0):
        level, up = np.cos(angle), np.sin(angle)
        out.append(
            [
                np.cos(node) * level - np.sin(node) * up * np.cos(i),
                np.sin(node) * level + np.cos(node) * up * np.cos(i),
                up * np.sin(i),
            ]
        )
    return np.array(out)


def _ellipse(q: float, e: float, axes: Floats, true: Floats) -> Floats:
    """Return places (n, 3) at true anomalies."""
    r = q * (1.0 + e) / (1.0 + e * np.cos(true))
    return np.asarray((r * np.cos(true))[:, None] * axes[0] + (r * np.sin(true))[:, None] * axes[1])


def _earth(true: Floats) -> Floats:
    """Return places (n, 3) of the Earth's orbit."""
    r = _EARTH_A * (1.0 - _EARTH_E**2) / (1.0 + _EARTH_E * np.cos(true))
    angle = true + _EARTH_PERI
    return np.stack([r * np.cos(angle), r * np.sin(angle), np.zeros_like(r)], axis=-1)
