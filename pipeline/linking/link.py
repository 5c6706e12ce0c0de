"""Detections of several nights linked into new Solar System objects.

Tracklets within nights, brought together under guesses of the distance from the Sun; an orbit
is fitted to each set, sets with good orbits are links, and what the orbits pass through on any
night is added to them. No detection is in two links.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.instrument.site import SITE, Site
from skyassay.pipeline.linking.attribution import attribute
from skyassay.pipeline.linking.detections import Detections, read
from skyassay.pipeline.linking.hypotheses import candidates, states
from skyassay.pipeline.linking.options import LinkingOptions
from skyassay.pipeline.linking.orbits import Links, good, no_links
from skyassay.pipeline.linking.tracklets import Tracklets, pair_up
from skyassay.pipeline.orbits.fit import Ints, fit
from skyassay.pipeline.orbits.kepler import MU, Floats

#: Times that a set with a poor orbit is tried again without its worst tracklet.
_AGAIN = 2


@dataclass(frozen=True)
class Linked:
    """What the linking found.

    Attributes
    ----------
    links : Links
        Orbits and the detections of each.
    detections : Detections
        What was offered, in the order that `links` counts rows in.
    n_tracklets, n_candidates : int
        Pairs within nights, and sets to which an orbit was fitted.
    """

    links: Links
    detections: Detections
    n_tracklets: int
    n_candidates: int


class _Guess(NamedTuple):
    """What is assumed: distance from the Sun, AU, its change, AU/d, and the reach of a set."""

    distance: float
    radial: float
    reach: float


def link(dia_source: object, options: LinkingOptions | None = None, site: Site = SITE) -> Linked:
    """Return the new Solar System objects among detections that nothing explains.

    Parameters
    ----------
    dia_source : table or mapping
        ``diaSourceId``, ``midpointMjdTai`` [d], ``ra``, ``dec``, ``raErr``, ``decErr`` [deg],
        ``psfFlux``, ``psfFluxErr`` [nJy] of any number of nights.
    options : LinkingOptions, optional
    site : Site

    Raises
    ------
    LinkingError
        ``missing_columns`` or ``bad_positions``.
    """
    options = options or LinkingOptions()
    detections = read(dia_source, site)
    free = np.ones(len(detections), dtype=bool)
    return link_free(detections, free, options)


def link_free(detections: Detections, free: NDArray[np.bool_], options: LinkingOptions) -> Linked:
    """Return the new objects among the detections that are free; what is linked is free no more.

    `free` is changed.
    """
    rows = np.flatnonzero(free)
    tracklets = pair_up(detections, rows, options)
    found, tried = no_links(_epoch(tracklets)), 0
    for chosen, epoch in _windows(tracklets, options):
        for reach, distance, share in product(options.reach, options.distances, options.radial):
            use = chosen.take(free[chosen.first] & free[chosen.second])
            guess = _Guess(distance, share * float(np.sqrt(2.0 * MU / distance)), reach)
            more, n = _one_guess(detections, use, guess, epoch, options)
            tried += n
            if len(more):
                more = attribute(more, detections, free, options)
                free[more.rows] = False
                found = found.with_more(more)
    return Linked(found, detections, len(tracklets), tried)


def _epoch(tracklets: Tracklets) -> float:
    """Return the middle of the nights."""
    return float(0.5 * (tracklets.mjd.min() + tracklets.mjd.max())) if len(tracklets) else 0.0


def _windows(tracklets: Tracklets, options: LinkingOptions) -> list[tuple[Tracklets, float]]:
    """Return tracklets window by window, each with the time that they are brought to.

    A window starts at every night that has not all of its successors in the window before.
    """
    nights = np.unique(tracklets.night)
    out: list[tuple[Tracklets, float]] = []
    last = -np.inf
    for night in nights:
        inside = nights[(nights >= night) & (nights < night + options.window)]
        if len(inside) < options.min_nights or inside[-1] <= last:
            continue
        last = inside[-1]
        some = tracklets.take(np.isin(tracklets.night, inside))
        out.append((some, _epoch(some)))
    return out


def _one_guess(
    detections: Detections,
    tracklets: Tracklets,
    guess: _Guess,
    epoch: float,
    options: LinkingOptions,
) -> tuple[Links, int]:
    """Return the links found with one guess, and how many sets were tried."""
    if len(np.unique(tracklets.night)) < options.min_nights:
        return no_links(epoch), 0
    state, range_, possible = states(tracklets, guess.distance, guess.radial, epoch)
    row = np.flatnonzero(possible)
    sets = candidates(state[row], range_[row], tracklets.night[row], guess.reach, options)
    sets = np.where(sets >= 0, row[sets], -1)
    tried = len(sets)
    found = no_links(epoch)
    for _ in range(_AGAIN + 1):
        if not len(sets):
            break
        links, sets = _fit(detections, tracklets, state, sets, epoch, options)
        found = found.with_more(links)
    return found.best(), tried


def _fit(
    detections: Detections,
    tracklets: Tracklets,
    state: Floats,
    sets: Ints,
    epoch: float,
    options: LinkingOptions,
) -> tuple[Links, Ints]:
    """Return sets with good orbits as links, and the others without their worst tracklet."""
    owner, place = np.nonzero(sets >= 0)
    mine = sets[owner, place]
    rows = np.stack([tracklets.first[mine], tracklets.second[mine]], axis=1).ravel()
    start = (
        np.stack([np.bincount(owner, state[mine, k], len(sets)) for k in range(6)], axis=1)
        / np.bincount(owner, minlength=len(sets))[:, None]
    )
    twice = np.repeat(owner, 2)
    fitted = fit(start, epoch, detections.positions.take(rows), twice)
    accepted = good(fitted, options)
    keep = accepted[twice]
    number = np.cumsum(accepted) - 1
    links = Links(
        epoch=np.full(int(accepted.sum()), epoch),
        state=fitted.state[accepted],
        reduced=fitted.reduced[accepted],
        rms=fitted.rms[accepted],
        normal=fitted.normal[accepted],
        owner=number[twice[keep]],
        rows=rows[keep],
    )
    miss = (fitted.residual**2).sum(axis=1).reshape(-1, 2).sum(axis=1)
    return links, _without_worst(sets, owner, place, miss, accepted, options)


def _without_worst(
    sets: Ints,
    owner: Ints,
    place: Ints,
    miss: Floats,
    accepted: NDArray[np.bool_],
    options: LinkingOptions,
) -> Ints:
    """Return the sets that were not accepted, each less the tracklet with most chi2."""
    loss = np.full(sets.shape, -1.0)
    loss[owner, place] = miss
    less = sets.copy()
    less[np.arange(len(sets)), loss.argmax(axis=1)] = -1
    left = ~accepted & ((less >= 0).sum(axis=1) >= options.min_nights)
    return np.unique(np.sort(less[left], axis=1), axis=0) if left.any() else less[:0]
