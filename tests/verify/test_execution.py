"""Execution: one answer whatever the executor and the partitions; failures stay alone."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from skyassay.verify.errors import VerifyError
from skyassay.verify.execution import part_count, run
from skyassay.verify.executors import Processes, Serial, executor
from skyassay.verify.fold_run import together
from skyassay.verify.memory import MemorySource
from skyassay.verify.tree import TreeMerge

#: A module of its own: spawned workers must be able to import it.
FAKES = '''
import hashlib, json, os
from dataclasses import dataclass, field
from skyassay.metrics.contract import Column, Measurement, Recipe
from skyassay.metrics.errors import MetricError

@dataclass(frozen=True)
class Counts:
    seen: tuple = ()
    def to_bytes(self):
        return json.dumps(self.seen).encode()

@dataclass(frozen=True)
class Fake:
    """Sums integer values per band, and how often an object was split over partitions."""
    id: str = "fake.sum.plain"
    recipe: Recipe = Recipe("srd", {})
    unit: str = "mmag"
    title: str = ""
    requirements: tuple = ()
    inputs: dict = field(default_factory=lambda: {"matched_source": (
        Column("objectId"), Column("band"), Column("value"), Column("extra", optional=True))})
    locality: str = "object"
    error_units: tuple = ()
    at_units: dict = field(default_factory=dict)
    state_key: str = ""
    fault: str = ""

    def zero(self):
        return Counts()

    def fold(self, part):
        if self.fault == "fold":
            raise ZeroDivisionError("in the plugin")
        if self.fault == "metric_error":
            raise MetricError("The data are odd.", code="odd_data", hint="Look.")
        if self.fault == "die":
            os._exit(3)
        table = part["matched_source"]
        bands = {}
        for star in set(table["objectId"].tolist()):
            here = table["objectId"] == star
            for band in set(table["band"][here].tolist()):
                rows = here & (table["band"] == band)
                n, total = bands.get(band, (0, 0))
                # the square of a star's sum: wrong if the star was split
                bands[band] = (n + 1, total + int(table["value"][rows].sum()) ** 2)
        return Counts(tuple(sorted((b, *v) for b, v in bands.items())))

    def merge(self, a, b):
        if self.fault == "merge":
            raise KeyError("band")
        total = {}
        for band, n, s in (*a.seen, *b.seen):
            m, t = total.get(band, (0, 0))
            total[band] = (n + m, s + t)
        return Counts(tuple(sorted((b, *v) for b, v in total.items())))

    def finish(self, state, at):
        if self.fault == "finish":
            raise RuntimeError("no")
        name = "someone.else.x" if self.fault == "name" else self.id
        found = [Measurement(name, self.unit, self.recipe.name, self.recipe.hash, "MEASURED",
                             float(s), band=b, n=n) for b, n, s in state.seen]
        return found * 2 if self.fault == "twice" else found

    def evidence(self, state):
        return {b: {"value": [float(s)]} for b, n, s in state.seen}
'''


@pytest.fixture
def fakes(tmp_path: Path, monkeypatch):
    (tmp_path / "fake_metrics_for_execution.py").write_text(FAKES)
    monkeypatch.syspath_prepend(str(tmp_path))
    return importlib.import_module("fake_metrics_for_execution")


def table(n: int = 600) -> dict:
    rng = np.random.default_rng(3)
    return {
        "objectId": rng.integers(0, 80, n),
        "band": rng.choice(["g", "r"], n),
        "value": rng.integers(-1000, 1000, n),
    }


def source(parts: int | None = None, seed: int | None = None, **more) -> MemorySource:
    return MemorySource({"matched_source": {**table(), **more}}, parts, seed)


def expected() -> dict[str, float]:
    t = table()
    return {
        band: float(
            sum(
                int(t["value"][(t["objectId"] == star) & (t["band"] == band)].sum()) ** 2
                for star in range(80)
            )
        )
        for band in ("g", "r")
    }


def values(outcome) -> dict:
    return {m.band: m.value for m in outcome.measurements}


@pytest.mark.parametrize("parts", [1, 2, 7, 64, 1000])
@pytest.mark.parametrize("seed", [None, 5])
def test_partitions_and_order_do_not_matter(fakes, parts, seed) -> None:
    one = run([fakes.Fake()], source(), Serial(), {})
    many = run([fakes.Fake()], source(parts, seed), Serial(), {})
    assert values(many) == expected()
    assert many.digests == one.digests
    assert many.measurements == one.measurements


def test_two_processes_give_the_same_bytes(fakes) -> None:
    metrics = [fakes.Fake(), fakes.Fake(id="fake.sum.other")]
    one = run(metrics, source(), Serial(), {})
    two = run(metrics, source(7, 1), Processes(2), {})
    assert (two.digests, two.measurements) == (one.digests, one.measurements)
    assert len(two.evidence) == 4


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("fold", "plugin_error"),
        ("merge", "plugin_error"),
        ("finish", "plugin_error"),
        ("metric_error", "odd_data"),
        ("name", "bad_result"),
        ("twice", "bad_result"),
    ],
)
def test_a_broken_metric_falls_alone_and_by_name(fakes, fault, reason) -> None:
    broken = fakes.Fake(id="fake.sum.broken", fault=fault)
    outcome = run([broken, fakes.Fake()], source(3), Serial(), {})
    bad = [m for m in outcome.measurements if m.metric == broken.id]
    assert [(m.status, m.reason, m.band) for m in bad] == [("NOT_MEASURED", reason, None)]
    assert bad[0].hint
    good = [m for m in outcome.measurements if m.metric != broken.id]
    assert {m.band: m.value for m in good} == expected()
    assert set(outcome.failures) == {"fake.sum.broken/srd"}
    if reason == "plugin_error":
        assert "fake.sum.broken" in bad[0].hint or fault == "merge"


def test_a_failure_in_a_worker_comes_home(fakes) -> None:
    broken = fakes.Fake(id="fake.sum.broken", fault="fold")
    outcome = run([broken, fakes.Fake()], source(3), Processes(2), {})
    assert {m.reason for m in outcome.measurements} == {"plugin_error", None}


def test_a_worker_that_dies_is_an_error_with_a_name(fakes) -> None:
    with pytest.raises(VerifyError) as caught:
        run([fakes.Fake(fault="die")], source(2), Processes(2), {})
    assert caught.value.code == "worker_died"


def test_missing_columns_and_products_are_named(fakes) -> None:
    full = table()
    full.pop("value")
    outcome = run([fakes.Fake()], MemorySource({"matched_source": full}), Serial(), {})
    (m,) = outcome.measurements
    assert (m.status, m.reason) == ("NOT_MEASURED", "missing_column")
    assert "value" in m.hint
    (m,) = run([fakes.Fake()], MemorySource({}), Serial(), {}).measurements
    assert m.reason == "missing_product"


def test_an_empty_table_is_not_measured(fakes) -> None:
    empty = {name: column[:0] for name, column in table().items()}
    (m,) = run([fakes.Fake()], MemorySource({"matched_source": empty}), Serial(), {}).measurements
    assert (m.status, m.reason) == ("NOT_MEASURED", "no_rows")


def test_metrics_with_one_key_are_folded_once(fakes) -> None:
    class Counting(fakes.Fake):
        def fold(self, part):
            folds.append(self.id)
            return super().fold(part)

    folds: list[str] = []
    alike = [Counting(id=f"fake.sum.n{i}", state_key="same") for i in range(3)]
    outcome = run([*alike, Counting(id="fake.sum.own")], source(4), Serial(), {})
    assert len(folds) == 8
    assert len(set(outcome.digests.values())) == 1
    assert len(outcome.measurements) == 8


def test_only_the_columns_that_are_asked_for_are_read(fakes) -> None:
    asked = []

    class Watched(MemorySource):
        def partitions(self, needs, locality, count):
            asked.append((needs, locality, count))
            return super().partitions(needs, locality, count)

    data = {**table(), "unused": np.zeros(600)}
    run([fakes.Fake()], Watched({"matched_source": data}), Serial(), {}, partitions=5)
    ((needs, locality, count),) = asked
    assert sorted(needs["matched_source"]) == ["band", "objectId", "value"]
    assert (locality, count) == ("object", 5)


def test_progress_counts_partitions(fakes) -> None:
    seen: list[int] = []
    run([fakes.Fake()], source(4), Serial(), {}, progress=seen.append)
    assert seen == [1, 2, 3, 4]


def test_tree_holds_few_states_and_keeps_order() -> None:
    for n in (1, 2, 3, 7, 64, 100):
        tree = TreeMerge(lambda a, b: a + b)
        for i in range(n):
            tree.add([i])
            assert len(tree._levels) <= 7
        assert tree.result(list) == list(range(n))
    assert TreeMerge(lambda a, b: a + b).result(list) == []


def test_states_at_their_bound_are_merged_at_once() -> None:
    tree = TreeMerge(lambda a, b: np.union1d(a, b)[:50])
    for i in range(100):
        tree.add(np.arange(i, 5000, 100))
        assert len(tree._levels) <= 2
    assert tree.result(list).tolist() == list(range(50))


@dataclass(frozen=True)
class Desk:
    """Workers as far as `together` looks at them."""

    count: int
    task_timeout: float | None = None


def test_partitions_of_one_task() -> None:
    assert together(1000, Serial()) == 1
    assert together(11, Desk(2)) == 1
    assert together(100, Desk(2)) == 8
    assert together(100, Desk(4)) == 4
    assert together(100, Desk(2, task_timeout=60.0)) == 1


def test_number_of_partitions() -> None:
    assert part_count(0, 1) == 1
    assert part_count(3_000_001, 1) == 4
    assert part_count(50_000, 2) == 8
    assert part_count(100, 2) == 1


def test_no_workers_is_wrong_usage() -> None:
    assert isinstance(executor(1), Serial)
    with pytest.raises(VerifyError) as caught:
        executor(0)
    assert (caught.value.code, caught.value.exit_code) == ("bad_workers", 4)


def test_objects_stay_whole_and_nothing_is_lost() -> None:
    parts = list(source(7, 2).partitions({"matched_source": ("objectId",)}, "object", 1))
    seen = [set(p["matched_source"]["objectId"].tolist()) for p in parts]
    assert sum(map(len, seen)) == len(set().union(*seen)) == 80
    assert sum(len(p["matched_source"]["objectId"]) for p in parts) == 600
