"""Where new objects were in earlier visits, for forced photometry there."""

from __future__ import annotations

from typing import Any

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from skyassay.pipeline.instrument.site import SITE, Site
from skyassay.pipeline.linking.orbits import Links
from skyassay.pipeline.orbits.ephemeris import sky
from skyassay.pipeline.orbits.fit import Positions, linear, topocentric
from skyassay.pipeline.orbits.kepler import Floats
from skyassay.pipeline.orbits.observer import Frame, frame


def earlier_places(
    links: Links, visits: Any, site: Site = SITE, *, largest: float = 5.0, first_id: int = 1
) -> Table:
    """Return where linked objects are in visits, where that is known well enough.

    Parameters
    ----------
    links : Links
    visits : table or mapping
        ``visit``, ``mjd`` [TAI], ``ra``, ``dec``, ``radius`` [deg]: the circle that is seen.
    site : Site
    largest : float
        Largest error of a place (one sigma along the longer axis) that is returned, arcsec.
    first_id : int
        ssObjectId of the first link.

    Returns
    -------
    astropy.table.Table
        A row per visit and object in its circle: ``ssObjectId``, ``visit``, ``mjd``, ``ra``,
        ``dec`` [deg], ``errMajor``, ``errMinor`` [arcsec], ``errAngle`` [deg, from east to
        north]: the ellipse of the orbit's own error.
    """
    parts = [
        _one_visit(links, float(epoch), k, visits, site, largest)
        for k in range(len(visits["visit"]))
        for epoch in np.unique(links.epoch)
    ]
    names = ("link", "visit", "mjd", "ra", "dec", "errMajor", "errMinor", "errAngle")
    columns = {
        name: np.concatenate([p[k] for p in parts]) if parts else np.empty(0)
        for k, name in enumerate(names)
    }
    table = Table({"ssObjectId": first_id + columns.pop("link").astype(np.int64), **columns})
    table["visit"] = table["visit"].astype(np.int64)
    for name in ("ra", "dec", "errAngle"):
        table[name].unit = "deg"
    for name in ("errMajor", "errMinor"):
        table[name].unit = "arcsec"
    return table


def _one_visit(
    links: Links, epoch: float, k: int, visits: Any, site: Site, largest: float
) -> tuple[NDArray[Any], ...]:
    """Return the columns of one visit and the links of one epoch."""
    who = np.flatnonzero(links.epoch == epoch)
    mjd = np.full(len(who), float(visits["mjd"][k]))
    seen = Frame(*(np.broadcast_to(v, (len(who), 3)) for v in frame(float(mjd[0]), site)))
    topo = topocentric(links.state, epoch, mjd, seen, who)
    ra, dec = sky(topo)
    here = Positions.of(mjd, ra, dec, np.ones(len(who)), site)
    _, slope = linear(links.state, epoch, here, who)
    covariance = np.linalg.pinv(links.normal[who], hermitian=True)
    square = np.einsum("nki,nij,nlj->nkl", slope, covariance, slope)
    width, axis = np.linalg.eigh(square)
    minor, major = np.sqrt(np.maximum(width, 0.0)).T
    angle = np.degrees(np.arctan2(axis[:, 1, 1], axis[:, 0, 1])) % 180.0
    middle = _unit(float(visits["ra"][k]), float(visits["dec"][k]))
    radius = np.radians(float(visits["radius"][k]))
    inside = here.direction @ middle > np.cos(radius)
    keep = inside & (major <= largest)
    visit = np.full(len(who), int(visits["visit"][k]))
    return tuple(c[keep] for c in (who, visit, mjd, ra, dec, major, minor, angle))


def _unit(ra: float, dec: float) -> Floats:
    """Return the unit vector to a place, deg."""
    a, d = np.radians(ra), np.radians(dec)
    return np.array([np.cos(a) * np.cos(d), np.sin(a) * np.cos(d), np.sin(d)])
