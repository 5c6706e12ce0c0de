"""View model of a night: its reports, what is drawn of it, and one alert."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import pandas as pd

from skyassay.dashboards.collect import Missing
from skyassay.dashboards.collect_night import NightData
from skyassay.dashboards.compute.alert import AlertView, alert_view
from skyassay.dashboards.compute.banner import Banner, banner
from skyassay.dashboards.query import Query
from skyassay.dashboards.text import plural
from skyassay.verify.night.collecting import reports_of
from skyassay.verify.night.model import Cell, Facts, Report, Section, section

#: Visits that a waterfall shows: those whose last alert took longest.
MOST_BARS: Final = 40
#: Status of a visit -> the look that says it (`status.LOOKS`), and the word for it.
VISIT_LOOKS: Final[Mapping[str, tuple[str, str]]] = {
    "FAILED": ("FAIL", "Failed"),
    "INCOMPLETE": ("FAIL", "Incomplete"),
    "LATE": ("FAIL", "Late"),
    "NOT_MEASURED": ("NOT_MEASURED", "Not timed"),
    "OK": ("PASS", "In order"),
}


@dataclass(frozen=True)
class NightView:
    """Everything the page shows.

    Attributes
    ----------
    night : mapping
        Day, first visit, last readout, end of processing (UTC); empty without a night.
    cards : tuple of (str, str, int)
        Status of visits: look, word, number.
    reports : tuple of Report
    visits, waterfall : DataFrame
        What is drawn.
    left_out : int
        Visits with a waterfall that is not drawn.
    visit : Section or None
        The detectors of the chosen visit.
    alerts : Section
        To choose from.
    alert : AlertView or None
        The chosen one, or the first.
    chosen : bool
        It was asked for.
    """

    banner: Banner
    runs: tuple[tuple[str, str], ...]
    night: Mapping[str, Cell]
    cards: tuple[tuple[str, str, int], ...]
    reports: tuple[Report, ...]
    visits: pd.DataFrame
    waterfall: pd.DataFrame
    left_out: int
    visit_id: str | None
    visit: Section | None
    alerts: Section
    alert: AlertView | None
    chosen: bool
    gaps: Section


def night(data: NightData, query: Query, now: datetime) -> NightView | Missing:
    """Return the view model of a night, or what of the query is not there."""
    facts = Facts(data.tables, data.verdicts, data.curves)
    made = reports_of(data.run, facts)
    visits, alerts = facts.table("visits"), facts.table("alerts")
    if query.visit is not None and query.visit not in _names(visits, "visit"):
        return Missing("visit", query.visit, "The night of this run does not have it.")
    if query.alert is not None and query.alert not in _names(alerts, "diaSourceId"):
        return Missing("alert", query.alert, "It is not among those kept with this run's night.")
    if query.visit is not None and len(alerts):
        alerts = alerts[alerts["visit"].astype(str) == query.visit]
    shown = query.alert or (str(alerts["diaSourceId"].iloc[0]) if len(alerts) else None)
    waterfall, left_out = _longest(facts.table("waterfall"), query.visit)
    return NightView(
        banner=banner(data.run, now),
        runs=tuple((run.id, run.created) for run in data.runs),
        night=made.night if len(facts.table("night")) else {},
        cards=_cards(visits),
        reports=made.reports,
        visits=visits,
        waterfall=waterfall,
        left_out=left_out,
        visit_id=query.visit,
        visit=_visit(facts, query.visit),
        alerts=_alerts(alerts),
        alert=None if shown is None else alert_view(facts, shown),
        chosen=query.alert is not None,
        gaps=made.gaps,
    )


def _names(table: pd.DataFrame, column: str) -> set[str]:
    return set(table[column].astype(str)) if len(table) else set()


def _cards(visits: pd.DataFrame) -> tuple[tuple[str, str, int], ...]:
    """Return how many visits have each status."""
    if not len(visits):
        return ()
    counts = visits["status"].value_counts()
    return tuple((*look, int(counts.get(name, 0))) for name, look in VISIT_LOOKS.items())


def _longest(table: pd.DataFrame, visit: str | None) -> tuple[pd.DataFrame, int]:
    """Return the stages of the visits that are drawn, and how many visits are not."""
    if not len(table):
        return table, 0
    if visit is not None:
        return table[table["visit"].astype(str) == visit], 0
    total = table.groupby("visit")["seconds"].sum().sort_values(ascending=False)
    kept = total.index[:MOST_BARS]
    return table[table["visit"].isin(kept)], len(total) - len(kept)


def _visit(facts: Facts, visit: str | None) -> Section | None:
    """Return the detectors of one visit."""
    if visit is None:
        return None
    rows = facts.table("detectors")
    mine = rows[rows["visit"].astype(str) == visit]
    return section(
        "detectors", f"Detectors of visit {visit}", mine,
        [("detector", "detector", ""), ("status", "status", ""), ("failedTask", "failed task", ""),
         ("code", "code", ""), ("nAlert", "alerts", ""), ("seconds", "work", "s"),
         ("waited", "waited", "s"), ("seeing", "seeing", "arcsec"), ("depth", "depth", "mag"),
         ("zero_point", "zero point", "mag"), ("psf_sigma", "PSF σ", "pixel"),
         ("astrometry_std", "astrometric scatter", "arcsec")],
    )  # fmt: skip


def _alerts(alerts: pd.DataFrame) -> Section:
    """Return the alerts to choose from; ids are text, being larger than exact numbers."""
    rows = alerts.assign(name=alerts["diaSourceId"].astype(str)) if len(alerts) else alerts
    made = section(
        "alerts", "Single alerts", rows,
        [("name", "Alert", ""), ("kind", "Kind", ""), ("visit", "Visit", ""),
         ("detector", "Detector", ""), ("band", "Band", ""), ("snr", "S/N", ""),
         ("reliability", "Reliability", ""), ("outcome", "Outcome", ""),
         ("latency", "Latency", "s"), ("code", "Code", "")],
        empty="No alert is kept with this night.",
    )  # fmt: skip
    words = f"{plural(len(rows), 'alert')}: the best S/N of each kind, and some that failed."
    return replace(made, note=words) if made.rows else made
