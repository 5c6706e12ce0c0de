"""Linking day by day: each morning with all that was detected up to then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.instrument.site import SITE, Site
from skyassay.pipeline.linking.attribution import attribute
from skyassay.pipeline.linking.clock import DaytimeClock
from skyassay.pipeline.linking.detections import Detections, read
from skyassay.pipeline.linking.link import link_free
from skyassay.pipeline.linking.options import LinkingOptions
from skyassay.pipeline.linking.orbits import Links, no_links
from skyassay.pipeline.orbits.fit import Ints
from skyassay.pipeline.orbits.kepler import Floats


@dataclass(frozen=True)
class Daily:
    """What days of linking found.

    Attributes
    ----------
    links : Links
    detections : Detections
    delay : array, shape (n,)
        For each detection of a link, h: from the first exposure of the night whose linking
        put it there to the release of the record.
    night : array of int, shape (n,)
        That night.
    precovered : array of bool, shape (n,)
        Taken before the first night with two of the link's detections: found by its orbit.
    seconds : mapping
        Night -> recorded seconds of its linking.
    """

    links: Links
    detections: Detections
    delay: Floats
    night: Ints
    precovered: NDArray[np.bool_]
    seconds: Mapping[int, float]


def link_daily(
    dia_source: Any,
    options: LinkingOptions | None = None,
    site: Site = SITE,
    *,
    clock: DaytimeClock | None = None,
    seconds: Mapping[int, float] | None = None,
    timer: Callable[[], float] = perf_counter,
) -> Daily:
    """Return the new objects, found each day as soon as the nights so far have them.

    Every morning what is new is first given to the orbits that are there, then what is left
    of the window is linked, and new orbits take the earlier detections that fit them
    (precovery).

    Parameters
    ----------
    dia_source : table or mapping
        As for `skyassay.pipeline.linking.link.link`.
    options : LinkingOptions, optional
    site : Site
    clock : DaytimeClock, optional
        The modelled clock.
    seconds : mapping, optional
        Night -> recorded seconds, of an earlier run: with it the delays repeat exactly.
        Otherwise this run is timed.
    timer : callable
        Clock of this machine, s.
    """
    options, clock = options or LinkingOptions(), clock or DaytimeClock()
    detections = read(dia_source, site)
    links, spent = no_links(0.0), {}
    released = np.full(len(detections), np.nan)
    put = np.zeros(len(detections), dtype=np.int64)
    for night in np.unique(detections.night):
        began = timer()
        seen = detections.night <= night
        free = seen.copy()
        free[links.rows] = False
        links = _attributed(links, detections, free, options)
        free[links.rows] = False
        recent = free & (detections.night > night - options.window)
        new = link_free(detections, recent, options).links
        free[new.rows] = False
        links = links.with_more(_attributed(new, detections, free, options))
        took = timer() - began
        spent[int(night)] = took if seconds is None else float(seconds[int(night)])
        tonight = detections.positions.mjd[detections.night == night]
        public = clock.released(float(tonight.max()), spent[int(night)])
        fresh = links.rows[np.isnan(released[links.rows])]
        released[fresh], put[fresh] = 24.0 * (public - float(tonight.min())), night
    rows = links.rows
    return Daily(links, detections, released[rows], put[rows], _early(links, detections), spent)


def _early(links: Links, detections: Detections) -> NDArray[np.bool_]:
    """Return which detections of links were taken before the first night with two of them."""
    night = detections.night[links.rows]
    _, index, count = np.unique(
        np.stack([links.owner, night], axis=1), axis=0, return_inverse=True, return_counts=True
    )
    paired = count[np.asarray(index).ravel()] > 1
    first = np.full(len(links), np.iinfo(np.int64).max)
    np.minimum.at(first, links.owner[paired], night[paired])
    return np.asarray(night < first[links.owner])


def _attributed(
    links: Links, detections: Detections, free: NDArray[np.bool_], options: LinkingOptions
) -> Links:
    """Return links of any epochs with the free detections that they pass through."""
    out = no_links(0.0)
    open_ = free.copy()
    for epoch in np.unique(links.epoch):
        some = links.take(np.flatnonzero(links.epoch == epoch))
        more = attribute(some, detections, open_, options)
        open_[more.rows] = False
        out = out.with_more(more)
    return out
