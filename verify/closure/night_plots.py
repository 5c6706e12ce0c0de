"""Figures of the truth closure of a night's differences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from skyassay.verify.closure.checks import Closure
from skyassay.verify.closure.faint import THRESHOLD
from skyassay.verify.closure.plots import HEIGHT, draw_pulls
from skyassay.verify.report.figures import INK, dress_legend, make
from skyassay.verify.report.style import BAND_COLOURS

if TYPE_CHECKING:
    from bokeh.plotting import figure

Columns = Mapping[str, NDArray[Any]]
Floats = NDArray[np.float64]
#: Sources of a bin that is drawn.
LEAST = 8
_S_N = np.geomspace(2.5, 20.0, 22)
_SEPARATION = np.array([0.0, 0.1, 0.2, 0.3, 0.5, 0.8, 1.2, 2.0, 4.0])
#: S/N of the sources whose hosts are looked at.
_BRIGHT = 6.0
PURITY, COMPLETENESS = "#7c3aed", "#0f766e"


def night_figures(closure: Closure) -> list[tuple[str, figure]]:
    """Return title and figure of everything of a night that there is something to draw of."""
    drawn: list[tuple[str, figure]] = []
    kinds: tuple[tuple[str, str, str, Callable[[Columns, str], figure]], ...] = (
        ("difference_completeness", "snr", "injected sources found", _found),
        ("difference_pulls", "flux", "errors on differences over what is quoted", draw_pulls),
        ("difference_pulls", "flux", "flux errors by S/N", _by_snr),
        ("difference_hosts", "snr", "found by distance from the host", _hosts),
        ("difference_cuts", "cut", "purity and completeness by reliability", _cuts),
    )
    for key, column, title, draw in kinds:
        for band, columns in closure.behind.get(key, {}).items():
            if len(columns[column]):
                name = "All bands" if band == "all" else f"Band {band}"
                drawn.append((f"{name}: {title}", draw(columns, band)))
    return drawn


def _binned(x: Floats, y: NDArray[Any], edges: Floats) -> tuple[Floats, Floats, Floats]:
    """Return middle, mean and standard error of a share in bins with enough in them."""
    number = np.digitize(x, edges) - 1
    names = [k for k in range(len(edges) - 1) if (number == k).sum() >= LEAST]
    share = np.array([float(np.mean(y[number == k])) for k in names])
    size = np.array([float((number == k).sum()) for k in names])
    middle = np.array([0.5 * (edges[k] + edges[k + 1]) for k in names])
    return middle, share, np.sqrt(share * (1.0 - share) / np.maximum(size, 1.0))


def _found(columns: Columns, band: str) -> figure:
    """Return the share found by S/N, and the S/N at which half should be."""
    plot = make(HEIGHT, "true S/N on the difference", "share found")
    middle, share, error = _binned(columns["snr"], columns["found"], _S_N)
    colour = BAND_COLOURS.get(band, INK)
    plot.segment(middle, share - error, middle, share + error, color=colour)
    plot.scatter(middle, share, size=6, color=colour, legend_label="found")
    plot.line(
        [THRESHOLD, THRESHOLD], [0.0, 1.0], color=INK, line_dash="dashed", legend_label="threshold"
    )
    dress_legend(plot)
    return plot


def _by_snr(columns: Columns, _band: str) -> figure:
    """Return flux errors over the quoted ones by S/N."""
    plot = make(HEIGHT, "true S/N on the difference", "flux error over quoted error")
    plot.scatter(columns["snr"], columns["flux"], size=3, alpha=0.4, color=INK)
    for level in (-1.0, 0.0, 1.0):
        ends = [float(columns["snr"].min()), float(columns["snr"].max())]
        plot.line(ends, [level, level], color=INK, line_dash="dashed")
    return plot


def _hosts(columns: Columns, _band: str) -> figure:
    """Return the share found by the distance from the host, and that of sources without one."""
    plot = make(HEIGHT, "arcsec from the host", "share found")
    bright = columns["snr"] >= _BRIGHT
    away, found = columns["separation"][bright], columns["found"][bright]
    alone = ~np.isfinite(away)
    middle, share, error = _binned(away[~alone], found[~alone], _SEPARATION)
    plot.segment(middle, share - error, middle, share + error, color=COMPLETENESS)
    plot.scatter(middle, share, size=6, color=COMPLETENESS, legend_label="in a host")
    if alone.sum() >= LEAST:
        level, ends = float(found[alone].mean()), [0.0, float(_SEPARATION[-1])]
        plot.line(ends, [level, level], color=INK, line_dash="dashed", legend_label="no host")
    dress_legend(plot)
    return plot


def _cuts(columns: Columns, _band: str) -> figure:
    """Return purity and completeness against the cut."""
    plot = make(HEIGHT, "least reliability", "%")
    for name, colour in (("purity", PURITY), ("completeness", COMPLETENESS)):
        known = np.isfinite(columns[name])
        if known.any():
            x, y = columns["cut"][known], columns[name][known]
            plot.line(x, y, color=colour, line_width=2, legend_label=name)
    dress_legend(plot)
    return plot
