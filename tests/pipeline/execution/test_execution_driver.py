"""The driver among deaths, with a pool whose workers die when told to."""

from __future__ import annotations

import concurrent.futures
from contextlib import contextmanager

import pytest

from skyassay.pipeline.execution import session
from skyassay.pipeline.execution.driver import Limits
from skyassay.pipeline.execution.errors import ExecutionError
from skyassay.pipeline.execution.outcome import Status
from skyassay.pipeline.execution.pool import InProcess
from skyassay.pipeline.execution.worker import close_context

VISITS, DETECTORS = 2, 3
QUANTA = VISITS * (2 * DETECTORS + 1)


class KilledWorker(Exception):  # noqa: N818
    """Named like the error of Dask."""


class MortalPool(InProcess):
    """Its process dies in the first `deaths` attempts of each job that matches."""

    def __init__(self, deaths: int, error: Exception, after: bool = False, size: int = 1) -> None:
        self.deaths, self.error, self.after = deaths, error, after
        self.attempts: list[int] = []
        self._size = size

    def submit(self, function, *args):
        job = args[1]
        dies = job.quanta[0][1] == "clean" and job.attempt <= self.deaths
        if not dies:
            return super().submit(function, *args)
        self.attempts.append(job.attempt)
        if self.after:  # the work was done, and nobody heard of it
            super().submit(function, *args)
        future: concurrent.futures.Future = concurrent.futures.Future()
        future.set_exception(self.error)
        return future

    def size(self) -> int:
        return self._size


@pytest.fixture
def mortal(monkeypatch):
    """Return a function that puts a pool in the place of the real one."""

    def use(*args, **options) -> MortalPool:
        pool = MortalPool(*args, **options)

        @contextmanager
        def open_pool(*_):
            yield pool
            close_context()

        monkeypatch.setattr(session, "open_pool", open_pool)
        return pool

    return use


@pytest.mark.parametrize("after", [False, True])
def test_a_death_is_forgiven_twice(repo, demo, mortal, after):
    pool = mortal(2, KilledWorker(), after=after)
    report = demo.run_here(repo, demo.make_pipeline(), in_memory=("demo_clean",))
    assert report.counts == {"SUCCESS": QUANTA} and report.complete
    assert sorted(pool.attempts) == [1] * 6 + [2] * 6
    assert {o.attempts for o in report.outcomes if o.label == "clean"} == {3}
    assert len(demo.names(repo, "demo_stars")) == VISITS * DETECTORS
    assert len(demo.names(repo, "clean_log")) == VISITS * DETECTORS
    assert demo.stray_files(repo) == set()


def test_the_third_death_is_the_last(repo, demo, mortal):
    """What the dead have written is not read by those that depend on them."""
    mortal(3, KilledWorker(), after=True)
    report = demo.run_here(repo, demo.make_pipeline(), same=())
    assert report.counts == {"SKIPPED": VISITS * (DETECTORS + 1), "LOST": VISITS * DETECTORS}
    lost = next(o for o in report.outcomes if o.status is Status.LOST)
    assert (lost.attempts, lost.code) == (3, "WORKER_LOST")
    assert "died 3 times" in report.statement()
    assert demo.names(repo, "demo_clean") == [] and demo.stray_files(repo) == set()


def test_an_error_outside_the_task_is_no_death(repo, demo, mortal):
    pool = mortal(1, ImportError("no module"))
    report = demo.run_here(repo, demo.make_pipeline(), where="instrument='DemoCam' AND visit=1")
    assert pool.attempts == [1] * DETECTORS
    assert {o.code for o in report.failures} == {"ImportError"}


def test_without_workers_the_run_is_given_up(repo, demo, mortal):
    mortal(0, KilledWorker(), size=0)
    with pytest.raises(ExecutionError) as caught:
        demo.run_here(repo, demo.make_pipeline(), limits=Limits(no_worker=-1.0))
    assert caught.value.code == "NO_WORKER"
