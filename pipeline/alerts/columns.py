"""Columns of any table as the bits that a field of an Avro record is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.alerts.errors import AlertError
from skyassay.pipeline.alerts.schema import Field

#: A column: values, and which of them there are (None: all).
Split = tuple[NDArray[Any], NDArray[np.bool_] | None]
Rows = NDArray[np.int64] | None
#: Integers beyond this are not exact as floating numbers.
_EXACT = 2.0**53


def names(table: Any) -> tuple[str, ...]:
    """Return the names of the columns of a DataFrame, an astropy Table or a mapping."""
    for attribute in ("colnames", "columns"):
        if hasattr(table, attribute):
            return tuple(str(name) for name in getattr(table, attribute))
    return tuple(table)


def length(table: Any) -> int:
    """Return the number of rows."""
    if table is None:
        return 0
    if hasattr(table, "colnames") or hasattr(table, "columns"):
        return len(table)
    return len(next(iter(table.values()))) if table else 0


def split(column: Any, rows: Rows = None) -> Split:
    """Return the values of a column and which of them there are, of some rows only.

    Masked values, None and NA are not there; NaN and NaT are judged by the field they are for.
    """
    valid: NDArray[np.bool_] | None
    if isinstance(column, np.ma.MaskedArray):
        values, valid = np.asarray(column.data), ~np.ma.getmaskarray(column)
    elif hasattr(column, "isna"):
        values, valid = _series(column)
    else:
        values, valid = np.asarray(column), None
    if rows is not None:
        values, valid = values[rows], None if valid is None else valid[rows]
    if values.dtype.kind == "O":
        there = np.array([v is not None and v == v for v in values.tolist()], dtype=np.bool_)
        valid = there if valid is None else valid & there
    return values, valid


def _series(column: Any) -> Split:
    """Return a pandas column; its own types become numpy's."""
    if isinstance(column.dtype, np.dtype):
        return np.asarray(column.to_numpy()), None
    valid = np.asarray(~column.isna(), dtype=np.bool_)
    kind = getattr(column.dtype, "numpy_dtype", None)
    if kind is None or kind.kind not in "biuf":
        return np.asarray(column.to_numpy(dtype=object)), valid
    return np.asarray(column.to_numpy(dtype=kind, na_value=kind.type(0))), valid


def integers(table: Any, name: str) -> NDArray[np.int64]:
    """Return an integer column, 0 where there is none.

    Raises
    ------
    AlertError
        ``missing_column``, ``wrong_type``.
    """
    if name not in names(table):
        raise missing(name)
    values, valid = split(table[name])
    bits, there = _whole(values, valid, Field(name, "long", True))
    return np.where(there, bits, 0)


def numbers(table: Any, name: str) -> NDArray[np.float64]:
    """Return a column of numbers, NaN where there is none; errors are those of `integers`."""
    if name not in names(table):
        raise missing(name)
    values, valid = split(table[name])
    made = _cast(values, valid, np.float64, Field(name, "double", True))
    return made if valid is None else np.where(valid, made, np.nan)


def bits_of(
    column: Any, field: Field, rows: Rows, texts: bytearray
) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """Return what a field's values are made of, and which there are.

    Parameters
    ----------
    column : array-like
    field : Field
    rows : ndarray of int or None
        Rows wanted, in their order; all if None.
    texts : bytearray
        Where the bytes of text go.

    Returns
    -------
    bits : ndarray of uint64, shape (n,)
        float, double: the number's bits. int, long: zigzag. boolean: 0 or 1. string, bytes:
        place in `texts` times 2**32 plus length.
    valid : ndarray of bool, shape (n,)

    Raises
    ------
    AlertError
        ``wrong_type``; ``null_value`` where the field must have a value.
    """
    values, valid = split(column, rows)
    if field.kind in ("string", "bytes"):
        bits, there = _texts(values, valid, field, texts)
    elif field.kind in ("int", "long"):
        whole, there = _whole(values, valid, field)
        bits = ((whole << 1) ^ (whole >> 63)).view(np.uint64)
    elif field.kind == "boolean":
        bits, there = _truths(values, valid, field)
    else:
        bits, there = _floats(values, valid, field)
    if not field.nullable and not there.all():
        raise AlertError(
            f"{int((~there).sum())} values of {field.name} are missing, and it must have one.",
            code="null_value",
            hint="Fill it, or leave these rows out.",
        )
    return bits, there


def missing(name: str) -> AlertError:
    """Return the error of a column that is not there."""
    return AlertError(
        f"The table has no column {name}, and no packet can be without.",
        code="missing_column",
        hint="Add it to the table.",
    )


def _floats(
    values: NDArray[Any], valid: NDArray[np.bool_] | None, field: Field
) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """Return the bits of numbers; NaN is null where null is allowed."""
    kind, word = (np.float32, np.uint32) if field.kind == "float" else (np.float64, np.uint64)
    made = _cast(values, valid, kind, field)
    there = np.ones(len(made), dtype=np.bool_) if valid is None else valid
    if field.nullable:
        there = there & ~np.isnan(made)
    return made.view(word).astype(np.uint64), there


def _cast(
    values: NDArray[Any], valid: NDArray[np.bool_] | None, kind: type[Any], field: Field
) -> NDArray[Any]:
    """Return numbers of one type; what is not there is 0."""
    if values.dtype.kind == "O":
        here = valid if valid is not None else np.ones(len(values), np.bool_)
        values = np.array(
            [v if ok else 0 for v, ok in zip(values.tolist(), here.tolist(), strict=True)]
        )
    if values.dtype.kind not in "iufb" and len(values):
        raise _wrong(field, values)
    with np.errstate(over="ignore"):  # beyond float32 it is infinite, and says so
        return np.ascontiguousarray(values, dtype=kind)


def _whole(
    values: NDArray[Any], valid: NDArray[np.bool_] | None, field: Field
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return whole numbers; a NaN among floating ones is not there."""
    there = np.ones(len(values), dtype=np.bool_) if valid is None else valid.copy()
    if values.dtype.kind == "M":
        there &= ~np.isnat(values)
        return np.where(there, values.astype("datetime64[us]").view(np.int64), 0), there
    if values.dtype.kind == "O":
        values = np.array(
            [v if ok else 0 for v, ok in zip(values.tolist(), there.tolist(), strict=True)]
        )
    if values.dtype.kind == "f":
        there &= ~np.isnan(values)
        values = np.where(there, values, 0.0)
        if (values != np.rint(values)).any() or (np.abs(values) > _EXACT).any():
            raise _wrong(field, values)
    elif values.dtype.kind not in "iub" and len(values):
        raise _wrong(field, values)
    low, high = (-(2**31), 2**31 - 1) if field.kind == "int" else (-(2**63), 2**63 - 1)
    chosen = values[there]
    if len(chosen) and (int(chosen.min()) < low or int(chosen.max()) > high):
        raise _wrong(field, values)
    return np.ascontiguousarray(values, dtype=np.int64), there


def _truths(
    values: NDArray[Any], valid: NDArray[np.bool_] | None, field: Field
) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """Return flags; whole numbers and floating ones count when they are 0 or 1."""
    there = np.ones(len(values), dtype=np.bool_) if valid is None else valid
    if values.dtype.kind != "b":
        values, there = _whole(values, there, field)
        if ((values[there] != 0) & (values[there] != 1)).any():
            raise _wrong(field, values)
    return values.astype(np.uint64), there


def _texts(
    values: NDArray[Any], valid: NDArray[np.bool_] | None, field: Field, texts: bytearray
) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """Keep the bytes of text, each different one once."""
    there = np.ones(len(values), dtype=np.bool_) if valid is None else valid
    places: dict[Any, int] = {}
    made = np.zeros(len(values), dtype=np.uint64)
    for row, (value, ok) in enumerate(zip(values.tolist(), there.tolist(), strict=True)):
        if not ok:
            continue
        if value not in places:
            places[value] = _keep(value, values, field, texts)
        made[row] = places[value]
    return made, there


def _keep(value: Any, values: NDArray[Any], field: Field, texts: bytearray) -> int:
    if not isinstance(value, str if field.kind == "string" else bytes):
        raise _wrong(field, values)
    raw = value.encode() if isinstance(value, str) else value
    place = len(texts)
    if place + len(raw) >= 2**31:
        raise AlertError(
            f"The text of {field.name} is longer than 2 GiB.", code="too_long", hint="Leave it out."
        )
    texts += raw
    return (place << 32) | len(raw)


def _wrong(field: Field, values: Sequence[Any] | NDArray[Any]) -> AlertError:
    kind = getattr(values, "dtype", type(values).__name__)
    return AlertError(
        f"{field.name} cannot be written as {field.kind}: it is {kind}, or out of its range.",
        code="wrong_type",
        hint="Give the table the types of the APDB's schema.",
    )
