"""The files of a folder of alerts, by their content."""

from __future__ import annotations

import struct
from pathlib import Path

from skyassay.pipeline.products import ProductError
from skyassay.verify.alerts.content import CONTAINER, GZIP, WIRE
from skyassay.verify.alerts.schemas import OLDEST

_NAMED = (".avro", ".avro.gz")
_PARQUET = (".parquet", ".parq", ".pq")


def alert_files(path: Path) -> tuple[Path, ...]:
    """Return the files of alerts of a path: itself, or those below a folder, sorted.

    Raises
    ------
    ProductError
        ``not_found`` (exit code 4) where there is nothing to read.
    """
    if path.is_file():
        return (path,)
    if not path.exists():
        raise ProductError(
            f"{path} does not exist.", code="not_found", hint="Check the path.", exit_code=4
        )
    found = sorted(file for file in path.rglob("*") if file.is_file() and _wanted(file, path))
    if not found:
        raise ProductError(
            f"{path} holds no file of alert packets.",
            code="not_found",
            hint="Name Avro containers or messages in Confluent's wire format, gzipped or not.",
            exit_code=4,
        )
    return tuple(found)


def _wanted(file: Path, root: Path) -> bool:
    """Return whether a file is one of alerts, or says so by its name."""
    if any(part.startswith((".", "_")) for part in file.relative_to(root).parts):
        return False
    if file.name.lower().endswith(_NAMED):
        return True
    if file.name.lower().endswith(_PARQUET):
        from skyassay.verify.alerts.parquet import holds_alerts

        return holds_alerts(file)
    try:
        with file.open("rb") as stream:
            head = stream.read(5)
    except OSError:
        return False
    if head.startswith(CONTAINER) or (head.startswith(GZIP) and ".fits" not in file.name.lower()):
        return True
    return (
        len(head) == 5
        and head.startswith(WIRE)
        and 100 * OLDEST <= struct.unpack(">bi", head)[1] < 10_000
    )
