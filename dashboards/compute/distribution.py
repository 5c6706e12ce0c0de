"""The distribution behind one measurement, from its evidence table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skyassay.dashboards.text import number, plural, quantity

#: The column of an evidence table that is drawn.
VALUE: Final = "value"
MOST_BINS: Final = 60
#: Points of the cumulative curve that are sent to the browser.
MOST_POINTS: Final = 1000
QUANTILES: Final = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


@dataclass(frozen=True)
class Distribution:
    """A histogram, a cumulative curve and the words and table behind them.

    Attributes
    ----------
    edges, counts : ndarray
        Histogram; shapes (n_bins + 1,) and (n_bins,).
    x, fraction : ndarray
        Cumulative curve, at most `MOST_POINTS` points: fraction of values <= x.
    n, dropped : int
        Values drawn, and values that are not finite and were not.
    outside : int
        Values beyond the drawn range (the histogram spans the central 99 %).
    quantiles : tuple of (str, float)
    table : DataFrame
        The evidence, as stored.
    """

    edges: NDArray[np.float64]
    counts: NDArray[np.int64]
    x: NDArray[np.float64]
    fraction: NDArray[np.float64]
    n: int
    dropped: int
    outside: int
    unit: str
    quantiles: tuple[tuple[str, float], ...]
    summary: str
    table: pd.DataFrame


@dataclass(frozen=True)
class NoDistribution:
    """Why there is nothing to draw, and the table where there is one."""

    reason: str
    hint: str
    table: pd.DataFrame | None = None


def distribution(table: pd.DataFrame | None) -> Distribution | NoDistribution:
    """Return the distribution of the column `value` of an evidence table.

    Parameters
    ----------
    table : DataFrame or None
        As the store gave it. A column `unit` that says the same in every row names the
        unit of `value`; without it nobody knows.
    """
    if table is None or table.empty:
        return NoDistribution(
            "No evidence table was kept for this measurement.",
            "A metric that returns evidence has its single values kept beside the result.",
        )
    if VALUE not in table.columns:
        return NoDistribution(
            f"The evidence table has no column “{VALUE}” to draw.",
            "Its rows are shown as they are.",
            table,
        )
    values = pd.to_numeric(table[VALUE], errors="coerce").to_numpy(dtype=np.float64)
    good = np.sort(values[np.isfinite(values)])
    if good.size == 0:
        return NoDistribution(
            f"None of the {plural(values.size, 'value')} of the evidence is a finite number.",
            "Its rows are shown as they are.",
            table,
        )
    return _distribution(good, values.size - good.size, _unit(table), table)


def _unit(table: pd.DataFrame) -> str:
    """Return the unit that the table names, or nothing."""
    named = list(table["unit"].unique()) if "unit" in table.columns else []
    return str(named[0]) if len(named) == 1 else ""


def _distribution(
    good: NDArray[np.float64], dropped: int, unit: str, table: pd.DataFrame
) -> Distribution:
    """Return the distribution of sorted finite values."""
    low, high = _span(good)
    inside = good[(good >= low) & (good <= high)]
    counts, edges = np.histogram(inside, bins=_bins(inside), range=(low, high))
    take = np.unique(np.linspace(0, good.size - 1, min(good.size, MOST_POINTS)).astype(int))
    quantiles = tuple((_quantile_name(q), float(np.quantile(good, q))) for q in QUANTILES)
    return Distribution(
        edges=edges.astype(np.float64),
        counts=counts.astype(np.int64),
        x=good[take],
        fraction=(take + 1) / good.size,
        n=int(good.size),
        dropped=dropped,
        outside=int(good.size - inside.size),
        unit=unit,
        quantiles=quantiles,
        summary=_summary(good, dropped, int(good.size - inside.size), unit),
        table=table,
    )


def _span(good: NDArray[np.float64]) -> tuple[float, float]:
    """Return the drawn range: all, unless a few far values would squeeze the rest."""
    low, high = float(good[0]), float(good[-1])
    inner_low, inner_high = np.quantile(good, (0.005, 0.995))
    if high - low > 3 * (inner_high - inner_low) > 0:
        low, high = float(inner_low), float(inner_high)
    if low == high:
        pad = max(abs(low) * 0.05, 1e-9)
        return low - pad, high + pad
    return low, high


def _bins(values: NDArray[np.float64]) -> int:
    """Return the number of bins, bounded: by the square root of the number of values."""
    return int(min(max(round(float(np.sqrt(values.size))), 5), MOST_BINS))


def _quantile_name(q: float) -> str:
    return {0.0: "smallest", 0.5: "median", 1.0: "largest"}.get(q, f"{100 * q:g} %")


def _summary(good: NDArray[np.float64], dropped: int, outside: int, unit: str) -> str:
    """Say in words what the picture shows."""
    low, middle, high = np.quantile(good, (0.05, 0.5, 0.95))
    words = [
        f"{plural(good.size, 'value')}: median {quantity(float(middle), unit)}, "
        f"nine of ten between {number(float(low))} and {quantity(float(high), unit)}."
    ]
    if outside:
        words.append(f"{plural(outside, 'value')} beyond the drawn range.")
    if dropped:
        words.append(f"{plural(dropped, 'value')} not finite and not drawn.")
    return " ".join(words)
