"""Evidence tables as Parquet that cannot lie: page checksums, a digest, durable renames."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from skyassay.verify.errors import VerifyError

if TYPE_CHECKING:
    import pandas as pd

SUFFIX = ".parquet"


def encode(table: pd.DataFrame) -> bytes:
    """Return a table as Parquet bytes with a checksum on every page.

    Without page checksums most flipped bits are read back as wrong numbers, silently.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(
        pa.Table.from_pandas(table, preserve_index=False),
        sink,
        compression="zstd",
        write_page_checksum=True,
    )
    return bytes(sink.getvalue())


def digest(data: bytes) -> str:
    """Return the SHA-256 of file contents."""
    return hashlib.sha256(data).hexdigest()


def write_durably(path: Path, data: bytes) -> None:
    """Write a file that is there completely, or not at all, and survives a kill.

    tmp, fsync, rename, fsync of the folder; a file that is there already is left alone,
    because its name holds its digest.
    """
    if path.exists() and digest(path.read_bytes()) == digest(data):
        return
    new_folder = not path.parent.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync_folder(path.parent)
    if new_folder:
        sync_folder(path.parent.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read(path: Path, sha256: str) -> pd.DataFrame:
    """Read a table back, its bytes checked against the digest and its pages against theirs."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        data = path.read_bytes()
    except OSError as error:
        raise VerifyError(
            f"Evidence {path.name} cannot be read.",
            code="evidence_missing",
            hint="Measure again under a new run id.",
        ) from error
    if digest(data) != sha256:
        raise VerifyError(
            f"Evidence {path.name} is not what was written.",
            code="evidence_damaged",
            hint="The file changed after it was written; measure again under a new run id.",
        )
    table = pq.read_table(pa.BufferReader(data), page_checksum_verification=True)
    frame: pd.DataFrame = table.to_pandas()
    return frame


def sweep(folder: Path, known: Collection[str]) -> int:
    """Delete the files that no row names (their writer was killed); return how many.

    Only while the write lock of the index is held: then no writer is between its file and
    its row.
    """
    gone = 0
    for path in folder.glob("*/*"):
        if path.is_file() and path.relative_to(folder).as_posix() not in known:
            path.unlink(missing_ok=True)
            gone += 1
    return gone
