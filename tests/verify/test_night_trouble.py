"""A night in which a detector's frame is broken and the run is stopped, and its repair."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest

from skyassay.verify.butler.opening import open_repository
from skyassay.verify.butler.source import open_collection
from skyassay.verify.campaign.making import process, simulate_night, simulate_pixels
from skyassay.verify.campaign.night import send_alerts
from skyassay.verify.night.evidence import tables


def stopping(after: int):
    """Return a progress callback that sends SIGTERM once so many quanta are done."""

    def progress(_outcome: object, done: int, _all: int) -> None:
        if done == after:
            os.kill(os.getpid(), signal.SIGTERM)

    return progress


def night_of(repo: Path) -> Mapping[str, pd.DataFrame]:
    """Return the tables that the night's report is made of."""
    open_repository.cache_clear()
    return tables(open_collection(str(repo), "SimCam/runs/night", "truth/night"))


@pytest.mark.slow
def test_what_failed_is_named_nothing_is_lost_and_a_rerun_completes(tmp_path: Path) -> None:
    repo, day = tmp_path / "repo", 20260110
    simulate_pixels("tiny", 1, tmp_path / "frames", repo)
    process(str(repo), "release")
    night, _ = simulate_night("tiny", 1, tmp_path / "night", repo)
    process(str(repo), "template")
    broken = sorted(night.raws)[-1]
    whole = broken.read_bytes()
    broken.write_bytes(whole[:3000])
    where = f"day_obs = {day}"

    stopped = process(str(repo), "prompt", where=where, progress=stopping(20))
    assert stopped.stopped == "SIGTERM"
    again = process(str(repo), "prompt", where=where)
    assert {o.label for o in again.failures} == {"isr"}
    first = send_alerts(str(repo), day, tmp_path / "alerts")
    report = night_of(repo)
    assert report["failures"]["code"].tolist() == ["FileIntegrityError"]
    assert report["failures"]["message"].str.contains(broken.name).all()
    assert report["detectors"]["status"].value_counts().to_dict() == {"DONE": 5, "FAILED": 1}

    broken.write_bytes(whole)
    assert process(str(repo), "prompt", where=where).complete
    second = send_alerts(str(repo), day, tmp_path / "alerts")
    report = night_of(repo)
    assert report["failures"].empty
    assert set(report["detectors"]["status"]) == {"DONE"}
    # What was acknowledged is not sent again, and what is new is.
    assert first.complete and second.complete
    assert second.alerts > first.alerts
    assert second.acknowledged == 5 * (second.alerts - first.alerts)
