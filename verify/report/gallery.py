"""Which figures a release report shows, each with a caption that says it in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skyassay.verify.records import Verdict
from skyassay.verify.report.digits import limit_text
from skyassay.verify.report.model import ReleaseReport
from skyassay.verify.report.plots import (
    distribution_plot,
    history_plot,
    limits_plot,
    overview_plot,
)
from skyassay.verify.report.rows import row, single
from skyassay.verify.report.style import look

if TYPE_CHECKING:
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
    found = [_overview(report), _limits(report), _distributions(report), _history(report)]
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


def _distributions(report: ReleaseReport) -> Group:
    """Return one figure for each metric with evidence."""
    units = {measurement.metric: measurement.unit for measurement in report.measurements}
    figures = []
    for metric in _unique(name for name, _ in report.evidence):
        values = {
            band or "": np.asarray(table["value"], dtype=np.float64)
            for (name, band), table in report.evidence.items()
            if name == metric and "value" in table.columns
        }
        unit = units.get(metric, "")
        label = "single value" if unit in FRACTIONS else f"single value ({unit})"
        plot = distribution_plot(values, label)
        if plot:
            medians = [
                f"{band or 'all'} {np.nanmedian(x):.3g}"
                for band, x in values.items()
                if np.isfinite(x).any()
            ]
            figures.append(Figure(plot, metric, f"Medians: {', '.join(medians)}."))
    text = "How the single values behind a measurement are spread, up to the 99th percentile."
    return Group("Distributions", text, figures)


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
