"""A bounded state of rows that belong to owners: stars, or visits.

Small data are kept exactly. Beyond `bound` rows the owners with the smallest id hash stay,
whole: the longest prefix, in hash order, whose rows fit. A prefix of a union is made of
prefixes of its parts and ends before the first owner that any part left out (`cut`), so
merging is associative and exact, and the sample is a fair one.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.errors import MetricError
from skyassay.metrics.states.hashing import splitmix64

#: 8 MB of eight columns, and more rows than any interval here needs.
ROW_BOUND = 2**17


@dataclass(frozen=True, eq=False)
class RowSample:
    """Rows of named columns, sorted by the hash of their owner and then by their key.

    Attributes
    ----------
    key : tuple of str
        Columns that name a row, the owner's id first; integers or short texts.
    columns : mapping
        Column name -> ndarray, shape (n,); no column before the first row.
    counts : mapping
        Name -> whole number over all rows, kept or not; added up on merge.
    cut : int or None
        Hash of the first owner left out: all with a smaller one are here.
    bound : int
        Rows kept at most.
    """

    key: tuple[str, ...]
    columns: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    cut: int | None = None
    bound: int = ROW_BOUND

    def __len__(self) -> int:
        """Return the number of rows kept."""
        return len(self.columns[self.key[0]]) if self.columns else 0

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Return one column; empty before the first row."""
        return self.columns[name] if self.columns else np.empty(0)

    @property
    def sampled(self) -> bool:
        """Whether owners were left out because of the bound."""
        return self.cut is not None

    def to_bytes(self) -> bytes:
        """Return canonical bytes."""
        parts = [",".join(self.key).encode(), struct.pack("<qq", len(self), self.bound)]
        for name in sorted(self.columns) if len(self) else ():
            column = self.columns[name]
            text = column.dtype.kind == "U"
            raw = "\0".join(column.tolist()).encode() if text else column.tobytes()
            parts += [name.encode(), column.dtype.kind.encode(), raw]
        parts += [f"{k}={v}".encode() for k, v in sorted(self.counts.items()) if v]
        parts.append(f"cut {self.cut}".encode())
        return b"\0".join(parts)


def from_rows(
    key: Sequence[str],
    columns: Mapping[str, NDArray[Any]],
    counts: Mapping[str, int] | None = None,
    *,
    bound: int = ROW_BOUND,
) -> RowSample:
    """Return a state of rows in any order; all rows of an owner are in one part.

    Raises
    ------
    MetricError
        ``duplicate_unit`` when two rows have one key.
    """
    made = RowSample(tuple(key), dict(columns), dict(counts or {}), None, bound)
    return _fitted(made)


def likely(owner: NDArray[Any], bound: int = ROW_BOUND) -> NDArray[np.intp]:
    """Return rows among which are all that a sample of these rows would keep.

    Work on a row of a large part is spared by looking first whether it can be in the sample:
    the owners with the smallest hashes, as many as hold twice `bound` rows.
    """
    if len(owner) <= 2 * bound:
        return np.arange(len(owner))
    hashed = splitmix64(np.asarray(owner))
    limit = np.partition(hashed, 2 * bound)[2 * bound]
    return np.flatnonzero(hashed <= limit)


def merge(a: RowSample, b: RowSample) -> RowSample:
    """Return the rows of both, cut to the bound.

    Raises
    ------
    MetricError
        ``object_split`` when an owner's rows arrived in two parts.
    """
    counts = {k: a.counts.get(k, 0) + b.counts.get(k, 0) for k in {*a.counts, *b.counts}}
    cut = min((s.cut for s in (a, b) if s.cut is not None), default=None)
    if not (len(a) and len(b)):
        some = a if len(a) else b
        return _fitted(replace(some, counts=counts, cut=cut, bound=a.bound))
    owner = a.key[0]
    if np.intersect1d(a[owner], b[owner]).size:
        raise MetricError(
            f"The rows of one {owner} arrived in two partitions.",
            code="object_split",
            hint="Read the table with the locality that the metric asks for.",
        )
    joined = {name: np.concatenate([a[name], b[name]]) for name in a.columns}
    return _fitted(RowSample(a.key, joined, counts, cut, a.bound))


def _fitted(rows: RowSample) -> RowSample:
    """Return the rows in canonical order, whole owners, as many as fit."""
    if not len(rows):
        return replace(rows, columns={})
    owner = np.asarray(rows[rows.key[0]])
    order = np.lexsort((*(rows[name] for name in reversed(rows.key)), splitmix64(owner)))
    columns = {name: np.asarray(column)[order] for name, column in rows.columns.items()}
    _refuse_twins(rows.key, columns)
    owner = columns[rows.key[0]]
    starts = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]])
    ends = np.r_[starts[1:], len(owner)]
    hashed = splitmix64(owner[starts])
    cut = rows.cut
    number = len(starts) if cut is None else int(np.searchsorted(hashed, np.uint64(cut)))
    fit = min(number, int(np.searchsorted(ends, rows.bound, side="right")))
    if fit < number:
        cut = int(hashed[fit])
    last = int(ends[fit - 1]) if fit else 0
    kept = {name: column[:last] for name, column in columns.items()} if last else {}
    return RowSample(rows.key, kept, rows.counts, cut, rows.bound)


def _refuse_twins(key: tuple[str, ...], columns: Mapping[str, NDArray[Any]]) -> None:
    same = np.ones(max(len(columns[key[0]]) - 1, 0), dtype=bool)
    for name in key:
        same &= columns[name][1:] == columns[name][:-1]
    if same.any():
        where = int(np.flatnonzero(same)[0])
        named = ", ".join(f"{n} {columns[n][where]}" for n in key)
        raise MetricError(
            f"Two rows have the same key: {named}.",
            code="duplicate_unit",
            hint="Each must be there once; look for files that were read twice.",
        )
