"""What PA1 of a million rows costs beside reading them and beside a plain groupby.

Every step runs in one process, the best of several rounds of this run: compare the ratios,
the seconds are those of one machine on one day.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from skyassay.metrics.registry import make
from skyassay.metrics.selection import COLUMNS
from skyassay.verify.tree import TreeMerge

STARS, VISITS, ROUNDS, PARTS = 50_000, 20, 3, 8
T = TypeVar("T")


def simulated() -> pa.Table:
    """Return a million bright measurements with a white error and one shared by visits."""
    rng = np.random.default_rng(1)
    star = np.repeat(np.arange(STARS), VISITS)
    visit = np.tile(np.arange(VISITS), STARS)
    error = rng.normal(0, 3e-3, len(star)) + rng.normal(0, 2e-3, VISITS)[visit]
    mag = rng.uniform(17.0, 19.5, STARS)[star] + error
    flux = 10 ** ((31.4 - mag) / 2.5)
    place = rng.uniform(-1, 1, (STARS, 2))[star] + rng.normal(0, 3e-6, (len(star), 2))
    return pa.table(
        {
            "objectId": star,
            "visit": visit,
            "band": np.full(len(star), "i"),
            "coord_ra": place[:, 0] + 180.0,
            "coord_dec": place[:, 1],
            "psfFlux": flux,
            "psfFluxErr": flux / 500.0,
            "extendedness": np.zeros(len(star)),
            "unused": rng.normal(size=len(star)),
        }
    )


def best(work: Callable[[], T]) -> tuple[float, T]:
    """Return the shortest time of several rounds, s, and the result."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - start)
    return min(times), result


def main() -> None:
    metric = make("photometry.repeatability.pa1")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "matched_source.parquet"
        pq.write_table(simulated(), path, compression="zstd", write_page_checksum=True)
        needed = [c.name for c in COLUMNS if not c.optional]
        read, table = best(
            lambda: pq.read_table(path, columns=needed, page_checksum_verification=True)
        )
    frame = table.to_pandas()
    columns = {name: frame[name].to_numpy() for name in needed}
    frame["mag"] = 31.4 - 2.5 * np.log10(frame["psfFlux"])
    plain, _ = best(lambda: frame.groupby(["band", "objectId"])["mag"].std().median())
    edges = np.linspace(0, len(frame), PARTS + 1).astype(int) // VISITS * VISITS
    parts = [
        {"matched_source": {k: v[a:b] for k, v in columns.items()}} for a, b in pairwise(edges)
    ]
    fold, states = best(lambda: [metric.fold(part) for part in parts])

    def merged() -> object:
        tree = TreeMerge(metric.merge)
        for part in states:
            tree.add(part)
        return tree.result(metric.zero)

    merge, state = best(merged)
    finish, (found,) = best(lambda: metric.finish(state, {}))
    assert found.value is not None and abs(found.value - 13**0.5) < 1.0, found
    rows = len(frame)
    print(f"PA1 of {rows:,} rows, {STARS:,} stars in {VISITS} visits; best of {ROUNDS}")
    print(f"{'step':34} {'seconds':>8} {'Mrow/s':>8} {'x read':>8}")
    for name, seconds in (
        ("read needed columns (Parquet, zstd)", read),
        ("pandas groupby std, then median", plain),
        (f"fold, {PARTS} partitions", fold),
        (f"merge {PARTS} states", merge),
        ("finish: value and interval", finish),
    ):
        print(f"{name:34} {seconds:8.3f} {rows / seconds / 1e6:8.1f} {seconds / read:8.1f}")
    print(f"all of ours / pandas groupby: {(fold + merge + finish) / plain:.1f}")


if __name__ == "__main__":
    main()
