"""Rows of a table as plain arrays: an image has many columns, few rows, and no time to lose."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from astropy.table import MaskedColumn, Table
from numpy.typing import ArrayLike, NDArray

from skyassay.pipeline.prompt.errors import PromptError


@dataclass(frozen=True, eq=False)
class Rows:
    """Columns of one length, by name.

    Attributes
    ----------
    columns : mapping
        Name -> ndarray, or masked array where values are missing.
    """

    columns: Mapping[str, NDArray[np.generic]]

    @classmethod
    def of(cls, table: Table) -> Rows:
        """Return the columns of a table, without units."""
        return cls({c.info.name: _plain(c) for c in table.itercols()})

    @property
    def colnames(self) -> list[str]:
        """Names, in order."""
        return list(self.columns)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()))) if self.columns else 0

    def __getitem__(self, name: str) -> NDArray[np.generic]:
        if name not in self.columns:
            raise PromptError(
                f"The table has no column {name}.",
                code="missing_column",
                hint="Sources need what `standardizeDiaSource` gives them.",
            )
        return self.columns[name]

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Return a column as real numbers, NaN where a value is missing."""
        column = self[name]
        if isinstance(column, np.ma.MaskedArray):
            return np.ma.filled(column.astype(np.float64), np.nan)
        return np.asarray(column, dtype=np.float64)

    def ids(self, name: str) -> NDArray[np.int64]:
        """Return a column of ids, 0 where one is missing."""
        return np.asarray(np.ma.filled(np.ma.asarray(self[name]), 0), dtype=np.int64)

    def truths(self, name: str) -> NDArray[np.bool_]:
        """Return a column of flags; a missing one is not set, nor is that of a missing column."""
        if name not in self.columns:
            return np.zeros(len(self), dtype=np.bool_)
        return np.asarray(np.ma.filled(np.ma.asarray(self[name]), False), dtype=np.bool_)

    def take(self, which: ArrayLike) -> Rows:
        """Return some rows, by a mask or by their places."""
        index = np.asarray(which)
        return Rows({name: column[index] for name, column in self.columns.items()})

    def with_(self, more: Mapping[str, NDArray[np.generic]]) -> Rows:
        """Return the rows with other or further columns."""
        return Rows({**self.columns, **more})

    def to_table(self) -> Table:
        """Return an astropy table."""
        masked = {n: isinstance(c, np.ma.MaskedArray) for n, c in self.columns.items()}
        return Table(
            {n: MaskedColumn(c) if masked[n] else c for n, c in self.columns.items()}, copy=False
        )


def _plain(column: object) -> NDArray[np.generic]:
    """Return the values of a column of astropy's."""
    if isinstance(column, np.ma.MaskedArray):
        return np.ma.MaskedArray(column.data, mask=column.mask)
    return np.asarray(column)


def stacked(parts: Sequence[Rows]) -> Rows:
    """Return rows with the same columns, one below the other."""
    if len(parts) == 1:
        return parts[0]
    return Rows({name: joined(parts, name) for name in parts[0].colnames})


def joined(parts: Iterable[Rows], name: str) -> NDArray[np.generic]:
    """Return one column of several tables, one below the other; masks are kept."""
    columns = [part[name] for part in parts]
    if any(isinstance(c, np.ma.MaskedArray) for c in columns):
        made: NDArray[np.generic] = np.ma.concatenate(columns)  # type: ignore[no-untyped-call]
        return made
    return np.concatenate(columns)
