"""When the reports of a night are complete (LSE-61 DMS-REQ-0096, 0098, 0100)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from skyassay.metrics.contract import Bindings, Column, Locality, Measurement, Recipe, Table, Tables
from skyassay.metrics.plugin import BaseMetric, NotMeasured, Value
from skyassay.metrics.states.unit_rows import UnitRows, from_columns, merge
from skyassay.metrics.statistics.clustered import clustered_mean
from skyassay.metrics.unit_family import number, spread

PRODUCT = "night_report"


def _recipe(report: str) -> Mapping[str, Recipe]:
    words = "mean over nights of the time from the end of observing"
    return {"srd": Recipe("srd", {"report": report, "statistic": words, "shown_within_h": 4.0})}


class _ReportTime(BaseMetric):
    """Shared by three kinds of report: nights are independent.

    Subclasses name the report in their recipe.
    """

    unit = "h"
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        PRODUCT: (Column("night"), Column("report"), Column("hours", "h"))
    }
    locality: ClassVar[Locality] = "row"
    error_units: ClassVar[tuple[str, ...]] = ("night",)

    def zero(self) -> UnitRows:
        """Return the state of no data."""
        return UnitRows(("night", "report"))

    @property
    def state_key(self) -> str:
        """Return one key for the three: all reports are kept."""
        return "alerts:reports"

    def fold(self, part: Tables) -> UnitRows:
        """Return the reports of one partition."""
        table = part[PRODUCT]
        columns: dict[str, Any] = {
            "night": np.asarray(table["night"]).astype(np.int64),
            "report": np.asarray(table["report"]).astype(str),
            "hours": number(table, "hours"),
        }
        return from_columns(("night", "report"), columns, {"rows": len(columns["night"])})

    def merge(self, a: UnitRows, b: UnitRows) -> UnitRows:
        """Return the reports of both parts."""
        return merge(a, b)

    def finish(self, state: UnitRows, at: Bindings) -> list[Measurement]:
        """Return the mean time; none when there was no row at all."""
        if not len(state):
            return []
        hours = self._mine(state)["hours"]
        try:
            return [self.measured(self._value(hours))]
        except NotMeasured as why:
            return [self.not_measured(why, n=len(hours))]

    def evidence(self, state: UnitRows) -> Mapping[str, Table]:
        """Return the time of every night, h."""
        rows = self._mine(state) if len(state) else state
        if not len(rows) or not np.isfinite(rows["hours"]).all():
            return {}
        some = spread(len(rows))
        return {"": {"value": rows["hours"][some], "night": rows["night"][some]}}

    def _mine(self, state: UnitRows) -> UnitRows:
        return state.where(state["report"] == self.recipe["report"])

    def _value(self, hours: Any) -> Value:
        name = self.recipe["report"]
        if not len(hours):
            raise NotMeasured("no_report", f"No night has a report of this kind: {name}.")
        if not (np.isfinite(hours).all() and (hours >= 0.0).all()):
            raise NotMeasured("report_without_time", f"A {name} report has no time of completion.")
        largest = float(hours.max())
        shown = largest <= self.recipe["shown_within_h"]
        notes = {"n_units": len(hours), "largest": largest, "shown": shown}
        if len(hours) == 1:  # one night tells nothing of others: a value without an interval
            return Value(largest, 1, diagnostics=notes)
        value, interval = clustered_mean(np.sort(hours), np.arange(len(hours)))
        return Value(value, len(hours), interval, diagnostics=notes)


class QualityReport(_ReportTime):
    """Time from the end of a night to its complete report on data quality, h.

    Mean over nights; the longest is among the diagnostics, and decides whether the capability is
    shown.

    Source: LSE-61 DMS-REQ-0096 (dqReportComplTime).
    Differs from the peers: none measures it.
    Not measured when: no night has such a report, or one has no time. One night gives a value
    without an interval.
    """

    id = "alerts.reports.quality"
    title = "Nightly data quality report (dqReportComplTime)"
    requirements = ("DMS-REQ-0096/dqReportComplTime", "DMS-REQ-0096/capability")
    recipes: ClassVar[Mapping[str, Recipe]] = _recipe("data_quality")


class PerformanceReport(_ReportTime):
    """Time from the end of a night to its complete report on performance, h.

    As `alerts.reports.quality`.

    Source: LSE-61 DMS-REQ-0098 (perfReportComplTime).
    Differs from the peers: none measures it.
    Not measured when: as `alerts.reports.quality`.
    """

    id = "alerts.reports.performance"
    title = "Nightly performance report (perfReportComplTime)"
    requirements = ("DMS-REQ-0098/perfReportComplTime", "DMS-REQ-0098/capability")
    recipes: ClassVar[Mapping[str, Recipe]] = _recipe("performance")


class CalibrationReport(_ReportTime):
    """Time from the end of a night to its complete report on calibration, h.

    As `alerts.reports.quality`.

    Source: LSE-61 DMS-REQ-0100 (calibReportComplTime).
    Differs from the peers: none measures it.
    Not measured when: as `alerts.reports.quality`.
    """

    id = "alerts.reports.calibration"
    title = "Nightly calibration report (calibReportComplTime)"
    requirements = ("DMS-REQ-0100/calibReportComplTime", "DMS-REQ-0100/capability")
    recipes: ClassVar[Mapping[str, Recipe]] = _recipe("calibration")
