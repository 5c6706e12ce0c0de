"""Truth products in the repository, in a collection of their own that no pipeline reads."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
from lsst.daf.butler import Butler

from skyassay.pipeline.instrument.layouts import NAME
from skyassay.pipeline.repository import names
from skyassay.pipeline.repository.create import register_type


def ingest_truth(butler: Butler, folder: Path, run: str = names.TRUTH) -> tuple[str, ...]:
    """Enter every ``truth_*.parquet`` of a folder that is not there yet; return their names."""
    found = []
    for path in sorted(folder.glob("truth_*.parquet")) if folder.is_dir() else ():
        kind = register_type(butler, path.stem, ("instrument",), "ArrowTable")
        butler.collections.register(run)
        if not butler.query_datasets(kind, run, explain=False):
            butler.put(pq.read_table(path), kind, instrument=NAME, run=run)
        found.append(path.stem)
    return tuple(found)
