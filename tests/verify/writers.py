"""Eight writers that are killed at random and eight readers that watch them, as a program.

``python writers.py URL EVIDENCE LOG ROUNDS``: each writer appends the id of a run to LOG once
the store has acknowledged it. A reader that sees a run in part ends with an error.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from skyassay.metrics.contract import Measurement
from skyassay.verify.records import Evidence, Run
from skyassay.verify.store import open_store

WORKERS = 8
#: Measurements and rows of evidence of a whole run.
MEASUREMENTS, ROWS = 5, 3


def write(url: str, evidence: Path, log: str, name: str) -> None:
    """Write runs until killed."""
    store = open_store(url, write=True, evidence=evidence)
    acknowledged = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for i in range(10_000):
        run = f"{name}-{i}"
        found = [
            Measurement("a.b.c", "", "srd", "h", "MEASURED", float(k), band=str(k))
            for k in range(MEASUREMENTS)
        ]
        table = Evidence("a.b.c", "g", pd.DataFrame({"x": [float(i)] * ROWS}))
        store.add_run(Run(run, "s", "real", "t"), found, [], [table])
        os.write(acknowledged, (run + "\n").encode())


def read(url: str, evidence: Path) -> None:
    """Look at the newest runs until killed; every one of them must be whole."""
    store = open_store(url, evidence=evidence)
    while True:
        for run in store.runs()[-3:]:
            table = store.evidence(run.id, "a.b.c", "g")
            assert len(store.measurements(run.id)) == MEASUREMENTS, run.id
            assert table is not None, run.id
            assert len(table) == ROWS, run.id


def _child(work, *arguments: object) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        work(*arguments)
    except BaseException as error:  # noqa: BLE001 - it ends the process
        sys.stderr.write(f"{work.__name__}: {error!r}\n")
    finally:
        os._exit(1)


def _wait_for(log: str, lines: int) -> None:
    deadline = time.monotonic() + 30.0
    path = Path(log)
    while time.monotonic() < deadline:
        if path.exists() and len(path.read_text().split()) >= lines:
            return
        time.sleep(0.01)


def main() -> None:
    """Kill everybody at a random moment, a few times over."""
    url, evidence, log, rounds = sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    draw = np.random.default_rng(1)
    open_store(url, write=True, evidence=evidence).close()
    for r in range(rounds):
        children = [_child(write, url, evidence, log, f"r{r}w{w}") for w in range(WORKERS)]
        children += [_child(read, url, evidence) for _ in range(WORKERS)]
        # A busy machine starts slowly: some runs first, then a random moment.
        _wait_for(log, (r + 1) * WORKERS)
        time.sleep(draw.uniform(0.0, 0.3))
        for child in children:
            os.kill(child, signal.SIGKILL)
        for child in children:
            _, status = os.waitpid(child, 0)
            assert os.WIFSIGNALED(status), "somebody stopped by itself"


if __name__ == "__main__":
    import pyarrow.parquet  # noqa: F401 - imported before the fork: a round costs no start-up

    main()
