"""A fixed hash of ids, so that a bounded sample never depends on order or process."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def splitmix64(ids: NDArray[Any]) -> NDArray[np.uint64]:
    """Return a well-mixed 64-bit hash of each id (Steele, Lea and Flood 2014).

    Parameters
    ----------
    ids : ndarray, shape (n,)
        Integers.

    Returns
    -------
    ndarray of uint64, shape (n,)
    """
    z = ids.astype(np.int64).view(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
