"""Parquet: page checksums verified, columns projected, rows streamed.

A flipped bit in a page without a checksum cannot be seen: the file reads as other numbers.
Files that carry no checksums are therefore reported (`Note` ``no_page_checksums``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from skyassay.pipeline.products import ProductError
from skyassay.pipeline.products.integrity import footer_is_sound, has_page_checksums
from skyassay.verify.tables.bombs import refuse_parquet_bomb
from skyassay.verify.tables.notes import reading
from skyassay.verify.tables.readers import BATCH_ROWS, Group, StoredField

#: Field metadata in which writers keep a unit.
_UNIT_KEYS = (b"unit", b"units", b"fits:unit", b"TUNIT")
_ASTROPY_META = b"table_meta_yaml"


@dataclass(frozen=True)
class ParquetReader:
    """One Parquet file (see `readers.Reader`)."""

    path: Path
    rows: int
    fields: dict[str, StoredField]
    protection: str

    @classmethod
    def open(cls, path: Path) -> ParquetReader:
        """Read the footer; a damaged one is ``unreadable_data``."""
        with reading(str(path)), _file(path) as file, path.open("rb") as stream:
            sound = footer_is_sound(file)
            if sound is False:
                raise ProductError(
                    f"{path} is damaged: its footer is not the one that was written.",
                    code="unreadable_data",
                    hint="Fetch or write the file again.",
                )
            refuse_parquet_bomb(path, file.metadata)
            pages = file.metadata.num_rows == 0 or has_page_checksums(stream)
            schema = file.schema_arrow
            if len(set(schema.names)) != len(schema.names):
                raise ValueError("two columns have one name")
            fields = stored_fields(schema)
            protection = ("full" if sound else "pages") if pages else "none"
            return cls(path, file.metadata.num_rows, fields, protection)

    def groups(self, column: str) -> tuple[Group, ...] | None:
        """Return the row groups; None when one does not say what its integers are."""
        with reading(str(self.path)), _file(self.path) as file:
            found = [
                _group(file.metadata.row_group(i), i, column) for i in range(file.num_row_groups)
            ]
        known = tuple(group for group in found if group is not None)
        return known if len(known) == len(found) else None

    def batches(
        self,
        columns: tuple[str, ...],
        groups: tuple[int, ...] | None = None,
        few: tuple[str, ...] = (),
    ) -> Iterator[pa.RecordBatch]:
        """Yield record batches of these columns; fewer rows than promised is damage."""
        seen = 0
        coded = [n for n in few if n in self.fields and _is_text(self.fields[n].type)]
        with reading(str(self.path)), _file(self.path, coded) as file:
            wanted = list(range(file.num_row_groups)) if groups is None else list(groups)
            promised = sum(file.metadata.row_group(i).num_rows for i in wanted)
            if groups is None and promised != self.rows:
                raise ValueError(f"{promised} of {self.rows} rows found")
            for batch in file.iter_batches(
                batch_size=BATCH_ROWS, row_groups=wanted, columns=list(columns)
            ):
                batch.validate(full=True)
                seen += batch.num_rows
                yield batch
            if seen != promised:
                raise ValueError(f"{seen} of {promised} rows found")


def stored_fields(schema: pa.Schema) -> dict[str, StoredField]:
    """Return the columns of an Arrow schema, with the units that its metadata state."""
    units = _astropy_units(schema.metadata or {})
    return {
        f.name: StoredField(f.name, f.type, _unit(f.metadata or {}) or units.get(f.name))
        for f in schema
    }


def _group(group: Any, index: int, column: str) -> Group | None:
    """Return what one row group says of a column."""
    for i in range(group.num_columns):
        chunk = group.column(i)
        if chunk.path_in_schema != column:
            continue
        known = chunk.statistics
        if known is not None and known.has_min_max:
            low, high = known.min, known.max
            whole = type(low) is int and type(high) is int and low <= high
            return Group(index, group.num_rows, (low, high)) if whole else None
        empty = group.num_rows == 0 or (
            known is not None and known.has_null_count and known.null_count == group.num_rows
        )
        return Group(index, group.num_rows, None) if empty else None
    return None


def _file(path: Path, coded: Sequence[str] = ()) -> pq.ParquetFile:
    """Open a file so that page checksums are verified where they exist."""
    return pq.ParquetFile(path, page_checksum_verification=True, read_dictionary=list(coded))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _unit(metadata: dict[bytes, bytes]) -> str | None:
    """Return the unit a field states; a blank one states nothing."""
    for key in _UNIT_KEYS:
        text = metadata.get(key, b"").decode("utf-8", "replace").strip()
        if text:
            return text
    return None


def _astropy_units(metadata: dict[bytes, bytes]) -> dict[str, str]:
    """Return the units astropy's own Parquet writer keeps in the file's metadata."""
    if _ASTROPY_META not in metadata:
        return {}
    from astropy.table.meta import get_header_from_yaml

    header = get_header_from_yaml(metadata[_ASTROPY_META].decode("utf-8").splitlines())
    return {c["name"]: str(c["unit"]) for c in header["datatype"] if c.get("unit")}
