"""The requirement page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from skyassay.dashboards.compute.criteria import level_rank
from skyassay.dashboards.compute.distribution import Distribution, NoDistribution
from skyassay.dashboards.compute.history import HistoryView, Point
from skyassay.dashboards.compute.requirement import RequirementView
from skyassay.dashboards.pages.page import Page
from skyassay.dashboards.pages.render import pane, sentence
from skyassay.dashboards.pages.sidebar import sidebar
from skyassay.dashboards.pages.tables import evidence_table, table
from skyassay.dashboards.status import look, standing
from skyassay.dashboards.text import comparison, day, interval, link, plural, quantity

if TYPE_CHECKING:
    import panel as pn
    from bokeh.plotting import figure
    from panel.viewable import Viewable

HISTORY_COLUMNS: Final = (
    ("Run", 20),
    ("Measured", 15),
    ("Subject", 19),
    ("Value", 12),
    ("Interval", 16),
    ("Status", 18),
)


def requirement_page(
    view: RequirementView,
    history: HistoryView | None,
    distribution: Distribution | NoDistribution,
) -> Page:
    """Return one requirement as a page.

    Parameters
    ----------
    view : RequirementView
    history : HistoryView or None
        None when no criterion has a verdict.
    distribution : Distribution or NoDistribution
        Of the chosen band.
    """
    levels = sorted({c.level for row in view.criteria for c in row.cells}, key=level_rank)
    body: list[Viewable] = [
        pane("banner.html", b=view.banner),
        pane("requirement.html", view=view, levels=levels),
    ]
    if view.binding is not None:
        body += [_values(view), _history(view, history), _distribution(view, distribution)]
    body += [pane("reasons.html", view=view), pane("provenance.html", p=view.provenance)]
    criterion = next((row.id for row in view.criteria if row.chosen), None)
    return Page(
        title=view.id,
        body=tuple(body),
        sidebar=sidebar("requirement", view.banner.run, view.runs, view.id, criterion),
    )


def _values(view: RequirementView) -> Viewable:
    """Return value and interval of each band against the limits, with the table behind."""
    from skyassay.dashboards.plot.limits import limits_figure

    verdict = view.binding
    if verdict is None:
        raise AssertionError("called without a verdict")
    plot = limits_figure(view.bands, view.limits, verdict.unit, verdict.op)
    title = f"{verdict.criterion}: value and interval against the limits"
    heading = _heading(title, values_summary(view), empty=plot is None)
    return _stack(heading, _figure(plot), pane("bandtable.html", view=view, name=verdict.criterion))


def values_summary(view: RequirementView) -> str:
    """Say in words what the plot of values shows."""
    verdict = view.binding
    if verdict is None:
        return "No verdict."
    status = f"{look(standing(verdict)).word.lower()} at level {verdict.level}"
    measured = [row for row in view.bands if row.verdict.value is not None]
    limits = ", ".join(f"{level} {quantity(limit, verdict.unit)}" for level, limit in view.limits)
    must = f"A value must be {comparison(verdict.op)} the limit ({limits or 'no numeric limit'})"
    where = f" in band {verdict.band}" if verdict.band else ""
    if verdict.value is None:
        return (
            f"{plural(len(measured), 'value')} to draw. {must}. What decides{where} has no value "
            f"({sentence(verdict.reason)}): {status}."
        )
    return (
        f"{plural(len(measured), 'value')}. {must}. The one that decides{where} is "
        f"{quantity(verdict.value, verdict.unit)} {interval(verdict.low, verdict.high)}: {status}."
    )


def _history(view: RequirementView, history: HistoryView | None) -> Viewable:
    """Return the history over runs, with the table behind."""
    from skyassay.dashboards.plot.history import history_figure

    title = "History over runs"
    if history is None or not history.points:
        return _heading(title, "No run has a verdict on this criterion.", empty=True)
    plot = history_figure(history)
    band = view.band.verdict.band if view.band else None
    words = history.summary if band is None else f"Band {band}: {history.summary}"
    criterion = view.binding.criterion if view.binding else None
    points = history.points[::-1]
    behind = table(
        HISTORY_COLUMNS,
        [_history_row(point, history.unit) for point in points],
        links=[
            link("requirement", id=view.id, run=point.run, criterion=criterion) for point in points
        ],
        page_size=8,
    )
    return _stack(_heading(title, words, empty=plot is None), _figure(plot), behind)


def _history_row(point: Point, unit: str) -> tuple[str, ...]:
    """Return one run as plain text, a cell for each of `HISTORY_COLUMNS`."""
    style = look(point.status)
    reason = f": {sentence(point.reason)}" if point.reason else ""
    return (
        point.run,
        day(point.created),
        point.subject,
        quantity(point.value, unit),
        interval(point.low, point.high),
        f"{style.symbol} {style.word}{reason}",
    )


def _distribution(view: RequirementView, found: Distribution | NoDistribution) -> Viewable:
    """Return the distribution of the single values, with the table behind."""
    import panel as pn

    from skyassay.dashboards.plot.distribution import cumulative_figure, histogram_figure

    band = view.band.verdict.band if view.band else None
    title = f"Distribution in band {band}" if band else "Distribution"
    if isinstance(found, NoDistribution):
        rows = evidence_table(found.table) if found.table is not None else None
        return _stack(_heading(title, found.reason, hint=found.hint, empty=True), rows)
    metric = view.band.verdict.metric if view.band else None
    name = f"single values of {metric or 'the metric'}"
    plots = pn.Row(
        _figure(histogram_figure(found, name)),
        _figure(cumulative_figure(found, name)),
        sizing_mode="stretch_width",
    )
    return _stack(
        _heading(title, found.summary),
        plots,
        pane("quantiles.html", view=found),
        *_relations(found, name),
        evidence_table(found.table),
    )


def _relations(found: Distribution, name: str) -> list[Viewable]:
    """Return what the single values depend on: trends, maps, each with a sentence."""
    from skyassay.dashboards.plot.relations import map_figure, trend_figure
    from skyassay.verify.report.relations import maps, trends

    parts: list[Viewable] = []
    for trend in trends(found.table):
        words = (
            f"Median and middle two thirds in {plural(len(trend.x), 'bin')} of equally many "
            f"values ({plural(trend.n, 'value')})."
        )
        parts += [_heading(f"Against {trend.axis}", words), _drawn(trend_figure(trend, name))]
    for plane in maps(found.table):
        words = f"Median in {plural(len(plane.middle), 'cell')} of {plane.size:.2g} degrees."
        parts += [_heading(f"Over the {plane.name}", words), _drawn(map_figure(plane, name))]
    return parts


def _heading(title: str, summary: str, *, hint: str = "", empty: bool = False) -> pn.pane.HTML:
    return pane("heading.html", title=title, summary=summary, hint=hint, empty=empty)


def _figure(plot: figure | None) -> pn.pane.Bokeh | None:
    """Return a figure as a pane; None where there is nothing to draw."""
    return None if plot is None else _drawn(plot)


def _drawn(plot: figure) -> pn.pane.Bokeh:
    import panel as pn

    return pn.pane.Bokeh(plot, sizing_mode="stretch_width", margin=0)


def _stack(*parts: Viewable | None) -> pn.Column:
    """Return what there is, one under the other."""
    import panel as pn

    return pn.Column(*(p for p in parts if p is not None), sizing_mode="stretch_width", margin=0)
