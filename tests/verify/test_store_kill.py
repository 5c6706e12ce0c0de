"""Kill writers at random times: nothing acknowledged is lost, nothing is half there."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from skyassay.verify.store import open_store

from .writers import MEASUREMENTS, ROWS

PROGRAM = Path(__file__).with_name("writers.py")
ROUNDS = 4


def killed(url: str, folder: Path) -> set[str]:
    """Return what was acknowledged by writers that were killed."""
    log, evidence = folder / "acknowledged", folder / "store.evidence"
    command = [sys.executable, str(PROGRAM), url, str(evidence), str(log), str(ROUNDS)]
    subprocess.run(command, check=True, timeout=240)
    return set(log.read_text().split())


def check_whole(url: str, folder: Path, acknowledged: set[str]) -> int:
    """Check that everything acknowledged is there and everything there is whole."""
    with open_store(url, evidence=folder / "store.evidence") as store:
        stored = {run.id for run in store.runs()}
        assert len(acknowledged) > 20
        assert acknowledged <= stored
        for run in stored:
            table = store.evidence(run, "a.b.c", "g")
            assert len(store.measurements(run)) == MEASUREMENTS
            assert table is not None
            assert len(table) == ROWS
    return len(stored)


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
def test_killed_writers_lose_nothing_acknowledged(tmp_path: Path) -> None:
    database = tmp_path / "store.sqlite"
    url = f"sqlite:///{database}"
    acknowledged = killed(url, tmp_path)
    open_store(url, write=True).close()  # sweeps what the killed left behind
    number = check_whole(url, tmp_path, acknowledged)
    files = [p for p in (tmp_path / "store.evidence").rglob("*") if p.is_file()]
    assert len(files) == number
    raw = sqlite3.connect(database)
    assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    raw.close()


@pytest.mark.postgres
def test_killed_writers_on_a_server_lose_nothing_acknowledged(postgres, tmp_path: Path) -> None:
    check_whole(postgres, tmp_path, killed(postgres, tmp_path))
