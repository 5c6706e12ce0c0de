"""Every metric, the same bytes on every executor: workers that read, Dask, LSDB, checkpoints.

One table in the order of objects with row groups that end within objects, so that workers
read their own parts and objects lie on the borders.
"""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from skyassay.pipeline.products import product
from skyassay.pipeline.products.io import to_arrow, write_table
from skyassay.requirements_map import load
from skyassay.simulator.presets import preset
from skyassay.simulator.release import release_tables
from skyassay.simulator.twin import Twin
from skyassay.verify.bindings import bindings
from skyassay.verify.execution import Outcome, run
from skyassay.verify.executors import Dask, Executor, Processes, Serial
from skyassay.verify.lsdb import open_hats
from skyassay.verify.measuring import choose
from skyassay.verify.tables import open_tables
from skyassay.verify.tables.parts import Planned

ROWS = 700


@dataclass(frozen=True)
class Data:
    """The files of the products, and what one serial pass makes of them."""

    files: Mapping[str, Path]
    catalog: Mapping[str, Any]
    reference: Outcome

    def measure(self, executor: Executor, parts: int, source: Any = None, **more) -> Outcome:
        return measure(source or open_tables(self.files), executor, parts, **more)

    def same(self, other: Outcome) -> None:
        assert other.failures == self.reference.failures == {}
        assert other.digests == self.reference.digests
        assert other.measurements == self.reference.measurements


def measure(source: Any, executor: Executor, parts: int, **more) -> Outcome:
    metrics = choose((), None)
    at = {m.id: bindings(m, load()) for m in metrics}
    return run(metrics, source, executor, at, partitions=parts, **more)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, with_pixels) -> Data:
    """Return the tiny release, its matched sources by object with small row groups."""
    import pyarrow.parquet as pq

    folder = tmp_path_factory.mktemp("executors")
    tables = with_pixels(release_tables(preset("tiny"), 1, Twin()))
    stars = tables["matched_source"]
    keep = np.flatnonzero(np.asarray(stars["objectId"]) % 5 < 2)
    keep = keep[np.argsort(np.asarray(stars["objectId"])[keep], kind="stable")]
    table = {name: np.array(values)[keep] for name, values in stars.items()}
    _stretch(table)
    files = {
        name: write_table(folder / f"{name}.parquet", name, t)
        for name, t in tables.items()
        if name != "matched_source"
    }
    files["matched_source"] = folder / "matched_source.parquet"
    arrow = to_arrow(product("matched_source"), table)
    pq.write_table(arrow, files["matched_source"], row_group_size=ROWS, write_page_checksum=True)
    return Data(files, table, measure(open_tables(files), Serial(), 1))


def _stretch(table: dict[str, Any]) -> None:
    """Put every other row of the first object where the star of the largest RA is.

    Whatever the partitions of the sky, if there are several, it is in two of them.
    """
    own = np.flatnonzero(table["objectId"] == table["objectId"][0])[::2]
    far = int(np.argmax(table["coord_ra"] - table["coord_ra"][0]))
    for name in ("coord_ra", "coord_dec"):
        table[name][own] = table[name][far]


@pytest.fixture(scope="session")
def scheduler() -> Iterator[str]:
    """Return the address of one local cluster of two workers, of another process."""
    code = (
        "import sys\n"
        "from distributed import LocalCluster\n"
        "if __name__ == '__main__':\n"
        "    cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=':0')\n"
        "    print(cluster.scheduler_address, flush=True)\n"
        "    sys.stdin.read()\n"
        "    cluster.close()\n"
    )
    started = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert started.stdin is not None
    assert started.stdout is not None
    yield started.stdout.readline().strip()
    started.stdin.close()
    assert started.wait(30) == 0
    started.stdout.close()


def test_parts_have_objects_on_their_borders(data) -> None:
    """The table is one that tests what it should."""
    source = open_tables(data.files)
    assert isinstance(source, Planned)
    parts = source.parts({"matched_source": ("objectId", "psfFlux")}, "object", 7)
    assert parts is not None
    assert len(parts) >= 4
    found = [part.read() for part in parts]
    aside = [f.aside["matched_source"] for f in found if f.aside]
    assert aside
    rest = source.rest(parts, {"matched_source": aside})
    assert rest is not None
    ids = [set(f.tables["matched_source"]["objectId"].tolist()) for f in (*found, rest.read())]
    assert sum(map(len, ids)) == len(set().union(*ids)) == len(np.unique(data.catalog["objectId"]))


@pytest.mark.parametrize("parts", [3, 7])
def test_serial_parts_from_row_groups(data, parts) -> None:
    data.same(data.measure(Serial(), parts))


def test_checkpoints_hold_every_state(data, tmp_path) -> None:
    """A second run folds nothing again but the objects on borders: every state has a codec."""
    keep = str(tmp_path)
    first = data.measure(Serial(), 3, resume=keep)
    second = data.measure(Serial(), 3, resume=keep)
    data.same(first)
    data.same(second)
    assert (first.resumed, second.remarks) == (0, ())
    assert second.resumed >= second.partitions - 1 > 0


def test_dask_by_address(data, scheduler) -> None:
    data.same(data.measure(Dask(scheduler=scheduler), 7))


@pytest.mark.slow
@pytest.mark.parametrize("executor", [Processes(2), Dask(1), Dask(2)], ids=str)
def test_workers(data, executor) -> None:
    data.same(data.measure(executor, 5))


def hats(folder: Path, table: Mapping[str, Any], rows: int) -> Path:
    """Write a HATS catalog with at most so many rows in a partition, cut by each row's place."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import lsdb

        frame = pd.DataFrame(dict(table))
        if rows >= len(frame):
            size = {"lowest_order": 0, "highest_order": 0}
        else:
            size = {"partition_rows": rows, "highest_order": 12}
        made = lsdb.from_dataframe(
            frame, ra_column="coord_ra", dec_column="coord_dec", margin_threshold=None, **size
        )
        made.write_catalog(folder, catalog_name="t", as_collection=False, progress_bar=False)
    return folder


@pytest.mark.parametrize(
    "parts", [1, pytest.param(7, marks=pytest.mark.slow), pytest.param(60, marks=pytest.mark.slow)]
)
def test_lsdb_partitions_of_the_sky(data, tmp_path, scheduler, parts) -> None:
    """Objects whose rows HATS has put into several partitions are whole all the same."""
    rows = len(data.catalog["visit"])
    folder = hats(tmp_path / "hats", data.catalog, rows if parts == 1 else 2 * rows // parts)
    others = {k: v for k, v in data.files.items() if k != "matched_source"}
    source = open_hats(others, {"matched_source": str(folder)})
    files = [reader.path for reader, _ in source.one("matched_source").files]
    assert len(files) >= 0.5 * parts
    cells = [set(pd.read_parquet(f, columns=["objectId"])["objectId"].tolist()) for f in files]
    assert (sum(map(len, cells)) > len(set().union(*cells))) == (parts > 1)
    executor = Dask(scheduler=scheduler) if parts == 60 else Serial()
    data.same(data.measure(executor, 1, source))
