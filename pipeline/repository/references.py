"""Reference stars in the repository, in shards of the sky."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from astropy.table import Table
from lsst import sphgeom
from lsst.daf.butler import Butler
from numpy.typing import NDArray

from skyassay.pipeline.repository import names
from skyassay.pipeline.repository.create import register_type

#: HTM level of the shards, Rubin's for reference catalogs: triangles of about 0.6 degrees.
LEVEL = 7


def ingest_references(butler: Butler, folder: Path) -> int:
    """Enter ``reference_star.parquet`` of a folder, if it is there; return the stars entered.

    Shards that are there already stay.
    """
    path = folder / "reference_star.parquet"
    if not path.is_file():
        return 0
    table = _with_units(path)
    kind = register_type(butler, names.REFERENCE, (f"htm{LEVEL}",), "ArrowAstropy")
    pixels = _pixels(np.asarray(table["coord_ra"]), np.asarray(table["coord_dec"]))
    there = {
        ref.dataId[f"htm{LEVEL}"]
        for ref in butler.query_datasets(kind, names.REFERENCES, explain=False, limit=None)
    }
    count = 0
    for pixel in np.unique(pixels):
        if int(pixel) in there:
            continue
        shard = table[pixels == pixel]
        butler.put(shard, kind, {f"htm{LEVEL}": int(pixel)}, run=names.REFERENCES)
        count += len(shard)
    return count


def _pixels(ra: NDArray[np.float64], dec: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the HTM triangle of each position."""
    grid = sphgeom.HtmPixelization(LEVEL)
    return np.array(
        [
            grid.index(sphgeom.UnitVector3d(sphgeom.LonLat.fromDegrees(float(a), float(d))))
            for a, d in zip(ra, dec, strict=True)
        ],
        dtype=np.int64,
    )


def _with_units(path: Path) -> Table:
    """Return a Parquet table with the units that its fields state."""
    found = pq.read_table(path)
    table = Table({field.name: found[field.name].to_numpy() for field in found.schema})
    for field in found.schema:
        unit = (field.metadata or {}).get(b"unit", b"").decode()
        if unit:
            table[field.name].unit = unit
    return table
