"""One look for every figure: quiet axes, limits by dash and name, text never as markup."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from skyassay.verify.report.style import LIMIT_DASH

if TYPE_CHECKING:
    from bokeh.models import Glyph, GlyphRenderer
    from bokeh.plotting import figure

INK, QUIET, GRID, LIMIT = "#1f2933", "#52606d", "#e4e7eb", "#000000"
FONT = "system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif"
#: What makes Bokeh take a text for a formula, and load MathJax from the network.
_MATH = re.compile(r"\$\$|\\\[|\\\(")


def literal(text: str) -> str:
    """Return a text that Bokeh draws as it is, never as a formula."""
    return _MATH.sub(lambda found: "\u200b".join(found.group()), text)


def make(height: int, x_label: str, y_label: str, **more: Any) -> figure:
    """Return an empty figure without toolbar, as wide as its place."""
    from bokeh.plotting import figure

    plot = figure(
        height=height,
        sizing_mode="stretch_width",
        min_width=300,
        tools="",
        toolbar_location=None,
        title=None,
        x_axis_label=literal(x_label),
        y_axis_label=literal(y_label),
        **more,
    )
    plot.outline_line_color = None
    plot.grid.grid_line_color = GRID
    for axis in plot.axis:
        axis.axis_line_color = axis.major_tick_line_color = QUIET
        axis.minor_tick_line_color = None
        axis.major_label_text_color = axis.axis_label_text_color = INK
        axis.major_label_text_font = axis.axis_label_text_font = FONT
        axis.axis_label_text_font_style = "normal"
    return plot


def hover(plot: figure, renderers: list[Any], tooltips: list[tuple[str, str]]) -> None:
    """Show these fields over these marks; Bokeh escapes their values."""
    from bokeh.models import HoverTool

    plot.add_tools(HoverTool(renderers=renderers, tooltips=tooltips))


def draw(plot: figure, columns: dict[str, Any], glyph: Glyph, label: str) -> GlyphRenderer:
    """Draw marks and name them in the legend.

    ``plot.line`` and its like do the same, but make every mark three times, for selections
    and muting that no figure has.
    """
    from bokeh.core.properties import value
    from bokeh.models import ColumnDataSource, Legend, LegendItem

    drawn = plot.add_glyph(ColumnDataSource(columns), glyph)
    if not plot.legend:
        plot.add_layout(Legend())
    items = plot.legend[0].items
    same = next((item for item in items if item.label == value(label)), None)
    if same:
        same.renderers.append(drawn)
    else:
        items.append(LegendItem(label=label, renderers=[drawn]))
    return drawn


def limit_line(plot: figure, value: float, level: str, label: str, *, upright: bool) -> None:
    """Draw a limit, told apart by its dash and named in the legend."""
    from bokeh.models import Line, Span

    pen = {"line_color": LIMIT, "line_width": 1.5, "line_dash": LIMIT_DASH.get(level, "dotdash")}
    plot.add_layout(Span(location=value, dimension="height" if upright else "width", **pen))
    # A span has no legend entry; a line of nothing gives it one.
    factors = getattr(plot.y_range, "factors", None)
    nothing = {"x": [math.nan], "y": [factors[0] if factors else math.nan]}
    draw(plot, nothing, Line(x="x", y="y", **pen), literal(label))


def dress_legend(plot: figure) -> None:
    """Put the legend above the plot."""
    if not plot.legend:
        return
    legend = plot.legend[0]
    plot.add_layout(legend, "above")
    legend.orientation = "horizontal"
    legend.border_line_color = None
    legend.label_text_font, legend.label_text_color = FONT, INK
    legend.label_text_font_size = "12px"
    legend.margin = legend.padding = 2
    if len(legend.items) > 4:
        legend.ncols = 3  # a single row of more would run out of a narrow figure


def span_of(numbers: Iterable[float | None], air: float = 0.08) -> tuple[float, float]:
    """Return the range that shows every finite number, from zero where that is near."""
    finite = [number for number in numbers if number is not None and math.isfinite(number)]
    if not finite:
        return 0.0, 1.0
    low, high = min(finite), max(finite)
    room = (high - low or abs(high) or 1.0) * air
    return (0.0 if 0 <= low < 0.6 * high else low - room), high + room
