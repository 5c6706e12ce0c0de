"""Fold metrics over a source: one pass over the union of their columns, then finish each.

A metric that fails takes only itself down: it is NOT_MEASURED, with its name and why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from skyassay.metrics.contract import Bindings, Measurement, Metric, state_digest
from skyassay.verify.executors import Executor
from skyassay.verify.finishing import Finished, finish_one, not_measured
from skyassay.verify.fold_run import Folding, state_key
from skyassay.verify.folding import Failure, guard
from skyassay.verify.records import Evidence
from skyassay.verify.tables import Source

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
    partitions, resumed : int
        How many there were, and how many of them had been folded by a run before.
    remarks : tuple of str
        What went wrong with checkpoints; the result is the same without them.
    """

    measurements: tuple[Measurement, ...]
    digests: Mapping[str, str] = field(default_factory=dict)
    evidence: tuple[Evidence, ...] = ()
    failures: Mapping[str, str] = field(default_factory=dict)
    partitions: int = 0
    resumed: int = 0
    remarks: tuple[str, ...] = ()


def run(
    metrics: Sequence[Metric],
    source: Source,
    executor: Executor,
    at: Mapping[str, Bindings],
    *,
    partitions: int = 1,
    progress: Callable[[int], None] | None = None,
    resume: str | None = None,
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
    resume : str, optional
        Folder in which states of partitions are kept, and looked for.

    Returns
    -------
    Outcome

    Raises
    ------
    ProductError
        When a partition cannot be read.
    VerifyError
        Of the executor; ``bad_resume``.
    """
    failed = {key_of(m): f for m in metrics if (f := _unreadable(m, source)) is not None}
    readable = [m for m in metrics if key_of(m) not in failed]
    with executor.session() as workers:
        folding = Folding(source, workers, partitions, progress, resume)
        states = folding.states(readable)
        jobs = _jobs(metrics, failed, states, at)
        done = [pair for pairs in workers.map(_finish_job, jobs) for pair in pairs]
        results = [result for _, result in sorted(done, key=lambda pair: pair[0])]
        return replace(
            _collect(metrics, results),
            partitions=folding.seen.partitions,
            resumed=folding.seen.resumed,
            remarks=tuple(dict.fromkeys(folding.seen.remarks)),
        )


def key_of(metric: Metric) -> str:
    """Return what names a metric with its recipe: ``metric/recipe``."""
    return f"{metric.id}/{metric.recipe.name}"


def part_count(rows: int, workers: int) -> int:
    """Return a number of partitions that keeps the workers busy and the memory small."""
    by_size = -(-rows // ROWS_PER_PART)
    return max(1, by_size, 4 * workers if workers > 1 and rows > 10_000 else 1)


def _jobs(
    metrics: Sequence[Metric],
    failed: Mapping[str, Failure],
    states: Mapping[str, Any],
    at: Mapping[str, Bindings],
) -> list[_Job]:
    """Return what is to be finished: a state travels once, to all the metrics it serves."""
    jobs: dict[str, _Job] = {}
    for index, metric in enumerate(metrics):
        key = state_key(metric)
        why = failed.get(key_of(metric))
        job = jobs.setdefault(f"failed {index}" if why else key, _Job(why or states.get(key)))
        job.metrics.append((index, metric, at.get(metric.id, {})))
    return list(jobs.values())


@dataclass(frozen=True)
class _Job:
    """A state and the metrics to make of it."""

    state: Any
    metrics: list[tuple[int, Metric, Bindings]] = field(default_factory=list)


#: What a metric gave, the digest of its state, what went wrong.
_Result = tuple[Finished, str | None, str | None]


def _finish_job(job: _Job) -> list[tuple[int, _Result]]:
    """Finish the metrics of one state, whose digest is made once."""
    digest = cache(lambda: state_digest(job.state))
    return [(index, _finish(metric, job.state, digest, at)) for index, metric, at in job.metrics]


def _finish(metric: Metric, state: Any, digest_of: Callable[[], str], at: Bindings) -> _Result:
    """Finish one metric; return what it gave, the digest of its state, what went wrong."""
    if isinstance(state, Failure):
        return Finished((not_measured(metric, state.reason, state.hint),)), None, state.hint
    made = guard(metric.id, lambda: (finish_one(metric, state, at), digest_of()))
    if isinstance(made, Failure):
        return Finished((not_measured(metric, made.reason, made.hint),)), None, made.hint
    finished, digest = made
    return finished, digest, None


def _collect(metrics: Sequence[Metric], results: Sequence[_Result]) -> Outcome:
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
            why = source.absent(product)
            return Failure(why.code, why.hint)
        named = {c.name for c in columns}
        for note in source.notes():
            if note.product == product and note.severity == "error" and note.column in named:
                return Failure(note.code, f"{note.message} {note.hint}".strip())
        there = set(source.columns(product))
        lost = [c.name for c in columns if not c.optional and c.name not in there]
        if lost:
            return Failure("missing_column", f"{product} has no column {', '.join(lost)}.")
    return None
