"""Families of Solar System objects: the sizes and shapes of their orbits.

Distributions are simple fits by eye to the catalogued families, not a debiased model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.errors import SimulatorError
from skyassay.simulator.solar_system.orbits import Floats


@dataclass(frozen=True)
class Family:
    """A family of orbits.

    Attributes
    ----------
    a : tuple of float
        Range of the semi-major axis, AU, drawn evenly in its logarithm.
    e : float
        Mode of the Rayleigh distribution of eccentricities.
    e_most : float
    incl : float
        Mode of the Rayleigh distribution of inclinations, deg.
    q_most : float
        Largest perihelion distance, AU.
    trojan : bool
        Within 25 degrees of 60 degrees from Jupiter.
    """

    a: tuple[float, float]
    e: float
    e_most: float
    incl: float
    q_most: float = np.inf
    trojan: bool = False


FAMILIES: Mapping[str, Family] = {
    "main_belt": Family((2.15, 3.3), 0.10, 0.35, 7.0),
    "neo": Family((0.8, 3.2), 0.40, 0.90, 12.0, q_most=1.3),
    "trojan": Family((5.1, 5.3), 0.05, 0.20, 10.0, trojan=True),
    "tno": Family((36.0, 50.0), 0.10, 0.35, 10.0),
}
#: Shares of detections in a magnitude-limited survey, roughly.
SHARES: Mapping[str, float] = {"main_belt": 0.86, "neo": 0.06, "trojan": 0.05, "tno": 0.03}


def draw_families(
    stream: np.random.Generator, count: int, shares: Mapping[str, float]
) -> NDArray[np.str_]:
    """Return family names drawn by their shares.

    Raises
    ------
    SimulatorError
        ``bad_shares`` for families that do not exist or shares that are none.
    """
    total = sum(shares.values())
    if not set(shares) <= set(FAMILIES) or min(shares.values(), default=-1.0) < 0 or total <= 0:
        raise SimulatorError(
            "Shares of families of orbits are not usable.",
            code="bad_shares",
            hint=f"Give shares from 0 up of {', '.join(FAMILIES)}.",
            exit_code=4,
        )
    names = sorted(shares)
    return stream.choice(np.array(names), size=count, p=[shares[n] / total for n in names])


def draw_shape(stream: np.random.Generator, family: Family, count: int) -> tuple[Floats, Floats]:
    """Return semi-major axes and eccentricities of a family."""
    a, e = np.empty(0), np.empty(0)
    low, high = (float(v) for v in np.log(family.a))
    while len(a) < count:
        more = np.exp(stream.uniform(low, high, size=2 * count + 20))
        shape = stream.rayleigh(family.e, size=len(more))
        good = (shape < family.e_most) & (more * (1.0 - shape) < family.q_most)
        a, e = np.concatenate([a, more[good]]), np.concatenate([e, shape[good]])
    return a[:count], e[:count]
