"""Parquet: page checksums verified, columns projected, rows streamed.

A flipped bit in a page without a checksum cannot be seen: the file reads as other numbers.
Files that carry no checksums are therefore reported (`Note` ``no_page_checksums``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from skyassay.pipeline.products import ProductError
from skyassay.pipeline.products.integrity import footer_is_sound, has_page_checksums
from skyassay.verify.tables.notes import reading
from skyassay.verify.tables.readers import BATCH_ROWS, StoredField

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
            pages = file.metadata.num_rows == 0 or has_page_checksums(stream)
            schema = file.schema_arrow
            if len(set(schema.names)) != len(schema.names):
                raise ValueError("two columns have one name")
            units = _astropy_units(schema.metadata or {})
            fields = {
                f.name: StoredField(f.name, f.type, _unit(f.metadata or {}) or units.get(f.name))
                for f in schema
            }
            protection = ("full" if sound else "pages") if pages else "none"
            return cls(path, file.metadata.num_rows, fields, protection)

    def batches(self, columns: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
        """Yield record batches of these columns; fewer rows than promised is damage."""
        seen = 0
        with reading(str(self.path)), _file(self.path) as file:
            for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=list(columns)):
                batch.validate(full=True)
                seen += batch.num_rows
                yield batch
            if seen != self.rows:
                raise ValueError(f"{seen} of {self.rows} rows found")


def _file(path: Path) -> pq.ParquetFile:
    """Open a file so that page checksums are verified where they exist."""
    return pq.ParquetFile(path, page_checksum_verification=True)


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
