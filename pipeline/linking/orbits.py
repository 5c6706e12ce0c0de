"""Links with their orbits: which are good, and which of those that share a detection stay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.linking.options import LinkingOptions
from skyassay.pipeline.orbits.fit import Fit, Ints
from skyassay.pipeline.orbits.kepler import MU, Floats


@dataclass(frozen=True)
class Links:
    """Sets of detections, each with an orbit.

    Attributes
    ----------
    epoch : array, shape (c,)
        MJD TAI at which the state holds.
    state : array, shape (c, 6)
    reduced, rms : array, shape (c,)
        chi2 per degree of freedom, and RMS in arcsec.
    normal : array, shape (c, 6, 6)
        Inverse of the state's covariance.
    owner : array of int, shape (n,)
        Which link each detection belongs to, ascending.
    rows : array of int, shape (n,)
    """

    epoch: Floats
    state: Floats
    reduced: Floats
    rms: Floats
    normal: Floats
    owner: Ints
    rows: Ints

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.state)

    def with_more(self, other: Links) -> Links:
        """Return these and others after them."""
        parts = {
            n: np.concatenate([getattr(self, n), getattr(other, n)])
            for n in ("epoch", "state", "reduced", "rms", "normal", "rows")
        }
        return Links(owner=np.concatenate([self.owner, other.owner + len(self)]), **parts)

    def take(self, which: Ints) -> Links:
        """Return some of them, in that order."""
        parts = [np.flatnonzero(self.owner == k) for k in which]
        rows = np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)
        count = [len(p) for p in parts]
        return Links(
            self.epoch[which],
            self.state[which],
            self.reduced[which],
            self.rms[which],
            self.normal[which],
            np.repeat(np.arange(len(which)), count),
            self.rows[rows],
        )

    def best(self) -> Links:
        """Return those that remain when each detection goes to the best link that has it.

        The one with most detections comes first, then the one with the better orbit; a link
        that has lost a detection to another is dropped.
        """
        order = np.lexsort((self.reduced, -np.bincount(self.owner, minlength=len(self))))
        start = np.searchsorted(self.owner, np.arange(len(self) + 1))
        used: set[int] = set()
        kept = []
        for k in order:
            rows = self.rows[start[k] : start[k + 1]].tolist()
            if used.isdisjoint(rows):
                used.update(rows)
                kept.append(int(k))
        return self.take(np.array(kept, dtype=np.int64))


def no_links(epoch: float) -> Links:
    """Return none."""
    none = np.empty(0, dtype=np.int64)
    empty = np.empty(0)
    return Links(np.full(0, epoch), np.empty((0, 6)), empty, empty, np.empty((0, 6, 6)), none, none)


def good(fitted: Fit, options: LinkingOptions) -> NDArray[np.bool_]:
    """Return which orbits fit well enough and are of a kind that is sought."""
    from scipy.special import chdtrc

    chance = chdtrc(np.maximum(2 * fitted.number - 6, 1), fitted.chi2)
    fine = (chance > options.least_chance) & (fitted.rms < options.most_rms)
    if options.bound:
        r = np.linalg.norm(fitted.state[:, :3], axis=1)
        fine &= (fitted.state[:, 3:] ** 2).sum(axis=1) < 2.0 * MU / r
    return np.asarray(fine)
