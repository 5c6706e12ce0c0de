"""Alert packets that a repository keeps, an Avro container for each detector of a visit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import pyarrow as pa

from skyassay.verify.alerts.decode import count
from skyassay.verify.alerts.reader import alert_schema, alert_table
from skyassay.verify.butler.opening import open_repository
from skyassay.verify.butler.reader import describe, known_dataset
from skyassay.verify.tables.notes import reading
from skyassay.verify.tables.parquet import stored_fields
from skyassay.verify.tables.readers import BATCH_ROWS, Group, StoredField

if TYPE_CHECKING:
    from lsst.daf.butler import DatasetRef

#: Product, and the dataset type that it is in.
ALERT, PACKETS = "alert", "alert_packets"


@dataclass(frozen=True)
class PacketReader:
    """One container as rows of `alert`; they are counted at once and decoded when they are read.

    Attributes
    ----------
    repository : str
    dataset : UUID
    name : str
        Dataset type and data id, for messages.
    path : Path
    """

    repository: str
    dataset: UUID
    name: str
    path: Path
    rows: int
    fields: dict[str, StoredField] = field(repr=False)
    protection: str = "none"

    @classmethod
    def open(cls, repository: str, ref: DatasetRef) -> PacketReader:
        """Count the packets of a dataset.

        Raises
        ------
        ProductError
            ``unreadable_data``, or what is wrong with its schema.
        """
        name = describe(ref)
        with reading(f"The dataset {name}"):
            rows = count(open_repository(repository).get(ref))
        # All columns: repositories hold what our own pipeline writes, by the newest schema.
        fields = stored_fields(alert_schema())
        return cls(repository, ref.id, name, Path(PACKETS), rows, fields)

    def groups(self, column: str) -> tuple[Group, ...] | None:
        """Return nothing: packets are in no order."""
        return None

    def batches(
        self,
        columns: tuple[str, ...],
        groups: tuple[int, ...] | None = None,
        few: tuple[str, ...] = (),
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows of these columns; fewer than promised is damage."""
        with reading(f"The dataset {self.name}"):
            ref = known_dataset(self.repository, self.dataset)
            table = alert_table(open_repository(self.repository).get(ref))
            if table.num_rows != self.rows:
                raise ValueError(f"{table.num_rows} of {self.rows} packets found")
            yield from table.select(list(columns)).to_batches(BATCH_ROWS)

    def contents(self) -> Iterator[tuple[str, bytes]]:
        """Yield the container itself, for what its rows do not tell."""
        with reading(f"The dataset {self.name}"):
            ref = known_dataset(self.repository, self.dataset)
            yield self.name, open_repository(self.repository).get(ref)
