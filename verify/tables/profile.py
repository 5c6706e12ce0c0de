"""Counts of what a contract forbids: a mergeable fold, for tables too large for one frame."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from skyassay.verify.tables.checks import Check
from skyassay.verify.tables.partition import hash_ids

#: Keys remembered to find repeated ones; beyond this a share chosen by hash stands for all.
MOST_KEYS = 1 << 25


@dataclass(frozen=True)
class Profile:
    """State of the fold.

    Attributes
    ----------
    rows : int
    counts : mapping of str to int
        `Check.id` -> rows that break it.
    keys : tuple of ndarray of uint64
        Hashes of the keys kept.
    depth : int
        Only hashes divisible by ``2**depth`` are kept; 0 keeps all.
    """

    rows: int = 0
    counts: Mapping[str, int] | None = None
    keys: tuple[NDArray[np.uint64], ...] = ()
    depth: int = 0

    def merge(self, other: Profile, most: int = MOST_KEYS) -> Profile:
        """Return the profile of both."""
        mine, theirs = self.counts or {}, other.counts or {}
        counts = {k: mine.get(k, 0) + theirs.get(k, 0) for k in {**mine, **theirs}}
        depth = max(self.depth, other.depth)
        keys = [_thin(part, depth) for part in (*self.keys, *other.keys)]
        while sum(map(len, keys)) > most:
            depth += 1
            keys = [_thin(part, depth) for part in keys]
        return Profile(self.rows + other.rows, counts, tuple(keys), depth)

    def repeated(self) -> int:
        """Return the rows that share a key; estimated from a share when `depth` > 0."""
        if not self.keys:
            return 0
        _, counts = np.unique(np.concatenate(self.keys), return_counts=True)
        return int(counts[counts > 1].sum()) << self.depth


def profile(table: pa.Table, checks: Sequence[Check]) -> Profile:
    """Return the profile of one piece of a table."""
    counts: dict[str, int] = {}
    keys: tuple[NDArray[np.uint64], ...] = ()
    for check in checks:
        if check.kind == "unique":
            keys = (_key_hashes(table, check.columns),)
        elif check.kind in ("not_null", "between", "in_set"):
            counts[check.id] = _count(table.column(check.columns[0]), check)
    return Profile(table.num_rows, counts, keys)


def _thin(hashes: NDArray[np.uint64], depth: int) -> NDArray[np.uint64]:
    """Keep the hashes of one depth."""
    return hashes if depth == 0 else hashes[hashes & np.uint64((1 << depth) - 1) == 0]


def _count(column: pa.ChunkedArray, check: Check) -> int:
    """Return how many values of a column break a check; as pandas, NaN is null."""
    null = column.is_null(nan_is_null=True)
    if check.kind == "not_null":
        bad = null
    elif check.kind == "in_set":
        known = pc.is_in(column, value_set=pa.array(check.values, type=column.type))
        bad = pc.and_not(pc.invert(known), null)
    else:
        below = pc.less_equal if check.above else pc.less
        outside = pc.or_(below(column, check.low), pc.greater(column, check.high))
        bad = pc.and_not(outside.fill_null(False), null)
    return int(pc.sum(bad).as_py() or 0)


def _key_hashes(table: pa.Table, key: tuple[str, ...]) -> NDArray[np.uint64]:
    """Return one hash per row whose key is whole."""
    whole = table.select(list(key)).drop_null()
    mixed = np.zeros(whole.num_rows, dtype=np.uint64)
    for name in key:
        mixed = hash_ids((mixed ^ _integers(whole.column(name))).view(np.int64))
    return mixed


def _integers(column: pa.ChunkedArray) -> NDArray[np.uint64]:
    """Return 64 bits for each value of a key column."""
    array = column.combine_chunks()
    if pa.types.is_string(array.type):
        coded = array.dictionary_encode()
        values = [
            int.from_bytes(hashlib.blake2b(v.encode(), digest_size=8).digest(), "little")
            for v in coded.dictionary.to_pylist()
        ]
        table = np.asarray(values, dtype=np.uint64)
        return table[coded.indices.to_numpy()] if len(table) else np.zeros(0, np.uint64)
    return hash_ids(array.cast(pa.int64()).to_numpy())
