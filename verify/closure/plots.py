"""Figures of the truth closure, in the look of the reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from skyassay.verify.closure.checks import Closure
from skyassay.verify.closure.faint import THRESHOLD, half_point
from skyassay.verify.report.figures import INK, dress_legend, make
from skyassay.verify.report.style import BAND_COLOURS

if TYPE_CHECKING:
    from bokeh.plotting import figure

Floats = NDArray[np.float64]
HEIGHT = 300
#: Points of a figure: more are thinned evenly.
_MOST_POINTS = 3000


def figures(closure: Closure) -> list[tuple[str, figure]]:
    """Return title and figure of everything there is something to draw of."""
    drawn: list[tuple[str, figure]] = []
    for band, columns in closure.behind.get("bias", {}).items():
        if len(columns["mag"]):
            drawn.append((f"Band {band}: measured less true magnitude", _bias(columns, band)))
            drawn.append((f"Band {band}: measured less true position", _places(columns, band)))
    for band, columns in closure.behind.get("pulls", {}).items():
        if len(columns["flux"]):
            drawn.append((f"Band {band}: errors over what is quoted", draw_pulls(columns, band)))
    for band, columns in closure.behind.get("completeness", {}).items():
        if len(columns["snr"]):
            drawn.append((f"Band {band}: stars found", _completeness(columns, band)))
    return drawn


def _thinned(n: int) -> NDArray[np.intp]:
    return np.unique(np.linspace(0, n - 1, min(n, _MOST_POINTS)).astype(np.intp))


def _bias(columns: Mapping[str, NDArray[Any]], band: str) -> figure:
    """Return magnitude errors by magnitude, with their running median and the quoted error."""
    good = np.isfinite(columns["dmag"])
    mag, dmag, error = (columns[n][good] for n in ("mag", "dmag", "dmag_error"))
    plot = make(HEIGHT, "true magnitude", "measured less true, mmag")
    some = _thinned(len(mag))
    plot.scatter(mag[some], dmag[some], size=3, alpha=0.35, color=BAND_COLOURS.get(band, INK))
    at, middle, quoted = _running(mag, dmag, error)
    plot.line(at, middle, color=INK, line_width=2, legend_label="median")
    for sign in (-1.0, 1.0):
        plot.line(at, sign * quoted, color=INK, line_dash="dashed", legend_label="quoted error")
    dress_legend(plot)
    return plot


def _running(mag: Floats, dmag: Floats, error: Floats) -> tuple[Floats, Floats, Floats]:
    """Return magnitude, median error and median quoted error of bins of half a magnitude."""
    number = np.floor(mag / 0.5).astype(int)
    names = [k for k in np.unique(number) if (number == k).sum() >= 5]
    rows = [
        (
            float(np.median(mag[number == k])),
            np.median(dmag[number == k]),
            np.median(error[number == k]),
        )
        for k in names
    ]
    found = np.asarray(rows, dtype=np.float64).reshape(len(rows), 3)
    return found[:, 0], found[:, 1], found[:, 2]


def _places(columns: Mapping[str, NDArray[Any]], band: str) -> figure:
    """Return position errors."""
    good = np.isfinite(columns["east"]) & np.isfinite(columns["north"])
    east, north = columns["east"][good], columns["north"][good]
    plot = make(HEIGHT, "east, mas", "north, mas")
    some = _thinned(len(east))
    plot.scatter(east[some], north[some], size=3, alpha=0.35, color=BAND_COLOURS.get(band, INK))
    return plot


def draw_pulls(columns: Mapping[str, NDArray[Any]], band: str) -> figure:
    """Return histograms of pulls over a normal distribution."""
    plot = make(HEIGHT, "error over quoted error", "share per unit")
    edges = np.linspace(-5.0, 5.0, 51)
    middle = (edges[1:] + edges[:-1]) / 2.0
    for name, dash in (("flux", "solid"), ("position", "dotted")):
        values = columns[name][np.isfinite(columns[name])]
        if len(values):
            share = np.histogram(values, edges)[0] / len(values) / (edges[1] - edges[0])
            colour = BAND_COLOURS.get(band, INK)
            plot.step(middle, share, mode="center", color=colour, line_dash=dash, legend_label=name)
    normal = np.exp(-0.5 * middle**2) / np.sqrt(2.0 * np.pi)
    plot.line(middle, normal, color=INK, line_dash="dashed", legend_label="normal")
    dress_legend(plot)
    return plot


def _completeness(columns: Mapping[str, NDArray[Any]], band: str) -> figure:
    """Return the share of stars found by magnitude, and where half of them are."""
    depth = -2.5 * np.log10(columns["snr"] / THRESHOLD)
    number = np.floor(depth / 0.1).astype(int)
    names = np.unique(number)
    share = np.array([columns["found"][number == k].mean() for k in names])
    plot = make(HEIGHT, "magnitude less predicted 5-sigma limit", "share found")
    colour = BAND_COLOURS.get(band, INK)
    plot.scatter(0.1 * names + 0.05, share, size=6, color=colour, legend_label="found")
    if columns["found"].any() and not columns["found"].all():
        half, _ = half_point(columns["snr"], columns["found"])
        if np.isfinite(half) and half > 0.0:
            at = -2.5 * np.log10(half / THRESHOLD)
            plot.line([at, at], [0.0, 1.0], color=INK, legend_label=f"half: {at:+.3f} mag")
    plot.line([0.0, 0.0], [0.0, 1.0], color=INK, line_dash="dashed", legend_label="predicted")
    dress_legend(plot)
    return plot
