"""Tracklets: pairs of detections within a night that may be one moving object."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.linking.detections import Detections
from skyassay.pipeline.linking.options import LinkingOptions
from skyassay.pipeline.orbits.fit import Ints, Positions
from skyassay.pipeline.orbits.kepler import Floats


@dataclass(frozen=True)
class Tracklets:
    """Pairs of detections.

    Attributes
    ----------
    first, second : array of int, shape (n,)
        Rows of the detections.
    night : array of int, shape (n,)
    mjd : array, shape (n,)
        Middle of the two, TAI.
    direction, rate : array, shape (n, 3)
        Unit vector at that time and its change, 1/d.
    observer, observer_velocity : array, shape (n, 3)
        Heliocentric, AU and AU/d.
    """

    first: Ints
    second: Ints
    night: Ints
    mjd: Floats
    direction: Floats
    rate: Floats
    observer: Floats
    observer_velocity: Floats

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.mjd)

    def take(self, index: Ints | NDArray[np.bool_]) -> Tracklets:
        """Return some of them."""
        return Tracklets(*(getattr(self, n)[index] for n in self.__dataclass_fields__))


def pair_up(detections: Detections, rows: Ints, options: LinkingOptions) -> Tracklets:
    """Return all pairs within a night, of some rows, that move and shine as one object could."""
    positions = detections.positions
    chosen: list[tuple[Ints, Ints]] = []
    for date in np.unique(detections.night[rows]):
        chosen += _of_night(positions, rows[detections.night[rows] == date], options)
    if not chosen:
        empty = np.empty(0, dtype=np.int64)
        chosen = [(empty, empty)]
    one, two = (np.concatenate([c[k] for c in chosen]) for k in (0, 1))
    good = _alike(detections, one, two, options)
    gap = positions.mjd[two] - positions.mjd[one]
    moved = np.linalg.norm(positions.direction[two] - positions.direction[one], axis=1)
    good &= np.degrees(moved) >= options.min_rate * gap
    return _tracklets(positions, detections.night, one[good], two[good])


def _of_night(positions: Positions, rows: Ints, options: LinkingOptions) -> list[tuple[Ints, Ints]]:
    """Return the pairs of one night that are near enough, visit by visit."""
    from scipy.spatial import cKDTree

    times = np.unique(positions.mjd[rows])
    visit = [rows[positions.mjd[rows] == t] for t in times]
    trees = [cKDTree(positions.direction[v]) for v in visit]
    out = []
    for a, b in combinations(range(len(times)), 2):
        gap = times[b] - times[a]
        if not options.min_gap <= gap * 1440.0 <= options.max_gap:
            continue
        reach = 2.0 * np.sin(np.radians(options.max_rate * gap) / 2.0)
        near = trees[a].query_ball_tree(trees[b], reach)
        two = np.concatenate([np.array(n, dtype=np.int64) for n in near])
        out.append((np.repeat(visit[a], [len(n) for n in near]), visit[b][two]))
    return out


def _alike(
    detections: Detections, one: Ints, two: Ints, options: LinkingOptions
) -> NDArray[np.bool_]:
    """Return which pairs differ in brightness by no more than noise and turning explain."""
    flux, error = detections.flux, detections.flux_error
    both = 0.5 * (flux[one] + flux[two])
    allowed = np.hypot(
        options.flux_sigma * np.hypot(error[one], error[two]), options.flux_share * both
    )
    return np.asarray((np.abs(flux[one] - flux[two]) <= allowed) & (both > 0))


def _tracklets(positions: Positions, night: Ints, one: Ints, two: Ints) -> Tracklets:
    """Return the pairs with the middle and the rate of each."""
    gap = (positions.mjd[two] - positions.mjd[one])[:, None]
    middle = positions.direction[one] + positions.direction[two]
    middle /= np.linalg.norm(middle, axis=1)[:, None]
    seen = positions.seen
    eye = 0.5 * (seen.observer[one] - seen.sun[one] + seen.observer[two] - seen.sun[two])
    # From the two places, so that the turning of the Earth is in it as it is in the rate.
    drift = (seen.observer[two] - seen.sun[two] - seen.observer[one] + seen.sun[one]) / gap
    return Tracklets(
        one,
        two,
        night[one],
        0.5 * (positions.mjd[one] + positions.mjd[two]),
        middle,
        (positions.direction[two] - positions.direction[one]) / gap,
        eye,
        drift,
    )
