"""Where stars are when they are seen: proper motion and parallax."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.error_model import MAS_PER_RADIAN
from skyassay.simulator.geometry import basis, to_sky

Floats = NDArray[np.float64]
YEAR = 365.25


@cache
def observer(mjd: float) -> tuple[float, float, float]:
    """Return the Earth's place from the Solar System's barycentre, au, ICRS (astropy, erfa)."""
    from astropy.coordinates import get_body_barycentric
    from astropy.time import Time

    found = get_body_barycentric("earth", Time(mjd, format="mjd", scale="tai"), "builtin")
    x, y, z = (float(v) for v in found.xyz.to_value("au"))
    return x, y, z


def apparent(star: dict[str, NDArray[Any]], mjd: float) -> tuple[Floats, Floats]:
    """Return (ra, dec) in degrees of stars at a time, as the Earth's centre sees them.

    Aberration is not in it: the mount takes it out, and what differs over the field is of
    the form of a scale that every astrometric fit has.
    """
    p, east, north = basis(star["coord_ra"], star["coord_dec"])
    years = (mjd - star["epochMjdTai"]) / YEAR
    earth = np.array(observer(mjd))
    shift_east = star["pmRa"] * years - star["parallax"] * (earth @ east)
    shift_north = star["pmDec"] * years - star["parallax"] * (earth @ north)
    moved = p + (shift_east * east + shift_north * north) / MAS_PER_RADIAN
    return to_sky(moved[0], moved[1], moved[2])
