"""What a quantum costs beside its work: ours in one process and on two workers, and the stock way.

    python benchmarks/quanta.py [visits of 19 quanta, 12 unless given]

The tasks of the tests' demonstration do next to nothing, so that what is left is reading,
writing and keeping of books. The seconds are those of the whole run with its graph and its
registration, without the start of the workers. Ratios are what to look at, and only on a
machine that does nothing else.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import time
from pathlib import Path

DEMO = Path(__file__).resolve().parents[1] / "tests" / "pipeline" / "execution"
sys.path.insert(0, str(DEMO))
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(DEMO), os.environ.get("PYTHONPATH"))))

import dask  # noqa: E402
import distributed  # noqa: E402
import execution_demo as demo  # noqa: E402
from lsst.pipe.base.simple_pipeline_executor import SimplePipelineExecutor  # noqa: E402

from skyassay.pipeline.execution.pool import SETTINGS  # noqa: E402

DETECTORS = 9


def ours(root: Path, output: str, **options) -> float:
    start = time.perf_counter()
    report = demo.run_here(root, demo.make_pipeline(), output, **options)
    assert report.complete, report.statement()
    shown = {name: round(seconds, 2) for name, seconds in report.timings.items()}
    print(f"    {report.jobs} jobs, {shown}")
    return time.perf_counter() - start


def stock(root: Path) -> float:
    start = time.perf_counter()
    butler = SimplePipelineExecutor.prep_butler(str(root), inputs=[demo.RAW], output="u/stock")
    executor = SimplePipelineExecutor.from_pipeline(demo.make_pipeline(), butler=butler)
    executor.run(register_dataset_types=True)
    return time.perf_counter() - start


def main() -> None:
    logging.disable(logging.WARNING)
    visits = int(sys.argv[1] if len(sys.argv) > 1 else 12)
    quanta = visits * (2 * DETECTORS + 1)
    seconds = {}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "repo"
        demo.make_repository(root, visits, DETECTORS)
        print(f"{quanta} quanta, load {os.getloadavg()[0]:.1f}")
        seconds["stock, one process"] = stock(root)
        seconds["ours, one process"] = ours(root, "u/one")
        held = {"in_memory": ("demo_clean",)}
        seconds["ours, one process, held in memory"] = ours(root, "u/held", **held)
        with (
            dask.config.set(SETTINGS),
            distributed.LocalCluster(
                n_workers=2, threads_per_worker=1, dashboard_address=None
            ) as cluster,
        ):
            scheduler = {"scheduler": cluster.scheduler_address}
            ours(root, "u/warm", where="instrument='DemoCam' AND visit=1", **scheduler)
            seconds["ours, two workers"] = ours(root, "u/two", **scheduler)
            seconds["ours, two workers, one by one"] = ours(root, "u/single", same=(), **scheduler)
    for name, value in seconds.items():
        ratio = value / seconds["stock, one process"]
        each = 1000 * value / quanta
        print(f"{name:35s} {value:6.2f} s  {each:6.1f} ms a quantum  {ratio:5.2f} of stock")


if __name__ == "__main__":
    main()
