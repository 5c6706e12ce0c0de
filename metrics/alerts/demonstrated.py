"""Intervals of capacities: what was handled is at least there, what was not is too much."""

from __future__ import annotations

import math

from skyassay.metrics.contract import Interval


def demonstrated(value: float, ceiling: float = math.inf) -> Interval:
    """Return the interval of a capacity of which `value` was shown.

    Parameters
    ----------
    value : float
        Largest that was handled.
    ceiling : float
        Just below what was tried and not handled; infinite when nothing failed.
    """
    high = max(value, ceiling)
    return Interval(
        low=value,
        high=high,
        confidence=0.95,
        method="demonstration: at least what was handled, less than what was not",
        lower=value,
        upper=high,
    )
