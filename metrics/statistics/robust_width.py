"""The interquartile range as a width, with its interval over clusters."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from skyassay.metrics.contract import Interval
from skyassay.metrics.plugin import NotMeasured
from skyassay.metrics.statistics.clustered import clusters, interval_of

Floats = NDArray[np.float64]
#: Interquartile range of a Gaussian in standard deviations.
QUARTILES = 1.3489795003921634
#: Clusters are joined to at most this many before they are left out in turn.
_MOST = 40


def robust_width(values: Floats, label: NDArray[np.int64]) -> tuple[float, Interval]:
    """Return the interquartile range over 1.349, and its interval.

    Groups of clusters are left out in turn; the log of the width, Student's t.

    Parameters
    ----------
    values : ndarray, shape (n,)
    label : ndarray of int, shape (n,)
        What shares an error.

    Raises
    ------
    NotMeasured
        ``too_few_clusters``, ``no_scatter``.
    """
    groups = clusters(label)
    width = _width(values)
    if not width > 0.0:
        raise NotMeasured("no_scatter", "Half of the values are the same: no real data are so.")
    # Few groups of equal size: in order of size, dealt in turn.
    rank = np.empty(groups.number, dtype=np.intp)
    rank[np.argsort(-np.bincount(groups.label), kind="stable")] = np.arange(groups.number)
    number = min(groups.number, _MOST)
    group = rank[groups.label] % number
    left = np.array([np.log(max(_width(values[group != g]), 1e-300)) for g in range(number)])
    error = float(np.sqrt((number - 1) / number * np.square(left - left.mean()).sum()))
    dof = min(groups.dof, number - 1.0)

    def bounds(alpha: float) -> tuple[float, float]:
        reach = -float(stdtrit(dof, alpha)) * error
        return width * float(np.exp(-reach)), width * float(np.exp(reach))

    return width, interval_of(bounds, f"leave out {number} groups, Student's t")


def _width(values: Floats) -> float:
    low, high = np.quantile(values, [0.25, 0.75])
    return float(high - low) / QUARTILES
