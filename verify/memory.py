"""Tables in memory as a source of partitions: what simulations and tests measure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import Table, Tables
from skyassay.verify.errors import VerifyError
from skyassay.verify.tables import Absence, Note, no_table

#: Locality -> the column whose rows must stay together.
_WHOLE = {"object": "objectId", "sample": "objectId", "visit": "visit"}


@dataclass(frozen=True)
class MemorySource:
    """Products held as arrays (a `skyassay.verify.tables.Source`); nothing is cleaned.

    Attributes
    ----------
    tables : mapping
        Product -> column -> ndarray, shape (n,).
    parts : int or None
        Partitions whatever is asked for; None: as many as are asked for.
    seed : int or None
        Shuffles the rows first, to show that their order does not matter.
    """

    tables: Tables
    parts: int | None = None
    seed: int | None = None

    @property
    def products(self) -> tuple[str, ...]:
        """Names of the products."""
        return tuple(self.tables)

    def identity(self) -> Mapping[str, Mapping[str, str | int | float | None]]:
        """Return product -> ``rows`` and the SHA-256 of names and bytes."""
        return {
            name: {"path": None, "rows": _rows(table), "sha256": _digest(table)}
            for name, table in self.tables.items()
        }

    def columns(self, product: str) -> tuple[str, ...]:
        """Return the columns of a product."""
        return tuple(self._one(product))

    def notes(self) -> tuple[Note, ...]:
        """Return nothing: nothing was checked."""
        return ()

    def absent(self, product: str) -> Absence:
        """Return what to do about a product that is not there."""
        return no_table(product)

    def partitions(
        self, needs: Mapping[str, tuple[str, ...]], locality: str, count: int
    ) -> Iterator[Tables]:
        """Yield partitions by a hash of what the locality names; rows by their number.

        A product without what the locality names is handed whole to every partition; where
        there is no other, there is one partition.
        """
        count = self.parts or count
        if locality in _WHOLE and not any(_WHOLE[locality] in self._one(n) for n in needs):
            count = 1
        homes = {name: self._homes(name, locality, count) for name in needs}
        for index in range(count):
            part: dict[str, Table] = {}
            for name, wanted in needs.items():
                order, home = homes[name]
                chosen = order if home is None else order[home[order] == index]
                table = self._one(name)
                part[name] = {c: table[c][chosen] for c in wanted if c in table}
            yield part

    def _homes(
        self, name: str, locality: str, count: int
    ) -> tuple[NDArray[np.intp], NDArray[np.int64] | None]:
        """Return the order of the rows, and which partition each belongs to; None: to all."""
        import pandas as pd

        table = self._one(name)
        order = np.arange(_rows(table))
        if self.seed is not None:
            np.random.default_rng(self.seed).shuffle(order)
        by = _WHOLE.get(locality, "")
        if by and by not in table:
            return order, None
        keys = table[by] if by in table else np.arange(len(order))
        hashed = pd.util.hash_array(np.asarray(keys)) % np.uint64(count)
        return order, hashed.astype(np.int64)

    def _one(self, name: str) -> Table:
        if name not in self.tables:
            raise VerifyError(f"There is no table of {name}.", code="missing_product", exit_code=4)
        return self.tables[name]


def _rows(table: Table) -> int:
    return len(next(iter(table.values()), ()))


def _digest(table: Table) -> str:
    found = hashlib.sha256()
    for name in sorted(table):
        column = np.ascontiguousarray(table[name])
        text = "\0".join(map(str, column)).encode() if column.dtype == object else None
        found.update(f"{name}\0{column.dtype}\0{column.shape}\0".encode())
        found.update(column.tobytes() if text is None else text)
    return found.hexdigest()
