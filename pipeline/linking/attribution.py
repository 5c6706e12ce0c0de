"""Further detections that belong to links: what their orbits pass through."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.linking.detections import Detections
from skyassay.pipeline.linking.options import LinkingOptions
from skyassay.pipeline.linking.orbits import Links, good
from skyassay.pipeline.orbits.fit import ARCSEC, Fit, Ints, fit, linear, topocentric
from skyassay.pipeline.orbits.kepler import Floats

#: Most that a predicted place may be off and still be looked at, arcsec.
_REACH = 5.0


def attribute(
    links: Links, detections: Detections, free: NDArray[np.bool_], options: LinkingOptions
) -> Links:
    """Return the links with the free detections that their orbits pass through.

    An orbit is fitted again with each of its new detections; where that is not good the link
    stays as it was. A detection near two orbits goes to the nearer.
    """
    owner, row = _near(links, detections, free, options)
    if not len(row):
        return links
    both = np.concatenate([links.owner, owner]), np.concatenate([links.rows, row])
    order = np.lexsort((both[1], both[0]))
    owner, row = both[0][order], both[1][order]
    fitted = fit(links.state, float(links.epoch[0]), detections.positions.take(row), owner)
    return _merge(links, fitted, owner, row, good(fitted, options))


def _merge(links: Links, fitted: Fit, owner: Ints, row: Ints, better: NDArray[np.bool_]) -> Links:
    """Return new orbits and detections where they are good, the old ones elsewhere."""
    old, new = ~better[links.owner], better[owner]
    who = np.concatenate([links.owner[old], owner[new]])
    what = np.concatenate([links.rows[old], row[new]])
    order = np.lexsort((what, who))

    def choose(a: Floats, b: Floats) -> Floats:
        return np.where(better.reshape(-1, *[1] * (a.ndim - 1)), b, a)

    return Links(
        links.epoch,
        choose(links.state, fitted.state),
        choose(links.reduced, fitted.reduced),
        choose(links.rms, fitted.rms),
        choose(links.normal, fitted.normal),
        who[order],
        what[order],
    )


def _near(
    links: Links, detections: Detections, free: NDArray[np.bool_], options: LinkingOptions
) -> tuple[Ints, Ints]:
    """Return pairs of link and free detection, each detection once, one per link and visit."""
    open_ = free.copy()
    open_[links.rows] = False
    mjd = detections.positions.mjd
    found: list[tuple[Ints, Ints]] = []
    for time in np.unique(mjd[open_]):
        has = links.owner[mjd[links.rows] == time]
        who = np.setdiff1d(np.arange(len(links)), has)
        if len(who):
            found.append(_one_visit(links, who, detections, np.flatnonzero(open_ & (mjd == time))))
    if not found:
        none = np.empty(0, dtype=np.int64)
        return none, none
    owner, row = (np.concatenate([f[k] for f in found]) for k in (0, 1))
    off = _sigmas(links, owner, detections, row)
    order = np.argsort(off, kind="stable")
    order = order[off[order] < options.attribution]
    _, first = np.unique(row[order], return_index=True)
    return owner[order][first], row[order][first]


def _one_visit(links: Links, who: Ints, detections: Detections, rows: Ints) -> tuple[Ints, Ints]:
    """Return links and the nearest of some detections of one visit."""
    from scipy.spatial import cKDTree

    one = np.zeros(len(who), dtype=np.int64) + rows[0]
    there = detections.positions.take(one)
    topo = topocentric(links.state, float(links.epoch[0]), there.mjd, there.seen, who)
    place = topo / np.linalg.norm(topo, axis=1)[:, None]
    tree = cKDTree(detections.positions.direction[rows])
    distance, near = tree.query(place, distance_upper_bound=_REACH * ARCSEC)
    hit = np.isfinite(distance)
    return who[hit], rows[np.asarray(near)[hit]]


def _sigmas(links: Links, owner: Ints, detections: Detections, row: Ints) -> Floats:
    """Return how far detections are off the orbits, in errors of both together."""
    value, slope = linear(links.state, float(links.epoch[0]), detections.positions.take(row), owner)
    covariance = np.linalg.pinv(links.normal, hermitian=True)[owner]
    both = np.eye(2) + np.einsum("nki,nij,nlj->nkl", slope, covariance, slope)
    solved = np.linalg.solve(both, value[..., None])[..., 0]
    return np.asarray(np.sqrt(np.maximum((value * solved).sum(axis=1), 0.0)))
