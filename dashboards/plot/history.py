"""One criterion over the runs: points with whiskers against the limit."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bokeh.models import ColumnDataSource, HoverTool, Range1d, Span, Whisker
from bokeh.plotting import figure

from skyassay.dashboards.compute.history import HistoryView, Point
from skyassay.dashboards.plot.style import INK, dress_legend, limit_line, make
from skyassay.dashboards.status import look
from skyassay.dashboards.text import comparison, day, interval, plain, quantity

#: Runs named on the axis; the hover names all.
MOST_TICKS = 8


def history_figure(view: HistoryView) -> figure | None:
    """Return value and interval over the runs, oldest left; None when no run has a value."""
    drawn = [point for point in view.points if point.value is not None]
    if not drawn:
        return None
    hover = HoverTool(
        tooltips=[
            ("run", "@run"), ("subject", "@subject"), ("measured", "@when"),
            ("value", "@shown"), ("interval", "@bounds"), ("status", "@word"),
        ]
    )  # fmt: skip
    low, high = _span(drawn, view.limit)
    plot = make(
        300,
        "run, oldest first",
        view.unit or "no unit",
        [hover],
        x_range=Range1d(0.4, len(view.points) + 0.6),
        y_range=Range1d(low, high),
    )
    _draw_limit(plot, view)
    hover.renderers = _draw_points(plot, drawn, view.unit, (low, high))
    _name_runs(plot, view.points)
    dress_legend(plot)
    return plot


def _draw_limit(plot: figure, view: HistoryView) -> None:
    """Draw the limit of the level, named in the legend."""
    if view.limit is None:
        return
    color, dash = limit_line(view.level)
    span = Span(location=view.limit, dimension="width", line_color=color, line_width=2)
    span.line_dash = dash
    plot.add_layout(span)
    words = f"{view.level} limit {comparison(view.op)} {quantity(view.limit, view.unit)}"
    plot.line(
        [math.nan, math.nan], [view.limit, view.limit], line_color=color, line_dash=dash,
        line_width=2, legend_label=plain(words),
    )  # fmt: skip


def _draw_points(
    plot: figure, points: Sequence[Point], unit: str, view: tuple[float, float]
) -> list[object]:
    """Draw whiskers and, for each status, markers of its shape."""
    bounded = [p for p in points if p.low is not None and p.high is not None]
    whiskers = ColumnDataSource(
        {
            "place": [p.place for p in bounded],
            "low": [max(p.low or 0.0, view[0]) for p in bounded],
            "high": [min(p.high or 0.0, view[1]) for p in bounded],
        }
    )
    bar = Whisker(base="place", lower="low", upper="high", source=whiskers)
    bar.line_color, bar.line_width = INK, 1.5
    bar.upper_head.size = bar.lower_head.size = 8
    bar.upper_head.line_color = bar.lower_head.line_color = INK
    plot.add_layout(bar)
    renderers: list[object] = []
    for status in dict.fromkeys(p.status for p in points):
        style = look(status)
        mine = [p for p in points if p.status == status]
        source = ColumnDataSource(
            {
                "place": [p.place for p in mine],
                "value": [p.value for p in mine],
                "run": [plain(p.run) for p in mine],
                "subject": [plain(p.subject) for p in mine],
                "when": [plain(day(p.created)) for p in mine],
                "shown": [plain(quantity(p.value, unit)) for p in mine],
                "bounds": [interval(p.low, p.high) for p in mine],
                "word": [style.word for _ in mine],
            }
        )
        renderers.append(
            plot.scatter(
                "place", "value", source=source, size=12, marker=style.marker,
                fill_color=style.color, line_color=INK, line_width=1.2,
                legend_label=f"{style.symbol} {style.word}",
            )
        )  # fmt: skip
    return renderers


def _name_runs(plot: figure, points: Sequence[Point]) -> None:
    """Name some runs on the axis."""
    step = max(1, math.ceil(len(points) / MOST_TICKS))
    named = points[::-1][::step][::-1]
    plot.xaxis.ticker = [p.place for p in named]
    plot.xaxis.major_label_overrides = {p.place: plain(p.run, limit=18) for p in named}


def _span(points: Sequence[Point], limit: float | None) -> tuple[float, float]:
    """Return the drawn range: values, finite bounds and the limit, with some air."""
    numbers = [limit, *(x for p in points for x in (p.value, p.low, p.high))]
    finite = [x for x in numbers if x is not None and math.isfinite(x)]
    low, high = min(finite), max(finite)
    air = (high - low or abs(high) or 1.0) * 0.1
    return (0.0 if 0 <= low < 0.4 * high else low - air), high + air
