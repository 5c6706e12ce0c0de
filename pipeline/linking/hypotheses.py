"""Tracklets of many nights brought together under a guess of the distance from the Sun.

With a heliocentric distance and its rate of change assumed, a tracklet has a full state, which
is propagated to one epoch; tracklets of one object then lie close together there.
Source of the idea: M. J. Holman et al., AJ 156, 135 (2018), "HelioLinC"; A. Heinze et al. 2022.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.linking.options import LinkingOptions
from skyassay.pipeline.linking.tracklets import Tracklets
from skyassay.pipeline.orbits.ephemeris import LIGHT
from skyassay.pipeline.orbits.fit import Ints
from skyassay.pipeline.orbits.kepler import MU, Floats, propagate


def states(
    tracklets: Tracklets, distance: float, radial: float, epoch: float
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Return states (n, 6) at `epoch`, distances from the observer, and which are possible.

    Parameters
    ----------
    tracklets : Tracklets
    distance, radial : float
        From the Sun at `epoch`, AU, and its change, AU/d.
    epoch : float
        MJD TAI.
    """
    r = np.maximum(distance + radial * (tracklets.mjd - epoch), 0.05)
    along = (tracklets.observer * tracklets.direction).sum(axis=1)
    square = along**2 - (tracklets.observer**2).sum(axis=1) + r**2
    range_ = -along + np.sqrt(np.maximum(square, 0.0))
    good = (square > 0) & (range_ > 0.005)
    range_ = np.where(good, range_, 1.0)
    place = tracklets.observer + range_[:, None] * tracklets.direction
    across = tracklets.observer_velocity + range_[:, None] * tracklets.rate
    outward = (place * tracklets.direction).sum(axis=1)
    # Nearly at right angles the radial velocity says nothing about the range.
    good &= outward > 0.1 * r
    away = (r * radial - (place * across).sum(axis=1)) / np.where(good, outward, 1.0)
    speed = across + away[:, None] * tracklets.direction
    good &= (speed**2).sum(axis=1) < 2.0 * MU / r
    later = epoch - (tracklets.mjd - range_ / LIGHT)
    safe = np.where(good[:, None], speed, 0.5 * across)
    place, speed = propagate(place, safe, np.where(good, later, 0.0))
    return np.concatenate([place, speed], axis=1), range_, good


def candidates(
    state: Floats, range_: Floats, night: Ints, reach: float, options: LinkingOptions
) -> Ints:
    """Return sets of tracklets that lie together, of at least `min_nights` nights.

    Returns
    -------
    array of int, shape (m, neighbours)
        Rows of tracklets, ascending; -1 where there is none. Of a night the nearest only.
    """
    from scipy.spatial import cKDTree

    if len(state) < options.min_nights:
        return np.empty((0, options.neighbours), dtype=np.int64)
    middle = float(np.median(range_))
    weights = np.repeat([1.0, options.lever], 3) / middle
    tree = cKDTree(state * weights)
    reach = reach / min(middle, 1.0)
    _, row = tree.query(state * weights, k=options.neighbours, distance_upper_bound=reach)
    there = row < len(state)
    date = np.where(there, night[np.where(there, row, 0)], -1 - np.arange(row.shape[1]))
    repeated = np.zeros_like(there)
    for k in range(1, row.shape[1]):
        repeated[:, k] = (date[:, :k] == date[:, k : k + 1]).any(axis=1)
    there &= ~repeated
    row = np.where(there, row, -1)
    enough = there.sum(axis=1) >= options.min_nights
    if not enough.any():
        return np.empty((0, options.neighbours), dtype=np.int64)
    return np.unique(np.sort(row[enough], axis=1), axis=0)
