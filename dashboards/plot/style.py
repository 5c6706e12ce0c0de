"""One look for all figures: quiet axes, system fonts, limits by line style and colour."""

from __future__ import annotations

from typing import Final

from bokeh.models import PlainText, Tool
from bokeh.plotting import figure

from skyassay.dashboards.text import plain

FONT: Final = "'Segoe UI', -apple-system, 'Helvetica Neue', 'Liberation Sans', Arial, sans-serif"
INK: Final = "#1F2933"
QUIET: Final = "#52606D"
GRID: Final = "#E4E7EB"
#: Level -> (colour, dash) of its limit; told apart without colour by dash and label.
LIMIT_LINES: Final = {
    "minimum": ("#D55E00", "dotted"),
    "design": ("#B3400A", "solid"),
    "stretch": ("#5B3A8C", "dashed"),
    "given": ("#B3400A", "solid"),
}


def limit_line(level: str) -> tuple[str, str]:
    """Return colour and dash of a level's limit."""
    return LIMIT_LINES.get(level, (INK, "dashdot"))


def label(value: str) -> PlainText:
    """Return a label that Bokeh draws as it is, never as a formula."""
    return PlainText(text=plain(value))


def make(height: int, x_label: str, y_label: str, tools: list[Tool], **more: object) -> figure:
    """Return an empty figure in our look.

    Parameters
    ----------
    height : int
        Pixels; the width follows the page.
    x_label, y_label : str
        Any text; shown literally.
    tools : list of Tool
        Hover and the like; pan and zoom are off, so that a page scrolls as expected.
    **more
        Passed to `bokeh.plotting.figure`.
    """
    plot = figure(
        height=height,
        sizing_mode="stretch_width",
        min_width=320,
        tools=tools,
        toolbar_location=None,
        **more,
    )
    plot.xaxis.axis_label = label(x_label)
    plot.yaxis.axis_label = label(y_label)
    _quiet(plot)
    return plot


def _quiet(plot: figure) -> None:
    """Take away what does not speak."""
    plot.outline_line_color = None
    plot.background_fill_color = plot.border_fill_color = "#FFFFFF"
    plot.grid.grid_line_color = GRID
    for axis in plot.axis:
        axis.axis_line_color = QUIET
        axis.major_tick_line_color = QUIET
        axis.minor_tick_line_color = None
        axis.major_label_text_color = axis.axis_label_text_color = INK
        axis.major_label_text_font = axis.axis_label_text_font = FONT
        axis.major_label_text_font_size = axis.axis_label_text_font_size = "12px"
        axis.axis_label_text_font_style = "normal"


def dress_legend(plot: figure) -> None:
    """Put the legend above the plot, on one line, in our look."""
    if not plot.legend:
        return
    legend = plot.legend[0]
    plot.add_layout(legend, "above")
    legend.orientation = "horizontal"
    legend.border_line_color = None
    legend.background_fill_alpha = 0.0
    legend.label_text_font = FONT
    legend.label_text_font_size = "12px"
    legend.label_text_color = INK
    legend.margin = legend.padding = 2
    legend.spacing = 14
    legend.glyph_width = 22
