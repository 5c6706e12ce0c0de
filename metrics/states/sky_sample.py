"""A state of whole patches of sky, with every row of several products in them.

To match detections with truth both must be there. Small data are kept exactly; beyond
`row_bound` rows the cells with the smallest hash are kept: the longest prefix, in hash order,
whose rows fit. As for `star_sample`, a prefix of a union is made of prefixes of its parts,
so merging is associative and exact however the rows were split.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.states.hashing import splitmix64
from skyassay.metrics.statistics.sky_grid import place

#: Rows kept of all products together: about 10 MB with eight columns.
ROW_BOUND = 2**17
Columns = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class SkySample:
    """Rows of products in whole cells of the sky.

    Attributes
    ----------
    side : float
        Side of a cell, degrees.
    tables : mapping
        Product -> columns, all float64 but ``cell`` and ``id`` (int64); sorted.
    counts : mapping
        Name -> whole number of rows read or refused, added up on merge.
    cut : int or None
        Hash of the first cell that the bound left out: all smaller ones are here.
    """

    side: float
    tables: Mapping[str, Columns] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    cut: int | None = None
    row_bound: int = ROW_BOUND

    def column(self, product: str, name: str) -> NDArray[Any]:
        """Return one column; empty when the product had no row."""
        table = self.tables.get(product)
        return np.empty(0) if table is None else table[name]

    def to_bytes(self) -> bytes:
        """Return canonical bytes."""
        parts = [repr(self.side).encode(), struct.pack("<q", self.row_bound)]
        for product in sorted(self.tables):
            columns = self.tables[product]
            parts += [product.encode(), struct.pack("<q", len(columns["cell"]))]
            parts += [b"%s\0%s" % (n.encode(), columns[n].tobytes()) for n in sorted(columns)]
        parts += [f"{k}={v}".encode() for k, v in sorted(self.counts.items()) if v]
        parts.append(f"cut {self.cut}".encode())
        return b"\0".join(parts)


def from_rows(
    side: float,
    rows: Mapping[str, Columns],
    counts: Mapping[str, int] | None = None,
    row_bound: int = ROW_BOUND,
) -> SkySample:
    """Return the state of rows with the columns ``id``, ``ra``, ``dec`` (deg) and any others.

    Rows without a finite position have no place on the sky; refuse and count them before.
    """
    tables = {product: _typed(side, columns) for product, columns in rows.items()}
    kept = {product: t for product, t in tables.items() if len(t["cell"])}
    return _canonical(SkySample(side, kept, dict(counts or {}), None, row_bound))


def merge(a: SkySample, b: SkySample) -> SkySample:
    """Return the state of both parts."""
    counts = {k: a.counts.get(k, 0) + b.counts.get(k, 0) for k in {*a.counts, *b.counts}}
    tables: dict[str, Columns] = {}
    for product in {*a.tables, *b.tables}:
        both = [s.tables[product] for s in (a, b) if product in s.tables]
        tables[product] = {n: np.concatenate([t[n] for t in both]) for n in both[0]}
    cuts = [c for c in (a.cut, b.cut) if c is not None]
    return _canonical(SkySample(a.side, tables, counts, min(cuts, default=None), a.row_bound))


def _typed(side: float, columns: Columns) -> Columns:
    """Return columns in the types a state keeps, with the cell of each row."""
    found: dict[str, NDArray[Any]] = {
        n: np.asarray(c).astype(np.int64 if n == "id" else np.float64) for n, c in columns.items()
    }
    # One zero and one NaN: equal values have equal bytes.
    found = {
        n: c if n == "id" else np.where(np.isnan(c), np.nan, c + 0.0) for n, c in found.items()
    }
    return {**found, "cell": place(found["ra"], found["dec"], side).cell}


def _canonical(state: SkySample) -> SkySample:
    """Return the state in canonical order, cut to the cells that fit the bound."""
    hashes = {p: splitmix64(t["cell"]) for p, t in state.tables.items()}
    cut = state.cut
    cells, rows = _cell_sizes(hashes, cut)
    over = np.flatnonzero(np.cumsum(rows) > state.row_bound)
    if len(over):
        cut = int(cells[over[0]])
    tables: dict[str, Columns] = {}
    for product in sorted(state.tables):
        table, key = state.tables[product], hashes[product]
        others = [table[n] for n in sorted(table) if n not in ("cell", "id")]
        order = np.lexsort((*others, table["id"], table["cell"], key))
        if cut is not None:
            order = order[key[order] < np.uint64(cut)]
        if len(order):
            tables[product] = {n: c[order] for n, c in table.items()}
    return SkySample(state.side, tables, state.counts, cut, state.row_bound)


def _cell_sizes(
    hashes: Mapping[str, NDArray[np.uint64]], cut: int | None
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return the hashes of the cells below the cut, in order, and their rows."""
    every = np.concatenate([*hashes.values(), np.empty(0, dtype=np.uint64)])
    if cut is not None:
        every = every[every < np.uint64(cut)]
    cells, rows = np.unique(every, return_counts=True)
    return cells, rows
