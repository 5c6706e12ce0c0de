"""Kill writers at random times: nothing acknowledged is lost, nothing is half there."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from skyassay.verify.store import open_store

WRITER = """
import os, random, signal, sys, time
import pandas as pd
from skyassay.metrics.contract import Measurement
from skyassay.verify.records import Evidence, Run
from skyassay.verify.store import open_store
import pyarrow.parquet  # imported before the fork, so that a round costs no start-up

url, acknowledged, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
random.seed(1)

def write(name):
    store = open_store(url, write=True)
    log = os.open(acknowledged, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for i in range(10_000):
        run = f"{name}-{i}"
        found = [Measurement("a.b.c", "", "srd", "h", "MEASURED", float(k), band=str(k))
                 for k in range(5)]
        table = Evidence("a.b.c", "g", pd.DataFrame({"x": [float(i)] * 3}))
        store.add_run(Run(run, "s", "real", "t"), found, [], [table])
        os.write(log, (run + "\\n").encode())

open_store(url, write=True).close()
for r in range(rounds):
    children = []
    for w in range(4):
        child = os.fork()
        if child == 0:
            try:
                write(f"r{r}w{w}")
            finally:
                os._exit(1)
        children.append(child)
    time.sleep(random.uniform(0.1, 0.4))
    for child in children:
        os.kill(child, signal.SIGKILL)
    for child in children:
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), "a writer stopped by itself"
"""


@pytest.mark.skipif(not hasattr(sys, "platform") or sys.platform == "win32", reason="needs fork")
def test_killed_writers_lose_nothing_acknowledged(tmp_path: Path) -> None:
    script, log = tmp_path / "writer.py", tmp_path / "acknowledged"
    script.write_text(WRITER)
    database = tmp_path / "store.sqlite"
    url = f"sqlite:///{database}"
    subprocess.run([sys.executable, str(script), url, str(log), "20"], check=True, timeout=120)

    acknowledged = set(log.read_text().split())
    assert len(acknowledged) > 40
    open_store(url, write=True).close()  # sweeps what the killed left behind
    with open_store(url) as store:
        stored = {run.id for run in store.runs()}
        assert acknowledged <= stored
        for run in stored:
            assert len(store.measurements(run)) == 5
            table = store.evidence(run, "a.b.c", "g")
            assert table is not None
            assert len(table) == 3
    files = [p for p in (tmp_path / "store.evidence").rglob("*") if p.is_file()]
    assert len(files) == len(stored)
    raw = sqlite3.connect(database)
    assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    raw.close()
