"""A folder of files in the order of objects, with objects on the borders, and a plain metric."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skyassay.metrics.registry import make
from skyassay.verify.execution import Outcome, run
from skyassay.verify.executors import Serial
from skyassay.verify.tables import open_tables
from skyassay.verify.tables.parts import FilePart

PA1 = "photometry.repeatability.pa1"
UNITS = {"coord_ra": "deg", "coord_dec": "deg", "psfFlux": "nJy", "psfFluxErr": "nJy"}


def rows(first: int, stars: int, visits: int = 4, seed: int = 0) -> dict[str, Any]:
    """Return bright stars by id and visit."""
    rng = np.random.default_rng([seed, first])
    star = np.repeat(np.arange(first, first + stars), visits)
    n = len(star)
    flux = 10 ** ((31.4 - 18.0 - rng.normal(0, 0.005, n)) / 2.5)
    return {
        "objectId": star,
        "visit": np.tile(np.arange(visits), stars),
        "band": np.full(n, "r"),
        "coord_ra": star / 1000.0,
        "coord_dec": np.zeros(n),
        "psfFlux": flux,
        "psfFluxErr": flux / 400,
        "extendedness": np.zeros(n),
        "pixelFlags_saturated": np.zeros(n, dtype=bool),
    }


def write(path: Path, table: dict[str, Any], group: int = 100) -> Path:
    """Write a file with small row groups, so that groups end within objects."""
    fields = [
        pa.field(k, pa.array(v).type, metadata={b"unit": UNITS[k]} if k in UNITS else None)
        for k, v in table.items()
    ]
    made = pa.Table.from_arrays([pa.array(v) for v in table.values()], schema=pa.schema(fields))
    pq.write_table(made, path, row_group_size=group, write_page_checksum=True)
    return path


@dataclass
class Catalog:
    """Files of stars, and how often one of their parts was read."""

    folder: Path
    read: int = 0
    stop_after: int | None = None

    def add(self, name: str, first: int, stars: int = 250, group: int = 333) -> Path:
        return write(self.folder / name, rows(first, stars), group)

    def measure(self, resume: Path | None, partitions: int = 4, executor=None, **more) -> Outcome:
        source = open_tables({"matched_source": self.folder})
        self.read = 0
        return run(
            [make(PA1)],
            source,
            executor or Serial(),
            {},
            partitions=partitions,
            resume=None if resume is None else str(resume),
            **more,
        )


@pytest.fixture
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Catalog:
    """Return eight files of 250 stars; reading stops the run where a test says so."""
    folder = tmp_path / "catalog"
    folder.mkdir()
    made = Catalog(folder)
    for i in range(8):
        made.add(f"{i}.parquet", 1000 * i)
    read = FilePart.read

    def counting(part: FilePart) -> Any:
        if made.stop_after is not None and made.read >= made.stop_after:
            raise KeyboardInterrupt
        if all(one.rows is None for one in part.slices.values()):
            made.read += 1
        return read(part)

    monkeypatch.setattr(FilePart, "read", counting)
    return made
