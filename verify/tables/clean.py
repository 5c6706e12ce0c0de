"""Rows that cannot be used, rows that are there twice, an order that is always the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from skyassay.pipeline.products import Product, bands
from skyassay.verify.tables.coded import counted_words, has_empty, is_text, words_of
from skyassay.verify.tables.notes import Note


@dataclass(frozen=True)
class Tally:
    """What cleaning found; adds up over batches and partitions.

    Attributes
    ----------
    null_keys, duplicates : int
        Rows dropped because a key is null, because the same key came before.
    null_flags : tuple of (column, count)
    strange_bands : tuple of (band, count)
    """

    null_keys: int = 0
    duplicates: int = 0
    null_flags: tuple[tuple[str, int], ...] = ()
    strange_bands: tuple[tuple[str, int], ...] = ()

    def __add__(self, other: Tally) -> Tally:
        """Return the sum."""
        return Tally(
            self.null_keys + other.null_keys,
            self.duplicates + other.duplicates,
            _sum(self.null_flags + other.null_flags),
            _sum(self.strange_bands + other.strange_bands),
        )

    def notes(self, product: str) -> tuple[Note, ...]:
        """Return what was found as notes, nothing for what was not."""
        notes = []
        if self.null_keys:
            text = f"{self.null_keys} rows of {product} have a null in their key and are left out."
            notes.append(Note(product, "null_key", "error", text, count=self.null_keys))
        if self.duplicates:
            text = f"{self.duplicates} rows of {product} repeat the key of another; one is kept."
            notes.append(Note(product, "duplicate_key", "error", text, count=self.duplicates))
        for name, count in self.null_flags:
            text = f"{count} rows of {product} have no value in the flag {name}."
            notes.append(Note(product, "null_flag", "warning", text, name, count))
        for band, count in self.strange_bands:
            text = f"{count} rows of {product} are in band {band!r}, which is none of the survey's."
            notes.append(Note(product, "unexpected_band", "warning", text, "band", count))
        return tuple(notes)


def _sum(pairs: Sequence[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    """Add counts of the same name."""
    total: dict[str, int] = {}
    for name, count in pairs:
        total[name] = total.get(name, 0) + count
    return tuple(sorted(total.items()))


def drop_broken(table: pa.Table, product: Product) -> tuple[pa.Table, Tally]:
    """Return the rows whose key is whole, and what was found on the way."""
    kept = table
    for name in product.key:
        if name in kept.column_names:
            column = kept.column(name)
            if column.null_count:
                kept = kept.filter(column.is_valid())
                column = kept.column(name)
            if is_text(column.type) and has_empty(column):
                kept = kept.filter(pc.not_equal(column.cast(pa.string()), ""))
    flags = tuple(
        (field.name, kept.column(field.name).null_count)
        for field in kept.schema
        if pa.types.is_boolean(field.type) and kept.column(field.name).null_count
    )
    return kept, Tally(table.num_rows - kept.num_rows, 0, flags, _strange_bands(kept))


def _strange_bands(table: pa.Table) -> tuple[tuple[str, int], ...]:
    """Return the bands nobody expects, with their rows."""
    if "band" not in table.column_names:
        return ()
    known = bands()
    return _sum([(w, n) for w, n in counted_words(table.column("band")) if w not in known])


def sorted_unique(table: pa.Table, product: Product) -> tuple[pa.Table, int]:
    """Return the rows sorted by key, each key once, and the number of rows left out.

    Which of several rows with one key is kept does not depend on the order of the rows: the
    smallest by source id where there is one, then by the product's required columns, then
    by the other columns, in the order of their names.
    """
    key = [name for name in product.key if name in table.column_names]
    if not key or table.num_rows == 0:
        return table, 0
    if _ascending(_codes(table.column(name)) for name in key):
        return table, 0
    codes = [_codes(table.column(name)) for name in key]
    order = np.lexsort(codes[::-1])
    repeated = _repeats(codes, order)
    if not repeated.any():
        return table.take(pa.array(order)), 0
    order = _settle(table, product, key, order, repeated)
    first = np.concatenate(([True], ~repeated))
    return table.take(pa.array(order[first])), int(repeated.sum())


def _ascending(codes: Iterator[NDArray[np.int64]]) -> bool:
    """Return whether the rows are in order already, each key once."""
    same: NDArray[np.bool_] | None = None
    for code in codes:
        falls, equal = code[1:] < code[:-1], code[1:] == code[:-1]
        if (falls if same is None else same & falls).any():
            return False
        same = equal if same is None else same & equal
        if not same.any():
            return True
    return False


def _repeats(codes: list[NDArray[np.int64]], order: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return, for each sorted row but the first, whether it has the key of the one before."""
    same = np.ones(len(order) - 1, dtype=bool)
    for code in codes:
        ranked = code[order]
        same &= ranked[1:] == ranked[:-1]
    return same


def _settle(
    table: pa.Table,
    product: Product,
    key: list[str],
    order: NDArray[np.intp],
    repeated: NDArray[np.bool_],
) -> NDArray[np.intp]:
    """Return the order with every group of one key sorted by its other columns too."""
    involved = np.zeros(len(order), dtype=bool)
    involved[1:] |= repeated
    involved[:-1] |= repeated
    rows = order[involved]
    small = table.take(pa.array(rows))
    names = [*key, *_tie_breakers(small.column_names, product, key)]
    codes = [_codes(small.column(name)) for name in names]
    settled = order.copy()
    settled[involved] = rows[np.lexsort(codes[::-1])]
    return settled


def _tie_breakers(names: Sequence[str], product: Product, key: list[str]) -> list[str]:
    """Return the columns that decide between rows of one key, in order."""
    first = [n for n in ("sourceId", *product.required) if n in names and n not in key]
    return [*first, *sorted(set(names) - set(first) - set(key))]


def _codes(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return integers that sort as the column does; equal exactly where bits are equal."""
    if is_text(column.type):
        words, number = words_of(column)
        codes: NDArray[np.int64] = np.argsort(np.argsort(words)).astype(np.int64)[number]
        return codes
    array = column.combine_chunks()
    if pa.types.is_floating(array.type):
        values = array.fill_null(float("nan")).to_numpy(zero_copy_only=False)
        return np.asarray(values, dtype=np.float64).view(np.int64)
    if pa.types.is_boolean(array.type):
        array = array.fill_null(True).cast(pa.int8())
    smallest = np.iinfo(np.int64).min
    whole: NDArray[np.int64] = array.cast(pa.int64()).fill_null(smallest).to_numpy()
    return whole
