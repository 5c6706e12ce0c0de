"""The catalogue of orbits that are known before the night."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
from lsst.daf.butler import Butler

from skyassay.pipeline.instrument.layouts import NAME
from skyassay.pipeline.repository import names
from skyassay.pipeline.repository.create import register_type

#: Dataset type and file.
MPCORB = "mpcorb"


def ingest_orbits(butler: Butler, folder: Path) -> int:
    """Enter ``mpcorb.parquet`` of a folder; one that is there already gives way.

    Returns
    -------
    int
        Orbits entered.
    """
    path = folder / f"{MPCORB}.parquet"
    if not path.is_file():
        return 0
    kind = register_type(butler, MPCORB, ("instrument",), "ArrowAstropy")
    butler.collections.register(names.ORBITS)
    old = butler.query_datasets(kind, names.ORBITS, explain=False)
    if old:
        butler.pruneDatasets(old, disassociate=True, unstore=True, purge=True)
    table = pq.read_table(path)
    butler.put(table, kind, instrument=NAME, run=names.ORBITS)
    return int(table.num_rows)
