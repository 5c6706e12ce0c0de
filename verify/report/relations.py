"""What single values depend on: magnitude, airmass, time, place on the sky and in the field.

The same evidence that a distribution is drawn from, in bins: a median and the middle two
thirds where there is one axis, a median per cell where there are two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
#: Column of the evidence -> name of the axis.
TRENDS = {"mag": "magnitude (AB)", "airmass": "airmass", "mjd": "time (MJD, d)"}
#: Pair of columns -> name of the map and of its axes.
MAPS = {
    ("ra", "dec"): ("sky", "right ascension from the middle × cos δ (deg)", "declination (deg)"),
    ("x", "y"): ("focal plane", "x (deg)", "y (deg)"),
}
MOST_BINS, LEAST_IN_BIN = 16, 5
#: Fewer values show no trend, only themselves.
LEAST_VALUES = 30
CELLS = 14


@dataclass(frozen=True, eq=False)
class Trend:
    """Values against one axis, in bins of equally many.

    Attributes
    ----------
    axis : str
    x, middle, low, high : ndarray, shape (n_bins,)
        Median of the axis; median, 16th and 84th percentile of the values.
    n : int
        Values in all.
    """

    axis: str
    x: Floats
    middle: Floats
    low: Floats
    high: Floats
    n: int


@dataclass(frozen=True, eq=False)
class Map:
    """Medians of values in square cells.

    Attributes
    ----------
    name, x_axis, y_axis : str
    x, y : ndarray, shape (n_cells,)
        Middles of the cells that hold anything, degrees.
    size : float
        Side of a cell.
    middle : ndarray, shape (n_cells,)
    count : ndarray of int, shape (n_cells,)
    """

    name: str
    x_axis: str
    y_axis: str
    x: Floats
    y: Floats
    size: float
    middle: Floats
    count: NDArray[np.int64]


def trends(table: pd.DataFrame, value: str = "value") -> list[Trend]:
    """Return the values against every axis that the evidence has."""
    found = (_trend(table, value, column, axis) for column, axis in TRENDS.items())
    return [one for one in found if one is not None]


def maps(table: pd.DataFrame, value: str = "value") -> list[Map]:
    """Return the values over every plane that the evidence has."""
    found = (_map(table, value, pair, words) for pair, words in MAPS.items())
    return [one for one in found if one is not None]


def _finite(table: pd.DataFrame, names: Sequence[str]) -> Floats | None:
    """Return these columns where all are finite; None where there are too few."""
    if not set(names) <= set(table.columns):
        return None
    columns = [pd.to_numeric(table[n], errors="coerce").to_numpy(np.float64) for n in names]
    rows = np.stack(columns)
    rows = rows[:, np.isfinite(rows).all(axis=0)]
    return rows if rows.shape[1] >= LEAST_VALUES else None


def _trend(table: pd.DataFrame, value: str, column: str, axis: str) -> Trend | None:
    rows = _finite(table, (column, value))
    if rows is None or np.ptp(rows[0]) == 0.0:
        return None
    x, y = rows[:, np.lexsort((rows[1], rows[0]))]
    number = min(MOST_BINS, len(x) // LEAST_IN_BIN)
    parts = np.array_split(np.arange(len(x)), number)
    low, middle, high = np.array([np.quantile(y[p], (0.16, 0.5, 0.84)) for p in parts]).T
    return Trend(axis, np.array([np.median(x[p]) for p in parts]), middle, low, high, len(x))


def _map(
    table: pd.DataFrame, value: str, pair: tuple[str, str], words: tuple[str, str, str]
) -> Map | None:
    rows = _finite(table, (*pair, value))
    if rows is None:
        return None
    x, y, z = rows
    if pair[0] == "ra":
        x = _from_the_middle(x) * np.cos(np.radians(y))
    side = max(float(np.ptp(x)), float(np.ptp(y))) / CELLS
    if not side > 0.0:
        return None
    column, row = (np.floor((a - a.min()) / side).astype(np.int64) for a in (x, y))
    cell = row * (2 * CELLS) + column
    names, index = np.unique(cell, return_inverse=True)
    order = np.argsort(index, kind="stable")
    parts = np.split(z[order], np.flatnonzero(np.diff(index[order])) + 1)
    return Map(
        words[0],
        words[1],
        words[2],
        x.min() + (names % (2 * CELLS) + 0.5) * side,
        y.min() + (names // (2 * CELLS) + 0.5) * side,
        side,
        np.array([np.median(p) for p in parts]),
        np.array([len(p) for p in parts]),
    )


def _from_the_middle(ra: Floats) -> Floats:
    """Return right ascensions from their mean direction, so that 360 is next to 0."""
    angle = np.radians(ra)
    middle = np.degrees(np.arctan2(np.sin(angle).mean(), np.cos(angle).mean()))
    return np.asarray((ra - middle + 180.0) % 360.0 - 180.0)
