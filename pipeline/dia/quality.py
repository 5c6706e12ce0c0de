"""The row of `difference_quality` of one detector."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from astropy.table import Table

from skyassay.pipeline.products.catalog import product
from skyassay.pipeline.tables.standardize import Origin, conform

PRODUCT = "difference_quality"


def quality_row(
    subtraction: Mapping[str, float], measured: Mapping[str, float], origin: Origin
) -> Table:
    """Return one row of the product from what the subtraction and the measurement say.

    Parameters
    ----------
    subtraction, measured : mapping
        Numbers by the product's names; others are passed over. What is not finite, or not
        there, becomes no value: a masked entry.
    origin : Origin
    """
    table = Table(masked=True)
    table["visit"] = np.array([origin.visit])
    table["detector"] = np.array([origin.detector])
    table["band"] = np.array([origin.band])
    values = {**subtraction, **measured}
    for name, column in product(PRODUCT).columns.items():
        if name in table.colnames:
            continue
        value = float(values.get(name, np.nan))
        known = bool(np.isfinite(value))
        table[name] = np.ma.MaskedArray(
            np.array([value if known else 0.0]).astype(column.dtype), mask=[not known]
        )
    return _typed(table)


def _typed(table: Table) -> Table:
    """Return the table with types and units; the cast of a schema would drop the masks."""
    masks = {n: np.ma.getmaskarray(np.ma.asarray(table[n])) for n in table.colnames}
    made = conform(Table({n: np.asarray(table[n]) for n in table.colnames}), PRODUCT)
    for name, mask in masks.items():
        if mask.any():
            made[name] = Table.MaskedColumn(made[name], mask=mask)
    return made
