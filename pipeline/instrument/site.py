"""Where on the Earth the telescope of the simulated instrument stands."""

from __future__ import annotations

from typing import NamedTuple


class Site(NamedTuple):
    """A place on the Earth.

    Attributes
    ----------
    longitude, latitude : float
        Geodetic (WGS84), deg, east and north positive.
    height : float
        Above the ellipsoid, m.
    """

    longitude: float
    latitude: float
    height: float


#: Cerro Pachon, Rubin Observatory.
SITE = Site(-70.749417, -30.244639, 2663.0)
