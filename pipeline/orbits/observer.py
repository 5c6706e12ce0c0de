"""Where the observer and the Sun are, from the IAU's ERFA library."""

from __future__ import annotations

from typing import NamedTuple

import erfa
import numpy as np

from skyassay.pipeline.instrument.site import Site
from skyassay.pipeline.orbits.errors import OrbitError
from skyassay.pipeline.orbits.kepler import Floats

AU_M = 149597870700.0
MJD0 = 2400000.5
#: TT - TAI and TAI - UTC (since 2017), d; UT1 is within 0.9 s of UTC: 0.4 km on the ground.
_TT, _UTC = 32.184 / 86400.0, 37.0 / 86400.0


class Frame(NamedTuple):
    """Barycentric states of observer and Sun on ICRS axes, AU and AU/d, each (..., 3)."""

    observer: Floats
    observer_velocity: Floats
    sun: Floats
    sun_velocity: Floats


def frame(mjd_tai: Floats | float, site: Site) -> Frame:
    """Return observer and Sun at times MJD TAI of any shape.

    Raises
    ------
    OrbitError
        ``bad_time`` outside 1900 to 2100, where the model of the Earth holds.
    """
    mjd = np.asarray(mjd_tai, dtype=np.float64)
    if not np.all((mjd > 15020.0) & (mjd < 88069.0)):
        raise OrbitError(
            "A time is outside 1900 to 2100.",
            code="bad_time",
            hint="Times are MJD, TAI.",
            exit_code=4,
        )
    heliocentric, barycentric = erfa.epv00(MJD0, mjd + _TT)
    turn = erfa.era00(MJD0, mjd - _UTC)
    place = erfa.pvtob(
        np.radians(site.longitude), np.radians(site.latitude), site.height, 0.0, 0.0, 0.0, turn
    )
    celestial = erfa.c2i06a(MJD0, mjd + _TT)
    ground = np.einsum("...ji,...j->...i", celestial, place["p"]) / AU_M
    drift = np.einsum("...ji,...j->...i", celestial, place["v"]) / AU_M * 86400.0
    return Frame(
        barycentric["p"] + ground,
        barycentric["v"] + drift,
        barycentric["p"] - heliocentric["p"],
        barycentric["v"] - heliocentric["v"],
    )
