"""Deviations of repeated values from their centre, and how far they stray."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import Interval
from skyassay.metrics.states.star_counts import Counts
from skyassay.metrics.statistics.leave_out import without_each_column
from skyassay.metrics.statistics.tails import (
    TailModel,
    exceedance,
    fraction_interval,
    reach,
    reach_interval,
)


def deviation_table(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return deviations from each unit's mean, scaled to the population's.

    A residual about the mean of n values has variance (n - 1) / n of the population's.

    Parameters
    ----------
    x : ndarray, shape (n_units, n_visits)

    Returns
    -------
    ndarray, shape (n_units, n_visits)
        NaN where not seen.
    """
    count = np.isfinite(x).sum(axis=1, keepdims=True)
    centre = np.nanmean(x, axis=1, keepdims=True)
    return np.asarray((x - centre) * np.sqrt(count / (count - 1.0)))


def fraction_beyond(
    tail: TailModel, table: NDArray[np.float64], limit: float, counts: Counts | None = None
) -> tuple[float, Interval]:
    """Return the fraction of deviations beyond a limit, with its interval.

    The interval is that of the table; it always holds the value.

    Parameters
    ----------
    tail : TailModel
    table : ndarray, shape (n_units, n_visits)
        From `deviation_table`.
    limit : float
    counts : Counts, optional
        Of the deviations of all units, where the table has only a sample of them: the value
        is theirs.
    """
    value = (
        exceedance(table[np.isfinite(table)], limit)
        if counts is None
        else counts.fraction_beyond(limit)
    )

    def without() -> list[NDArray[np.float64]]:
        return [without_each_column(table, lambda d: exceedance(d, limit))]

    return value, fraction_interval(tail, limit, value, without)


def reached_by(
    tail: TailModel, table: NDArray[np.float64], fraction: float, counts: Counts | None = None
) -> tuple[float, Interval]:
    """Return the limit that a fraction of the deviations exceeds, with its interval.

    See `fraction_beyond`.
    """
    value = reach(table[np.isfinite(table)], fraction) if counts is None else counts.reach(fraction)

    def without() -> list[NDArray[np.float64]]:
        return [without_each_column(table, lambda d: reach(d, fraction))]

    return value, reach_interval(tail, fraction, value, without)
