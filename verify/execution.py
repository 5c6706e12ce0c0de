"""Fold metrics over a source: one pass over the union of their columns, then finish each.

A metric that fails takes only itself down: it is NOT_MEASURED, with its name and why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any

import pyarrow as pa

from skyassay.metrics.contract import Bindings, Measurement, Metric, state_digest
from skyassay.verify.executors import Executor, Workers
from skyassay.verify.finishing import Finished, finish_one, not_measured
from skyassay.verify.folding import Failure, Folded, fold_part, guard
from skyassay.verify.passes import Pass, passes
from skyassay.verify.records import Evidence
from skyassay.verify.tables import Source
from skyassay.verify.tables.clean import Tally
from skyassay.verify.tables.parts import Loaded, Planned
from skyassay.verify.tree import TreeMerge

#: Rows a partition should hold: 100-500 ms of work (reference: one task of a survey).
ROWS_PER_PART = 1_000_000


@dataclass(frozen=True)
class Outcome:
    """What a run of metrics gave.

    Attributes
    ----------
    measurements : tuple of Measurement
        In the order of the metrics; at least one for each of them.
    digests : mapping
        ``metric/recipe`` -> SHA-256 of the state's canonical bytes.
    evidence : tuple of Evidence
    failures : mapping
        ``metric/recipe`` -> what went wrong.
    """

    measurements: tuple[Measurement, ...]
    digests: Mapping[str, str] = field(default_factory=dict)
    evidence: tuple[Evidence, ...] = ()
    failures: Mapping[str, str] = field(default_factory=dict)


def run(
    metrics: Sequence[Metric],
    source: Source,
    executor: Executor,
    at: Mapping[str, Bindings],
    *,
    partitions: int = 1,
    progress: Callable[[int], None] | None = None,
) -> Outcome:
    """Measure.

    Parameters
    ----------
    metrics : sequence of Metric
        Of any recipes; those that fold alike (`state_key`) share one state.
    source : Source
        Read once for each locality that is needed.
    executor : Executor
        Serial or processes: the same bytes.
    at : mapping
        Metric id -> bound parameters to finish at (see `bindings`).
    partitions : int
    progress : callable, optional
        Told the number of partitions done so far.

    Returns
    -------
    Outcome
    """
    failed = {key_of(m): f for m in metrics if (f := _unreadable(m, source)) is not None}
    readable = [m for m in metrics if key_of(m) not in failed]
    with executor.session() as workers:
        states = _fold_all(readable, source, workers, partitions, progress)
        jobs = [
            (m, failed.get(key_of(m), states.get(state_key(m))), at.get(m.id, {})) for m in metrics
        ]
        return _collect(metrics, list(workers.map(_finish, jobs)))


def _fold_all(
    metrics: Sequence[Metric],
    source: Source,
    workers: Workers,
    partitions: int,
    progress: Callable[[int], None] | None,
) -> dict[str, Any]:
    """Return the state of every fold, or its `Failure`."""
    states: dict[str, Any] = {}
    done = count()
    for one in passes(metrics, source):
        folders = {state_key(m): m for m in reversed(one.metrics)}
        merged = {key: TreeMerge(m.merge) for key, m in folders.items()}
        asked = 1 if one.single else partitions
        for folded in _fold_pass(one, folders, source, workers, asked):
            _merge(merged, folded.states, states)
            if progress is not None:
                progress(next(done) + 1)
        for key, tree in merged.items():
            if key not in states:
                states[key] = guard(key, partial(tree.result, folders[key].zero))
    return states


def _fold_pass(
    one: Pass,
    folders: Mapping[str, Metric],
    source: Source,
    workers: Workers,
    partitions: int,
) -> Iterator[Folded]:
    """Yield what every partition of a pass gives.

    Raises
    ------
    ProductError
        When a partition cannot be read.
    """
    task = partial(fold_part, folders)
    parts = None
    if isinstance(source, Planned):
        parts = source.parts(one.needs, one.locality, partitions)
    if parts is None or not isinstance(source, Planned):
        tables = source.partitions(one.needs, one.locality, partitions)
        yield from workers.map(task, (Loaded(part) for part in tables))
        return
    tallies: dict[str, Tally] = {}
    aside: dict[str, list[pa.Table]] = {}
    for folded in workers.map(task, parts):
        _take(folded.checked(), tallies, aside)
        yield folded
    rest = source.rest(parts, aside)
    if rest is not None:
        folded = task(rest).checked()
        _take(folded, tallies, {})
        yield folded
    source.found(tallies)


def _take(folded: Folded, tallies: dict[str, Tally], aside: dict[str, list[pa.Table]]) -> None:
    """Add up what was found and what was set aside."""
    for name, tally in folded.tallies.items():
        tallies[name] = tallies.get(name, Tally()) + tally
    for name, rows in folded.aside.items():
        aside.setdefault(name, []).append(rows)


def key_of(metric: Metric) -> str:
    """Return what names a metric with its recipe: ``metric/recipe``."""
    return f"{metric.id}/{metric.recipe.name}"


def state_key(metric: Metric) -> str:
    """Return what identifies the fold; metrics without a key share with none."""
    return metric.state_key or f"{metric.id}:{metric.recipe.hash}"


def part_count(rows: int, workers: int) -> int:
    """Return a number of partitions that keeps the workers busy and the memory small."""
    by_size = -(-rows // ROWS_PER_PART)
    return max(1, by_size, 4 * workers if workers > 1 and rows > 10_000 else 1)


def _merge(
    merged: Mapping[str, TreeMerge], folded: Mapping[str, Any], states: dict[str, Any]
) -> None:
    """Take one partition's states in; a fold that failed once has failed."""
    for key, state in folded.items():
        if key in states:
            continue
        if isinstance(state, Failure):
            states[key] = state
            continue
        added = guard(key, partial(merged[key].add, state))
        if isinstance(added, Failure):
            states[key] = added


def _finish(job: tuple[Metric, Any, Bindings]) -> tuple[Finished, str | None, str | None]:
    """Finish one metric; return what it gave, the digest of its state, what went wrong."""
    metric, state, at = job
    if isinstance(state, Failure):
        return Finished((not_measured(metric, state.reason, state.hint),)), None, state.hint
    made = guard(metric.id, lambda: (finish_one(metric, state, at), state_digest(state)))
    if isinstance(made, Failure):
        return Finished((not_measured(metric, made.reason, made.hint),)), None, made.hint
    finished, digest = made
    return finished, digest, None


def _collect(
    metrics: Sequence[Metric], results: Sequence[tuple[Finished, str | None, str | None]]
) -> Outcome:
    digests: dict[str, str] = {}
    failures: dict[str, str] = {}
    for metric, (_, digest, failure) in zip(metrics, results, strict=True):
        if digest is not None:
            digests[key_of(metric)] = digest
        if failure is not None:
            failures[key_of(metric)] = failure
    return Outcome(
        tuple(m for finished, _, _ in results for m in finished.measurements),
        digests,
        tuple(e for finished, _, _ in results for e in finished.evidence),
        failures,
    )


def _unreadable(metric: Metric, source: Source) -> Failure | None:
    """Say what a metric cannot do without and the source does not have, or cannot read.

    A column that is there and cannot be read fails the metric even where it is optional: to
    measure without the flags that somebody meant to give would be another measurement.
    """
    for product, columns in metric.inputs.items():
        if product not in source.products:
            return Failure("missing_product", f"It reads {product}: add --table {product}=PATH.")
        named = {c.name for c in columns}
        for note in source.notes():
            if note.product == product and note.severity == "error" and note.column in named:
                return Failure(note.code, f"{note.message} {note.hint}".strip())
        there = set(source.columns(product))
        lost = [c.name for c in columns if not c.optional and c.name not in there]
        if lost:
            return Failure("missing_column", f"{product} has no column {', '.join(lost)}.")
    return None
