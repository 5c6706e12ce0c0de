"""Serial, two processes and two Dask workers side by side on one table in the order of objects.

    python benchmarks/executors.py [million rows, 6 unless given]

The seconds include opening the table, starting the workers and finishing. Ratios are what to
look at, and only on a machine that does nothing else: the workers share its cores with all.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from skyassay.pipeline.products.io import write_chunks
from skyassay.verify.execution import part_count, run
from skyassay.verify.executors import Dask, Executor, Processes, Serial
from skyassay.verify.measuring import choose
from skyassay.verify.tables import open_tables

STARS, VISITS, BANDS = 10_000, 20, np.array(list("gri"))
METRICS = ("photometry.repeatability.pa1", "photometry.repeatability.pf1")


def chunks(rows: int) -> Iterator[dict]:
    """Yield bright stars in the order of their ids."""
    rng = np.random.default_rng(1)
    each = len(BANDS) * VISITS
    for first in range(0, rows // each, STARS):
        star = np.repeat(np.arange(first, first + STARS), each)
        step = np.tile(np.arange(each), STARS)
        n = len(star)
        mag = np.repeat(rng.uniform(17.1, 18.5, STARS), each) + rng.normal(0, 0.004, n)
        flux = 10 ** ((31.4 - mag) / 2.5)
        yield {
            "objectId": star.astype(np.int64),
            "visit": 1000 * (step // VISITS) + step % VISITS,
            "band": BANDS[step // VISITS],
            "coord_ra": np.repeat(rng.uniform(10, 13, STARS), each) + rng.normal(0, 2e-6, n),
            "coord_dec": np.repeat(rng.uniform(-1, 1, STARS), each) + rng.normal(0, 2e-6, n),
            "psfFlux": flux,
            "psfFluxErr": flux / 400,
            "extendedness": np.zeros(n),
        }


def timed(path: Path, executor: Executor, workers: int) -> tuple[float, dict]:
    start = time.perf_counter()
    source = open_tables({"matched_source": path})
    parts = part_count(source.one("matched_source").rows, workers)
    made = run(choose(METRICS, None), source, executor, {}, partitions=parts)
    assert not made.failures, made.failures
    return time.perf_counter() - start, dict(made.digests)


def main() -> None:
    rows = int(1e6 * float(sys.argv[1] if len(sys.argv) > 1 else 6))
    with tempfile.TemporaryDirectory() as folder:
        path = write_chunks(Path(folder) / "t.parquet", "matched_source", chunks(rows))
        print(f"{rows:,} rows, load {os.getloadavg()[0]:.1f}")
        seen = []
        chosen = [("serial", Serial(), 1), ("2 processes", Processes(2), 2)]
        if find_spec("distributed") is None:
            print("Dask is not installed: pip install 'skyassay[scale]'")
        else:
            chosen.append(("2 Dask workers", Dask(2), 2))
        for name, executor, workers in chosen:
            seconds, digests = timed(path, executor, workers)
            seen.append(digests)
            print(f"{name:15s} {seconds:6.1f} s  {rows / seconds / 1e6:6.2f} Mrow/s", flush=True)
        assert all(one == seen[0] for one in seen), "an executor gives other bytes"


if __name__ == "__main__":
    main()
