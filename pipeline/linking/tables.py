"""Products of the linking: which detections are linked, and the new orbits."""

from __future__ import annotations

import numpy as np
from astropy.table import Table

from skyassay.pipeline.linking.daily import Daily
from skyassay.pipeline.linking.orbits import Links
from skyassay.pipeline.orbits import elements
from skyassay.pipeline.orbits.brightness import phase_law
from skyassay.pipeline.orbits.ephemeris import angle
from skyassay.pipeline.orbits.fit import topocentric
from skyassay.pipeline.orbits.kepler import Floats
from skyassay.pipeline.orbits.observer import Frame

#: V minus r of asteroids: detections are taken as r, whose H is given in V.
_V_R = 0.21
_ZERO, _G = 31.4, 0.15


def linked_source(found: Daily, *, first_id: int = 1) -> Table:
    """Return the product `linked_source`: a row per detection of a link."""
    links = found.links
    table = Table(
        {
            "linkId": first_id + links.owner,
            "diaSourceId": found.detections.id[links.rows],
            "orbitRms": links.rms[links.owner],
            "night": found.night,
            "delay": found.delay,
            "isPrecovered": found.precovered,
        }
    )
    table["orbitRms"].unit, table["delay"].unit = "arcsec", "h"
    return table


def orbits(found: Daily, *, first_id: int = 1) -> Table:
    """Return the new orbits with the columns of `mpc_orbits`; ssObjectId is the link's id.

    Beside them ``arc_length_total`` [d], ``nobs_total`` and ``normalized_rms``. H is the mean
    of the detections, taken as r magnitudes of an asteroid, with G = 0.15.
    """
    links = found.links
    parts = [
        elements.from_state(links.state[k : k + 1, :3], links.state[k : k + 1, 3:], float(t))
        for k, t in enumerate(links.epoch)
    ]
    value = {
        name: np.concatenate([getattr(p, name) for p in parts]) if parts else np.empty(0)
        for name in elements.COLUMNS
    }
    mjd = found.detections.positions.mjd[links.rows]
    start = np.searchsorted(links.owner, np.arange(len(links)))
    arc = (
        np.maximum.reduceat(mjd, start) - np.minimum.reduceat(mjd, start)
        if len(links)
        else np.empty(0)
    )
    return Table(
        {
            "ssObjectId": first_id + np.arange(len(links), dtype=np.int64),
            **value,
            "epoch_mjd": links.epoch,
            "mpc_H": absolute_magnitudes(found),
            "mpc_G": np.full(len(links), _G),
            "arc_length_total": arc,
            "nobs_total": np.bincount(links.owner, minlength=len(links)),
            "normalized_rms": np.sqrt(links.reduced),
        }
    )


def reduced_magnitudes(found: Daily) -> tuple[Floats, Floats]:
    """Return r magnitudes at 1 AU from Sun and observer, and phase angles (rad), per detection."""
    links, positions = found.links, found.detections.positions.take(found.links.rows)
    topo = _places(links, positions.mjd, positions.seen)
    helio = topo + positions.seen.observer - positions.seen.sun
    far = np.linalg.norm(topo, axis=1) * np.linalg.norm(helio, axis=1)
    flux = np.maximum(found.detections.flux[links.rows], 1e-3)
    return _ZERO - 2.5 * np.log10(flux) - 5.0 * np.log10(far), angle(helio, topo)


def absolute_magnitudes(found: Daily) -> Floats:
    """Return H of every link, mag."""
    reduced, phase = reduced_magnitudes(found)
    h = reduced + _V_R - phase_law(phase, _G)
    size = len(found.links)
    count = np.maximum(np.bincount(found.links.owner, minlength=size), 1)
    return np.asarray(np.bincount(found.links.owner, h, size) / count)


def _places(links: Links, mjd: Floats, seen: Frame) -> Floats:
    """Return topocentric places of links, of any epochs, at their detections."""
    topo = np.zeros((len(mjd), 3))
    for epoch in np.unique(links.epoch):
        mine = links.epoch[links.owner] == epoch
        some = Frame(*(part[mine] for part in seen))
        topo[mine] = topocentric(links.state, float(epoch), mjd[mine], some, links.owner[mine])
    return topo
