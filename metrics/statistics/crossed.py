"""Quantiles and rms values of measurements that share errors in several crossed ways.

Positions measured in one visit share the visit's error, those in one patch of the sky the
frame's. Each way of grouping says by its own how many independent measurements there are;
the variances add, so that one over the effective number does too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri, ndtri, stdtrit

from skyassay.metrics.contract import Interval
from skyassay.metrics.plugin import SMALLEST_SPREAD, NotMeasured
from skyassay.metrics.statistics.clustered import (
    Clusters,
    _beyond,
    _effective,
    clusters,
    interval_of,
    intraclass,
    ranks,
    shared_share,
)

Floats = NDArray[np.float64]
Labels = Mapping[str, NDArray[Any]]


def crossed_quantile(values: Floats, labels: Labels, q: float) -> tuple[float, Interval]:
    """Return a quantile and its interval by order statistics (Woodruff 1952).

    Parameters
    ----------
    values : ndarray, shape (n,)
    labels : mapping
        Name of what shares an error -> label of each value, shape (n,).
    q : float
        Between 0 and 1; 0.5 for the median.

    Raises
    ------
    NotMeasured
        ``too_few_clusters`` when one of the groupings has a single group; ``no_scatter``
        when all values agree exactly.
    """
    groups = _groups(values, labels)
    value = float(np.quantile(values, q))

    def bounds(alpha: float) -> tuple[float, float]:
        n = _joint([_effective(q, g, alpha, values) for g in groups.values()], len(values))
        return -_beyond(-values, 1.0 - q, n, alpha), _beyond(values, q, n, alpha)

    return value, interval_of(bounds, f"order statistics, effective number over {_names(labels)}")


def crossed_rms(values: Floats, labels: Labels, lost: int = 0) -> tuple[float, Interval]:
    """Return the root mean square about zero and its interval.

    Parameters
    ----------
    values : ndarray, shape (n,)
    labels : mapping
        As for `crossed_quantile`.
    lost : int
        Degrees of freedom that were spent on means taken off before.

    Notes
    -----
    Chi-square with Satterthwaite's degrees of freedom: twice the squared mean of the squares
    over the variance of that mean, which the effective number of squares gives. For
    independent normal values with mean zero it is exact; a constant in all of them makes
    the squares vary less, and the degrees of freedom more.

    Raises
    ------
    NotMeasured
        As `crossed_quantile`.
    """
    groups = _groups(np.abs(values), labels)
    squares = np.square(values)
    mean = float(squares.mean())
    spread = float(squares.var())

    def bounds(alpha: float) -> tuple[float, float]:
        each = [_independent(squares, g, alpha) for g in groups.values()]
        n = min(_joint(each, len(values)), float(len(values) - lost))
        # few independent values show less than their whole spread
        dof = max(2.0 * mean**2 * (n - 1.0) / spread, 1.0)
        low, high = (dof / float(chdtri(dof, a)) for a in (alpha, 1.0 - alpha))
        return float(np.sqrt(mean * low)), float(np.sqrt(mean * high))

    return float(np.sqrt(mean)), interval_of(bounds, f"chi-square over {_names(labels)}")


def shares(values: Floats, labels: Labels) -> dict[str, float]:
    """Return the part of the variance that each grouping shares: name -> 0..1."""
    return {f"budget_{n}": shared_share(values, clusters(v)) for n, v in labels.items()}


def _groups(values: Floats, labels: Labels) -> dict[str, Clusters]:
    if len(values) < 2:
        raise NotMeasured("too_few_values", "At least two independent values are needed.")
    if np.ptp(values) <= SMALLEST_SPREAD:
        raise NotMeasured("no_scatter", "All values are the same: no real data repeat so well.")
    return {name: clusters(label) for name, label in labels.items()}


def _independent(squares: Floats, groups: Clusters, alpha: float) -> float:
    """Return how many independent squares would know the mean square as well.

    Twice over, and the fewer count: by the share of the variance that groups share, which is
    steady with few groups, and by the scatter of the groups' means, which is right whatever
    errors look like inside a group (a drift, say).
    """
    n = float(len(squares))
    if groups.alone:
        return n
    size = np.bincount(groups.label).astype(np.float64)
    # Squares as a normal would have them at the same ranks: a long tail does not decide.
    level = (ranks(squares) - 0.5) / n
    share = intraclass(np.square(ndtri(0.5 + 0.5 * level)), groups)
    design = 1.0 + share * max(float(np.square(size).sum() / n) - 1.0, 0.0)
    scatter = groups.variance_of_mean(squares - squares.mean(), np.ones(len(squares)))
    by_scatter = float(squares.var()) / scatter if scatter > 0.0 else n
    shrink = float(ndtri(alpha) / stdtrit(groups.dof, alpha)) ** 2
    return max(min(n / design, by_scatter) * shrink, 1.0)


def _joint(each: list[float], n: int) -> float:
    """Return the number of independent values when several groupings share errors."""
    extra = sum(max(1.0 / one - 1.0 / n, 0.0) for one in each)
    return max(1.0 / (1.0 / n + extra), 1.0)


def _names(labels: Labels) -> str:
    return " x ".join(labels)
