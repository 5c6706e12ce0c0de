"""The single values behind a measurement: how many where, and how they add up."""

from __future__ import annotations

from bokeh.models import ColumnDataSource, HoverTool, Range1d
from bokeh.plotting import figure

from skyassay.dashboards.compute.distribution import Distribution
from skyassay.dashboards.plot.style import make
from skyassay.dashboards.text import number

BAR = "#56B4E9"
LINE = "#0072B2"


def histogram_figure(view: Distribution, name: str) -> figure:
    """Return the histogram of the single values."""
    hover = HoverTool(tooltips=[("from", "@low"), ("to", "@high"), ("values", "@count")])
    plot = make(280, _axis(name, view.unit), "number of values", [hover])
    source = ColumnDataSource(
        {
            "left": view.edges[:-1],
            "right": view.edges[1:],
            "count": view.counts,
            "low": [number(float(x)) for x in view.edges[:-1]],
            "high": [number(float(x)) for x in view.edges[1:]],
        }
    )
    plot.quad(
        left="left", right="right", top="count", bottom=0, source=source,
        fill_color=BAR, line_color="white", line_width=0.5,
    )  # fmt: skip
    plot.y_range.start = 0
    plot.xgrid.grid_line_color = None
    return plot


def cumulative_figure(view: Distribution, name: str) -> figure:
    """Return the fraction of values at most as large, over the same range."""
    plot = make(
        280,
        _axis(name, view.unit),
        "fraction of values ≤ x",
        [],
        x_range=Range1d(float(view.edges[0]), float(view.edges[-1])),
        y_range=Range1d(0, 1.02),
    )
    plot.step(view.x, view.fraction, mode="after", line_color=LINE, line_width=2)
    return plot


def _axis(name: str, unit: str) -> str:
    return f"{name} ({unit})" if unit else name
