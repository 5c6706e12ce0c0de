"""Figures of what single values depend on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from skyassay.verify.report.figures import INK, dress_legend, hover, literal, make
from skyassay.verify.report.relations import Map, Trend
from skyassay.verify.report.style import BAND_COLOURS

if TYPE_CHECKING:
    from bokeh.plotting import figure


def trend_plot(found: Mapping[str, Trend], label: str) -> figure:
    """Return medians against an axis, band by band, with the middle two thirds as bars."""
    from bokeh.models import ColumnDataSource, Whisker

    axis = next(iter(found.values())).axis
    plot = make(260, axis, label)
    marks = ("circle", "square", "triangle", "diamond", "inverted_triangle", "hex")
    for index, (band, one) in enumerate(found.items()):
        colour = BAND_COLOURS.get(band, INK)
        source = ColumnDataSource(
            {"x": one.x, "middle": one.middle, "low": one.low, "high": one.high}
        )
        bar = Whisker(
            base="x", lower="low", upper="high", source=source, line_color=colour, line_alpha=0.5
        )
        bar.upper_head.size = bar.lower_head.size = 0
        plot.add_layout(bar)
        name = literal(f"{band or 'all'} (n = {one.n})")
        plot.line("x", "middle", source=source, line_color=colour, legend_label=name)
        plot.scatter(
            "x", "middle", source=source, marker=marks[index % len(marks)], size=6,
            color=colour, legend_label=name,
        )  # fmt: skip
    dress_legend(plot)
    return plot


def map_plot(found: Map, label: str) -> figure:
    """Return medians in the cells of a plane, with the number of values on hover."""
    from bokeh.models import ColorBar, ColumnDataSource, LinearColorMapper

    plot = make(320, found.x_axis, found.y_axis, match_aspect=True)
    low, high = (float(v) for v in np.quantile(found.middle, (0.02, 0.98)))
    mapper = LinearColorMapper("Cividis256", low=low, high=high if high > low else low + 1e-12)
    source = ColumnDataSource(
        {"x": found.x, "y": found.y, "middle": found.middle, "count": found.count}
    )
    drawn = plot.rect(
        "x", "y", width=found.size, height=found.size, source=source, line_color=None,
        fill_color={"field": "middle", "transform": mapper},
    )  # fmt: skip
    if "right ascension" in found.x_axis:
        plot.x_range.flipped = True  # east is left, as on the sky
    bar = ColorBar(color_mapper=mapper, title=literal(label), width=12)
    plot.add_layout(bar, "right")
    hover(plot, [drawn], [("median", "@middle"), ("values", "@count")])
    return plot
