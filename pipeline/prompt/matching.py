"""Which source belongs to which object: a bipartite matching by positions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching
from scipy.spatial import cKDTree

from skyassay.pipeline.prompt.rows import Rows

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
#: Errors of positions are at least this on each axis, arcsec (Rubin's floor).
FLOOR = 0.05
#: Beyond this chi^2 one pair is about as unlikely as another.
_SATURATION = 25.0


@dataclass(frozen=True)
class Positions:
    """Places on the sky with errors; arrays of shape (n,), degrees.

    Attributes
    ----------
    ra, dec : ndarray
    ra_error, dec_error : ndarray
        The first with its cos(dec); NaN where the error is not known: it counts as 0.
    """

    ra: Floats
    dec: Floats
    ra_error: Floats
    dec_error: Floats

    @classmethod
    def of(cls, table: Rows) -> Positions:
        """Return those of a table's columns."""
        return cls(*(table.numbers(name) for name in ("ra", "dec", "raErr", "decErr")))

    @property
    def vectors(self) -> Floats:
        """Unit vectors, shape (n, 3)."""
        ra, dec = np.radians(self.ra), np.radians(self.dec)
        return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=-1)

    def __len__(self) -> int:
        return len(self.ra)


@dataclass(frozen=True)
class Pairs:
    """Candidates; arrays of shape (m,).

    Attributes
    ----------
    source, target : ndarray of int
    separation : ndarray
        arcsec.
    chi2 : ndarray
    """

    source: Ints
    target: Ints
    separation: Floats
    chi2: Floats

    def take(self, keep: NDArray[np.bool_]) -> Pairs:
        """Return some of them."""
        return Pairs(self.source[keep], self.target[keep], self.separation[keep], self.chi2[keep])


def candidates(
    sources: Positions, targets: Positions, radius: ArrayLike, floor: float = FLOOR
) -> Pairs:
    """Return all pairs of a source and a target that are near each other.

    Parameters
    ----------
    sources, targets : Positions
    radius : float or ndarray, shape (targets,)
        Largest separation, arcsec.
    floor : float
        Least error on each axis, of both places together, arcsec.

    Returns
    -------
    Pairs
        Sorted by source and target; chi^2 is the sum over both axes of (offset / error)**2.
    """
    reach = np.broadcast_to(np.asarray(radius, dtype=np.float64), (len(targets),))
    none = np.empty(0, dtype=np.int64)
    if not len(sources) or not len(targets):
        return Pairs(none, none, np.empty(0), np.empty(0))
    tree, other = cKDTree(sources.vectors), cKDTree(targets.vectors)
    # A chord is not longer than its arc.
    near = tree.query_ball_tree(other, np.radians(float(np.max(reach)) / 3600.0))
    source = np.repeat(np.arange(len(near)), [len(t) for t in near])
    target = np.array([j for t in near for j in sorted(t)], dtype=np.int64)
    east, north = offsets(sources, targets, source, target)
    separation = np.hypot(east, north)
    chi2 = (east / _error(sources.ra_error[source], targets.ra_error[target], floor)) ** 2 + (
        north / _error(sources.dec_error[source], targets.dec_error[target], floor)
    ) ** 2
    pairs = Pairs(source, target, separation, chi2)
    return pairs.take(separation <= reach[target])


def offsets(
    sources: Positions, targets: Positions, source: Ints, target: Ints
) -> tuple[Floats, Floats]:
    """Return where sources are seen from targets, east and north, arcsec (plane at the target)."""
    d_ra = (sources.ra[source] - targets.ra[target] + 180.0) % 360.0 - 180.0
    mean = np.radians(0.5 * (sources.dec[source] + targets.dec[target]))
    return d_ra * np.cos(mean) * 3600.0, (sources.dec[source] - targets.dec[target]) * 3600.0


def _error(first: Floats, second: Floats, floor: float) -> Floats:
    """Return the error of a difference, arcsec."""
    both = np.hypot(np.nan_to_num(first), np.nan_to_num(second)) * 3600.0
    return np.maximum(both, floor)


def match(pairs: Pairs, sources: int, targets: int) -> Ints:
    """Return the target of each source, -1 for none; no target is taken twice.

    Parameters
    ----------
    pairs : Pairs
    sources, targets : int
        How many there are.

    Notes
    -----
    The sum of a cost over all sources is made least. The cost of a pair is
    chi^2 / (1 + chi^2 / 25), that of a source without a target is 25: every candidate is better
    than none, but no good pair is broken to give two bad ones a partner each.
    """
    found = np.full(sources, -1, dtype=np.int64)
    if not len(pairs.source):
        return found
    busy, row = np.unique(pairs.source, return_inverse=True)
    cost = pairs.chi2 / (1.0 + pairs.chi2 / _SATURATION)
    alone = np.arange(len(busy))
    # Zeros would not be stored; the same number more for every source changes nothing.
    weights = 1.0 + np.concatenate([cost, np.full(len(busy), _SATURATION)])
    rows, columns = np.concatenate([row, alone]), np.concatenate([pairs.target, targets + alone])
    graph = csr_array(coo_array((weights, (rows, columns)), shape=(len(busy), targets + len(busy))))
    matched_row, matched = min_weight_full_bipartite_matching(graph)
    some = matched < targets
    found[busy[matched_row[some]]] = matched[some]
    return found
