"""Objects all around the Sun, wherever they are seen."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from skyassay.simulator.random import rng
from skyassay.simulator.solar_system.families import FAMILIES, SHARES, draw_families, draw_shape
from skyassay.simulator.solar_system.near import power_law
from skyassay.simulator.solar_system.orbits import GM, Table


def population(
    seed: int,
    count: int,
    mjd_tai: float,
    *,
    absolute: tuple[float, float] = (12.0, 20.0),
    slope: float = 0.35,
    shares: Mapping[str, float] = SHARES,
    known: float = 1.0,
) -> Table:
    """Return objects on orbits of all families with their nodes and phases at random.

    Parameters
    ----------
    seed, count : int
    mjd_tai : float
        Epoch of the orbits.
    absolute : tuple of float
        Range of H; numbers grow as 10**(slope H).
    shares : mapping
        Family -> share.
    known : float
        Share of objects in the catalogue of orbits.

    Returns
    -------
    dict
        Columns of `truth_ss_object`, and ``family``. Trojans are at any longitude.
    """
    stream = rng(seed, "solar_system.population")
    names = draw_families(stream, count, shares)
    a, e, incl = (np.empty(count) for _ in range(3))
    for name, family in FAMILIES.items():
        mine = names == name
        a[mine], e[mine] = draw_shape(stream, family, int(mine.sum()))
        incl[mine] = np.minimum(stream.rayleigh(family.incl, int(mine.sum())), 179.0)
    mean = stream.uniform(-np.pi, np.pi, count)
    return {
        "ssObjectId": 1 + np.arange(count, dtype=np.int64),
        "q": a * (1.0 - e),
        "e": e,
        "incl": incl,
        "node": stream.uniform(0.0, 360.0, count),
        "argPeri": stream.uniform(0.0, 360.0, count),
        "tPeriMjdTai": mjd_tai - mean * np.sqrt(a**3 / GM),
        "epochMjdTai": np.full(count, float(mjd_tai)),
        "H": power_law(stream, count, absolute, slope),
        "isKnown": stream.uniform(size=count) < known,
        "family": names,
    }
