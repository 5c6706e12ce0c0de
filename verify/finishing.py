"""Finish one metric, and hold what it returns against the contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from skyassay.metrics.contract import Bindings, Measurement, Metric
from skyassay.metrics.errors import MetricError
from skyassay.metrics.plugin import NotMeasured
from skyassay.verify.records import Evidence


@dataclass(frozen=True)
class Finished:
    """The measurements of one metric and the tables behind them."""

    measurements: tuple[Measurement, ...]
    evidence: tuple[Evidence, ...] = ()


def finish_one(metric: Metric, state: Any, at: Bindings) -> Finished:
    """Return what a metric makes of its state, checked.

    Raises
    ------
    MetricError
        ``bad_result`` when it does not keep the contract.
    """
    found = tuple(metric.finish(state, at))
    if not found:
        return Finished((not_measured(metric, "no_rows", "There was no row to measure."),))
    _check(metric, found)
    return Finished(found, _evidence(metric, state))


def not_measured(metric: Metric, reason: str, hint: str) -> Measurement:
    """Return the measurement that says why there is none, for every band."""
    return Measurement(
        metric=metric.id,
        unit=metric.unit,
        recipe=metric.recipe.name,
        recipe_hash=metric.recipe.hash,
        status="NOT_MEASURED",
        value=None,
        reason=reason,
        hint=hint,
    )


def _check(metric: Metric, found: Sequence[Measurement]) -> None:
    """Refuse measurements under another name, or two that say they are the same."""
    seen = set()
    for m in found:
        if (m.metric, m.recipe_hash) != (metric.id, metric.recipe.hash):
            raise MetricError(
                f"{metric.id} returned a measurement of {m.metric} ({m.recipe}).",
                code="bad_result",
                hint="A metric reports under its own id and recipe.",
            )
        key = (m.band, m.component, frozenset(m.data_id.items()), frozenset(m.at.items()))
        if key in seen:
            raise MetricError(
                f"{metric.id} returned two measurements for band {m.band} at {dict(m.at)}.",
                code="bad_result",
                hint="One per band, component, data id and bound parameter.",
            )
        seen.add(key)


def _evidence(metric: Metric, state: Any) -> tuple[Evidence, ...]:
    """Return the tables a metric offers, where it offers any."""
    import pandas as pd

    offer = getattr(metric, "evidence", None)
    if offer is None:
        return ()
    try:
        tables = offer(state)
    except NotMeasured:
        return ()  # what could not be measured has nothing behind it
    return tuple(
        Evidence(metric.id, band or None, pd.DataFrame(dict(table)), metric.recipe.name)
        for band, table in tables.items()
    )
