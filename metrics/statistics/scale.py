"""The typical scatter of one measurement: its value and its interval."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import Interval
from skyassay.metrics.statistics.bounds import (
    ONE_SIDED_ALPHA,
    TWO_SIDED_ALPHA,
    Part,
    clustered_error,
    mover,
    quantile_bounds,
)
from skyassay.metrics.statistics.twoway import TwoWay

METHOD = "variance components visit x star (MOVER)"


@dataclass(frozen=True)
class Scale:
    """The scatter of one measurement of the median unit, and its interval."""

    value: float
    interval: Interval
    visit_share: float


def median_scale(fit: TwoWay, ends: NDArray[np.intp]) -> Scale:
    """Return sqrt(shared variance + median own variance) with its interval.

    Parameters
    ----------
    fit : TwoWay
        Values in any unit.
    ends : ndarray of int, shape (n_units, 1 or 2)
        The star, or the two stars, of each unit.
    """
    scatter = fit.own_scatter()
    median = float(np.median(scatter))
    sign = (scatter < median).astype(np.float64)
    error = clustered_error(sign - sign.mean(), ends, int(ends.max()) + 1)

    def bounds(alpha: float) -> Part:
        low, high = quantile_bounds(scatter, error, alpha)
        own = Part(median**2, low**2, high**2)
        return mover([own, fit.shared_part(alpha)])

    total = fit.shared_mean_square + median**2
    share = fit.shared_mean_square / total if total > 0 else 0.0
    return Scale(float(np.sqrt(total)), root_interval(bounds, METHOD), share)


def budget(scale: Scale) -> dict[str, float]:
    """Return the shares of the variance: what whole visits share, and the units' own."""
    share = scale.visit_share
    return {"visit_share": share, "budget_visit": share, "budget_own": 1.0 - share}


def root_interval(bounds: Callable[[float], Part], method: str) -> Interval:
    """Return the interval of the square root of a bounded mean square."""
    two, one = bounds(TWO_SIDED_ALPHA), bounds(ONE_SIDED_ALPHA)
    return Interval(
        low=float(np.sqrt(two.low)),
        high=float(np.sqrt(two.high)),
        confidence=1.0 - 2.0 * TWO_SIDED_ALPHA,
        method=method,
        lower=float(np.sqrt(one.low)),
        upper=float(np.sqrt(one.high)),
        one_sided_confidence=1.0 - ONE_SIDED_ALPHA,
    )
