"""Executors: in order, bounded, and in one sentence when something dies, hangs or is not there."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from skyassay.verify.errors import VerifyError
from skyassay.verify.executors import Dask, Processes, Serial, executor

TASKS = """
import os, time

def square(x):
    return x * x

def die(x):
    os._exit(3)

def hang(x):
    time.sleep(600)

def late(x):
    raise TimeoutError("my own")
"""


@pytest.fixture
def tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Return a module that spawned workers can import."""
    (tmp_path / "tasks_for_executors.py").write_text(TASKS)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return importlib.import_module("tasks_for_executors")


def code(chosen, task) -> str:
    with pytest.raises(VerifyError) as caught, chosen.session() as workers:
        list(workers.map(task, range(4)))
    assert caught.value.hint
    return caught.value.code


@pytest.mark.slow
def test_dask_is_lazy_in_order_and_says_what_died(tasks) -> None:
    taken = []

    def items():
        for i in range(30):
            taken.append(i)
            yield i

    with Dask(2).session() as workers:
        results = workers.map(tasks.square, items())
        assert next(results) == 0
        assert len(taken) <= 4
        assert list(results) == [i * i for i in range(1, 30)]
    assert code(Dask(1), tasks.die) == "worker_died"
    assert code(Dask(1, task_timeout=5), tasks.hang) == "task_timeout"


def test_a_task_that_hangs_is_stopped(tasks) -> None:
    assert code(Processes(1, task_timeout=3), tasks.hang) == "task_timeout"


def test_a_tasks_own_timeout_is_its_own(tasks) -> None:
    with (
        pytest.raises(TimeoutError, match="my own"),
        Processes(1, task_timeout=60).session() as workers,
    ):
        list(workers.map(tasks.late, [1]))


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "127.0.0.1", "nonsense", "tcp://:1"])
def test_a_scheduler_that_is_not_there(tasks, address) -> None:
    with pytest.raises(VerifyError) as caught, Dask(scheduler=address).session():
        raise AssertionError
    assert (caught.value.code, caught.value.exit_code) == ("scheduler_unreachable", 4)
    assert address in str(caught.value)


def test_what_is_chosen() -> None:
    assert executor() == executor(1) == executor(None, "serial") == Serial()
    assert executor(3) == executor(3, "processes") == Processes(3)
    assert executor(None, "processes") == Processes(2)
    assert executor(None, None, "tcp://x:1", 5.0) == Dask(2, "tcp://x:1", 5.0)
    assert executor(4, "dask") == Dask(4)
    assert executor(None, "serial", task_timeout=5.0) == Processes(1, 5.0)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"workers": 0}, "bad_workers"),
        ({"workers": 2, "name": "serial"}, "bad_workers"),
        ({"name": "spark"}, "unknown_executor"),
        ({"name": "processes", "scheduler": "tcp://x:1"}, "bad_scheduler"),
        ({"task_timeout": 0.0}, "bad_timeout"),
        ({"task_timeout": float("nan")}, "bad_timeout"),
    ],
)
def test_what_cannot_be_meant(wrong, reason) -> None:
    with pytest.raises(VerifyError) as caught:
        executor(**wrong)
    assert (caught.value.code, caught.value.exit_code) == (reason, 4)
