"""The archive of alerts: every packet as it was sent, found by its id (DMS-REQ-0094).

A container for each visit, to which blocks are only ever appended, and an index with place and
SHA-256 of each packet. The file is made durable before the index names what is in it; what a
dead process left behind the last indexed block is cut off before the next is written.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from skyassay.pipeline.alerts.container import wire
from skyassay.pipeline.distribution.errors import DistributionError, named
from skyassay.pipeline.distribution.images import SYNC, Image, block_start
from skyassay.pipeline.distribution.sinks import sync_folder

_SCHEMA = """
CREATE TABLE IF NOT EXISTS packet
    (id INTEGER PRIMARY KEY, visit INTEGER NOT NULL, detector INTEGER NOT NULL,
     file TEXT NOT NULL, schema INTEGER NOT NULL, offset INTEGER NOT NULL,
     length INTEGER NOT NULL, sha256 BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS packet_file ON packet (file, offset);
"""


@dataclass(frozen=True)
class _Place:
    """Where a packet is: `offset` and `length` of its record."""

    file: str
    schema: int
    offset: int
    length: int
    sha256: bytes


class Archive:
    """An archive in a folder; one process at a time may write.

    Parameters
    ----------
    folder : Path
        Made where it is not there.

    Raises
    ------
    DistributionError
        ``ARCHIVE_BROKEN``, ``DISK_FULL``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with named(f"The archive {folder} cannot be opened", "ARCHIVE_BROKEN"):
            folder.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(folder / "index.sqlite3", timeout=30.0, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the index."""
        self._db.close()

    def __len__(self) -> int:
        (count,) = self._db.execute("SELECT COUNT(*) FROM packet").fetchone()
        return int(count)

    def store(self, image: Image) -> int:
        """Keep the alerts of an image; those that are there are left alone.

        Returns
        -------
        int
            How many were new.

        Raises
        ------
        DistributionError
            ``ALERT_CHANGED`` where an alert of this id has other bytes there, ``DISK_FULL``,
            ``ARCHIVE_BROKEN``.
        """
        with named(f"The archive {self.folder} cannot be written", "ARCHIVE_BROKEN"):
            new = [i for i, one in enumerate(image.ids) if not self._has(one, image.digests[i])]
            if not new:
                return 0
            name = f"{image.visit}_v{image.container.schema_id}.avro"
            rows = self._append(image, name, new)
            self._db.execute("BEGIN IMMEDIATE")
            try:
                self._db.executemany("INSERT INTO packet VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
        return len(new)

    def _has(self, alert: int, digest: bytes) -> bool:
        row = self._db.execute("SELECT sha256 FROM packet WHERE id = ?", (alert,)).fetchone()
        if row is not None and row[0] != digest:
            raise DistributionError(
                f"The archive has another alert {alert}.",
                code="ALERT_CHANGED",
                hint="What was sent cannot be changed: distribute it into another folder.",
            )
        return row is not None

    def _append(
        self, image: Image, name: str, new: Iterable[int]
    ) -> list[tuple[int, int, int, str, int, int, int, bytes]]:
        """Write packets behind the last indexed one and return their rows of the index."""
        path = self.folder / name
        (end,) = self._db.execute(
            "SELECT MAX(offset + length) FROM packet WHERE file = ?", (name,)
        ).fetchone()
        fresh = end is None
        rows = []
        with path.open("wb" if fresh else "r+b") as stream:
            if fresh:
                stream.write(image.head)
                sync = image.head[-SYNC:]
            else:
                stream.seek(end)
                sync = stream.read(SYNC)
                if len(sync) != SYNC:
                    raise DistributionError(
                        f"The file {path} of the archive is shorter than its index says.",
                        code="ALERT_DAMAGED",
                        hint="Take the file from a copy of the archive.",
                    )
                stream.truncate()
            for i in new:
                body = image.container.bodies[i]
                stream.write(block_start(body))
                place = stream.tell()
                stream.write(body)
                stream.write(sync)
                at = (image.visit, image.detector, name, image.container.schema_id)
                rows.append((image.ids[i], *at, place, len(body), image.digests[i]))
            stream.flush()
            os.fsync(stream.fileno())
        if fresh:
            sync_folder(self.folder)
        return rows

    def fetch(self, alert: int) -> bytes:
        """Return one alert in wire format.

        Raises
        ------
        DistributionError
            ``ALERT_ABSENT``, ``ALERT_DAMAGED``.
        """
        row = self._db.execute(
            "SELECT file, schema, offset, length, sha256 FROM packet WHERE id = ?", (alert,)
        ).fetchone()
        if row is None:
            raise DistributionError(
                f"The archive {self.folder} has no alert {alert}.", code="ALERT_ABSENT"
            )
        place = _Place(*row)
        message = wire(self._read(place, alert), place.schema)
        if hashlib.sha256(message).digest() != place.sha256:
            raise _damaged(alert, place, "its checksum is another")
        return message

    def _read(self, place: _Place, alert: int) -> bytes:
        try:
            with (self.folder / place.file).open("rb") as stream:
                stream.seek(place.offset)
                return stream.read(place.length)
        except OSError as error:
            raise _damaged(alert, place, str(error)) from error


def _damaged(alert: int, place: _Place, why: str) -> DistributionError:
    return DistributionError(
        f"The alert {alert} in {place.file} is damaged: {why}.",
        code="ALERT_DAMAGED",
        hint="Take the file from a copy of the archive.",
    )
