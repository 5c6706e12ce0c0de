"""What the variance of a quantity is made of, where variance components say it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from skyassay.metrics.contract import Measurement
from skyassay.verify.report.figures import dress_legend, hover, literal, make

if TYPE_CHECKING:
    from bokeh.plotting import figure

PREFIX = "budget_"
#: What a unit of these names shares, widest first; others follow by name.
ORDER = ("night", "region", "visit", "cell", "detector", "own", "stars", "star_noise")
_COLOURS = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#999999",
)  # fmt: skip
_HATCHES = (" ", "/", "\\", "x", "-", "|", ".", "o")


def budgets(measurements: Iterable[Measurement]) -> dict[str, Mapping[str, float]]:
    """Return quantity (metric, band, component) -> share of the variance by term.

    Parameters
    ----------
    measurements : iterable of Measurement
        Those whose diagnostics name shares; others are passed over.
    """
    found: dict[str, Mapping[str, float]] = {}
    for m in measurements:
        shares = {
            key.removeprefix(PREFIX): float(value)
            for key, value in m.diagnostics.items()
            if key.startswith(PREFIX) and isinstance(value, int | float)
        }
        if shares and m.value is not None:
            name = " ".join(p for p in (m.metric.rsplit(".", 1)[-1], m.band, m.component) if p)
            found.setdefault(name, shares)
    return found


def terms(found: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Return every term that a budget names, what is shared most widely first."""
    named = {term for shares in found.values() for term in shares}
    return sorted(named, key=lambda t: (ORDER.index(t) if t in ORDER else len(ORDER), t))


def budget_plot(found: Mapping[str, Mapping[str, float]]) -> figure | None:
    """Return a bar of shares for every quantity, or None without any."""
    if not found:
        return None
    from bokeh.models import ColumnDataSource

    names = [literal(name) for name in found]
    plot = make(
        110 + 17 * len(names), "share of the variance", "",
        y_range=list(reversed(names)), x_range=(0.0, 1.02),
    )  # fmt: skip
    left = dict.fromkeys(found, 0.0)
    drawn = []
    for index, term in enumerate(terms(found)):
        mine = [name for name in found if found[name].get(term, 0.0) > 0.0]
        source = ColumnDataSource(
            {
                "name": [literal(name) for name in mine],
                "left": [left[name] for name in mine],
                "right": [left[name] + found[name][term] for name in mine],
                "share": [f"{found[name][term]:.1%}" for name in mine],
                "term": [term.replace("_", " ")] * len(mine),
            }
        )
        for name in mine:
            left[name] += found[name][term]
        drawn.append(
            plot.hbar(
                y="name", left="left", right="right", height=0.7, source=source,
                fill_color=_COLOURS[index % len(_COLOURS)], line_color="white",
                hatch_pattern=_HATCHES[index % len(_HATCHES)], hatch_alpha=0.35,
                legend_label=literal(term.replace("_", " ")),
            )
        )  # fmt: skip
    hover(plot, drawn, [("", "@name"), ("term", "@term"), ("share", "@share")])
    plot.ygrid.grid_line_color = None
    dress_legend(plot)
    return plot
