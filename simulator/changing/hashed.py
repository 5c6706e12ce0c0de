"""Random numbers of many objects at once, from their ids alone.

An object's numbers do not depend on which other objects there are, so another detector adds
changing objects and moves none.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.random import rng

Floats = NDArray[np.float64]
_GOLDEN = 0x9E3779B97F4A7C15
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def _mixed(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return 64 well mixed bits (SplitMix64: Steele, Lea and Flood 2014)."""
    z = (z ^ (z >> np.uint64(30))) * _FIRST
    z = (z ^ (z >> np.uint64(27))) * _SECOND
    return np.asarray(z ^ (z >> np.uint64(31)))


def uniforms(seed: int, module: str, ids: NDArray[np.int64], count: int) -> Floats:
    """Return uniform variates, above 0 and below 1, shape (count, n).

    Parameters
    ----------
    seed : int
    module : str
        Who draws.
    ids : ndarray of int64, shape (n,)
    count : int
        Variates per object.
    """
    key = rng(seed, module).integers(1 << 63, dtype=np.uint64)
    own = _mixed(_mixed(np.asarray(ids).astype(np.uint64)) + key)
    steps = np.array([(_GOLDEN * k) % (1 << 64) for k in range(1, count + 1)], dtype=np.uint64)
    bits = _mixed(own[None, :] + steps[:, None]) >> np.uint64(11)
    return np.asarray((bits + 0.5) * 2.0**-53)
