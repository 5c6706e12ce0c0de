"""One alert: light curve and cutouts."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from bokeh.models import ColumnDataSource, HoverTool, LinearColorMapper, Range1d, Whisker
from bokeh.plotting import figure

from skyassay.dashboards.compute.alert import Cutout
from skyassay.dashboards.plot.night import MARKERS
from skyassay.dashboards.plot.style import INK, dress_legend, make
from skyassay.dashboards.text import number, plain
from skyassay.verify.report.style import BAND_COLOURS

#: Pixels without a value.
_NO_VALUE: Final = "#9fc5e8"
_SIDE: Final = 250
#: Light curves of hours are drawn in minutes.
_SHORT: Final = 0.5


def curve_figure(curve: pd.DataFrame) -> figure | None:
    """Return the fluxes of an object over time: filled detections, hollow forced fluxes."""
    rows = curve.dropna(subset=["mjd", "flux"])
    if not len(rows):
        return None
    start, span = float(rows["mjd"].min()), float(rows["mjd"].max() - rows["mjd"].min())
    factor, unit = (1440.0, "minutes") if span < _SHORT else (1.0, "days")
    hover = HoverTool(tooltips=[("band", "@band"), ("flux", "@shown"), ("MJD", "@when"),
                                ("", "@how")])  # fmt: skip
    error = rows["error"].fillna(0.0)
    low, high = float((rows["flux"] - error).min()), float((rows["flux"] + error).max())
    air = (high - low or abs(high) or 1.0) * 0.1
    plot = make(
        280, f"{unit} after MJD {start:.5f}", "difference flux (nJy)", [hover],
        y_range=Range1d(low - air, high + air),
    )  # fmt: skip
    renderers: list[object] = []
    for (band, forced), mine in rows.groupby(["band", "forced"], sort=False):
        source = _points(mine, (mine["mjd"] - start) * factor)
        bar = Whisker(base="x", lower="low", upper="high", source=source)
        bar.line_color = INK
        bar.upper_head.size = bar.lower_head.size = 6
        plot.add_layout(bar)
        colour = BAND_COLOURS.get(str(band), INK)
        renderers.append(
            plot.scatter(
                "x", "y", source=source, size=10, marker=MARKERS.get(str(band), "cross"),
                fill_color=None if forced else colour, line_color=colour, line_width=1.5,
                legend_label=plain(f"band {band}{', forced' if forced else ''}"),
            )
        )  # fmt: skip
    newest = rows[rows["newest"].astype(bool)]
    plot.scatter(
        ((newest["mjd"] - start) * factor).tolist(), newest["flux"].tolist(), size=22,
        marker="circle", fill_color=None, line_color=INK, line_width=2, legend_label="this alert",
    )  # fmt: skip
    hover.renderers = renderers
    dress_legend(plot)
    return plot


def _points(rows: pd.DataFrame, x: pd.Series) -> ColumnDataSource:
    """Return points with their errors; one without an error has none drawn."""
    error = rows["error"].fillna(0.0)
    kind = ["forced" if forced else "detected" for forced in rows["forced"]]
    return ColumnDataSource(
        {
            "x": x.tolist(),
            "y": rows["flux"].tolist(),
            "low": (rows["flux"] - error).tolist(),
            "high": (rows["flux"] + error).tolist(),
            "band": [plain(b) for b in rows["band"]],
            "shown": [
                f"{number(float(f))} ± {number(float(e))} nJy"
                for f, e in zip(rows["flux"], rows["error"], strict=True)
            ],
            "when": [f"{mjd:.5f}" for mjd in rows["mjd"]],
            "how": kind,
        }
    )


def cutout_figure(cutout: Cutout) -> figure:
    """Return one small image, its pixels square."""
    height, width = cutout.pixels.shape
    plot = figure(
        width=_SIDE, height=_SIDE + 30, tools=[], toolbar_location=None, match_aspect=True,
        x_range=(0, width), y_range=(0, height), title=cutout.kind,
    )  # fmt: skip
    plot.axis.visible = False
    plot.grid.visible = False
    plot.title.text_color = INK
    plot.title.align = "center"
    mapper = LinearColorMapper(
        palette="Greys256", low=cutout.low, high=cutout.high, nan_color=_NO_VALUE
    )
    plot.image(
        image=[cutout.pixels.astype(np.float32)], x=0, y=0, dw=width, dh=height, color_mapper=mapper
    )
    # Marks that leave the middle free.
    x, y, arm = width / 2, height / 2, min(width, height) / 8
    plot.segment(
        [x - 2 * arm, x + arm], [y, y], [x - arm, x + 2 * arm], [y, y],
        line_color="#D55E00", line_width=2,
    )  # fmt: skip
    return plot
