"""Split a stream of rows by the hash of an identifier, in one pass, in bounded memory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

#: Above this many bytes of rows the parts are kept in temporary files.
MEMORY_BYTES = 256 * 1024 * 1024


def hash_ids(ids: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return a 64-bit mix of each identifier (finaliser of SplitMix64, Steele et al. 2014)."""
    x = np.ascontiguousarray(ids).view(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: NDArray[np.uint64] = x ^ (x >> np.uint64(31))
    return mixed


def hash_partition(
    tables: Iterable[pa.Table], by: str, count: int, *, rows: int, limit: int = MEMORY_BYTES
) -> Iterator[pa.Table]:
    """Yield `count` tables; all rows with one value of `by` are in the same one.

    Parameters
    ----------
    tables : iterable of Table
        The rows, all with one schema; `by` is an integer column without nulls.
    by : str
    count : int
        Parts, at least 1. A part without rows is yielded too.
    rows : int
        Rows to expect, by which memory or files are chosen.
    limit : int
        Bytes to hold in memory.
    """
    stream = iter(tables)
    head: list[pa.Table] = []
    for piece in stream:
        head.append(piece)
        if piece.num_rows:
            break
    if not head:
        return
    sample, pieces = head[-1], chain(head, stream)
    size = sample.nbytes / max(sample.num_rows, 1) * rows
    if count == 1:
        yield pa.concat_tables(list(pieces))
    elif size > limit:
        yield from _in_files(pieces, sample.schema, by, count)
    else:
        yield from _in_memory(pieces, sample.schema, by, count)


def _split(table: pa.Table, by: str, count: int) -> Iterator[tuple[int, pa.Table]]:
    """Yield the non-empty parts of one piece."""
    ids = table.column(by).to_numpy().astype(np.int64, copy=False)
    part = (hash_ids(ids) % np.uint64(count)).astype(np.int64)
    order = np.argsort(part, kind="stable")
    ends = np.cumsum(np.bincount(part, minlength=count))
    ordered = table.take(pa.array(order))
    start = 0
    for index, end in enumerate(ends.tolist()):
        if end > start:
            yield index, ordered.slice(start, end - start)
        start = end


def _in_memory(
    pieces: Iterable[pa.Table], schema: pa.Schema, by: str, count: int
) -> Iterator[pa.Table]:
    """Keep the parts in memory; each is let go when it has been handed out."""
    held: list[list[pa.Table]] = [[] for _ in range(count)]
    for piece in pieces:
        for index, part in _split(piece, by, count):
            held[index].append(part)
    for index in range(count):
        parts, held[index] = held[index], []
        yield pa.concat_tables(parts) if parts else schema.empty_table()


def _in_files(
    pieces: Iterable[pa.Table], schema: pa.Schema, by: str, count: int
) -> Iterator[pa.Table]:
    """Keep the parts in Arrow files of a temporary directory that goes away at the end."""
    with tempfile.TemporaryDirectory(prefix="skyassay-parts-") as folder:
        paths = [Path(folder) / f"{index}.arrow" for index in range(count)]
        writers = [pa.ipc.new_file(str(path), schema) for path in paths]
        try:
            for piece in pieces:
                for index, part in _split(piece, by, count):
                    writers[index].write_table(part)
        finally:
            for writer in writers:
                writer.close()
        for path in paths:
            with pa.OSFile(str(path)) as source:
                yield pa.ipc.open_file(source).read_all()
            path.unlink()
