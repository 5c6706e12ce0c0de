"""Means, fractions and quantiles of units that come in clusters sharing an error.

Visits of one night share its weather, cells of one region a calibration error. What is
known about a population then depends on the number of clusters, not of units: standard
errors are made of cluster sums, with Student's t on the clusters' degrees of freedom.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrik, betaincinv, chdtri, ndtri, owens_t, stdtrit

from skyassay.metrics.contract import Interval
from skyassay.metrics.plugin import NotMeasured
from skyassay.metrics.statistics.bounds import ONE_SIDED_ALPHA, TWO_SIDED_ALPHA

Floats = NDArray[np.float64]
#: The shared share of few clusters is more often found too small than too large; it is made
#: from the bound that the clusters' scatter exceeds this seldom. Tried in the tests.
_CAUTION = 0.25
#: One-sided bounds of a value at a one-sided tail alpha.
Bounds = Callable[[float], tuple[float, float]]


@dataclass(frozen=True)
class Clusters:
    """Units grouped in clusters.

    Attributes
    ----------
    label : ndarray of int, shape (n,)
        Cluster of each unit, 0 to `number` - 1.
    number : int
    dof : float
        Degrees of freedom: clusters of very different sizes count for fewer.
    """

    label: NDArray[np.intp]
    number: int
    dof: float

    @property
    def alone(self) -> bool:
        """Whether every unit is its own cluster."""
        return self.number == len(self.label)

    def variance_of_mean(self, residual: Floats, weights: Floats) -> float:
        """Return the variance of a weighted mean whose residuals are given."""
        sums = np.bincount(self.label, weights * residual, self.number)
        correction = self.number / (self.number - 1.0)
        return float(correction * np.square(sums).sum() / weights.sum() ** 2)


def clusters(label: NDArray[Any], weights: Floats | None = None) -> Clusters:
    """Return units grouped by label.

    Raises
    ------
    NotMeasured
        ``too_few_clusters`` for fewer than two.
    """
    names, index = np.unique(np.asarray(label), return_inverse=True)
    index = np.asarray(index).ravel()
    if len(names) < 2:
        raise NotMeasured(
            "too_few_clusters",
            f"{len(names)} independent group(s) of data: what they share cannot be told apart.",
        )
    size = np.bincount(index, weights, len(names)).astype(np.float64)
    # Units that dominate leave fewer groups to learn from (Carter et al. 2017).
    effective = float(size.sum() ** 2 / np.square(size).sum())
    return Clusters(index, len(names), max(effective - 1.0, 1.0))


def clustered_mean(
    values: Floats, label: NDArray[Any], weights: Floats | None = None
) -> tuple[float, Interval]:
    """Return a (weighted) mean and its interval: cluster-robust, Student's t.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Finite, any unit.
    label : ndarray, shape (n,)
        What shares an error.
    weights : ndarray, shape (n,), optional

    Raises
    ------
    NotMeasured
        ``too_few_clusters``; ``no_scatter`` when all values agree exactly.
    """
    w = np.ones(len(values)) if weights is None else weights
    groups = clusters(label, w)
    mean = float(np.sum(w * values) / np.sum(w))
    error = float(np.sqrt(groups.variance_of_mean(values - mean, w)))
    if not error > abs(mean) * 1e-12:
        raise NotMeasured("no_scatter", "All values are the same: no real data repeat so well.")

    def bounds(alpha: float) -> tuple[float, float]:
        reach = -float(stdtrit(groups.dof, alpha)) * error
        return mean - reach, mean + reach

    return mean, interval_of(bounds, f"mean over {groups.number} groups, Student's t")


def clustered_fraction(
    hit: NDArray[np.bool_], label: NDArray[Any], values: Floats | None = None
) -> tuple[float, Interval]:
    """Return the fraction of hits and its interval, in 0..1.

    Exact binomial limits for independent units; with clusters their effective number takes
    the place of n (Korn and Graubard 1998).

    Parameters
    ----------
    hit : ndarray of bool, shape (n,)
    label : ndarray, shape (n,)
    values : ndarray, shape (n,), optional
        What was compared with a threshold. Rare hits tell next to nothing of what clusters
        share; the values do, so give them where there are any.

    Raises
    ------
    NotMeasured
        ``too_few_clusters``; ``no_scatter`` when all `values` agree exactly: a share of copies
        says nothing, as their quantile does not.
    """
    groups = clusters(label)
    if values is not None and np.ptp(values) == 0.0:
        raise NotMeasured("no_scatter", "All values are the same: no real data repeat so well.")
    fraction = float(np.mean(hit))

    def bounds(alpha: float) -> tuple[float, float]:
        n = _effective(fraction, groups, alpha, hit if values is None else values)
        return binomial_bounds(fraction, n, alpha)

    return fraction, interval_of(bounds, f"binomial over {groups.number} groups")


def clustered_quantile(values: Floats, label: NDArray[Any], q: float) -> tuple[float, Interval]:
    """Return a quantile and its interval by order statistics (Woodruff 1952).

    Parameters
    ----------
    values : ndarray, shape (n,)
    label : ndarray, shape (n,)
    q : float
        Between 0 and 1; 0.5 for the median.

    Notes
    -----
    A bound that the data cannot give, because too few units lie beyond the quantile, is
    infinite.

    Raises
    ------
    NotMeasured
        ``too_few_clusters``; ``no_scatter`` when all values agree exactly.
    """
    groups = clusters(label)
    if np.ptp(values) == 0.0:
        raise NotMeasured("no_scatter", "All values are the same: no real data repeat so well.")
    value = float(np.quantile(values, q))

    def bounds(alpha: float) -> tuple[float, float]:
        n = _effective(q, groups, alpha, values)
        return -_beyond(-values, 1.0 - q, n, alpha), _beyond(values, q, n, alpha)

    return value, interval_of(bounds, f"order statistics over {groups.number} groups")


def binomial_bounds(fraction: float, n: float, alpha: float) -> tuple[float, float]:
    """Return Clopper and Pearson's limits of a fraction of `n` units, not always whole."""
    hits = fraction * n
    low = 0.0 if hits <= 0.0 else float(betaincinv(hits, n - hits + 1.0, alpha))
    high = 1.0 if hits >= n else float(betaincinv(hits + 1.0, n - hits, 1.0 - alpha))
    return low, high


def _beyond(values: Floats, q: float, n: float, alpha: float) -> float:
    """Return the order statistic that exceeds the quantile but with chance `alpha`."""
    if q**n > alpha:
        return np.inf  # even the largest of n units may lie below it
    rank = min(float(bdtrik(1.0 - alpha, n, q)) + 1.0, n)
    ordered = np.sort(values)
    return float(ordered[min(int(np.ceil(rank / n * len(values) - 1e-9)), len(values)) - 1])


def interval_of(bounds: Bounds, method: str) -> Interval:
    """Return the interval of a value whose bounds are known at any tail."""
    (low, high), (lower, upper) = bounds(TWO_SIDED_ALPHA), bounds(ONE_SIDED_ALPHA)
    return Interval(
        low=low,
        high=high,
        confidence=1.0 - 2.0 * TWO_SIDED_ALPHA,
        method=method,
        lower=lower,
        upper=upper,
        one_sided_confidence=1.0 - ONE_SIDED_ALPHA,
    )


def _effective(fraction: float, groups: Clusters, alpha: float, values: NDArray[Any]) -> float:
    """Return the number of independent units that would know the fraction as well."""
    n = float(len(values))
    if groups.alone:
        return n
    shared = shared_share(values, groups)
    if values.dtype != np.bool_:
        # None or all beyond: as if the next unit were the first that is not.
        shared = _of_exceedances(shared, float(np.clip(fraction, 0.5 / n, 1.0 - 0.5 / n)))
    size = np.bincount(groups.label).astype(np.float64)
    design = 1.0 + shared * max(float(np.square(size).sum() / n) - 1.0, 0.0)
    shrink = float(ndtri(alpha) / stdtrit(groups.dof, alpha)) ** 2
    return max(n / design * shrink, 1.0)


def shared_share(values: NDArray[Any], groups: Clusters) -> float:
    """Return the share of the variance that clusters share: the intraclass correlation.

    Of the normal scores of the values, so that a long tail does not decide; 1 where nothing
    varies, because all may be copies of one.
    """
    z = values.astype(np.float64)
    if values.dtype != np.bool_:
        z = ndtri((ranks(z) - 0.5) / len(z))
    return intraclass(z, groups)


def intraclass(z: Floats, groups: Clusters) -> float:
    """Return the intraclass correlation of scores, cautiously; 1 where nothing varies."""
    n, k = len(z), groups.number
    size = np.bincount(groups.label).astype(np.float64)
    mean = np.bincount(groups.label, z) / size
    between = float((size * np.square(mean - z.mean())).sum()) / (k - 1)
    within = float(np.square(z - mean[groups.label]).sum()) / max(n - k, 1)
    if between + within <= 0.0:
        return 1.0
    between *= (k - 1) / float(chdtri(k - 1, 1.0 - _CAUTION))
    typical = (n - float(np.square(size).sum()) / n) / (k - 1)
    return float(np.clip((between - within) / (between + (typical - 1.0) * within), 0.0, 1.0))


def _of_exceedances(shared: float, fraction: float) -> float:
    """Return the correlation of two exceedances whose normal values correlate by `shared`."""
    if shared >= 1.0 or not 0.0 < fraction < 1.0:
        return 1.0
    at = float(ndtri(fraction))
    both = fraction - 2.0 * float(owens_t(at, np.sqrt((1.0 - shared) / (1.0 + shared))))
    return max((both - fraction**2) / (fraction * (1.0 - fraction)), 0.0)


def ranks(values: NDArray[Any]) -> Floats:
    """Return the rank of each value, 1 for the smallest; equal values share their mean rank.

    As `scipy.stats.rankdata`, whose import costs every command half a second.
    """
    _, index, count = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(count) - (count - 1) / 2.0)[index.ravel()])
