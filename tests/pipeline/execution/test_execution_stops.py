"""What does not end well: held datasets, full disks, signals, dead drivers."""

from __future__ import annotations

import errno
import os
import signal
import threading

import pytest
import yaml
from lsst.daf.butler import Butler
from lsst.pipe.base.quantum_graph import PredictedQuantumGraphComponents

from skyassay.pipeline.execution import session
from skyassay.pipeline.execution.errors import ExecutionError

VISITS, DETECTORS = 2, 3
QUANTA = VISITS * (2 * DETECTORS + 1)
# The summary reads the stars in another job: they are written all the same.
HELD = {"in_memory": ("demo_clean", "demo_stars")}


def test_held_datasets_are_never_written(repo, demo, tmp_path):
    """And a failure of the reader costs what it would have read, which is made again."""
    flag = str(tmp_path / "raised")
    report = demo.run_here(repo, demo.make_pipeline(detect_flag=flag), **HELD)
    assert report.counts == {"SUCCESS": QUANTA - 1, "FAILED": 1}
    assert report.jobs == VISITS * (DETECTORS + 1)
    assert demo.names(repo, "demo_clean") == []
    assert len(demo.names(repo, "clean_metadata")) == VISITS * DETECTORS - 1
    assert demo.stray_files(repo) == set()
    again = demo.run_here(repo, demo.make_pipeline(), **HELD)
    assert again.counts == {"SUCCESS": 3, "EXISTING": QUANTA - 3} and again.complete
    assert len(demo.names(repo, "demo_stars")) == VISITS * DETECTORS


def test_a_full_disk_is_named_and_leaves_nothing_half_written(repo, demo, tmp_path, monkeypatch):
    flag = tmp_path / "full"
    flag.touch()
    monkeypatch.setenv("EXECUTION_DEMO_FULL", str(flag))
    config = yaml.safe_load((repo / "butler.yaml").read_text())
    formatter = {"demo_clean": "execution_demo.FullDiskFormatter"}
    config.setdefault("datastore", {})["formatters"] = formatter
    (repo / "butler.yaml").write_text(yaml.safe_dump(config))
    report = demo.run_here(repo, demo.make_pipeline())
    assert report.counts == {"FAILED": VISITS * DETECTORS, "SKIPPED": VISITS * (DETECTORS + 1)}
    assert {o.code for o in report.failures} == {"DISK_FULL"}
    assert "DISK_FULL: OSError: [Errno 28]" in report.statement()
    assert demo.stray_files(repo) == set()
    with Butler.from_config(str(repo), collections="u/out") as butler:
        table = butler.get("quantum_summary", instrument="DemoCam")
    assert list(table["code"][table["status"] == "FAILED"]) == ["DISK_FULL"] * 6
    flag.unlink()
    again = demo.run_here(repo, demo.make_pipeline())
    assert again.counts == {"SUCCESS": QUANTA}
    assert len(demo.names(repo, "demo_clean")) == VISITS * DETECTORS


@pytest.mark.skipif(
    threading.current_thread() is not threading.main_thread(), reason="no signals in this thread"
)
@pytest.mark.parametrize("options", [{}, pytest.param(HELD, marks=pytest.mark.slow)])
def test_sigterm_keeps_what_is_finished(repo, demo, options):
    def after_five(_outcome, done, _of):
        if done == 5:
            os.kill(os.getpid(), signal.SIGTERM)

    handler = signal.getsignal(signal.SIGTERM)
    report = demo.run_here(repo, demo.make_pipeline(), progress=after_five, **options)
    assert signal.getsignal(signal.SIGTERM) is handler
    done = report.counts["SUCCESS"]
    assert 5 <= done < QUANTA and report.counts == {"SUCCESS": done, "SKIPPED": QUANTA - done}
    assert report.stopped == "SIGTERM" and "Stopped by SIGTERM" in report.statement()
    assert {o.code for o in report.outcomes} == {"", "STOPPED"}
    assert len(demo.names(repo, "demo_stars")) >= 2
    assert demo.stray_files(repo) == set()
    again = demo.run_here(repo, demo.make_pipeline(), **options)
    assert again.counts == {"SUCCESS": QUANTA - done, "EXISTING": done} and again.complete
    assert again.recovered == 0


def test_what_could_not_be_registered_is_taken_up(repo, demo, monkeypatch, tmp_path):
    """As when the disk is full, or the driver is killed, at the very end."""

    def no_space(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(session, "register_outputs", no_space)
        with pytest.raises(ExecutionError) as caught:
            demo.run_here(repo, demo.make_pipeline(detect_flag=str(tmp_path / "raised")), **HELD)
    assert caught.value.code == "DISK_FULL" and "taken up" in caught.value.hint
    assert demo.names(repo, "demo_stars") == []
    assert demo.stray_files(repo)
    again = demo.run_here(repo, demo.make_pipeline(), **HELD)
    assert again.counts == {"SUCCESS": 3, "EXISTING": QUANTA - 3} and again.recovered > 0
    assert "recovered" in again.statement()
    assert demo.stray_files(repo) == set()
    # The run that was interrupted tells what its quanta cost, as if nothing had happened.
    with Butler.from_config(str(repo)) as butler:
        first = min(name for name in butler.collections.query("u/out/*"))
        told = butler.get("quantum_summary", instrument="DemoCam", collections=first)
    ended = told[told["status"] == "SUCCESS"]
    assert len(ended) == QUANTA - 3 and len(told) == QUANTA
    assert all(0.0 < seconds < 600.0 for seconds in ended["seconds"])
    assert all(memory > 1_000_000 for memory in ended["memory"])
    assert len(demo.names(repo, "demo_stars")) == VISITS * DETECTORS


def test_a_disk_full_from_the_start_is_named(repo, demo, monkeypatch):
    def no_space(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(PredictedQuantumGraphComponents, "write", no_space)
        with pytest.raises(ExecutionError) as caught:
            demo.run_here(repo, demo.make_pipeline())
    assert caught.value.code == "DISK_FULL"


@pytest.mark.slow
def test_a_run_in_progress_is_left_alone(repo, demo):
    """A second run into the same chain takes up nothing of one whose driver lives."""
    inner = []

    def run_inside(_outcome, done, _of):
        if done == 3:
            one = demo.run_here(
                repo, demo.make_pipeline(), where="instrument='DemoCam' AND visit=2"
            )
            inner.append(one)

    outer = demo.run_here(repo, demo.make_pipeline(), progress=run_inside)
    assert outer.counts == {"SUCCESS": QUANTA}
    assert inner[0].recovered == 0 and inner[0].counts == {"SUCCESS": QUANTA // 2}
