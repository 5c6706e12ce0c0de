"""The same on workers in other processes, some of which die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from skyassay.pipeline.execution.errors import ExecutionError
from skyassay.pipeline.execution.outcome import Status

VISITS, DETECTORS = 2, 3
QUANTA = VISITS * (2 * DETECTORS + 1)


def test_a_killed_worker_is_retried(repo, demo, scheduler, tmp_path):
    flag = str(tmp_path / "killed")
    report = demo.run_here(
        repo, demo.make_pipeline(on=[1], way="kill", flag=flag), scheduler=scheduler, **HELD
    )
    assert Path(flag).exists() and report.counts == {"SUCCESS": QUANTA}
    assert report.complete and max(o.attempts for o in report.outcomes) > 1
    assert demo.names(repo, "demo_clean") == [] and demo.stray_files(repo) == set()
    assert len(demo.names(repo, "demo_stars")) == VISITS * DETECTORS
    # The workers turn to another graph, and a failure travels as words.
    other = demo.run_here(repo, demo.make_pipeline(on=[0]), output="u/b", scheduler=scheduler)
    assert [o.code for o in other.failures] == ["DEMO_FAILED"] * VISITS


HELD = {"in_memory": ("demo_clean",)}


@pytest.mark.slow
def test_what_kills_every_worker_is_given_up(repo, demo, scheduler):
    report = demo.run_here(repo, demo.make_pipeline(on=[1], way="kill"), scheduler=scheduler)
    lost = [o for o in report.outcomes if o.status is Status.LOST]
    assert {(o.data_id["detector"], o.code, o.attempts) for o in lost} == {(1, "WORKER_LOST", 3)}
    assert len(demo.names(repo, "demo_summary")) == VISITS
    assert len(demo.names(repo, "demo_stars")) == VISITS * (DETECTORS - 1)
    again = demo.run_here(repo, demo.make_pipeline(), scheduler=scheduler)
    assert again.complete and again.counts["EXISTING"] == 2 * VISITS * (DETECTORS - 1)


SCRIPT = """
import sys, execution_demo as demo
if __name__ == "__main__":
    pipeline = demo.make_pipeline(sleep=0.4)
    report = demo.run_here(
        sys.argv[1],
        pipeline,
        workers=int(sys.argv[2]),
        in_memory=("demo_clean",),
        progress=lambda o, done, of: print(done, flush=True),
    )
    print(report.statement())
"""


def start(repo, demo, tmp_path, workers: int, lines: int) -> subprocess.Popen:
    """Start a driver and return it when so many quanta are done."""
    script = tmp_path / "driver.py"
    script.write_text(SCRIPT)
    environment = os.environ | {"PYTHONPATH": str(Path(demo.__file__).parent)}
    process = subprocess.Popen(
        [sys.executable, str(script), str(repo), str(workers)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    for _ in range(lines):
        assert process.stdout.readline()
    return process


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
def test_a_killed_driver_is_taken_up(repo, demo, tmp_path, workers):
    process = start(repo, demo, tmp_path, workers, 6)
    process.kill()
    process.communicate()
    time.sleep(1.0)  # its workers end when they see that it is gone
    assert demo.names(repo, "demo_stars") == []
    again = demo.run_here(repo, demo.make_pipeline(), **HELD)
    assert again.recovered > 0 and again.counts["EXISTING"] >= 6 and again.complete
    assert len(again.outcomes) == QUANTA and demo.stray_files(repo) == set()


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
def test_a_driver_told_to_end_ends_in_order(repo, demo, tmp_path, workers):
    process = start(repo, demo, tmp_path, workers, 4)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and "Stopped by SIGTERM" in out
    assert len(demo.names(repo, "demo_stars")) >= 2
    again = demo.run_here(repo, demo.make_pipeline(), **HELD)
    assert again.complete and len(again.outcomes) == QUANTA
    assert demo.stray_files(repo) == set()


def test_no_scheduler_no_run(repo, demo, monkeypatch):
    from skyassay.pipeline.execution import pool

    monkeypatch.setattr(pool, "CONNECT_SECONDS", 1)
    with pytest.raises(ExecutionError) as caught:
        demo.run_here(repo, demo.make_pipeline(), scheduler="tcp://127.0.0.1:9")
    assert caught.value.code == "NO_SCHEDULER"
