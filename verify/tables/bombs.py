"""Files that are small on disk and endless once read: refused before anything is unpacked."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING

from skyassay.pipeline.products import ProductError

if TYPE_CHECKING:
    import pyarrow.parquet as pq

#: Real catalogs shrink by a factor of a few, constant columns by some hundred.
MOST_EXPANSION = 1_000
#: Below this an expansion harms nobody, bytes.
HARMLESS_BYTES = 256 * 2**20
#: A row has a key of its own: more rows than this per byte have none.
MOST_ROWS_PER_BYTE = 200
HARMLESS_ROWS = 50_000_000
_CHUNK = 1 << 22


def refuse_gzip_bomb(path: Path) -> None:
    """Refuse a compressed file that unpacks to far more than any table does.

    Raises
    ------
    ProductError
        ``archive_bomb`` (exit code 3). What is damaged is left for the reader to name.
    """
    limit = max(path.stat().st_size * MOST_EXPANSION, HARMLESS_BYTES)
    total = 0
    try:
        with gzip.open(path, "rb") as stream:
            while piece := stream.read(_CHUNK):
                total += len(piece)
                if total > limit:
                    raise _bomb(path, f"more than {total / 2**20:.0f} MiB")
    except (OSError, EOFError):
        return


def refuse_parquet_bomb(path: Path, metadata: pq.FileMetaData) -> None:
    """Refuse a Parquet file whose footer promises far more than its bytes can hold.

    Raises
    ------
    ProductError
        ``archive_bomb`` (exit code 3).
    """
    size = path.stat().st_size
    unpacked = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    if unpacked > max(size * MOST_EXPANSION, HARMLESS_BYTES):
        raise _bomb(path, f"{unpacked / 2**20:.0f} MiB")
    if metadata.num_rows > max(size * MOST_ROWS_PER_BYTE, HARMLESS_ROWS):
        raise _bomb(path, f"{metadata.num_rows:,} rows")


def _bomb(path: Path, what: str) -> ProductError:
    size = path.stat().st_size
    return ProductError(
        f"{path} would unpack from {size / 2**20:.3g} MiB to {what}: no table does.",
        code="archive_bomb",
        hint="If it is sound, unpack it by hand and name the unpacked file.",
        exit_code=3,
    )
