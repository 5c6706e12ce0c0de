"""A night in pictures: visits in time, where the time of their last alert went."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pandas as pd
from bokeh.models import ColumnDataSource, DatetimeAxis, FactorRange, HoverTool, Range1d, Span
from bokeh.plotting import figure

from skyassay.dashboards.plot.style import INK, dress_legend, limit_line, make
from skyassay.dashboards.text import number, plain
from skyassay.verify.night.names import CHAIN, IN_TIME, REST, SENT, WAITED
from skyassay.verify.report.style import BAND_COLOURS

#: Band -> marker: told apart without colour.
MARKERS: Final = {
    "u": "triangle", "g": "square", "r": "circle", "i": "diamond", "z": "inverted_triangle",
    "y": "hex",
}  # fmt: skip
#: Stage -> colour and hatch: waiting and sending are light, work is not.
_STAGES: Final = dict(
    zip(
        (WAITED, REST, *CHAIN, SENT),
        (
            ("#D9D9D9", " "), ("#8C8C8C", "/"), ("#56B4E9", " "), ("#0072B2", "x"),
            ("#009E73", " "), ("#E69F00", "/"), ("#CC79A7", " "), ("#F0E442", "."),
            ("#8C6BB1", "-"), ("#B3D4A5", " "), ("#D55E00", "|"), ("#F2F2F2", "."),
        ),
        strict=True,
    )
)  # fmt: skip
#: What became of alerts: column of the visits, words, colour, hatch.
_FATES: Final = (
    ("in_time", "handed over in time", "#009E73", " "),
    ("late", "late", "#E69F00", "/"),
    ("never", "never handed over", "#D55E00", "x"),
)
_UNIX: Final = 40_587.0
#: TAI less UTC since 2017, s; only to draw.
_LEAP: Final = 37.0


def timeline(visits: pd.DataFrame, column: str, name: str, unit: str) -> figure | None:
    """Return one quantity of the visits over the night; None where no visit has it."""
    rows = visits.dropna(subset=[column, "mjd"]) if column in visits else visits[:0]
    if not len(rows):
        return None
    hover = HoverTool(tooltips=[("visit", "@visit"), ("band", "@band"), (name, "@shown")])
    low, high = float(rows[column].min()), float(rows[column].max())
    air = (high - low or 0.1) * 0.15
    plot = make(
        190, "", f"{name} ({unit})", [hover], x_axis_type="datetime",
        y_range=Range1d(low - air, high + air),
    )  # fmt: skip
    _times(plot, visits)
    for band in dict.fromkeys(rows["band"]):
        mine = rows[rows["band"] == band]
        source = ColumnDataSource(
            {
                "x": _milliseconds(mine["mjd"]),
                "y": mine[column].tolist(),
                "visit": [str(v) for v in mine["visit"]],
                "band": [plain(band)] * len(mine),
                "shown": [f"{number(float(v))} {unit}" for v in mine[column]],
            }
        )
        plot.scatter(
            "x", "y", source=source, size=11, marker=MARKERS.get(str(band), "cross"),
            fill_color=BAND_COLOURS.get(str(band), INK), line_color=INK, line_width=0.8,
            legend_label=plain(f"band {band}"),
        )  # fmt: skip
    dress_legend(plot)
    return plot


def alerts_figure(visits: pd.DataFrame) -> figure | None:
    """Return what became of each visit's alerts over the night; None where nobody knows."""
    rows = visits.dropna(subset=["n_expected", "mjd"]) if len(visits) else visits
    if not len(rows) or not rows["n_expected"].sum():
        return None
    hover = HoverTool(
        tooltips=[("visit", "@visit"), ("band", "@band"), ("due", "@due"),
                  ("in time", "@in_time"), ("late", "@late"), ("never", "@never")]
    )  # fmt: skip
    plot = make(240, "UTC", "alerts due", [hover], x_axis_type="datetime")
    _times(plot, visits)
    data: dict[str, Any] = {
        "x": _milliseconds(rows["mjd"]),
        "visit": [str(v) for v in rows["visit"]],
        "band": [plain(b) for b in rows["band"]],
        "due": rows["n_expected"].tolist(),
        "in_time": rows["n_in_time"].tolist(),
        "late": (rows["n_delivered"] - rows["n_in_time"]).tolist(),
        "never": rows["n_never"].tolist(),
    }
    sent = rows["n_delivered"].tolist()
    data |= {"from_in_time": [0] * len(rows), "from_late": data["in_time"], "from_never": sent}
    data |= {"to_in_time": data["in_time"], "to_late": sent, "to_never": data["due"]}
    source, width = ColumnDataSource(data), _width(rows["mjd"])
    hover.renderers = [
        plot.vbar(
            x="x", bottom=f"from_{name}", top=f"to_{name}", width=width, source=source,
            fill_color=colour, line_color="white", hatch_pattern=hatch, hatch_alpha=0.35,
            legend_label=words,
        )
        for name, words, colour, hatch in _FATES
    ]  # fmt: skip
    plot.y_range.start = 0
    plot.xgrid.grid_line_color = None
    dress_legend(plot)
    return plot


def waterfall_figure(table: pd.DataFrame, visits: Sequence[int]) -> figure | None:
    """Return the stages up to the last alert of each visit, bar by bar.

    Parameters
    ----------
    table : DataFrame
        ``visit``, ``stage``, ``start``, ``seconds``.
    visits : sequence of int
        In the order in which they are drawn, from above.
    """
    there = [str(v) for v in visits if v in set(table["visit"])] if len(table) else []
    if not there:
        return None
    hover = HoverTool(
        tooltips=[("visit", "@visit"), ("detector", "@detector"), ("stage", "@stage"),
                  ("seconds", "@shown")]
    )  # fmt: skip
    end = float((table["start"] + table["seconds"]).max())
    plot = make(
        170 + 24 * len(there), "seconds after the end of readout", "", [hover],
        y_range=FactorRange(*reversed(there)), x_range=Range1d(0, max(end, IN_TIME) * 1.05),
    )  # fmt: skip
    stages = [s for s in _STAGES if s in set(table["stage"])]
    hover.renderers = [_stage(plot, table[table["stage"] == s], s) for s in stages]
    color, dash = limit_line("design")
    line = Span(location=IN_TIME, dimension="height", line_color=color, line_width=2)
    line.line_dash = dash
    plot.add_layout(line)
    plot.line([float("nan")], [there[0]], line_color=color, line_width=2,
              legend_label=f"OTT1: {IN_TIME:.0f} s")  # fmt: skip
    plot.ygrid.grid_line_color = None
    dress_legend(plot)
    plot.legend[0].ncols = 4
    return plot


def _stage(plot: figure, rows: pd.DataFrame, stage: str) -> Any:
    """Draw one stage of every visit."""
    colour, hatch = _STAGES[stage]
    source = ColumnDataSource(
        {
            "visit": [str(v) for v in rows["visit"]],
            "detector": [str(d) for d in rows["detector"]],
            "left": rows["start"].tolist(),
            "right": (rows["start"] + rows["seconds"]).tolist(),
            "stage": [plain(stage)] * len(rows),
            "shown": [f"{number(float(s), 3)} s" for s in rows["seconds"]],
        }
    )
    return plot.hbar(
        y="visit", left="left", right="right", height=0.72, source=source,
        fill_color=colour, line_color=INK, line_width=0.5, hatch_pattern=hatch, hatch_alpha=0.35,
        legend_label=plain(stage),
    )  # fmt: skip


def _times(plot: figure, visits: pd.DataFrame) -> None:
    """Give all pictures of a night the same axis of time."""
    times = _milliseconds(visits["mjd"].dropna())
    air = max((max(times) - min(times)) * 0.03, 30_000.0)
    plot.x_range = Range1d(min(times) - air, max(times) + air)
    for axis in plot.select(DatetimeAxis):
        axis.formatter.context = None
        for kind in ("seconds", "minsec", "minutes", "hourmin", "hours"):
            setattr(axis.formatter, kind, "%H:%M:%S" if kind in ("seconds", "minsec") else "%H:%M")


def _milliseconds(mjd: pd.Series) -> list[float]:
    return [((float(m) - _UNIX) * 86_400.0 - _LEAP) * 1e3 for m in mjd]


def _width(mjd: pd.Series) -> float:
    """Return the width of a bar, ms: most of the time to the nearest other visit."""
    steps = mjd.sort_values().diff().dropna()
    return float(steps[steps > 0].min() if (steps > 0).any() else 60.0 / 86_400.0) * 86_400e3 * 0.8
