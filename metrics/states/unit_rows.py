"""A state that keeps rows: one per visit, detector, cell ... each with a key of its own.

Fit for products with one row per unit. A catalog of stars does not fit in here: keep sums
(`keyed_sums`) or a bounded sample (`star_sample`) of it.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import Scalar
from skyassay.metrics.errors import MetricError

#: Every column is one of these in a state, so that equal states have equal bytes.
_KINDS = {"b": np.dtype(bool), "i": np.dtype("<i8"), "u": np.dtype("<i8"), "f": np.dtype("<f8")}


@dataclass(frozen=True, eq=False)
class UnitRows:
    """Rows of named columns, sorted by their key, and counts of what was left out.

    Attributes
    ----------
    key : tuple of str
        Columns that name a row; no two rows share one.
    columns : mapping
        Column name -> ndarray, shape (n,): bool, int64, float64 or text; no column before
        the first row.
    counts : mapping
        Name -> whole number, added up on merge: rows read, rows refused by reason.
    """

    key: tuple[str, ...]
    columns: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.columns[self.key[0]]) if self.columns else 0

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Return one column; empty before the first row."""
        return self.columns[name] if self.columns else np.empty(0)

    def where(self, keep: NDArray[np.bool_]) -> UnitRows:
        """Return the rows that are kept."""
        return UnitRows(self.key, {n: c[keep] for n, c in self.columns.items()}, self.counts)

    def to_bytes(self) -> bytes:
        """Return canonical bytes."""
        parts = [",".join(self.key).encode(), struct.pack("<q", len(self))]
        for name in sorted(self.columns) if len(self) else ():
            column = self.columns[name]
            text = column.dtype.kind == "U"
            raw = "\0".join(column.tolist()).encode() if text else column.tobytes()
            parts += [name.encode(), column.dtype.kind.encode(), raw]
        parts += [f"{k}={v}".encode() for k, v in sorted(self.counts.items()) if v]
        return b"\0".join(parts)


def from_columns(
    key: Sequence[str],
    columns: Mapping[str, NDArray[Any]],
    counts: Mapping[str, int] | None = None,
) -> UnitRows:
    """Return a state of rows, brought to canonical types and order.

    Raises
    ------
    MetricError
        ``duplicate_unit`` when two rows have one key, ``bad_column`` for a type it cannot keep.
    """
    typed = {name: _typed(name, np.asarray(column)) for name, column in columns.items()}
    made = UnitRows(tuple(key), typed, dict(counts or {}))
    if not len(made):
        return UnitRows(tuple(key), {}, dict(counts or {}))
    order = np.lexsort(tuple(typed[name] for name in reversed(made.key)))
    made = UnitRows(made.key, {n: c[order] for n, c in typed.items()}, made.counts)
    _refuse_twins(made)
    return made


def merge(a: UnitRows, b: UnitRows) -> UnitRows:
    """Return the rows of both.

    Raises
    ------
    MetricError
        ``duplicate_unit`` when a key is in both.
    """
    counts = {k: a.counts.get(k, 0) + b.counts.get(k, 0) for k in {*a.counts, *b.counts}}
    if not (len(a) and len(b)):
        some = a if len(a) else b
        return UnitRows(a.key, some.columns, counts)
    joined = {name: np.concatenate([a[name], b[name]]) for name in a.columns}
    return from_columns(a.key, joined, counts)


def number(rows: UnitRows) -> Mapping[str, Scalar]:
    """Return the counts as diagnostics."""
    return dict(sorted(rows.counts.items()))


def _typed(name: str, column: NDArray[Any]) -> NDArray[Any]:
    """Return a column in one of the few types that states have."""
    if column.dtype.kind in _KINDS:
        found: NDArray[Any] = column.astype(_KINDS[column.dtype.kind])
        # One zero and one NaN: equal values have equal bytes.
        return np.where(np.isnan(found), np.nan, found + 0.0) if found.dtype.kind == "f" else found
    if column.dtype.kind in "UOST":
        return np.asarray(column.astype(str))
    raise MetricError(
        f"Column {name} has the type {column.dtype}, which no state keeps.", code="bad_column"
    )


def _refuse_twins(rows: UnitRows) -> None:
    same = np.ones(max(len(rows) - 1, 0), dtype=bool)
    for name in rows.key:
        same &= rows[name][1:] == rows[name][:-1]
    if same.any():
        where = int(np.flatnonzero(same)[0])
        named = ", ".join(f"{n} {rows[n][where]}" for n in rows.key)
        raise MetricError(
            f"Two rows have the same key: {named}.",
            code="duplicate_unit",
            hint="Each must be there once; look for files that were read twice.",
        )
