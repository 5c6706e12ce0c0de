"""Where the scatter of images comes from: their nights, the images themselves, their stars."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def budget(
    values: NDArray[np.float64], night: NDArray[np.int64], own_variance: float = 0.0
) -> dict[str, float]:
    """Return the shares of the variance of single images' values; empty where none is told.

    Parameters
    ----------
    values : ndarray, shape (n,)
    night : ndarray of int, shape (n,)
        From 0 up, none left out.
    own_variance : float
        Known variance from an image's finite number of stars.

    Notes
    -----
    Nights against images by the one-way analysis of variance with unequal groups (Searle,
    Casella and McCulloch 1992, section 3.6); negative parts count as nothing.
    """
    _, night = np.unique(night, return_inverse=True)
    size = np.bincount(night).astype(np.float64)
    n, k = len(values), len(size)
    total = float(np.var(values))
    if k < 2 or n <= k or not total > 0.0:
        return {}
    mean = np.bincount(night, values) / size
    within = float(np.square(values - mean[night]).sum()) / (n - k)
    between = float((size * np.square(mean - values.mean())).sum()) / (k - 1)
    typical = (n - float(np.square(size).sum()) / n) / (k - 1)
    of_night = max((between - within) / typical, 0.0)
    of_stars = min(own_variance, within)
    whole = of_night + within
    return {
        "budget_night": of_night / whole,
        "budget_visit": (within - of_stars) / whole,
        "budget_stars": of_stars / whole,
    }
