"""Visits per cell and band, and what they say about an area."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import Recipe
from skyassay.metrics.plugin import NotMeasured
from skyassay.metrics.states.unit_rows import UnitRows
from skyassay.metrics.survey.sky import SkyGrid
from skyassay.metrics.survey.visits import survey_visits
from skyassay.pipeline.products import bands

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@lru_cache(maxsize=1)
def visits_per_cell(rows: UnitRows, grid: SkyGrid) -> Ints:
    """Return the number of visits, shape (n_bands, n_cells)."""
    number = len(bands())
    counts = np.zeros(number * grid.size, dtype=np.int64)
    for visit, cell in grid.seen(rows["ra"], rows["dec"]):
        key = rows["band"][visit] * grid.size + cell
        counts += np.bincount(key, minlength=len(counts))
    counts.flags.writeable = False
    return counts.reshape(number, grid.size)


def survey_counts(state: UnitRows, recipe: Recipe) -> tuple[Ints, SkyGrid, UnitRows]:
    """Return visits per band and cell, the cells, and the visits.

    Raises
    ------
    NotMeasured
        As `survey_visits`, and ``out_of_scope_area`` for a table of single fields.
    """
    rows, grid = survey_visits(state, recipe)
    counts = visits_per_cell(rows, grid)
    area = float((counts.sum(axis=0) > 0).sum() * grid.cell_area)
    least = recipe["visits"]["min_area_deg2"]
    if area < least:
        raise NotMeasured(
            "out_of_scope_area",
            f"The visits cover {area:.0f} deg2; the limit is about a survey of the sky.",
        )
    return counts, grid, rows


def most_visited(counts: Ints) -> Ints:
    """Return the cells, most visits first; of equals the one with the smaller number."""
    return np.argsort(-counts.sum(axis=0), kind="stable")


def medians_over(counts: Ints, area: float, grid: SkyGrid) -> Floats:
    """Return the median number of visits per band over the `area` (deg2) visited most."""
    number = min(int(np.ceil(area / grid.cell_area)), grid.size)
    return np.asarray(np.median(counts[:, most_visited(counts)[:number]], axis=1))


def uniform_cells(counts: Ints, visits: float, total_share: float, band_share: float) -> Ints:
    """Return the cells that are covered like the others, most visits first.

    A cell has at least `total_share` of `visits` in all bands together, and in every band
    at least `band_share` of the median of the cells that have that.
    """
    order: Ints = most_visited(counts)
    order = order[counts.sum(axis=0)[order] >= total_share * visits]
    if not len(order):
        return order
    usual = np.median(counts[:, order], axis=1)
    return np.asarray(order[(counts[:, order] >= band_share * usual[:, None]).all(axis=0)])


def cells_reaching(counts: Ints, cells: Ints, visits: float) -> int:
    """Return how many of the `cells`, taken from the first, have medians that reach `visits`.

    The sum over bands of the median visits falls as cells with fewer visits come in; it is
    bisected, and what is returned does reach `visits`.
    """

    def reached(number: int) -> bool:
        return bool(np.median(counts[:, cells[:number]], axis=1).sum() >= visits)

    low, high = 0, len(cells)
    if high and reached(high):
        return high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if reached(middle) else (low, middle)
    return low
