"""Elements of truth orbits and the states they mean; ecliptic of J2000, AU, d.

Elements are the columns of `truth_ss_object`. Kepler's equation is solved for the eccentric or
hyperbolic anomaly: J. M. A. Danby, Fundamentals of Celestial Mechanics (1992), section 6.6.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.errors import SimulatorError

Floats = NDArray[np.float64]
Table = dict[str, NDArray[Any]]
#: Gaussian constant squared, AU**3 / d**2.
GM = 0.01720209895**2


def eccentric(mean: Floats, e: Floats) -> Floats:
    """Return the eccentric anomaly (rad; hyperbolic where e > 1) of the mean one."""
    turned = np.where(e < 1.0, np.remainder(mean + np.pi, 2.0 * np.pi) - np.pi, mean)
    x = np.where(
        e < 1.0,
        turned + 0.85 * np.minimum(e, 1.0) * np.sign(turned),
        np.arcsinh(turned / np.maximum(e, 1.0)),
    )
    low = np.where(e < 1.0, -np.pi, -np.abs(x) - 3.0)
    high = -low
    for _ in range(80):
        with np.errstate(over="ignore"):
            s = np.where(e < 1.0, e * np.sin(x), e * np.sinh(x))
            c = np.where(e < 1.0, e * np.cos(x), e * np.cosh(x))
        f = np.where(e < 1.0, x - s, s - x) - turned
        slope = np.where(e < 1.0, 1.0 - c, c - 1.0)
        low, high = np.where(f < 0, x, low), np.where(f > 0, x, high)
        with np.errstate(divide="ignore", invalid="ignore"):
            step = -f / slope
            step = -f / (slope + 0.5 * step * s)
        inside = (x + step >= low) & (x + step <= high)
        new = np.where(inside, x + step, 0.5 * (low + high))
        done = np.all(np.abs(new - x) <= 1e-14 * (1.0 + np.abs(x)))
        x = new
        if done:
            break
    return np.asarray(x)


def states(orbits: Mapping[str, NDArray[Any]], mjd: float | Floats) -> tuple[Floats, Floats]:
    """Return heliocentric ecliptic positions and velocities, each (n, 3), at MJD TAI.

    Raises
    ------
    SimulatorError
        ``bad_orbit`` for a parabola or elements that are none.
    """
    q, e = (np.asarray(orbits[n], dtype=np.float64) for n in ("q", "e"))
    if not np.all((q > 0) & (e >= 0) & (e != 1.0)):
        raise SimulatorError(
            "An orbit has no usable elements.",
            code="bad_orbit",
            hint="q must be positive and e at least 0, but not exactly 1.",
        )
    a = q / np.abs(1.0 - e)
    n = np.sqrt(GM / a**3)
    x = eccentric(n * (mjd - orbits["tPeriMjdTai"]), e)
    closed = e < 1.0
    b = a * np.sqrt(np.abs(1.0 - e * e))
    with np.errstate(over="ignore"):
        s, c = np.where(closed, np.sin(x), np.sinh(x)), np.where(closed, np.cos(x), np.cosh(x))
    along = np.where(closed, a * (c - e), a * (e - c))
    rate = n / np.where(closed, 1.0 - e * c, e * c - 1.0)
    first, second = _axes(orbits)
    position = along[:, None] * first + (b * s)[:, None] * second
    speed = -a * s * rate
    return position, speed[:, None] * first + (b * c * rate)[:, None] * second


def elements(position: Floats, velocity: Floats, mjd: float | Floats) -> Table:
    """Return q, e, incl, node, argPeri, tPeriMjdTai of heliocentric ecliptic states (n, 3)."""
    r = np.linalg.norm(position, axis=1)
    h = np.cross(position, velocity)
    a = 1.0 / (2.0 / r - (velocity**2).sum(axis=1) / GM)
    p = (h**2).sum(axis=1) / GM
    radial = (position * velocity).sum(axis=1)
    e = np.sqrt(np.maximum(1.0 - p / a, 0.0))
    size = np.abs(a)
    true = np.arctan2(radial * np.sqrt(p / GM), p - r)
    with np.errstate(invalid="ignore"):
        # From the true anomaly, so that perihelion of a circle is one and the same in both.
        s, c = np.sqrt(1.0 - e) * np.sin(true / 2.0), np.sqrt(1.0 + e) * np.cos(true / 2.0)
        closed = 2.0 * np.arctan2(s, c)
        x = np.where(a > 0, closed, np.arcsinh(radial / np.sqrt(GM * size) / np.maximum(e, 1.0)))
        mean = np.where(a > 0, x - e * np.sin(x), e * np.sinh(x) - x)
    incl = np.arccos(np.clip(h[:, 2] / np.sqrt(p * GM), -1.0, 1.0))
    node = np.arctan2(h[:, 0], -h[:, 1])
    level = position[:, 0] * np.cos(node) + position[:, 1] * np.sin(node)
    upward = h / np.linalg.norm(h, axis=1)[:, None]
    side = np.cross(upward, np.stack([np.cos(node), np.sin(node), 0.0 * node], axis=1))
    latitude = np.arctan2((position * side).sum(axis=1), level)
    return {
        "q": p / (1.0 + e),
        "e": e,
        "incl": np.degrees(incl),
        "node": np.degrees(node) % 360.0,
        "argPeri": np.degrees(latitude - true) % 360.0,
        "tPeriMjdTai": mjd - mean * np.sqrt(size**3 / GM),
    }


def _axes(orbits: Mapping[str, NDArray[Any]]) -> tuple[Floats, Floats]:
    """Return unit vectors to perihelion and 90 degrees ahead of it, each (n, 3)."""
    i, node, peri = (np.radians(orbits[n]) for n in ("incl", "node", "argPeri"))

    def ahead(angle: Floats) -> Floats:
        level, up = np.cos(angle), np.sin(angle)
        return np.stack(
            [
                np.cos(node) * level - np.sin(node) * up * np.cos(i),
                np.sin(node) * level + np.cos(node) * up * np.cos(i),
                up * np.sin(i),
            ],
            axis=1,
        )

    return ahead(peri), ahead(peri + np.pi / 2.0)
