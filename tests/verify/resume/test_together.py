"""Several partitions folded and merged by one worker: the bytes and counts of each alone."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from skyassay.metrics.registry import make
from skyassay.verify import fold_run
from skyassay.verify.executors import Serial
from skyassay.verify.tables import open_tables

PA1 = "photometry.repeatability.pa1"


class Busy(Serial):
    """Work done here, by workers that would be two; counts the tasks."""

    def __init__(self) -> None:
        object.__setattr__(self, "tasks", 0)

    @property
    def count(self) -> int:
        return 2

    @contextmanager
    def session(self) -> Iterator[Busy]:
        yield self

    def map(self, task, items):
        for item in items:
            object.__setattr__(self, "tasks", self.tasks + 1)
            yield task(item)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every worker have one task."""
    monkeypatch.setattr(fold_run, "TASKS_EACH", 1)


def test_partitions_together_are_partitions_alone(catalog, few, tmp_path) -> None:
    # an object on the border of two partitions of one task, and of two tasks
    catalog.add("between.parquet", 3249)
    catalog.add("more.parquet", 4249)
    seen: list[int] = []
    busy, keep = Busy(), tmp_path / "kept"
    made = catalog.measure(keep, partitions=10, executor=busy, progress=seen.append)
    alone = catalog.measure(None, partitions=10)
    assert seen == [8, 16, 20, 21]  # the last one is of the objects on borders
    assert busy.tasks == 3 + 1  # and the finishing
    assert alone.partitions == 21
    assert (made.digests, made.measurements) == (alone.digests, alone.measurements)
    again = catalog.measure(keep, partitions=10, executor=Busy())
    assert again.digests == made.digests
    assert (again.resumed, made.resumed) == (20, 0)


def test_a_fold_that_fails_in_one_partition_fails_the_task(catalog, few, monkeypatch) -> None:
    from skyassay.metrics.selection import Selection

    apply = Selection.apply
    calls: list[int] = []

    def failing(self, table):
        calls.append(len(table["objectId"]))
        if len(calls) == 2:
            raise ValueError("no good")
        return apply(self, table)

    monkeypatch.setattr(Selection, "apply", failing)
    made = catalog.measure(None, partitions=8, executor=Busy())
    assert [m.status for m in made.measurements] == ["NOT_MEASURED"]
    assert "no good" in next(iter(made.failures.values()))


def test_rows_set_aside_travel_alone(catalog) -> None:
    source = open_tables({"matched_source": catalog.folder})
    needs = {"matched_source": tuple(c.name for c in make(PA1).inputs["matched_source"])}
    found = [part.read() for part in source.parts(needs, "object", 8)]
    assert any(content.aside for content in found)
    for content in found:
        # a slice of Arrow takes along all that it was cut from
        assert len(pickle.dumps(content.aside)) < content.nbytes / 4
