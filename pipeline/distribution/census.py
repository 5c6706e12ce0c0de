"""The table `alert_archive`: every alert that was sent, and whether the archive gives it back."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from astropy.table import Table

from skyassay.pipeline.distribution.archive import Archive
from skyassay.pipeline.distribution.deliveries import read_alerts, read_log
from skyassay.pipeline.distribution.errors import DistributionError


def alert_archive(log: Path, archive: Archive) -> Table:
    """Compare the delivery log with the archive, byte by byte.

    Parameters
    ----------
    log : Path
    archive : Archive

    Returns
    -------
    Table
        Product `alert_archive`: a row for each alert that was offered. `sent`: a stream
        acknowledged it. `archived`: the index has it and the bytes can be read. `identical`:
        they are those that were sent.
    """
    deliveries = read_log(log)
    sent = set(deliveries.alert[np.isfinite(deliveries.acknowledged)].tolist())
    alerts = read_alerts(log)
    found = [_found(archive, alert, digest) for alert, *_, digest in alerts]
    return Table(
        {
            "diaSourceId": np.array([alert for alert, *_ in alerts], dtype=np.int64),
            "visit": np.array([visit for _, visit, *_ in alerts], dtype=np.int64),
            "sent": np.array([alert in sent for alert, *_ in alerts], dtype=bool),
            "archived": np.array([there for there, _ in found], dtype=bool),
            "identical": np.array([same for _, same in found], dtype=bool),
        }
    )


def _found(archive: Archive, alert: int, digest: bytes) -> tuple[bool, bool]:
    """Return whether an alert is there, and whether it is the one that was sent."""
    try:
        message = archive.fetch(alert)
    except DistributionError as error:
        if error.code not in ("ALERT_ABSENT", "ALERT_DAMAGED"):
            raise
        return False, False
    return True, hashlib.sha256(message).digest() == digest
