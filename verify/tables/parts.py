"""Partitions as small things that travel: each is read by who folds it.

A part names files and row groups; a worker opens them itself. Rows of objects that lie on
the border of two parts are set aside by both and come back to make a last part of their own,
so every row is read once and every object arrives whole.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skyassay.metrics.contract import Table, Tables
from skyassay.pipeline.products import ProductError
from skyassay.verify.tables.clean import Tally, drop_broken, sorted_unique
from skyassay.verify.tables.coded import plain_text
from skyassay.verify.tables.convert import to_numpy
from skyassay.verify.tables.stored import StoredProduct


@dataclass(frozen=True)
class Layout:
    """How one product is cut: which columns are read and given, by what they are hashed.

    Attributes
    ----------
    read, give : tuple of str
        What the cleaning needs is read too, and not handed on.
    by : str or None
        None when every partition gets the whole table.
    """

    read: tuple[str, ...]
    give: tuple[str, ...]
    by: str | None


@dataclass(frozen=True)
class Content:
    """What a part holds.

    Attributes
    ----------
    tables : mapping of str to mapping of str to ndarray, shape (n,)
    tallies : mapping of str to Tally
        Product -> what cleaning found.
    aside : mapping of str to pyarrow.Table
        Product -> rows of objects that other parts hold rows of too.
    """

    tables: Tables
    tallies: Mapping[str, Tally] = field(default_factory=dict)
    aside: Mapping[str, pa.Table] = field(default_factory=dict)

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return sum(int(a.nbytes) for table in self.tables.values() for a in table.values())


class Part(Protocol):
    """One partition, not yet read."""

    def identity(self) -> str | None:
        """Return a hash of the content and of how it is read; None when it has none."""
        ...

    def read(self) -> Content:
        """Return what it holds."""
        ...


@runtime_checkable
class Planned(Protocol):
    """A source that can say what its parts are before anything is read."""

    def parts(
        self, needs: Mapping[str, tuple[str, ...]], locality: str, count: int
    ) -> Sequence[Part] | None:
        """Return the parts; None when the rows must be sorted into parts first."""
        ...

    def rest(self, parts: Sequence[Part], aside: Mapping[str, Sequence[pa.Table]]) -> Part | None:
        """Return the part of the rows set aside, if there are any."""
        ...

    def found(self, tallies: Mapping[str, Tally]) -> None:
        """Take note of what all parts together found."""
        ...


@dataclass(frozen=True)
class Loaded:
    """A part that is in memory already.

    Attributes
    ----------
    tables : mapping of str to mapping of str to ndarray, shape (n,)
    name : str or None
        A hash of where it comes from and which part it is.
    """

    tables: Tables
    name: str | None = None

    def identity(self) -> str | None:
        """Return the name."""
        return self.name

    def read(self) -> Content:
        """Return the tables."""
        return Content(self.tables)

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return self.read().nbytes


@dataclass(frozen=True)
class Slice:
    """Some row groups of one product, or all of it.

    Attributes
    ----------
    stored : StoredProduct
        With the files of this slice only.
    layout : Layout
    groups : tuple of tuple of int, or None
        Row groups of each file; None: all rows.
    limits : tuple of int, or None
        Smallest and largest identifier that the files promise for these groups.
    border : tuple of int
        Identifiers whose rows are set aside, sorted.
    rows : pyarrow.Table or None
        The canonical rows themselves, when they were set aside by others.
    """

    stored: StoredProduct
    layout: Layout
    groups: tuple[tuple[int, ...], ...] | None = None
    limits: tuple[int, int] | None = None
    border: tuple[int, ...] = ()
    rows: pa.Table | None = None

    def identity(self) -> str | None:
        """Return a hash of the files' content, the row groups, and how they are read."""
        if self.rows is not None:
            return None
        how = [
            [digest, {k: [v.stored, v.factor, repr(v.column)] for k, v in plan.links.items()}]
            for digest, (_, plan) in zip(self.stored.digests, self.stored.files, strict=True)
        ]
        cut = [self.layout.read, self.layout.give, self.layout.by, self.groups, self.border]
        text = json.dumps([self.stored.product.name, how, cut], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def read(self) -> tuple[Table, Tally, pa.Table | None]:
        """Return clean arrays, what was found, and the rows set aside."""
        tally = Tally()
        if self.rows is not None:
            table, aside = self.rows, None
        else:
            kept = []
            for batch in self._batches():
                rows, found = drop_broken(batch, self.stored.product)
                tally += found
                kept.append(rows)
            read = pa.concat_tables(kept).unify_dictionaries()
            table, aside = self._without_border(read)
        table, repeated = sorted_unique(table, self.stored.product)
        arrays = as_arrays(table, self.stored, self.layout.give)
        return arrays, tally + Tally(duplicates=repeated), aside

    def _batches(self) -> Iterator[pa.Table]:
        return self.stored.batches(self.layout.read, self.groups, coded=True)

    def _without_border(self, table: pa.Table) -> tuple[pa.Table, pa.Table | None]:
        """Split off the rows of border objects; identifiers out of limits are damage."""
        if self.layout.by is None or self.limits is None or not table.num_rows:
            return table, None
        ids = table.column(self.layout.by).to_numpy()
        if ids.min() < self.limits[0] or ids.max() > self.limits[1]:
            raise ProductError(
                f"{self.stored.path} is damaged: its footer names other limits of "
                f"{self.layout.by} than its rows have.",
                code="unreadable_data",
                hint="Fetch or write the file again.",
            )
        if not self.border:
            return table, None
        outside = np.zeros(len(ids), dtype=bool)
        for one in self.border:
            outside |= ids == one
        # a slice would travel with all that it was cut from
        return _rows_where(table, ~outside), plain_text(table.filter(pa.array(outside)))


def _rows_where(table: pa.Table, wanted: NDArray[np.bool_]) -> pa.Table:
    """Return the wanted rows; those that stand together are not copied."""
    count = int(np.count_nonzero(wanted))
    first = int(wanted.argmax()) if count else 0
    if wanted[first : first + count].all():
        return table.slice(first, count)
    return table.filter(pa.array(wanted))


@dataclass(frozen=True)
class FilePart:
    """Slices of the products of one pass."""

    slices: Mapping[str, Slice]

    def identity(self) -> str | None:
        """Return a hash over the slices; None when one of them has none."""
        found = {name: one.identity() for name, one in self.slices.items()}
        if None in found.values():
            return None
        return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()

    def read(self) -> Content:
        """Read the slices."""
        tables: dict[str, Table] = {}
        tallies: dict[str, Tally] = {}
        aside: dict[str, pa.Table] = {}
        for name, one in self.slices.items():
            if one.layout.by is None:
                tables[name] = whole(one)
                continue
            tables[name], tallies[name], beside = one.read()
            if beside is not None and beside.num_rows:
                aside[name] = beside
        return Content(tables, tallies, aside)


@dataclass(frozen=True, eq=False)
class _Named:
    """A slice that is the same as another when its identity is."""

    one: Slice
    identity: str | None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Named) and self.identity == other.identity

    def __hash__(self) -> int:
        return hash(self.identity)


def whole(one: Slice) -> Table:
    """Return a product that every partition gets; a worker reads it once."""
    return _whole(_Named(one, one.identity()))


@lru_cache(maxsize=4)
def _whole(named: _Named) -> Table:
    tables, _, _ = named.one.read()
    for column in tables.values():
        column.flags.writeable = False
    return tables


def as_arrays(table: pa.Table, one: StoredProduct, names: tuple[str, ...]) -> dict[str, Any]:
    """Return the columns that were asked for as numpy arrays."""
    arrays = {}
    for name in names:
        column = one.product.column(name)
        flag = column.null_flag if column else True
        arrays[name] = to_numpy(table.column(name), null_flag=flag)
    return arrays
