"""Write a product as Parquet that a reader can trust.

Parquet without page checksums gives wrong numbers silently when a bit flips, so every page
gets one. Units travel with the columns, as field metadata ``unit``.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from skyassay.pipeline.products.catalog import product
from skyassay.pipeline.products.errors import ProductError
from skyassay.pipeline.products.integrity import DIGEST_KEY, footer_digest
from skyassay.pipeline.products.model import Product, ProductColumn

#: Schema metadata that names the product a file holds.
PRODUCT_KEY = b"skyassay.product"
#: Field metadata that holds the astropy unit string.
UNIT_KEY = b"unit"
_ARROW = {"string": pa.string(), "timestamp": pa.timestamp("us"), "bool": pa.bool_()}
_ROW_GROUP = 1 << 19

Table = Mapping[str, NDArray[Any]]


def write_table(path: str | os.PathLike[str], name: str, table: Table) -> Path:
    """Write one table of product `name` to a Parquet file.

    Parameters
    ----------
    path : path-like
        File to write; it is complete or absent, never half written.
    name : str
        Product name.
    table : mapping of str to ndarray, shape (n,)
        Columns by their canonical names, in the product's units. Masked entries become
        null, NaN stays NaN.

    Returns
    -------
    Path

    Raises
    ------
    ProductError
        ``unknown_product``, ``unknown_column``, ``missing_column``, ``wrong_type``,
        ``ragged_table``.
    """
    return write_chunks(path, name, [table])


def write_chunks(path: str | os.PathLike[str], name: str, chunks: Iterable[Table]) -> Path:
    """Write a product piece by piece: as `write_table`, for tables larger than memory.

    The first chunk decides which optional columns the file has.
    """
    target = Path(path)
    known = product(name)
    pieces = iter(chunks)
    first = next(pieces, None)
    if first is None:
        raise ProductError(f"No chunk of {name} to write.", code="no_chunks")
    head = to_arrow(known, first)
    with _replacing(target) as temporary, _writer(temporary, head.schema) as writer:
        writer.write_table(head, row_group_size=_ROW_GROUP)
        rows = head.num_rows
        for piece in pieces:
            body = to_arrow(known, piece)
            if body.schema.names != head.schema.names:
                raise ProductError(
                    f"Chunks of {name} differ in their columns.", code="ragged_table"
                )
            writer.write_table(body, row_group_size=_ROW_GROUP)
            rows += body.num_rows
        writer.add_key_value_metadata({DIGEST_KEY: footer_digest(head.schema, rows)})
    return target


def to_arrow(known: Product, table: Table) -> pa.Table:
    """Return the table as Arrow with the product's types, units and column order."""
    _check_names(known, table)
    arrays, fields = [], []
    for name in _ordered(known, table):
        column = known.column(name)
        if column is None:  # pragma: no cover - refused by _check_names
            continue
        arrays.append(_arrow_array(column, table[name]))
        metadata = {UNIT_KEY: column.unit.encode()} if column.unit else None
        fields.append(pa.field(name, arrays[-1].type, metadata=metadata))
    if len({len(array) for array in arrays}) > 1:
        raise ProductError(f"Columns of {known.name} differ in length.", code="ragged_table")
    metadata = {PRODUCT_KEY: known.name.encode()}
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields, metadata=metadata))


def _ordered(known: Product, table: Table) -> list[str]:
    """Return the table's columns in the product's order, patterned ones last, sorted."""
    return [n for n in known.columns if n in table] + sorted(set(table) - set(known.columns))


def _check_names(known: Product, table: Table) -> None:
    """Refuse columns that the product does not have, and a table that lacks required ones."""
    unknown = sorted(name for name in table if known.column(name) is None)
    if unknown:
        raise ProductError(
            f"Product {known.name} has no column {', '.join(unknown)}.",
            code="unknown_column",
            hint="Use the canonical names, or declare the column with the product.",
        )
    missing = [name for name in known.required if name not in table]
    if missing:
        raise ProductError(
            f"Product {known.name} needs the column {', '.join(missing)}.", code="missing_column"
        )


def _arrow_array(column: ProductColumn, values: NDArray[Any]) -> pa.Array:
    """Convert one column; a value that does not fit the type is an error."""
    kind = arrow_type(column.dtype)
    data = np.ma.getdata(values)
    mask = np.ma.getmaskarray(values) if np.ma.isMaskedArray(values) else None
    try:
        if column.dtype == "string":
            items = [None if v is None else str(v) for v in data.tolist()]
            return pa.array(items, type=kind, mask=mask)
        if column.dtype in ("bool", "timestamp"):
            return pa.array(data, type=kind, mask=mask)
        return pa.array(data, mask=mask).cast(kind, safe=not column.dtype.startswith("float"))
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise ProductError(
            f"Column {column.name} cannot be written as {column.dtype}.",
            code="wrong_type",
            hint=str(error).splitlines()[0],
        ) from error


def arrow_type(dtype: str) -> pa.DataType:
    """Return the Arrow type of one of our type names."""
    return _ARROW[dtype] if dtype in _ARROW else pa.from_numpy_dtype(np.dtype(dtype))


def _writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """Open a Parquet writer with page checksums."""
    return pq.ParquetWriter(path, schema, compression="zstd", write_page_checksum=True)


@contextlib.contextmanager
def _replacing(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside `target` that takes its place when all went well."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        temporary.chmod(0o644)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
