"""Cut a product by its files' own statistics, so that workers read their parts themselves.

Where the row groups of Parquet files are in the order of the identifier, their footers say
which identifiers each holds. Consecutive groups make a piece; only an object whose rows end
one piece and begin the next is on a border. Files that are in no such order are cut by a
hash instead (`stream`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from skyassay.verify.tables.parts import Layout, Slice
from skyassay.verify.tables.readers import Group
from skyassay.verify.tables.stored import StoredProduct

#: A piece ends with its file unless it would be this much smaller than a part should be.
SMALL = 8
#: Fewer pieces than this share of the parts asked for are too few: hashing makes more.
ENOUGH = 0.5


@dataclass(frozen=True)
class _Located:
    """A row group and the file it is in."""

    file: int
    group: Group

    @property
    def low(self) -> int:
        return self.group.limits[0] if self.group.limits else 0

    @property
    def high(self) -> int:
        return self.group.limits[1] if self.group.limits else 0


def slices(one: StoredProduct, layout: Layout, count: int) -> list[Slice] | None:
    """Return about `count` slices of a product; None when its order does not allow it.

    The size of a slice is a power of two that depends on the rows, so one more file among
    many leaves the slices of the others what they were.
    """
    located = _in_order(one, layout)
    if located is None:
        return None
    held = [found for found in located if found.group.limits]
    size = 1 << max(0, (one.rows // count).bit_length() - 1)
    pieces = _pieces(held, size)
    if len(pieces) < ENOUGH * count:
        return None
    # groups without any identifier hold no usable row, but they are counted
    pieces[0].extend(found for found in located if not found.group.limits)
    border = _border(pieces)
    return [_slice(one, layout, piece, border) for piece in pieces]


def _in_order(one: StoredProduct, layout: Layout) -> list[_Located] | None:
    """Return all row groups by identifier; None where they overlap or do not say."""
    if layout.by is None:
        return None
    found: list[_Located] = []
    for index, (reader, plan) in enumerate(one.files):
        groups = reader.groups(plan.links[layout.by].stored)
        if groups is None:
            return None
        found += [_Located(index, group) for group in groups]
    found.sort(key=lambda each: (each.low, each.high, each.file, each.group.index))
    held = [each for each in found if each.group.limits]
    if not held or any(b.low < a.high for a, b in pairwise(held)):
        return None
    return found


def _pieces(held: Sequence[_Located], size: int) -> list[list[_Located]]:
    """Return consecutive groups, together at least `size` rows or a whole file."""
    pieces: list[list[_Located]] = []
    rows = 0
    for found in held:
        ended = bool(pieces) and found.file != pieces[-1][-1].file and rows >= size / SMALL
        if not pieces or rows >= size or ended:
            pieces.append([])
            rows = 0
        pieces[-1].append(found)
        rows += found.group.rows
    return pieces


def _border(pieces: Sequence[Sequence[_Located]]) -> set[int]:
    """Return the identifiers that end one piece and begin another."""
    return {b[0].low for a, b in pairwise(pieces) if a[-1].high == b[0].low}


def _slice(
    one: StoredProduct, layout: Layout, piece: Sequence[_Located], border: set[int]
) -> Slice:
    files = sorted({found.file for found in piece})
    groups = tuple(
        tuple(sorted(found.group.index for found in piece if found.file == file)) for file in files
    )
    held = [found for found in piece if found.group.limits]
    low, high = held[0].low, held[-1].high
    return Slice(
        one.only(files),
        layout,
        groups,
        (low, high),
        tuple(sorted(border & {low, high})),
    )
