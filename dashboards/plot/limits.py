"""Value and interval of each band, drawn against the limits of the levels."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bokeh.models import ColumnDataSource, HoverTool, Range1d, Span, Whisker
from bokeh.plotting import figure

from skyassay.dashboards.compute.bands import BandRow
from skyassay.dashboards.plot.style import INK, dress_legend, limit_line, make
from skyassay.dashboards.status import look, standing
from skyassay.dashboards.text import comparison, interval, plain, quantity

ROW_HEIGHT = 34


def limits_figure(
    rows: Sequence[BandRow], limits: Sequence[tuple[str, float]], unit: str, op: str
) -> figure | None:
    """Return one line for each band with its interval, and a line for each limit.

    Parameters
    ----------
    rows : sequence of BandRow
        Those without a value are left out: the table names them.
    limits : sequence of (str, float)
        Level and limit in `unit`.
    unit, op : str
        For the axis.

    Returns
    -------
    figure or None
        None when nothing has a value.
    """
    drawn = [row for row in rows if row.verdict.value is not None]
    if not drawn:
        return None
    names = _unique([row.label for row in drawn])
    low, high = _span(drawn, [value for _, value in limits])
    hover = HoverTool(
        tooltips=[("", "@name"), ("value", "@shown"), ("interval", "@bounds"), ("status", "@word")]
    )
    plot = make(
        110 + ROW_HEIGHT * len(drawn),
        f"value and interval ({unit or 'no unit'})",
        "",
        [hover],
        y_range=list(reversed(names)),
        x_range=Range1d(low, high),
    )
    _draw_limits(plot, limits, op, unit)
    hover.renderers = _draw_values(plot, drawn, names, unit, (low, high))
    plot.ygrid.grid_line_color = None
    plot.yaxis.major_tick_line_color = None
    dress_legend(plot)
    return plot


def _draw_limits(plot: figure, limits: Sequence[tuple[str, float]], op: str, unit: str) -> None:
    """Draw a vertical line for each limit, named in the legend."""
    for level, value in limits:
        color, dash = limit_line(level)
        span = Span(location=value, dimension="height", line_color=color, line_width=2)
        span.line_dash = dash
        plot.add_layout(span)
        plot.line(
            [math.nan, math.nan],
            [plot.y_range.factors[0]] * 2,
            line_color=color,
            line_dash=dash,
            line_width=2,
            legend_label=plain(f"{level} limit {comparison(op)} {quantity(value, unit)}"),
        )


def _draw_values(
    plot: figure,
    rows: Sequence[BandRow],
    names: Sequence[str],
    unit: str,
    view: tuple[float, float],
) -> list[object]:
    """Draw whiskers and, for each status, markers of its shape."""
    whiskers = ColumnDataSource(_whiskers(rows, names, view))
    bar = Whisker(base="name", lower="low", upper="high", source=whiskers, dimension="width")
    bar.line_color, bar.line_width = INK, 2
    bar.upper_head.size = bar.lower_head.size = 10
    bar.upper_head.line_color = bar.lower_head.line_color = INK
    plot.add_layout(bar)
    renderers: list[object] = []
    for status in dict.fromkeys(standing(row.verdict) for row in rows):
        style = look(status)
        mine = [(r, n) for r, n in zip(rows, names, strict=True) if standing(r.verdict) == status]
        source = ColumnDataSource(
            {
                "name": [name for _, name in mine],
                "value": [row.verdict.value for row, _ in mine],
                "shown": [plain(quantity(row.verdict.value, unit)) for row, _ in mine],
                "bounds": [interval(row.verdict.low, row.verdict.high) for row, _ in mine],
                "word": [style.word for _ in mine],
            }
        )
        renderers.append(
            plot.scatter(
                "value", "name", source=source, size=13, marker=style.marker,
                fill_color=style.color, line_color=INK, line_width=1.2,
                legend_label=f"{style.symbol} {style.word}",
            )
        )  # fmt: skip
    return renderers


def _whiskers(
    rows: Sequence[BandRow], names: Sequence[str], view: tuple[float, float]
) -> dict[str, list[object]]:
    """Return the intervals; an open end is drawn to the edge of the view."""
    found: dict[str, list[object]] = {"name": [], "low": [], "high": []}
    for row, name in zip(rows, names, strict=True):
        low, high = row.verdict.low, row.verdict.high
        if low is None or high is None:
            continue
        found["name"].append(name)
        found["low"].append(max(low, view[0]))
        found["high"].append(min(high, view[1]))
    return found


def _span(rows: Sequence[BandRow], limits: Sequence[float]) -> tuple[float, float]:
    """Return the drawn range: every value, limit and finite bound, with some air."""
    numbers = [*limits, *(row.verdict.value for row in rows)]
    numbers += [bound for row in rows for bound in (row.verdict.low, row.verdict.high)]
    finite = [float(x) for x in numbers if x is not None and math.isfinite(x)]
    low, high = min(finite), max(finite)
    air = (high - low or abs(high) or 1.0) * 0.08
    start = 0.0 if 0 <= low < 0.6 * high else low - air
    return start, high + air


def _unique(names: Sequence[str]) -> list[str]:
    """Return names that can be told apart."""
    seen: dict[str, int] = {}
    result = []
    for name in names:
        shown = plain(name)
        seen[shown] = seen.get(shown, 0) + 1
        result.append(shown if seen[shown] == 1 else f"{shown} ({seen[shown]})")
    return result
