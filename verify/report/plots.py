"""The figures of a report: values against limits, distributions, history.

Every function takes plain records and returns a Bokeh figure, or None when there is
nothing to draw; the caller says so in words.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from skyassay.verify.records import Verdict
from skyassay.verify.report.digits import limit_text, plain, with_interval
from skyassay.verify.report.figures import (
    INK,
    draw,
    dress_legend,
    hover,
    limit_line,
    literal,
    make,
    span_of,
)
from skyassay.verify.report.rows import quantity
from skyassay.verify.report.style import BAND_COLOURS, MARKERS, look

if TYPE_CHECKING:
    from bokeh.plotting import figure

    from skyassay.verify.store import History

#: Points of a cumulative curve that are sent to the page.
MAX_POINTS = 300
TOOLTIPS = [("", "@name"), ("value", "@shown"), ("status", "@word")]


def overview_plot(verdicts: Sequence[Verdict]) -> figure | None:
    """Return every quantity as a part of its limit: inside is left of 1 for upper limits.

    Parameters
    ----------
    verdicts : sequence of Verdict
        Single quantities at their binding level.
    """
    drawn = [v for v in verdicts if v.value is not None and _limit(v)]
    if not drawn:
        return None
    rows = []
    for verdict in drawn:
        limit = _limit(verdict) or 1.0
        ends = [None if end is None else end / limit for end in (verdict.low, verdict.high)]
        if limit < 0:
            ends.reverse()
        parts = (verdict.criterion, verdict.band, verdict.component)
        name = " ".join(part for part in parts if part)
        rows.append((name, verdict, (verdict.value or 0.0) / limit, ends[0], ends[1]))
    names = [literal(row[0]) for row in rows]
    # A few wide intervals must not squeeze everything else into a corner.
    low, high = span_of([1.0, *(row[2] for row in rows), *(_near(row[4]) for row in rows)])
    plot = make(
        90 + 18 * len(set(names)),
        "value ÷ limit",
        "",
        y_range=list(dict.fromkeys(reversed(names))),
        x_range=(low, high),
    )
    limit_line(plot, 1.0, "design", "limit of the binding level", upright=True)
    points = [(name, v, x, lo, hi) for name, (_, v, x, lo, hi) in zip(names, rows, strict=True)]
    _marks(plot, points, (low, high), upright=False)
    plot.ygrid.grid_line_color = None
    dress_legend(plot)
    return plot


def limits_plot(
    verdicts: Sequence[Verdict], limits: Mapping[str, float], op: str, unit: str
) -> figure | None:
    """Return the value and interval of each band of one criterion against its limits.

    Parameters
    ----------
    verdicts : sequence of Verdict
        One for each band or component.
    limits : mapping
        Level -> limit, in `unit`.
    op, unit : str
    """
    drawn = [v for v in verdicts if v.value is not None]
    if not drawn:
        return None
    names = [literal(quantity(v) or v.criterion) for v in drawn]
    ends = [end for v in drawn for end in (v.value, v.low, v.high)]
    low, high = span_of([*limits.values(), *ends])
    plot = make(
        120 + 26 * len(drawn),
        f"{unit}" if unit else "value",
        "",
        y_range=list(dict.fromkeys(reversed(names))),
        x_range=(low, high),
    )
    for level, limit in sorted(limits.items(), key=lambda item: item[1]):
        limit_line(plot, limit, level, f"{level} {limit_text(op, limit, '')}", upright=True)
    points = [(n, v, v.value, v.low, v.high) for n, v in zip(names, drawn, strict=True)]
    _marks(plot, points, (low, high), upright=False)
    plot.ygrid.grid_line_color = None
    dress_legend(plot)
    return plot


def history_plot(past: Sequence[History]) -> figure | None:
    """Return one criterion over the runs, oldest left, against its limit."""
    drawn = [(place, h) for place, h in enumerate(past, 1) if h.verdict.value is not None]
    if not drawn:
        return None
    last = drawn[-1][1].verdict
    ends = [x for _, h in drawn for x in (h.verdict.value, h.verdict.low, h.verdict.high)]
    low, high = span_of([_limit(last), *ends])
    plot = make(
        240,
        "run, oldest first",
        last.unit or "value",
        x_range=(0.4, len(past) + 0.6),
        y_range=(low, high),
    )
    limit = _limit(last)
    if limit is not None:
        label = f"{last.level} {limit_text(last.op, limit, last.unit)}"
        limit_line(plot, limit, last.level, label, upright=False)
    points = [(p, h.verdict, h.verdict.value, h.verdict.low, h.verdict.high) for p, h in drawn]
    _marks(plot, points, (low, high), upright=True, names=[h.run.id for _, h in drawn])
    step = max(1, math.ceil(len(past) / 8))
    shown = list(range(1, len(past) + 1))[::-step]
    plot.xaxis.ticker = shown
    plot.xaxis.major_label_overrides = {p: literal(past[p - 1].run.id[:18]) for p in shown}
    dress_legend(plot)
    return plot


def distribution_plot(values: Mapping[str, NDArray[np.float64]], label: str) -> figure | None:
    """Return the cumulative distribution of the single values behind a metric, band by band.

    Parameters
    ----------
    values : mapping
        Band -> values; those that are not finite are left out.
    label : str
        Of the axis.
    """
    finite = {band: x[np.isfinite(x)] for band, x in values.items()}
    curves = {band: np.sort(x) for band, x in finite.items() if x.size}
    if not curves:
        return None
    high = max(float(np.quantile(x, 0.99)) for x in curves.values())
    low = min(float(np.quantile(x, 0.01)) for x in curves.values())
    plot = make(
        260, label, "fraction at most this large", x_range=span_of([low, high]), y_range=(0, 1.02)
    )
    from bokeh.models import Step

    dashes = ("solid", "dashed", "dotted", "dotdash", "dashdot", "solid")
    for index, (band, x) in enumerate(curves.items()):
        rank = np.unique(np.linspace(0, x.size - 1, min(x.size, MAX_POINTS)).astype(int))
        curve = Step(
            x="x",
            y="y",
            mode="after",
            line_width=2,
            line_color=BAND_COLOURS.get(band, INK),
            line_dash=dashes[index % len(dashes)],
        )
        columns = {"x": x[rank], "y": (rank + 1) / x.size}
        draw(plot, columns, curve, literal(f"{band or 'all'} (n = {x.size})"))
    dress_legend(plot)
    return plot


def _marks(
    plot: figure,
    points: Sequence[tuple[Any, Verdict, float | None, float | None, float | None]],
    view: tuple[float, float],
    *,
    upright: bool,
    names: Sequence[str] | None = None,
) -> None:
    """Draw intervals as bars, open ends to the edge of the view, and values as status marks."""
    from bokeh.models import ColumnDataSource, Scatter, TeeHead, Whisker

    bars = [(p, lo, hi) for p, _, _, lo, hi in points if lo is not None and hi is not None]
    source = ColumnDataSource(
        {
            "place": [place for place, _, _ in bars],
            "low": [max(low, view[0]) for _, low, _ in bars],
            "high": [min(high, view[1]) for _, _, high in bars],
        }
    )
    head = TeeHead(size=7)
    bar = Whisker(
        base="place",
        lower="low",
        upper="high",
        source=source,
        dimension="height" if upright else "width",
        line_color=INK,
        line_width=1.5,
        upper_head=head,
        lower_head=head,
    )
    plot.add_layout(bar)
    renderers = []
    for status in dict.fromkeys(verdict.status for _, verdict, _, _, _ in points):
        style = look(status)
        mine = [(i, point) for i, point in enumerate(points) if point[1].status == status]
        columns = {
            "place": [point[0] for _, point in mine],
            "value": [point[2] for _, point in mine],
            "name": [str(names[i] if names else point[0]) for i, point in mine],
            "shown": [_shown(point[1]) for _, point in mine],
            "word": [style.label for _ in mine],
        }
        mark = Scatter(
            x="place" if upright else "value",
            y="value" if upright else "place",
            size=11,
            marker=MARKERS.get(status, "cross"),
            fill_color=style.colour,
            line_color=INK,
        )
        renderers.append(draw(plot, columns, mark, style.label))
    hover(plot, renderers, TOOLTIPS)


def _shown(verdict: Verdict) -> str:
    """Return value, interval and limit in words."""
    value = with_interval(verdict.value, verdict.low, verdict.high)
    limit = limit_text(verdict.op, verdict.limit, verdict.unit)
    return f"{value} {verdict.unit}, limit {limit}, n {plain(verdict.n)}"


def _limit(verdict: Verdict) -> float | None:
    """Return a numeric limit."""
    limit = verdict.limit
    return float(limit) if isinstance(limit, (int, float)) else None


def _near(ratio: float | None) -> float | None:
    """Return the end of an interval where it may set the range of the overview."""
    return ratio if ratio is not None and ratio <= 3.0 else None
