"""Is a Parquet file what was written? Checks that the format leaves to its user.

Page checksums cover the values. The footer (names, types, units, row counts) has no checksum
in the format, so our writer stores a digest of what the footer says.
"""

from __future__ import annotations

import hashlib
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

#: Key-value metadata that holds `footer_digest`.
DIGEST_KEY = b"skyassay.footer_sha256"
#: Thrift compact protocol: "next field, 32-bit integer", and "field 1, 32-bit integer".
_NEXT_I32 = 0x15


def footer_digest(schema: pa.Schema, rows: int) -> str:
    """Return the SHA-256 of column names, types, units, file metadata and row count."""
    parts = [f"rows={rows}", _items(schema.metadata)]
    parts += [f"{f.name}:{f.type}:{f.nullable}:{_items(f.metadata)}" for f in schema]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _items(metadata: dict[bytes, bytes] | None) -> str:
    """Return metadata in a fixed order; Parquet's own field ids are not ours to check."""
    kept = {k: v for k, v in (metadata or {}).items() if not k.startswith(b"PARQUET:")}
    return repr(sorted(kept.items()))


def footer_is_sound(file: pq.ParquetFile) -> bool | None:
    """Return whether the footer matches its digest; None when the file carries none."""
    stored = (file.metadata.metadata or {}).get(DIGEST_KEY)
    if stored is None:
        return None
    return bool(stored == footer_digest(file.schema_arrow, file.metadata.num_rows).encode())


def has_page_checksums(stream: BinaryIO) -> bool:
    """Return whether the first page of a Parquet file carries a checksum.

    PyArrow verifies checksums that are there and says nothing where there are none, so the
    header of the first page, behind the four magic bytes, is looked at (parquet.thrift,
    ``PageHeader``: fields 1 to 3 are type and two sizes, field 4 is the optional CRC-32).
    Writers give all pages a checksum or none. The footer's own page offsets are not used:
    on some damaged footers PyArrow ends the process when its column chunks are asked for.
    """
    stream.seek(4)
    return _header_has_crc(stream.read(24))


def _header_has_crc(head: bytes) -> bool:
    """Return whether field 4 follows fields 1, 2 and 3 of a page header."""
    position = 0
    for _ in range(3):
        if position >= len(head) or head[position] != _NEXT_I32:
            return False
        position += 1
        while position < len(head) and head[position] & 0x80:
            position += 1
        position += 1
    return position < len(head) and head[position] == _NEXT_I32
