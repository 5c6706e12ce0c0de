"""From rows of stars to tables of stars by visits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.states.star_sample import BandStars, StarSample

#: Cells of the dense table; beyond it the stars with the larger hashes stay out.
_CELL_BOUND = 6_000_000
#: Sides of a sky cell tried, smallest first, degree.
_CELL_SIDES = (0.35, 0.7, 1.4)
_STARS_PER_CELL = 12.0


@dataclass(frozen=True)
class VisitTable:
    """One band's measurements as stars by visits.

    Attributes
    ----------
    star : ndarray of int64, shape (n_stars,)
        In hash order.
    visit : ndarray of int64, shape (n_visits,)
        Sorted.
    mag : ndarray, shape (n_stars, n_visits)
        NaN where not seen.
    direction : ndarray, shape (n_stars, n_visits, 3)
        Unit vectors, NaN where not seen.
    """

    star: NDArray[np.int64]
    visit: NDArray[np.int64]
    mag: NDArray[np.float64]
    direction: NDArray[np.float64]

    @property
    def count(self) -> NDArray[np.int64]:
        """Return the number of visits of each star."""
        return np.asarray(np.isfinite(self.mag).sum(axis=1))

    @property
    def mean_direction(self) -> NDArray[np.float64]:
        """Return the mean unit vector of each star: right across RA 0 and at a pole."""
        total = np.nansum(self.direction, axis=1)
        return np.asarray(total / np.linalg.norm(total, axis=1)[:, None])


def band_table(state: StarSample, band: str, min_visits: int = 2) -> VisitTable:
    """Return the dense table of one band of a state; made once."""
    key = ("visit_table", band, min_visits)
    return state.derived.once(key, lambda: visit_table(state.bands[band], min_visits))


def visit_table(stars: BandStars, min_visits: int = 2) -> VisitTable:
    """Return the dense table of the stars with enough visits."""
    _, first, number = np.unique(stars.star, return_index=True, return_counts=True)
    order = np.argsort(first)
    number = number[order]
    visits = np.unique(stars.visit)
    row = np.repeat(np.arange(len(number)), number)
    enough = number >= min_visits
    limit = max(_CELL_BOUND // max(len(visits), 1), 1)
    keep = enough & (np.cumsum(enough) <= limit)
    new_row = np.cumsum(keep) - 1
    use = keep[row]
    at = (new_row[row[use]], np.searchsorted(visits, stars.visit[use]))
    shape = (int(keep.sum()), len(visits))
    mag = np.full(shape, np.nan)
    mag[at] = stars.mag[use]
    direction = np.full((*shape, 3), np.nan)
    ra, dec = stars.ra[use], stars.dec[use]
    direction[at] = np.stack(
        [np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=-1
    )
    seen = np.isfinite(mag).any(axis=0)
    star = stars.star[np.sort(first)][keep]
    return VisitTable(star, visits[seen], mag[:, seen], direction[:, seen])


def sky_cells(direction: NDArray[np.float64]) -> NDArray[np.int64] | None:
    """Return a fixed sky cell for each star, or None when the stars fill only one.

    Parameters
    ----------
    direction : ndarray, shape (n_stars, 3)
        Unit vectors.

    Notes
    -----
    The grid is fixed on the sky, so that cells do not depend on which stars are present;
    only its step does, so that a cell holds enough stars to have a mean.
    """
    dec = np.degrees(np.arcsin(np.clip(direction[:, 2], -1.0, 1.0)))
    ra = np.degrees(np.arctan2(direction[:, 1], direction[:, 0])) % 360.0
    for side in _CELL_SIDES:
        ring = np.floor((dec + 90.0) / side).astype(np.int64)
        middle = np.cos(np.radians((ring + 0.5) * side - 90.0))
        step = side / np.maximum(middle, 1e-6)
        cell = ring * 100_000 + np.floor(ra / step).astype(np.int64)
        number = len(np.unique(cell))
        if number > 1 and len(cell) / number >= _STARS_PER_CELL:
            return np.asarray(cell)
    return None
