"""How many cells stray beyond a limit when regions share an error, and how far cells stray.

The regions' part is taken as normal with its few degrees of freedom, the cells' own part
stays empirical (see `tails`); the cells' own noise is taken out by shrinking both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import Interval
from skyassay.metrics.statistics.bounds import chi_square_part
from skyassay.metrics.statistics.nested import Nested
from skyassay.metrics.statistics.tails import (
    METHOD,
    TailModel,
    exceedance,
    fraction_interval,
    reach,
    reach_interval,
)

Floats = NDArray[np.float64]
NESTED = "normal region term x empirical own term, region degrees of freedom"


def tail_of(fit: Nested) -> TailModel:
    """Return the tail model of the cells' deviations from the mean of all."""
    raw = fit.between + fit.within
    shrink = float(np.sqrt(fit.variance / raw)) if raw > 0.0 else 0.0
    between = fit.between * shrink**2
    return TailModel.build(
        own=(fit.own * shrink)[:, None],
        width=np.full(len(fit.own), np.sqrt(between)),
        shared=lambda alpha: chi_square_part(between, fit.between_dof, alpha),
        shift=lambda _alpha: (0.0, 0.0),
        ends=np.asarray(fit.groups.label, dtype=np.intp)[:, None],
        # Being beyond a limit is less alike among the cells of a region than squares are.
        n_own=float(len(fit.own) - fit.groups.number),
    )


def cells_beyond(fit: Nested, limit: float) -> tuple[float, Interval]:
    """Return the fraction of cells whose error is beyond a limit, 0..1, with its interval."""
    clean = fit.clean()
    value = exceedance(clean, limit)
    found = fraction_interval(
        tail_of(fit), limit, value, _without(fit, clean, lambda d: exceedance(d, limit))
    )
    return value, _named(found)


def cells_reach(fit: Nested, fraction: float) -> tuple[float, Interval]:
    """Return the error that a fraction of the cells exceeds, with its interval."""
    clean = fit.clean()
    value = reach(clean, fraction)
    found = reach_interval(
        tail_of(fit), fraction, value, _without(fit, clean, lambda d: reach(d, fraction))
    )
    return value, _named(found)


def _without(
    fit: Nested, clean: Floats, statistic: Callable[[Floats], float]
) -> Callable[[], list[Floats]]:
    def replicas() -> list[Floats]:
        label = fit.groups.label
        return [np.array([statistic(clean[label != g]) for g in range(fit.groups.number)])]

    return replicas


def _named(interval: Interval) -> Interval:
    return replace(interval, method=NESTED) if interval.method == METHOD else interval
