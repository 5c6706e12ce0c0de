"""The clock that stamps the visits, and how wrong it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.random import rng

Table = dict[str, NDArray[Any]]
MS_PER_DAY = 86_400_000.0


@dataclass(frozen=True)
class ClockTerms:
    """Sizes of the errors of recorded times, milliseconds.

    Attributes
    ----------
    offset_ms : float
        The same in all visits.
    night_ms : float
        Rms of what a night's visits share.
    jitter_ms : float
        Rms of a single visit.
    """

    offset_ms: float = 2.0
    night_ms: float = 2.0
    jitter_ms: float = 0.3


def true_midpoints(visits: Table, terms: ClockTerms, seed: int) -> NDArray[np.float64]:
    """Return when the exposures were half way by a perfect clock, MJD; recorded less error."""
    night = np.floor(visits["expMidptMJD"] - 0.5).astype(np.int64)
    nights, index = np.unique(night, return_inverse=True)
    shared = np.array([rng(seed, "clock.night", int(n)).standard_normal() for n in nights])
    own = np.array([rng(seed, "clock.visit", int(v)).standard_normal() for v in visits["visit"]])
    error = terms.offset_ms + terms.night_ms * shared[index] + terms.jitter_ms * own
    return np.asarray(visits["expMidptMJD"] - error / MS_PER_DAY)
