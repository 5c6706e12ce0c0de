"""Stored batches to canonical ones, and canonical Arrow to numpy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from skyassay.pipeline.products import ProductError
from skyassay.pipeline.products.io import arrow_type
from skyassay.verify.tables.resolve import Link


def canonical_batch(batch: pa.RecordBatch, links: Mapping[str, Link]) -> pa.Table:
    """Return the batch with our names, types and units.

    Raises
    ------
    ProductError
        ``wrong_type`` when a value does not fit the product's type.
    """
    arrays = {name: _column(batch.column(link.stored), link) for name, link in links.items()}
    return pa.table(arrays)


def _column(stored: pa.Array, link: Link) -> pa.Array:
    """Convert one column."""
    dtype = link.column.dtype
    if pa.types.is_dictionary(stored.type):
        stored = stored.cast(stored.type.value_type)
    if dtype.startswith("int") and pa.types.is_floating(stored.type):
        # An integer with gaps, as pandas and astropy write it: NaN means no value.
        stored = pc.if_else(pc.is_nan(stored), pa.scalar(None, stored.type), stored)
    try:
        if dtype == "string":
            if pa.types.is_fixed_size_binary(stored.type):
                stored = stored.cast(pa.binary())
            return pc.utf8_trim_whitespace(stored.cast(pa.string()))
        if link.factor != 1.0:
            stored = pc.multiply(stored.cast(pa.float64()), link.factor)
        # Single precision would cut a position to 0.1 arcsec; double holds every float.
        kind = pa.float64() if dtype.startswith("float") else arrow_type(dtype)
        return stored.cast(kind, safe=not dtype.startswith("float"))
    except pa.ArrowInvalid as error:
        raise ProductError(
            f"Column {link.stored} has values that are no {dtype}.",
            code="wrong_type",
            hint=str(error).splitlines()[0][:200],
        ) from error


def to_numpy(column: pa.ChunkedArray, *, null_flag: bool = True) -> NDArray[Any]:
    """Return one canonical column as a numpy array of shape (n,).

    A missing float or integer becomes NaN (an integer column with gaps becomes float64), a
    missing text the empty string, a missing flag `null_flag`.
    """
    kind = column.type
    if pa.types.is_string(kind):
        coded = column.fill_null("").combine_chunks().dictionary_encode()
        values = np.asarray(coded.dictionary.to_pylist() or [""], dtype=np.str_)
        texts: NDArray[Any] = values[coded.indices.to_numpy()]
        return texts
    if pa.types.is_boolean(kind):
        column = column.fill_null(null_flag)
    elif pa.types.is_integer(kind) and column.null_count:
        column = column.cast(pa.float64(), safe=False)
    if pa.types.is_floating(column.type):
        column = column.fill_null(float("nan"))
    return np.ascontiguousarray(column.combine_chunks().to_numpy(zero_copy_only=False))
