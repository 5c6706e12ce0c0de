"""What the shells share: dimensions, connections, rows of data ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from astropy.table import Table, vstack
from lsst.pipe.base import connectionTypes as cT

from skyassay.pipeline.instrument.filters import FILTERS
from skyassay.pipeline.tables.standardize import Origin

VISIT = ("instrument", "visit")
DETECTOR = ("instrument", "visit", "detector")
TRACT = ("instrument", "skymap", "tract")
TABLE = "ArrowAstropy"
IMAGE = "SimExposure"


def table_input(name: str, doc: str, dimensions: Sequence[str], **more: Any) -> Any:
    """Return an input connection of a table."""
    return cT.Input(name=name, doc=doc, storageClass=TABLE, dimensions=dimensions, **more)


def table_output(name: str, doc: str, dimensions: Sequence[str]) -> Any:
    """Return an output connection of a table."""
    return cT.Output(name=name, doc=doc, storageClass=TABLE, dimensions=dimensions)


def origin(visit: int, detector: int, physical_filter: str) -> Origin:
    """Return which image a table is of."""
    return Origin(visit, detector, FILTERS[physical_filter], physical_filter)


def stacked(tables: Sequence[Table], key: str) -> Table:
    """Return tables one below the other in the order of a column.

    Empty tables keep their columns; what one table lacks is an error, not a masked value.
    """
    joined = vstack(list(tables), join_type="exact", metadata_conflicts="silent")
    joined.sort(key)
    return joined
