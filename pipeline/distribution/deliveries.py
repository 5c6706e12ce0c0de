"""What a delivery log says, as arrays: which alert was acknowledged by which stream, and when."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.distribution.errors import named, wrong


@dataclass(frozen=True)
class Deliveries:
    """The log of a night; arrays of shape (m,), a row for each alert that a stream is to get.

    Attributes
    ----------
    streams : tuple of str
        Names.
    full : tuple of bool
        Which of them get every alert.
    stream : ndarray of int64
        Index into `streams`.
    alert : ndarray of int64
        diaSourceId.
    acknowledged : ndarray of float64
        Unix time of the delivery report without error, s; NaN where none came.
    late : ndarray of float64
        From the first offer of the alert to its acknowledgement by a later session, s; 0 where
        the session that offered it first also delivered it.
    code : ndarray of str
        Why it was not acknowledged, where a report said so.
    """

    streams: tuple[str, ...]
    full: tuple[bool, ...]
    stream: NDArray[np.int64]
    alert: NDArray[np.int64]
    acknowledged: NDArray[np.float64]
    late: NDArray[np.float64]
    code: NDArray[np.str_]


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    if not path.exists():
        raise wrong(f"There is no delivery log {path}.", "LOG_ABSENT")
    with named(f"The delivery log {path} cannot be read", "LOG_BROKEN"):
        db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=30.0)
        try:
            yield db
        finally:
            db.close()


def read_log(path: Path) -> Deliveries:
    """Return everything a log says, also while it is written.

    Raises
    ------
    DistributionError
        ``LOG_ABSENT``, ``LOG_BROKEN``.
    """
    with _reading(path) as db:
        streams = db.execute("SELECT id, name, definition FROM stream ORDER BY id").fetchall()
        rows = db.execute(
            "SELECT d.stream, d.alert, d.acknowledged, d.code, "
            "CASE WHEN d.session > i.session THEN d.acknowledged - i.offered END "
            "FROM delivery d JOIN alert a ON a.id = d.alert "
            "JOIN image i ON i.visit = a.visit AND i.detector = a.detector "
            "ORDER BY d.stream, d.alert"
        ).fetchall()
    place = {number: i for i, (number, *_) in enumerate(streams)}
    columns: Sequence[Sequence[Any]] = list(zip(*rows, strict=True)) or [()] * 5
    return Deliveries(
        streams=tuple(name for _, name, _ in streams),
        full=tuple(definition == "" for *_, definition in streams),
        stream=np.array([place[i] for i in columns[0]], dtype=np.int64),
        alert=np.array(columns[1], dtype=np.int64),
        acknowledged=np.array(columns[2], dtype=np.float64),
        late=np.maximum(np.array([late or 0.0 for late in columns[4]], dtype=np.float64), 0.0),
        code=np.array([code or "" for code in columns[3]], dtype=str),
    )


def read_alerts(path: Path) -> list[tuple[int, int, int, int, bytes]]:
    """Return (id, visit, detector, bytes, SHA-256) of every alert that was offered, by id."""
    with _reading(path) as db:
        return db.execute(
            "SELECT id, visit, detector, size, sha256 FROM alert ORDER BY id"
        ).fetchall()
