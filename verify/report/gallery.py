"""Which figures a release report shows, each with a caption that says it in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skyassay.metrics.registry import DEFAULT_RECIPE
from skyassay.verify.records import Verdict
from skyassay.verify.report.budgets import budget_plot, budgets, terms
from skyassay.verify.report.digits import limit_text
from skyassay.verify.report.model import ReleaseReport
from skyassay.verify.report.plots import (
    distribution_plot,
    history_plot,
    limits_plot,
    overview_plot,
)
from skyassay.verify.report.relation_plots import map_plot, trend_plot
from skyassay.verify.report.relations import Trend, maps, trends
from skyassay.verify.report.rows import row, single
from skyassay.verify.report.style import look

if TYPE_CHECKING:
    import pandas as pd
    from bokeh.plotting import figure

#: Units of a fraction: what lies behind it is measured in another unit.
FRACTIONS = ("%", "")


@dataclass(frozen=True)
class Figure:
    """A figure with its name and its words."""

    plot: figure
    title: str
    caption: str


@dataclass(frozen=True)
class Group:
    """Figures of one kind."""

    title: str
    text: str
    figures: Sequence[Figure]
    many: bool = True


def groups(report: ReleaseReport) -> list[Group]:
    """Return the groups of figures that have anything to show."""
    found = [
        _overview(report),
        _limits(report),
        _budgets(report),
        _distributions(report),
        _relations(report),
        _history(report),
    ]
    return [group for group in found if group.figures]


def _overview(report: ReleaseReport) -> Group:
    """Return all quantities on one axis."""
    plot = overview_plot(single(report.attempted()))
    caption = "Value and interval as a part of the limit of the binding level, for every band."
    figures = [Figure(plot, "", caption)] if plot else []
    return Group("Everything against its limit", "", figures, many=False)


def _limits(report: ReleaseReport) -> Group:
    """Return one figure for each criterion."""
    figures = []
    for verdict in report.attempted():
        levels = {
            v.level: float(v.limit)
            for v in report.verdicts
            if v.criterion == verdict.criterion and isinstance(v.limit, (int, float))
        }
        plot = limits_plot(single([verdict]), levels, verdict.op, verdict.unit)
        if plot:
            figures.append(Figure(plot, verdict.criterion, _caption(verdict)))
    text = "The mark is the value, the bar its interval, the lines the limits of each level."
    return Group("Values against limits", text, figures)


def _caption(verdict: Verdict) -> str:
    """Return the figure of a criterion in words."""
    shown = row(verdict)
    if verdict.value is None:
        return f"{look(shown.status).label}, {shown.level} limit {shown.limit}: {shown.reason}"
    where = f" in {shown.quantity}" if shown.quantity else ""
    return f"{look(shown.status).label}{where}: {shown.value}, {shown.level} limit {shown.limit}."


def _budgets(report: ReleaseReport) -> Group:
    """Return what the variances are made of."""
    found = budgets(m for m in report.measurements if m.recipe == DEFAULT_RECIPE)
    plot = budget_plot(found)
    caption = f"{len(found)} quantities; terms: {', '.join(terms(found))}.".replace("_", " ")
    text = "The shares of the variance, where the measurement can tell them apart."
    return Group("Error budgets", text, [Figure(plot, "", caption)] if plot else [], many=False)


def _distributions(report: ReleaseReport) -> Group:
    """Return one figure for all metrics that rest on the same single values."""
    figures = []
    for shared in _shared(report):
        values = {
            band or "": np.asarray(table["value"], dtype=np.float64)
            for band, table in shared.tables.items()
        }
        plot = distribution_plot(values, shared.label)
        if plot:
            medians = [
                f"{band or 'all'} {np.nanmedian(x):.3g}"
                for band, x in values.items()
                if np.isfinite(x).any()
            ]
            figures.append(Figure(plot, shared.name, f"Medians: {', '.join(medians)}."))
    text = "How the single values behind a measurement are spread, up to the 99th percentile."
    return Group("Distributions", text, figures)


def _relations(report: ReleaseReport) -> Group:
    """Return what the single values depend on: trends of all bands, maps of one."""
    figures = []
    for shared in _shared(report):
        by_axis: dict[str, dict[str, Trend]] = {}
        for band, table in shared.tables.items():
            for trend in trends(table):
                by_axis.setdefault(trend.axis, {})[band or ""] = trend
        for axis, found in by_axis.items():
            words = f"Median and middle two thirds of the single values against {axis}."
            figures.append(Figure(trend_plot(found, shared.label), shared.name, words))
        band, largest = max(shared.tables.items(), key=lambda item: len(item[1]))
        for plane in maps(largest):
            where = f" in band {band}" if band else ""
            words = f"Median of the single values over the {plane.name}{where}."
            figures.append(Figure(map_plot(plane, shared.label), shared.name, words))
    text = "The same single values against magnitude, airmass and time, over sky and focal plane."
    return Group("What the values depend on", text, figures)


@dataclass(frozen=True)
class _Shared:
    """Single values, and the metrics that rest on them."""

    metrics: tuple[str, ...]
    tables: Mapping[str | None, pd.DataFrame]
    label: str

    @property
    def name(self) -> str:
        """Return the metrics in few words."""
        first, *more = self.metrics
        tails = [m.rsplit(".", 1)[-1] for m in more]
        return f"{first} ({', '.join(tails)} too)" if tails else first


def _shared(report: ReleaseReport) -> list[_Shared]:
    """Return the evidence with a column of values, each set of tables once."""
    units = {measurement.metric: measurement.unit for measurement in report.measurements}
    groups: dict[int, list[str]] = {}
    tables: dict[int, dict[str | None, pd.DataFrame]] = {}
    for metric in _unique(name for name, _ in report.evidence):
        mine = {
            band: table
            for (name, band), table in report.evidence.items()
            if name == metric and "value" in table.columns
        }
        if mine:
            key = hash(tuple((band, *_fingerprint(table)) for band, table in mine.items()))
            groups.setdefault(key, []).append(metric)
            tables[key] = mine
    found = []
    for key, metrics in groups.items():
        unit = next((u for m in metrics if (u := units.get(m, "")) not in FRACTIONS), "")
        label = f"single value ({unit})" if unit else "single value"
        found.append(_Shared(tuple(metrics), tables[key], label))
    return found


def _fingerprint(table: pd.DataFrame) -> tuple[object, ...]:
    from pandas.util import hash_pandas_object

    return (*table.columns, int(hash_pandas_object(table, index=False).sum()))


def _history(report: ReleaseReport) -> Group:
    """Return one figure for each criterion that several runs measured."""
    figures = []
    for criterion, past in report.history.items():
        plot = history_plot(past)
        if plot:
            last = past[-1].verdict
            limit = limit_text(last.op, last.limit, last.unit)
            words = f"{len(past)} runs; the last: {row(last).value}, limit {limit}."
            figures.append(Figure(plot, criterion, words))
    return Group("History over runs", "The worst band of each run.", figures)


def _unique(names: Iterable[str]) -> list[str]:
    """Return every name once, in order."""
    return list(dict.fromkeys(names))
