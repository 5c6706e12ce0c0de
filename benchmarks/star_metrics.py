"""Star metrics beside reading the columns, pandas and a loop over objects, in one run.

    python benchmarks/star_metrics.py [--rows 4_000_000] [--workers 2]

From memory and per core: CPU seconds, the best of several rounds. From Parquet: CPU seconds of
one pass. On several cores: seconds on the clock, and the peak memory of a fresh process and
its workers. Figures are those of one machine on one day; what to look at is their ratio.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from skyassay.metrics.contract import Table
from skyassay.metrics.family import StarMetric
from skyassay.metrics.registry import load_metrics, make
from skyassay.metrics.selection import COLUMNS
from skyassay.metrics.states.star_counts import count_stars
from skyassay.verify.execution import part_count, run
from skyassay.verify.executors import executor
from skyassay.verify.tables import open_tables
from skyassay.verify.tree import TreeMerge

VISITS, ROUNDS, LOOPED = 10, 5, 5_000
MEMORY_ROWS, PART_ROWS, GROUP_ROWS, CHUNK_ROWS = 4_000_000, 1_000_000, 500_000, 3_000_000
PA1, PF1 = "photometry.repeatability.pa1", "photometry.repeatability.pf1"
FLAGS = tuple(c.name for c in COLUMNS if c.optional)


@dataclass(frozen=True)
class Line:
    """One line of the result."""

    name: str
    rows: int
    seconds: float

    def show(self) -> None:
        """Print it."""
        rate = self.rows / self.seconds / 1e6
        print(f"{self.name:58} {self.rows:12,} {self.seconds:9.3f} {rate:9.1f}", flush=True)


def stars(first: int, rows: int, bands: str) -> Table:
    """Return bright stars seen ten times in each band, sorted by object and visit."""
    each = VISITS * len(bands)
    number = -(-rows // each)
    rng = np.random.default_rng([1, first])
    star = np.repeat(np.arange(number), each)
    visit = np.tile(np.arange(each), number)
    shared = np.random.default_rng(2).normal(0, 2e-3, each)
    error = rng.standard_normal(len(star)) * 3e-3 + shared[visit]
    flux = 10 ** ((31.4 - rng.uniform(17.0, 19.5, number)[star] - error) / 2.5)
    place = rng.uniform(-1, 1, (2, number))[:, star]
    place += rng.standard_normal(place.shape) * 3e-6
    flags = {n: np.full(len(star), n == "detect_isPrimary") for n in FLAGS}
    return {
        "objectId": first + star,
        "visit": visit,
        "band": np.array(list(bands))[visit % len(bands)],
        "coord_ra": place[0] + 10.0 + 2.5 * (first // CHUNK_ROWS) % 340.0,
        "coord_dec": place[1],
        "psfFlux": flux,
        "psfFluxErr": flux / 500.0,
        "extendedness": np.zeros(len(star)),
        **flags,
    }


def cpu(name: str, rows: int, work: Callable[[], Any], rounds: int = ROUNDS) -> Any:
    """Show the least CPU time of several rounds; return the last result."""
    times = []
    for _ in range(rounds):
        start = time.process_time()
        made = work()
        times.append(time.process_time() - start)
    Line(name, rows, min(times)).show()
    return made


def from_memory(rows: int) -> None:
    """Compare on one band, sorted by object."""
    table = stars(0, rows, "i")
    rows = len(table["visit"])
    mag = 31.4 - 2.5 * np.log10(table["psfFlux"])
    star = table["objectId"]
    frame = pa.table({"objectId": star, "mag": mag}).to_pandas()
    few = frame[frame["objectId"] < LOOPED]
    cpu("pandas groupby std and median: PA1", rows, lambda: _grouped(frame).std().median())
    cpu("pandas groupby mean, residuals: PF1", rows, lambda: _residuals(frame))
    cpu("a loop over objects: PA1", len(few), lambda: _looped(few), 1)
    count_stars(star, mag)
    cpu("ours: PA1 and PF1 values", rows, lambda: count_stars(star, mag))
    metrics = [make(PA1), make(PF1)]
    fold = {"matched_source": table}
    metrics[0].fold(fold)
    cpu("ours: every cut, then the values and the sample", rows, lambda: metrics[0].fold(fold))
    parts = [{n: c[k : k + PART_ROWS] for n, c in table.items()} for k in range(0, rows, PART_ROWS)]
    cpu("ours: PA1 and PF1 with intervals", rows, lambda: _measured(metrics, parts))


def _grouped(frame: Any) -> Any:
    return frame.groupby("objectId")["mag"]


def _residuals(frame: Any) -> float:
    off = frame["mag"] - _grouped(frame).transform("mean")
    return float((off.abs() > 0.015).mean())


def _looped(frame: Any) -> float:
    """Take one object after the other, as validate_drp and faro do."""
    return float(np.median([group["mag"].std() for _, group in frame.groupby("objectId")]))


def _measured(metrics: list[Any], parts: list[Table]) -> None:
    tree = TreeMerge(metrics[0].merge)
    for part in parts:
        tree.add(metrics[0].fold({"matched_source": part}))
    state = tree.result(metrics[0].zero)
    for metric in metrics:
        (found,) = metric.finish(state, {})
        assert found.interval is not None, found
    assert found.n == sum(len(p["visit"]) for p in parts)


def write(folder: Path, rows: int, bands: str = "gri") -> int:
    """Write the rows as one data set, chunk by chunk; return how many there are."""
    written = 0
    for number, start in enumerate(range(0, rows, CHUNK_ROWS)):
        table = stars(start, min(CHUNK_ROWS, rows - start), bands)
        pq.write_table(
            pa.table(dict(table)),
            folder / f"part{number:04}.parquet",
            compression="zstd",
            row_group_size=GROUP_ROWS,
            write_page_checksum=True,
        )
        written += len(table["visit"])
    return written


def read(folder: Path, columns: list[str]) -> None:
    """Read the columns, and nothing else."""
    for path in sorted(folder.iterdir()):
        file = pq.ParquetFile(path, page_checksum_verification=True)
        for _ in file.iter_batches(batch_size=65_536, columns=columns, use_threads=False):
            pass


def star_metrics() -> list[Any]:
    """Return every metric of stars that its own package brings, by its deciding recipe."""
    plugins = load_metrics().items()
    return [make(n) for n, p in plugins if isinstance(p, type) and issubclass(p, StarMetric)]


def passed(folder: Path, metrics: list[Any], workers: int) -> None:
    """Measure a data set in one pass."""
    source = open_tables({"matched_source": folder})
    parts = part_count(source.one("matched_source").rows, workers)
    outcome = run(metrics, source, executor(workers), {}, partitions=parts)
    assert not outcome.failures, outcome.failures
    assert all(m.n > 0 for m in outcome.measurements if m.status == "MEASURED")


def from_parquet(folder: Path, rows: int) -> None:
    """Compare on three bands, from files."""
    needed = [c.name for c in COLUMNS]
    cpu("read the columns (Parquet, zstd, checksums)", rows, lambda: read(folder, needed), 2)
    two = [make(PA1), make(PF1)]
    cpu("ours: PA1 and PF1 with intervals, from Parquet", rows, lambda: passed(folder, two, 1), 2)
    every = star_metrics()
    name = f"ours: {len(every)} star metrics in one pass, from Parquet"
    cpu(name, rows, lambda: passed(folder, every, 1), 2)


def in_fresh_process(folder: Path, workers: int) -> Iterator[str]:
    """Yield the lines of `--folder`, run by itself so that its memory is its own."""
    command = [sys.executable, __file__, "--folder", str(folder), "--workers", str(workers)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    yield from done.stdout.splitlines()


def resident() -> int:
    """Return the bytes in memory of this process and those it started (Linux)."""
    own = Path("/proc/self")
    started = "".join(p.read_text() for p in own.glob("task/*/children")).split()
    total = 0
    for process in ("self", *started):
        with suppress(OSError):  # it has ended
            total += int(Path("/proc", process, "statm").read_text().split()[1])
    return total * resource.getpagesize()


def on_cores(folder: Path, workers: int) -> None:
    """Print the seconds on the clock, those of all processors, and the peak memory."""
    every, peak, done = star_metrics(), [0], Event()

    def watch() -> None:
        while not done.wait(0.1):
            peak[0] = max(peak[0], resident())

    watcher = Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    try:
        passed(folder, every, workers)
    finally:
        done.set()
        watcher.join()
    seconds = time.perf_counter() - start
    used = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    found = {
        "metrics": len(every),
        "seconds": seconds,
        "cpu": sum(u.ru_utime + u.ru_stime for u in used),
        "gigabytes": peak[0] / 2**30,
    }
    print(json.dumps(found))


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--rows", type=int, default=4_000_000, help="rows in Parquet")
    asked.add_argument("--workers", type=int, default=2)
    asked.add_argument("--folder", type=Path, help="measure this data set only")
    given = asked.parse_args()
    if given.folder is not None:
        on_cores(given.folder, given.workers)
        return
    print(f"{'step':58} {'rows':>12} {'seconds':>9} {'Mrow/s':>9}")
    from_memory(min(given.rows, MEMORY_ROWS))
    with TemporaryDirectory() as name:
        folder = Path(name)
        rows = write(folder, given.rows)
        from_parquet(folder, rows)
        for line in in_fresh_process(folder, given.workers):
            found = json.loads(line)
            label = (
                f"ours: {found['metrics']} star metrics, {given.workers} processes, by the clock"
            )
            Line(label, rows, found["seconds"]).show()
            Line("  the same, by CPU seconds of all of them", rows, found["cpu"]).show()
            print(f"  peak memory of all processes: {found['gigabytes']:.2f} GB")


if __name__ == "__main__":
    main()
