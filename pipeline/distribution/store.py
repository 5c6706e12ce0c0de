"""Where a consumer keeps alerts: SQLite, each alert once by its diaSourceId."""

from __future__ import annotations

import fcntl
import hashlib
import sqlite3
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from skyassay.pipeline.distribution.errors import DistributionError, named

_SCHEMA = """
CREATE TABLE IF NOT EXISTS alert
    (id INTEGER PRIMARY KEY, size INTEGER NOT NULL, sha256 BLOB NOT NULL,
     times INTEGER NOT NULL DEFAULT 1);
CREATE TABLE IF NOT EXISTS message (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
"""
_STORE = """
INSERT INTO alert (id, size, sha256) VALUES (?, ?, ?)
ON CONFLICT (id) DO UPDATE SET times = times + 1 RETURNING times
"""
_WIRE = struct.Struct(">bi")
STORE = "alerts.sqlite3"


@dataclass(frozen=True)
class Stored:
    """What is in a store.

    Attributes
    ----------
    alerts : int
        Different ones.
    again : int
        Deliveries beyond the first of an alert, which were not kept.
    bytes : int
        Of the different ones.
    """

    alerts: int
    again: int
    bytes: int


def stored(folder: Path) -> Stored:
    """Return what a consumer has stored so far; nothing where there is no store yet."""
    path = folder / STORE
    if not path.exists():
        return Stored(0, 0, 0)
    with named(f"The store {path} cannot be read", "STORE_BROKEN"):
        db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=30.0)
        try:
            row = db.execute(
                "SELECT COUNT(*), COALESCE(SUM(times) - COUNT(*), 0), COALESCE(SUM(size), 0) "
                "FROM alert"
            ).fetchone()
        except sqlite3.OperationalError as error:
            if "no such table" not in str(error):
                raise
            row = (0, 0, 0)
        finally:
            db.close()
    return Stored(*row)


class Store:
    """Alerts in a folder, each once.

    Parameters
    ----------
    folder : Path
    keep : bool
        Keep the bytes too, not only their number and checksum.

    Raises
    ------
    DistributionError
        ``STORE_IN_USE``, ``STORE_BROKEN``, ``DISK_FULL``.
    """

    def __init__(self, folder: Path, keep: bool = True) -> None:
        self._keep, self.folder = keep, folder
        with named(f"The store {folder} cannot be opened", "STORE_BROKEN"):
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = (folder / "lock").open("w")
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                self._lock.close()
                raise DistributionError(
                    f"Another consumer writes into {folder}.", code="STORE_IN_USE"
                ) from None
            self._db = sqlite3.connect(folder / STORE, timeout=30.0, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.executescript(_SCHEMA)
            (self.count,) = self._db.execute("SELECT COUNT(*) FROM alert").fetchone()

    def get(self, alert: int) -> bytes | None:
        """Return an alert in wire format; `None` where it is not kept."""
        row = self._db.execute("SELECT bytes FROM message WHERE id = ?", (alert,)).fetchone()
        return None if row is None else bytes(row[0])

    def put(self, messages: Sequence[tuple[bytes, bytes]]) -> None:
        """Store messages (key, value), all or none; durable when it returns.

        Raises
        ------
        DistributionError
            ``BAD_MESSAGE`` where one is not in wire format or its key is not its diaSourceId.
        """
        rows = [(*_row(key, value), value) for key, value in messages]
        with named(f"The store {self.folder} cannot be written", "STORE_BROKEN"):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                new = sum(self._put(*row) for row in rows)
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
        self.count += new

    def _put(self, number: int, size: int, digest: bytes, value: bytes) -> bool:
        """Insert one alert and return whether it is new."""
        (times,) = self._db.execute(_STORE, (number, size, digest)).fetchone()
        if times == 1 and self._keep:
            self._db.execute("INSERT INTO message VALUES (?, ?)", (number, value))
        return bool(times == 1)

    def close(self) -> None:
        """Close the files."""
        self._db.close()
        self._lock.close()


def _row(key: bytes | None, value: bytes | None) -> tuple[int, int, bytes]:
    """Return number, bytes and checksum of a message."""
    if not value or len(value) <= _WIRE.size or value[0] != 0 or not (key or b"").isdigit():
        raise DistributionError(
            f"A message with the key {key!r} is no alert in wire format.",
            code="BAD_MESSAGE",
            hint="Is it the topic of a stream of alerts?",
        )
    number = int(key or b"")
    if _first_long(value[_WIRE.size : _WIRE.size + 10]) != number:
        raise DistributionError(
            f"The message with the key {number} holds another alert.", code="BAD_MESSAGE"
        )
    return number, len(value), hashlib.sha256(value).digest()


def _first_long(data: bytes) -> int:
    """Return the first field of a record, the diaSourceId (Avro: zigzag, seven bits a byte)."""
    value = 0
    for i, byte in enumerate(data):
        value |= (byte & 0x7F) << (7 * i)
        if byte < 0x80:
            break
    return (value >> 1) ^ -(value & 1)
