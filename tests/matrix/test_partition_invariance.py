"""Every metric in every recipe: the same bytes, values and verdicts however it is run.

On the simulated twin, read from Parquet: serial or two processes, in 1, 7 or 64 parts,
rows, files and parts in any order.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skyassay.metrics.contract import Metric, Tables
from skyassay.metrics.family import StarMetric
from skyassay.metrics.registry import make
from skyassay.pipeline.products.io import write_table
from skyassay.requirements_map import load
from skyassay.simulator.presets import preset
from skyassay.simulator.release import release_tables
from skyassay.simulator.twin import Twin
from skyassay.verify.bindings import bindings
from skyassay.verify.execution import Outcome, run
from skyassay.verify.executors import Processes, Serial
from skyassay.verify.judging import judge_recipes
from skyassay.verify.measuring import Request, choose, measure
from skyassay.verify.records import Run
from skyassay.verify.tables import FileSource, Note, open_tables

PLUGINS = Path(__file__).parent.parent / "plugin_package"
RUN = Run("r", "twin", "catalog-twin", "2030-01-01T00:00:00Z")
Table = dict[str, Any]


@dataclass(frozen=True)
class Reordered:
    """A source that hands out its parts in another order."""

    source: FileSource
    seed: int

    @property
    def products(self) -> tuple[str, ...]:
        return self.source.products

    def identity(self) -> Mapping[str, Mapping[str, str | int | float | None]]:
        return self.source.identity()

    def columns(self, product: str) -> tuple[str, ...]:
        return self.source.columns(product)

    def notes(self) -> tuple[Note, ...]:
        return self.source.notes()

    def partitions(
        self, needs: Mapping[str, tuple[str, ...]], locality: str, count: int
    ) -> Iterator[Tables]:
        parts = list(self.source.partitions(needs, locality, count))
        yield from (parts[i] for i in np.random.default_rng(self.seed).permutation(len(parts)))


@pytest.fixture(scope="module")
def twin(with_pixels) -> Mapping[str, Table]:
    """Return every product of the tiny release, two fifths of the stars, or it would take long."""
    tables = with_pixels(release_tables(preset("tiny"), 1, Twin()))
    keep = np.asarray(tables["matched_source"]["objectId"]) % 5 < 2
    matched = {name: np.asarray(v)[keep] for name, v in tables["matched_source"].items()}
    return {**tables, "matched_source": matched}


@pytest.fixture(scope="module")
def metrics() -> Iterator[Sequence[Metric]]:
    """Return every metric in every recipe, and that of the third-party package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(PLUGINS))
        plugin = importlib.import_module("assay_visit_zeropoint").VisitScatter
        yield [*choose((), "all"), *(plugin(recipe) for recipe in plugin.recipes.values())]
        del sys.modules[plugin.__module__]


@pytest.fixture(scope="module")
def path(tmp_path_factory, twin) -> Mapping[str, Path]:
    """Return product -> file."""
    folder = tmp_path_factory.mktemp("twin")
    return {n: write_table(folder / f"{n}.parquet", n, table) for n, table in twin.items()}


def outcome(metrics, source, executor, partitions: int) -> Outcome:
    at = {m.id: bindings(m, load()) for m in metrics}
    return run(metrics, source, executor, at, partitions=partitions)


def same(one: Outcome, other: Outcome) -> None:
    assert other.failures == one.failures == {}
    assert other.digests == one.digests
    assert other.measurements == one.measurements
    assert judge_recipes(load(), other.measurements, RUN) == judge_recipes(
        load(), one.measurements, RUN
    )


@pytest.fixture(scope="module")
def reference(metrics, path) -> Outcome:
    return outcome(metrics, open_tables(path), Serial(), 1)


def test_every_metric_has_a_state_and_a_value(metrics, reference) -> None:
    assert len(reference.digests) == len(metrics)
    measured = {m.metric for m in reference.measurements if m.status == "MEASURED"}
    assert len(measured) > len({m.id for m in metrics}) / 2


@pytest.mark.parametrize(("workers", "parts"), [(1, 7), (2, 7), (1, 64)])
def test_parts_and_workers(metrics, path, reference, workers, parts) -> None:
    executor = Processes(2) if workers == 2 else Serial()
    source = Reordered(open_tables(path), seed=parts)
    same(reference, outcome(metrics, source, executor, parts))


def test_rows_in_any_order_in_any_files(metrics, twin, tmp_path, reference) -> None:
    for product, table in twin.items():
        (tmp_path / product).mkdir()
        order = np.random.default_rng(7).permutation(len(next(iter(table.values()))))
        for i, rows in enumerate(np.array_split(order, 5)):
            part = {name: np.asarray(values)[rows] for name, values in table.items()}
            write_table(tmp_path / product / f"{i}.parquet", product, part)
    source = open_tables({product: tmp_path / product for product in twin})
    same(reference, outcome(metrics, source, Serial(), 3))


def test_parts_on_disk(metrics, path, reference) -> None:
    source = open_tables(path, memory_bytes=1)
    same(reference, outcome(metrics, source, Serial(), 7))


def test_the_run_has_one_name(path) -> None:
    runs = [
        measure(
            open_tables(path),
            Request(metrics=("photometry.repeatability.pa1",), partitions=n),
            load(),
        ).run
        for n in (1, 7)
    ]
    assert runs[0].id == runs[1].id


def test_metrics_that_select_alike_share_their_state(metrics, reference) -> None:
    """Many metrics, few folds; but never with one that folds in its own way."""
    mine = [m for m in metrics if m.recipe.name == "srd"]
    stars = [m for m in mine if isinstance(m, StarMetric)]
    assert len({m.state_key for m in stars}) < len(stars) / 4
    for one in mine:
        for other in mine:
            if one.state_key == other.state_key:
                digests = {reference.digests[f"{m.id}/srd"] for m in (one, other)}
                assert len(digests) == 1

    class Own(type(make("photometry.repeatability.pa1"))):
        def fold(self, part):
            return self.zero()

    pa1 = make("photometry.repeatability.pa1")
    assert isinstance(pa1, StarMetric)
    assert Own(pa1.recipe).state_key != pa1.state_key
