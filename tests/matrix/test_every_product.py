"""Every metric against every product it reads, spoilt: a status with a reason, never a PASS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from skyassay.metrics.contract import Metric
from skyassay.metrics.registry import load_metrics
from skyassay.requirements_map import load
from skyassay.simulator.presets import preset
from skyassay.simulator.release import release_tables
from skyassay.simulator.twin import Twin
from skyassay.verify.bindings import bindings
from skyassay.verify.execution import Outcome, run
from skyassay.verify.executors import Serial
from skyassay.verify.measuring import choose
from skyassay.verify.memory import MemorySource
from skyassay.verify.records import Run
from skyassay.verify.verdict import judge_all

RUN = Run("r", "twin", "catalog-twin", "2030-01-01T00:00:00Z")
PRODUCTS = sorted({name for plugin in load_metrics().values() for name in plugin.inputs})
Table = Mapping[str, np.ndarray]


@pytest.fixture(scope="module")
def twin(with_pixels) -> Mapping[str, Table]:
    """Return every product of the tiny release, a fifth of the measurements of stars."""
    tables = with_pixels(release_tables(preset("tiny"), 1, Twin()))
    keep = np.asarray(tables["matched_source"]["objectId"]) % 5 < 1
    matched = {name: np.asarray(v)[keep] for name, v in tables["matched_source"].items()}
    return {**tables, "matched_source": matched}


def outcome(metrics: list[Metric], tables: Mapping[str, Table]) -> Outcome:
    at = {m.id: bindings(m, load()) for m in metrics}
    return run(metrics, MemorySource(dict(tables)), Serial(), at)


def statuses(found: Outcome) -> dict[str, set[str]]:
    """Return metric -> statuses of the criteria it serves, at binding levels."""
    by_metric: dict[str, set[str]] = {}
    for v in judge_all(load(), found.measurements, RUN, levels="binding"):
        if v.metric is not None and v.recipe is not None:
            by_metric.setdefault(v.metric, set()).update({part.status for part in v.parts or (v,)})
    return by_metric


def readers(product: str) -> list[Metric]:
    return [m for m in choose((), None) if product in m.inputs]


def sound(found: Outcome, metrics: list[Metric]) -> None:
    """Every metric says something, and no plugin broke."""
    assert found.failures.keys() <= {f"{m.id}/{m.recipe.name}" for m in metrics}
    said = {m.metric for m in found.measurements}
    assert said == {m.id for m in metrics}
    for m in found.measurements:
        assert m.reason != "plugin_error", (m.metric, m.hint)
        assert (m.value is None) == (m.status == "NOT_MEASURED")
        assert m.value is None or np.isfinite(m.value)
        assert m.value is not None or m.reason


def floats(table: Table, value: float) -> dict[str, np.ndarray]:
    return {
        name: np.full(len(column), value, column.dtype) if column.dtype.kind == "f" else column
        for name, column in ((n, np.asarray(c)) for n, c in table.items())
    }


SPOILT: dict[str, Callable[[Table], Any]] = {
    "empty": lambda table: {name: np.asarray(c)[:0] for name, c in table.items()},
    "one row": lambda table: {name: np.asarray(c)[:1] for name, c in table.items()},
    "nan": lambda table: floats(table, np.nan),
    "infinite": lambda table: floats(table, np.inf),
    "zero": lambda table: floats(table, 0.0),
}


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("case", SPOILT)
def test_a_spoilt_product_never_passes(twin, product, case) -> None:
    metrics = readers(product)
    table = SPOILT[case](twin[product])
    found = outcome(metrics, {**twin, product: table})
    sound(found, metrics)
    if case not in ("empty", "nan"):
        return
    passed = {name for name, all_of in statuses(found).items() if "PASS" in all_of}
    touched = {m.id for m in metrics if case == "empty" or _needs_a_number(m, product, twin)}
    assert passed & touched == set()


def _needs_a_number(metric: Metric, product: str, twin: Mapping[str, Table]) -> bool:
    """Return whether a metric cannot do without some float column of a product."""
    return any(
        not column.optional and np.asarray(twin[product][column.name]).dtype.kind == "f"
        for column in metric.inputs[product]
        if column.name in twin[product]
    )


@pytest.mark.parametrize("product", PRODUCTS)
def test_a_product_or_a_column_that_is_missing_is_named(twin, product) -> None:
    metrics = readers(product)
    without = {name: table for name, table in twin.items() if name != product}
    found = outcome(metrics, without)
    assert {m.reason for m in found.measurements} == {"missing_product"}
    for name in {c.name for m in metrics for c in m.inputs[product] if not c.optional}:
        mine = [
            m for m in metrics if any(c.name == name and not c.optional for c in m.inputs[product])
        ]
        table = {n: c for n, c in twin[product].items() if n != name}
        lost = outcome(mine, {**twin, product: table})
        assert {m.reason for m in lost.measurements} == {"missing_column"}, name
        assert all(name in (m.hint or "") for m in lost.measurements)


def test_without_anything_spoilt_most_are_measured(twin) -> None:
    """The cases above say something only if the sound tables are measured."""
    metrics = choose((), None)
    found = outcome(metrics, twin)
    sound(found, metrics)
    measured = {m.metric for m in found.measurements if m.status == "MEASURED"}
    assert len(measured) > 0.6 * len(metrics)
    # Products that nobody measures anything from would make their cases empty.
    for product in PRODUCTS:
        assert measured & {m.id for m in readers(product)}, product
