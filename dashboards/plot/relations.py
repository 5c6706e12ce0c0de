"""What single values depend on: against one axis, and over a plane."""

from __future__ import annotations

import numpy as np
from bokeh.models import ColorBar, ColumnDataSource, HoverTool, LinearColorMapper, Whisker
from bokeh.plotting import figure

from skyassay.dashboards.plot.style import INK, make
from skyassay.dashboards.text import number, plain
from skyassay.verify.report.relations import Map, Trend

LINE = "#0072B2"


def trend_figure(found: Trend, name: str) -> figure:
    """Return medians against an axis, with the middle two thirds as bars."""
    hover = HoverTool(tooltips=[("at", "@at"), ("median", "@shown")])
    plot = make(260, found.axis, name, [hover])
    source = ColumnDataSource(
        {
            "x": found.x,
            "middle": found.middle,
            "low": found.low,
            "high": found.high,
            "at": [number(float(x)) for x in found.x],
            "shown": [number(float(y)) for y in found.middle],
        }
    )
    bar = Whisker(base="x", lower="low", upper="high", source=source, line_color=INK)
    bar.line_alpha = 0.4
    bar.upper_head.size = bar.lower_head.size = 0
    plot.add_layout(bar)
    plot.line("x", "middle", source=source, line_color=LINE, line_width=2)
    hover.renderers = [plot.scatter("x", "middle", source=source, size=6, color=LINE)]
    return plot


def map_figure(found: Map, name: str) -> figure:
    """Return medians in the cells of a plane."""
    hover = HoverTool(tooltips=[("median", "@shown"), ("values", "@count")])
    plot = make(320, found.x_axis, found.y_axis, [hover], match_aspect=True)
    low, high = (float(v) for v in np.quantile(found.middle, (0.02, 0.98)))
    mapper = LinearColorMapper("Cividis256", low=low, high=high if high > low else low + 1e-12)
    source = ColumnDataSource(
        {
            "x": found.x,
            "y": found.y,
            "middle": found.middle,
            "count": found.count,
            "shown": [number(float(z)) for z in found.middle],
        }
    )
    plot.rect(
        "x", "y", width=found.size, height=found.size, source=source, line_color=None,
        fill_color={"field": "middle", "transform": mapper},
    )  # fmt: skip
    plot.grid.grid_line_color = None
    if found.name == "sky":
        plot.x_range.flipped = True  # east is left, as on the sky
    plot.add_layout(ColorBar(color_mapper=mapper, title=plain(name), width=12), "right")
    return plot
