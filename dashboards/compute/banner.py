"""Whose data a page speaks about, and what such data can prove."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from skyassay.dashboards.text import plural
from skyassay.verify.records import Run

#: Evidence level -> what it can prove (design, section 8).
PROVES: Final[Mapping[str, str]] = {
    "pixels": "Simulated pixels, processed: value criteria of the embedded system can be judged.",
    "catalog-twin": (
        "Simulated at the level of measurements, without pixels: shows that the metric works "
        "and closes capability criteria; says nothing about real images."
    ),
    "visit-table": "A table of visits only: coverage and cadence criteria can be judged.",
    "packet-load": "A load of alert packets: throughput and latency criteria can be judged.",
    "real": "Real survey data: value criteria can be judged for this data set.",
    "record": "A record of earlier evidence, not measured here.",
}


@dataclass(frozen=True)
class Banner:
    """What stands on top of every page."""

    run: str
    subject: str
    evidence_level: str
    proves: str
    created: str
    age: str
    seed: str | None


def banner(run: Run, now: datetime) -> Banner:
    """Return the banner of a run; `now` is an aware UTC time."""
    return Banner(
        run=run.id,
        subject=run.subject,
        evidence_level=run.evidence_level,
        proves=PROVES.get(run.evidence_level, "A kind of evidence this page does not know."),
        created=run.created,
        age=age(run.created, now),
        seed=None if run.seed is None else str(run.seed),
    )


def age(created: str, now: datetime) -> str:
    """Return how old an ISO 8601 time is, in words; one that cannot be read says so."""
    try:
        then = datetime.fromisoformat(created)
    except ValueError:
        return "of unknown age"
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    seconds = (now - then).total_seconds()
    if seconds < -60:
        return "in the future: check the clocks"
    minutes = int(max(seconds, 0) // 60)
    if minutes < 60:
        return "less than a minute old" if minutes == 0 else f"{plural(minutes, 'minute')} old"
    if minutes < 60 * 48:
        return f"{plural(minutes // 60, 'hour')} old"
    return f"{plural(minutes // 1440, 'day')} old"
