"""The delivery log: which stream acknowledged which alert. SQLite, a file of its own.

An alert counts as sent to a stream when the stream acknowledged it without error, and that is
in the log. What is not acknowledged is sent again by the next session, so a consumer gets each
alert at least once and knows doubles by their key.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from skyassay.pipeline.distribution.deliveries import read_alerts as read_alerts
from skyassay.pipeline.distribution.deliveries import read_log as read_log
from skyassay.pipeline.distribution.errors import DistributionError, named, wrong
from skyassay.pipeline.distribution.images import Image
from skyassay.pipeline.distribution.sinks import Delivered
from skyassay.pipeline.distribution.streams import Stream

VERSION = "1"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS session
    (id INTEGER PRIMARY KEY, begun REAL NOT NULL, ended REAL, ending TEXT);
CREATE TABLE IF NOT EXISTS stream
    (id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL, definition TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS image
    (visit INTEGER, detector INTEGER, session INTEGER NOT NULL, offered REAL NOT NULL,
     PRIMARY KEY (visit, detector));
CREATE TABLE IF NOT EXISTS alert
    (id INTEGER PRIMARY KEY, visit INTEGER NOT NULL, detector INTEGER NOT NULL,
     size INTEGER NOT NULL, sha256 BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS alert_image ON alert (visit, detector);
CREATE TABLE IF NOT EXISTS delivery
    (stream INTEGER, alert INTEGER, acknowledged REAL, session INTEGER, code TEXT,
     PRIMARY KEY (stream, alert)) WITHOUT ROWID;
"""


class DeliveryLog:
    """The log of one destination.

    Parameters
    ----------
    path : Path
        Made where it is not there. One process at a time may write.
    destination : str
        ``files`` or ``kafka``: what one acknowledged, the other has not got.

    Raises
    ------
    DistributionError
        ``LOG_IN_USE``, ``LOG_OF_ANOTHER``, ``LOG_BROKEN``, ``DISK_FULL``.
    """

    def __init__(self, path: Path, destination: str) -> None:
        self.path = path
        self._lock = _lock(path)
        try:
            with named(f"The delivery log {path} cannot be opened", "LOG_BROKEN"):
                self._db = _connect(path)
                self._db.executescript(_SCHEMA)
                self._check("version", VERSION)
                self._check("destination", destination)
            self.session = self._begin()
        except BaseException:
            os.close(self._lock)
            raise
        self._streams: dict[str, int] = {}

    def _check(self, name: str, value: str) -> None:
        self._db.execute("INSERT OR IGNORE INTO meta VALUES (?, ?)", (name, value))
        (found,) = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        if found != value:
            raise wrong(
                f"The delivery log {self.path} has the {name} {found}, not {value}.",
                "LOG_OF_ANOTHER",
                "Give another folder for another destination.",
            )

    def _begin(self) -> int:
        with self.transaction():
            cursor = self._db.execute("INSERT INTO session (begun) VALUES (?)", (time.time(),))
        return int(cursor.lastrowid or 0)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what is done inside, all or nothing."""
        with named(f"The delivery log {self.path} cannot be written", "LOG_BROKEN"):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def register(self, streams: Sequence[Stream]) -> None:
        """Make the streams known.

        Raises
        ------
        DistributionError
            ``STREAM_CHANGED`` where one of this name had another filter.
        """
        with self.transaction():
            for stream in streams:
                self._db.execute(
                    "INSERT OR IGNORE INTO stream (name, definition) VALUES (?, ?)",
                    (stream.name, stream.definition),
                )
                number, definition = self._db.execute(
                    "SELECT id, definition FROM stream WHERE name = ?", (stream.name,)
                ).fetchone()
                if definition != stream.definition:
                    raise wrong(
                        f"The stream {stream.name} was {definition or 'full'!r} before and is "
                        f"{stream.definition or 'full'!r} now.",
                        "STREAM_CHANGED",
                        "A new filter is a new stream: give it another name.",
                    )
                self._streams[stream.name] = int(number)

    def offer(self, image: Image, wanted: Iterable[tuple[str, Sequence[int]]]) -> None:
        """Note the alerts of an image and which streams are to get which of them.

        Parameters
        ----------
        image : Image
        wanted : iterable of (str, sequence of int)
            Stream and indices of its alerts.

        Raises
        ------
        DistributionError
            ``ALERT_CHANGED`` where an alert of this id had other bytes.
        """
        at = (image.visit, image.detector)
        rows = list(zip(image.ids, image.sizes, image.digests, strict=True))
        with self.transaction():
            self._db.execute(
                "INSERT OR IGNORE INTO image VALUES (?, ?, ?, ?)", (*at, self.session, time.time())
            )
            self._db.executemany(
                "INSERT OR IGNORE INTO alert VALUES (?, ?, ?, ?, ?)",
                [(i, *at, size, digest) for i, size, digest in rows],
            )
            known = dict(
                self._db.execute(
                    "SELECT id, sha256 FROM alert WHERE visit = ? AND detector = ?", at
                ).fetchall()
            )
            changed = [i for i, _, digest in rows if known.get(i) != digest]
            if changed:
                raise DistributionError(
                    f"{len(changed)} alerts of visit {image.visit}, detector {image.detector} "
                    f"were others when they were offered before, first {changed[0]}.",
                    code="ALERT_CHANGED",
                    hint="What was sent cannot be changed: distribute it into another folder.",
                )
            for name, indices in wanted:
                self._db.executemany(
                    "INSERT OR IGNORE INTO delivery (stream, alert) VALUES (?, ?)",
                    [(self._streams[name], image.ids[i]) for i in indices],
                )

    def pending(self, image: Image) -> dict[str, set[int]]:
        """Return stream -> ids of the image's alerts that it has not acknowledged."""
        found: dict[str, set[int]] = {}
        names = {number: name for name, number in self._streams.items()}
        rows = self._db.execute(
            "SELECT d.stream, d.alert FROM alert a JOIN delivery d ON d.alert = a.id "
            "WHERE a.visit = ? AND a.detector = ? AND d.acknowledged IS NULL "
            f"AND d.stream IN ({','.join('?' * len(names))})",
            (image.visit, image.detector, *names),
        )
        for stream, alert in rows:
            found.setdefault(names[stream], set()).add(alert)
        return found

    def note(self, reports: Sequence[Delivered]) -> None:
        """Write delivery reports, in one transaction; one without error is final."""
        if not reports:
            return
        rows = [
            (None if r.code else r.time, self.session, r.code, self._streams[r.stream], r.alert)
            for r in reports
        ]
        with self.transaction():
            self._db.executemany(
                "UPDATE delivery SET acknowledged = ?, session = ?, code = ? "
                "WHERE stream = ? AND alert = ? AND acknowledged IS NULL",
                rows,
            )

    def counts(self) -> dict[str, tuple[int, int]]:
        """Return stream -> (alerts that it is to get, those that it acknowledged)."""
        rows = self._db.execute(
            "SELECT s.name, COUNT(d.alert), COUNT(d.acknowledged) FROM stream s "
            "LEFT JOIN delivery d ON d.stream = s.id GROUP BY s.id ORDER BY s.id"
        )
        return {name: (asked, got) for name, asked, got in rows}

    def close(self, ending: str) -> None:
        """End the session; `ending` says how."""
        try:
            with self.transaction():
                self._db.execute(
                    "UPDATE session SET ended = ?, ending = ? WHERE id = ?",
                    (time.time(), ending, self.session),
                )
        finally:
            self._db.close()
            os.close(self._lock)


def _lock(path: Path) -> int:
    """Return a descriptor that holds the lock of a log until it is closed."""
    with named(f"The delivery log {path} cannot be opened", "LOG_BROKEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path.with_name(path.name + ".lock"), os.O_CREAT | os.O_RDWR, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise DistributionError(
            f"Another process is distributing with the log {path}.",
            code="LOG_IN_USE",
            hint="Wait for its end.",
        ) from None
    return descriptor


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=30.0, isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    return db
