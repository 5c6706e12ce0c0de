"""Draw the samples of a cell, measure them the way a user's data are measured, count."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass

from skyassay.metrics.contract import Measurement
from skyassay.metrics.registry import make
from skyassay.verify.campaign import draw
from skyassay.verify.coverage.plan import Cell, Target, sampler_of
from skyassay.verify.rule import Estimate, decide

_CHUNK = 10
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Counts:
    """How the trials of a cell came out.

    Attributes
    ----------
    trials : int
        Measurements: seeds x bands x components.
    below, above : int
        Intervals that lie wholly below or above the true value.
    passed : int
        Verdicts PASS by the one-sided 95 % limit.
    not_measured : int
    """

    trials: int = 0
    below: int = 0
    above: int = 0
    passed: int = 0
    not_measured: int = 0

    def __add__(self, other: Counts) -> Counts:
        """Return the sum of two counts."""
        return Counts(
            self.trials + other.trials,
            self.below + other.below,
            self.above + other.above,
            self.passed + other.passed,
            self.not_measured + other.not_measured,
        )


def run_campaign(
    cells: Sequence[Cell],
    seeds: int,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> dict[Cell, Counts]:
    """Return the counts of every cell; the same for any number of workers.

    Parameters
    ----------
    cells : sequence of Cell
    seeds : int
        Samples per cell.
    workers : int
    progress : callable, optional
        Called with (chunks done, chunks in all).
    """
    jobs = [
        (cell, range(s, min(s + _CHUNK, seeds))) for cell in cells for s in range(0, seeds, _CHUNK)
    ]
    counts = dict.fromkeys(cells, Counts())
    for done, (cell, found) in enumerate(_results(jobs, workers), start=1):
        counts[cell] += found
        if progress:
            progress(done, len(jobs))
    return counts


def _results(jobs: Sequence[tuple[Cell, range]], workers: int) -> Iterator[tuple[Cell, Counts]]:
    if workers <= 1:
        for cell, seeds in jobs:
            yield cell, run_trials(cell, seeds)
        return
    context = multiprocessing.get_context("spawn")
    with _one_thread_each(), ProcessPoolExecutor(workers, mp_context=context) as pool:
        futures = {pool.submit(run_trials, cell, seeds): cell for cell, seeds in jobs}
        for future in as_completed(futures):
            yield futures[future], future.result()


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Give each worker one thread: the matrices are small, threads only fight."""
    before = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def run_trials(cell: Cell, seeds: Sequence[int]) -> Counts:
    """Return the counts of some seeds of a cell."""
    total = Counts()
    for seed in seeds:
        for group in _groups(cell):
            total += _trial(cell, group, seed)
    return total


def _groups(cell: Cell) -> list[tuple[Target, ...]]:
    """Return the bands drawn together.

    Bands that are compared with another get one of their own each: trials that share their
    reference would not be independent, and an exact binomial test needs that.
    """
    apart = sampler_of(cell.metric).apart
    return [(target,) for target in cell.targets[:apart]] if apart else [cell.targets]


def _trial(cell: Cell, targets: tuple[Target, ...], seed: int) -> Counts:
    metric = make(cell.metric)
    tables = draw(
        cell.metric,
        {t.band: t.truth for t in targets},
        {t.band: t.at for t in targets if t.at is not None},
        cell.share,
        cell.size,
        seed,
    )
    binding: dict[str, dict[str, tuple[float, ...]]] = {}
    for t in targets:
        if t.parameter is not None and t.at is not None:
            binding.setdefault(t.parameter, {})[t.band] = (t.at,)
    wanted = {t.band: t for t in targets}
    total = Counts()
    for measurement in metric.finish(metric.fold(tables), binding):
        # A criterion without bands speaks of every band that is measured.
        target = wanted.get(measurement.band or "", wanted.get(""))
        if target is not None:
            total += _count(measurement, target)
    return total


def _count(measurement: Measurement, target: Target) -> Counts:
    interval, value = measurement.interval, measurement.value
    if interval is None or value is None:
        return Counts(not_measured=1)
    verdict = decide(target.rule, Estimate(value, interval.lower, interval.upper))
    return Counts(
        trials=1,
        below=int(interval.high < target.truth),
        above=int(interval.low > target.truth),
        passed=int(verdict == "PASS"),
    )
