"""One dataset of a Butler repository as a reader of table rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pyarrow as pa

from skyassay.verify.butler.opening import open_repository
from skyassay.verify.tables.notes import reading
from skyassay.verify.tables.parquet import stored_fields
from skyassay.verify.tables.readers import BATCH_ROWS, Group, StoredField

if TYPE_CHECKING:
    from lsst.daf.butler import DatasetRef

#: What rows are read as; the Butler converts.
ARROW = "ArrowTable"


@dataclass(frozen=True)
class DatasetReader:
    """One dataset (see `skyassay.verify.tables.readers.Reader`); it travels by its id.

    Attributes
    ----------
    repository : str
    dataset : UUID
    name : str
        Dataset type and data id, for messages.
    path : Path
        The dataset type: what is wrong with one dataset is mostly wrong with all.
    projects : bool
        The Butler can read some columns only.
    """

    repository: str
    dataset: UUID
    name: str
    path: Path
    rows: int
    fields: dict[str, StoredField]
    projects: bool = True
    protection: str = "none"

    @classmethod
    def open(cls, repository: str, ref: DatasetRef) -> DatasetReader:
        """Look at columns, units and rows of a dataset.

        Raises
        ------
        ProductError
            ``unreadable_data`` (exit code 3) where its file is missing or damaged.
        """
        name = describe(ref)
        with reading(f"The dataset {name}"):
            if "schema" in ref.datasetType.storageClass.allComponents():
                butler = open_repository(repository)
                schema = butler.get(ref.makeComponentRef("schema"), storageClass="ArrowSchema")
                rows, projects = _rows(repository, ref, schema), True
            else:
                table = _get(repository, ref, None)
                schema, rows, projects = table.schema, table.num_rows, False
            fields = stored_fields(schema)
        return cls(repository, ref.id, name, Path(ref.datasetType.name), rows, fields, projects)

    def groups(self, column: str) -> tuple[Group, ...] | None:
        """Return nothing: a repository says nothing about row groups."""
        return None

    def batches(
        self,
        columns: tuple[str, ...],
        groups: tuple[int, ...] | None = None,
        few: tuple[str, ...] = (),
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows of these columns; fewer rows than promised is damage."""
        seen = 0
        with reading(f"The dataset {self.name}"):
            ref = known_dataset(self.repository, self.dataset)
            table = _get(self.repository, ref, columns if self.projects else None)
            for batch in table.select(list(columns)).to_batches(BATCH_ROWS):
                batch.validate(full=True)
                seen += batch.num_rows
                yield batch
            if seen != self.rows:
                raise ValueError(f"{seen} of {self.rows} rows found")


def describe(ref: DatasetRef) -> str:
    """Return a dataset in words: its type and data id."""
    values = ", ".join(f"{k} {v}" for k, v in sorted(ref.dataId.required.items()))
    return f"{ref.datasetType.name} ({values or ref.run})"


@lru_cache(maxsize=4096)
def known_dataset(repository: str, dataset: UUID) -> DatasetRef:
    """Return a dataset that a process knows by its id only.

    Raises
    ------
    LookupError
        It was removed since.
    """
    found = open_repository(repository).get_dataset(dataset)
    if found is None:
        raise LookupError(f"the repository has no dataset {dataset} any more")
    return found


def _get(repository: str, ref: DatasetRef, columns: tuple[str, ...] | None) -> pa.Table:
    """Return the rows of a dataset, in some columns or all."""
    wanted: dict[str, Any] = {} if columns is None else {"columns": list(columns)}
    return open_repository(repository).get(ref, storageClass=ARROW, parameters=wanted or None)


def _rows(repository: str, ref: DatasetRef, schema: pa.Schema) -> int:
    """Return the number of rows: files of other writers do not say it in their schema."""
    if b"lsst::arrow::rowcount" in (schema.metadata or {}):
        return int(open_repository(repository).get(ref.makeComponentRef("rowcount")))
    names = [name for name in schema.names if not name.startswith("__")]
    return int(_get(repository, ref, tuple(names[:1])).num_rows) if names else 0


@dataclass(frozen=True, eq=False)
class TableReader:
    """A table made of what the registry says (see `skyassay.verify.tables.readers.Reader`)."""

    path: Path
    table: pa.Table
    protection: str = "full"

    @property
    def rows(self) -> int:
        """Rows in it."""
        return int(self.table.num_rows)

    @property
    def fields(self) -> dict[str, StoredField]:
        """Its columns."""
        return stored_fields(self.table.schema)

    def groups(self, column: str) -> tuple[Group, ...] | None:
        """Return nothing: there are no row groups."""
        return None

    def batches(
        self,
        columns: tuple[str, ...],
        groups: tuple[int, ...] | None = None,
        few: tuple[str, ...] = (),
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows."""
        yield from self.table.select(list(columns)).to_batches(BATCH_ROWS)
