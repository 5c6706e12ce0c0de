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
from skyassay.verify.tables.coded import clean_text, is_text, words_of
from skyassay.verify.tables.resolve import Link


def canonical_batch(
    batch: pa.RecordBatch, links: Mapping[str, Link], *, coded: bool = False
) -> pa.Table:
    """Return the batch with our names, types and units; text as codes where that is wanted.

    Raises
    ------
    ProductError
        ``wrong_type`` when a value does not fit the product's type.
    """
    arrays = {n: _column(batch.column(link.stored), link, coded) for n, link in links.items()}
    return pa.table(arrays)


def _column(stored: pa.Array, link: Link, coded: bool) -> pa.Array:
    """Convert one column."""
    dtype = link.column.dtype
    if dtype != "string" and pa.types.is_dictionary(stored.type):
        stored = stored.cast(stored.type.value_type)
    if dtype.startswith("int") and pa.types.is_floating(stored.type):
        # An integer with gaps, as pandas and astropy write it: NaN means no value.
        stored = pc.if_else(pc.is_nan(stored), pa.scalar(None, stored.type), stored)
    try:
        if dtype == "string":
            return clean_text(stored, coded=coded)
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
    if is_text(kind):
        return _text_array(column)
    if pa.types.is_boolean(kind):
        return _bool_array(column.fill_null(null_flag))
    if pa.types.is_integer(kind) and column.null_count:
        column = column.cast(pa.float64(), safe=False)
    if pa.types.is_floating(column.type):
        column = column.fill_null(float("nan"))
    return np.ascontiguousarray(column.combine_chunks().to_numpy(zero_copy_only=False))


def _text_array(column: pa.ChunkedArray) -> NDArray[np.str_]:
    """Return text; it is as wide as the longest that is there."""
    words, number = words_of(column)
    there = np.bincount(number, minlength=len(words)) > 0
    width = max((len(w) for w in words[there].tolist()), default=1)
    texts: NDArray[np.str_] = words.astype(f"U{max(width, 1)}")[number]
    return texts


def _bool_array(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Return flags without nulls; Arrow keeps eight in a byte."""
    made = np.empty(len(column), dtype=np.bool_)
    start = 0
    for chunk in column.chunks:
        if len(chunk):
            packed = np.frombuffer(chunk.buffers()[1], dtype=np.uint8)
            first, last = chunk.offset, chunk.offset + len(chunk)
            bits = np.unpackbits(packed[first // 8 : -(-last // 8)], bitorder="little")
            made[start : start + len(chunk)] = bits[first % 8 : first % 8 + len(chunk)]
        start += len(chunk)
    return made
