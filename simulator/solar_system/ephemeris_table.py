"""The product `truth_ss_ephemeris`: where objects truly are in each visit, and how lit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.instrument.site import SITE, Site
from skyassay.simulator.solar_system.orbits import Table
from skyassay.simulator.solar_system.trajectories import Trajectories

_COLUMNS = ("ra", "dec", "vMag", "phaseAngle", "elongation", "helioRange", "topoRange")


def ephemeris_table(
    objects: Mapping[str, NDArray[Any]],
    visits: Mapping[str, NDArray[Any]],
    site: Site = SITE,
    *,
    planets: tuple[int, ...] = (),
) -> Table:
    """Return a row per visit and object.

    Parameters
    ----------
    objects : mapping
        Columns of `truth_ss_object`.
    visits : mapping
        ``visit`` and ``mjd``: middles of the exposures, TAI.
    site : Site
    planets : tuple of int
        Whose pull counts.
    """
    mjd = np.asarray(visits["mjd"], dtype=np.float64)
    empty: Table = {name: np.empty(0) for name in _COLUMNS}
    ids: Table = {name: np.empty(0, dtype=np.int64) for name in ("visit", "ssObjectId")}
    if not len(mjd) or not len(objects["q"]):
        return ids | empty
    moving = Trajectories(objects, float(mjd.min()), float(mjd.max()), planets=planets)
    parts = [moving.seen(float(t), site) for t in mjd]
    visit = np.repeat(np.asarray(visits["visit"]).astype(np.int64), moving.size)
    columns = {n: np.concatenate([p[n] for p in parts]) for n in ("ssObjectId", *_COLUMNS)}
    return {"visit": visit, **columns}
