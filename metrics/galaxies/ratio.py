"""Ratio of two scatters that share visits, with its interval.

A visit's zero point moves stars and galaxies alike. Leaving out one visit at a time moves
numerator and denominator together, so what cancels in the ratio cancels in its error.
Galaxies differ from each other in their own scatter: they are the second unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from skyassay.metrics.contract import Interval, Recipe
from skyassay.metrics.family import MOST_COPIES
from skyassay.metrics.plugin import SMALLEST_SPREAD, NotMeasured
from skyassay.metrics.statistics.bounds import chi_square_part
from skyassay.metrics.statistics.clustered import interval_of
from skyassay.metrics.visit_table import VisitTable

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Ratio:
    """The ratio and what it is made of; scatters in mmag.

    `visit_share` is the share of the galaxies' variance that they share with the stars of
    their visit.
    """

    value: float
    interval: Interval
    star_rms: float
    galaxy_rms: float
    n_galaxies: int
    n_visits: int
    visit_share: float


def matched_ratio(
    stars: VisitTable, galaxies: VisitTable, recipe: Recipe | Mapping[str, Any]
) -> Ratio:
    """Return the ratio of the galaxies' scatter to that of stars of their magnitudes.

    Parameters
    ----------
    stars, galaxies : VisitTable
        Of one band, every source with two visits or more.
    recipe : Recipe
        ``bin_mag``, ``min_stars_per_bin``, ``min_sources``, ``min_visits``.

    Raises
    ------
    NotMeasured
        ``too_few_visits``, ``no_common_magnitudes``, ``no_scatter``.
    """
    visits = np.union1d(stars.visit, galaxies.visit)
    if len(visits) < recipe["min_visits"]:
        raise NotMeasured(
            "too_few_visits", f"{len(visits)} visits; {recipe['min_visits']} are needed."
        )
    x, y = (_on(t, visits) for t in (stars, galaxies))
    for table in (x, y):
        _refuse_copies(table)
    weight, use = _weights(x, y, recipe["bin_mag"], recipe["min_stars_per_bin"])
    if int(use.sum()) < recipe["min_sources"]:
        raise NotMeasured(
            "no_common_magnitudes",
            f"{int(use.sum())} galaxies have stars of their magnitude beside them; "
            f"{recipe['min_sources']} are needed.",
        )
    y, ones = y[use], np.ones(int(use.sum()))
    value = _log_ratio(x, y, weight)
    left = np.array(
        [_log_ratio(np.delete(x, v, 1), np.delete(y, v, 1), weight) for v in range(len(visits))]
    )
    n = len(visits)
    from_visits = (n - 1) / n * float(np.square(left - left.mean()).sum())
    if not from_visits > 0.0:
        raise NotMeasured("no_scatter", "The ratio is the same whichever visit is left out.")
    from_sources = _of_units(y, ones) + _of_units(x, weight)
    from_cells = _of_cells(y, ones) + _of_cells(x, weight)
    # Crossed units: what is each measurement's own was counted by both (Cameron et al. 2011).
    variance = max(from_visits + from_sources - from_cells, from_visits)
    # The visits' part has their degrees of freedom, the rest has plenty.
    dof = (n - 1) * (variance / from_visits) ** 2
    error, own = float(np.sqrt(variance)), float(np.sqrt(from_sources))
    shared = _Shared.of(x, y, weight)

    def bounds(alpha: float) -> tuple[float, float]:
        reach = -float(stdtrit(dof, alpha)) * error
        down, up = shared.reaches(alpha)
        noise = -float(ndtri(alpha)) * own
        low = value - max(reach, float(np.hypot(down, noise)))
        high = value + max(reach, float(np.hypot(up, noise)))
        return float(np.exp(0.5 * low)), float(np.exp(0.5 * high))

    return Ratio(
        value=float(np.exp(0.5 * value)),
        interval=interval_of(bounds, "leave out visits and sources, Student's t"),
        star_rms=float(np.sqrt(_variance(x, weight))),
        galaxy_rms=float(np.sqrt(_variance(y, ones))),
        n_galaxies=len(y),
        n_visits=n,
        visit_share=shared.value / shared.galaxies,
    )


@dataclass(frozen=True)
class _Shared:
    """The variance that stars and galaxies share visit by visit, and all of either.

    Few visits show little of a shared variance more often than much, and then leave-one-out
    errors are too small as well; chi-square bounds of it are not.
    """

    value: float
    stars: float
    galaxies: float
    visits: int

    @classmethod
    def of(cls, x: Floats, y: Floats, weight: Floats) -> _Shared:
        """Return the covariance of the visits' mean deviations of stars and galaxies."""
        ones = np.ones(len(y))
        both = np.stack([_visit_means(x, weight), _visit_means(y, ones)])
        both = both[:, np.isfinite(both).all(axis=0)]
        top, bottom = _variance(y, ones), _variance(x, weight)
        shared = float(np.cov(both)[0, 1]) if both.shape[1] > 1 else 0.0
        return cls(
            float(np.clip(shared, 0.0, 0.999 * min(top, bottom))), bottom, top, both.shape[1]
        )

    def reaches(self, alpha: float) -> tuple[float, float]:
        """Return how far down and up the log of the ratio moves at the bounds of the share."""
        if self.value <= 0.0 or self.visits < 2:
            return 0.0, 0.0
        part = chi_square_part(self.value, self.visits - 1.0, alpha)
        moved = [self._moved(part.low), self._moved(part.high)]
        return max(-min(moved), 0.0), max(*moved, 0.0)

    def _moved(self, shared: float) -> float:
        more = shared - self.value
        before = np.log(self.galaxies / self.stars)
        return float(np.log((self.galaxies + more) / (self.stars + more)) - before)


def _visit_means(x: Floats, weight: Floats) -> Floats:
    """Return the mean deviation of each visit from the sources' own means; NaN if unseen."""
    off = x - np.nanmean(x, axis=1, keepdims=True)
    w = np.where(np.isfinite(off), weight[:, None], 0.0)
    total = w.sum(axis=0)
    means = (w * np.nan_to_num(off)).sum(axis=0) / np.where(total > 0, total, 1.0)
    return np.where(total > 0, means, np.nan)


def _on(table: VisitTable, visits: NDArray[np.int64]) -> Floats:
    """Return magnitudes in mmag on a common list of visits."""
    out = np.full((len(table.star), len(visits)), np.nan)
    out[:, np.searchsorted(visits, table.visit)] = table.mag * 1e3
    return out


def _refuse_copies(x: Floats) -> None:
    scatter = np.nanstd(x, axis=1)
    if float((scatter <= SMALLEST_SPREAD).mean()) > MOST_COPIES:
        raise NotMeasured(
            "no_scatter", "Repeated values agree exactly: they are copies, not measurements."
        )


def _weights(x: Floats, y: Floats, step: float, least: int) -> tuple[Floats, NDArray[np.bool_]]:
    """Return weights that give stars the magnitudes of the galaxies, and the galaxies used."""
    bins = [np.floor(np.nanmean(t, axis=1) / 1e3 / step).astype(np.int64) for t in (x, y)]
    names, n_stars = np.unique(bins[0], return_counts=True)
    names = names[n_stars >= least]
    use = np.isin(bins[1], names)
    weight = np.zeros(len(x))
    for name in names:
        mine = bins[0] == name
        weight[mine] = np.sum(bins[1] == name) / mine.sum()
    return weight, use


def _squares(x: Floats) -> tuple[Floats, Floats]:
    """Return, per source, the sum of squared deviations and the degrees of freedom."""
    seen = np.isfinite(x)
    count = seen.sum(axis=1)
    zero = np.where(seen, x, 0.0)
    mean = zero.sum(axis=1) / np.maximum(count, 1)
    off = np.where(seen, zero - mean[:, None], 0.0)
    return np.square(off).sum(axis=1), np.maximum(count - 1, 0).astype(np.float64)


def _variance(x: Floats, weight: Floats) -> float:
    """Return the population variance of one measurement, sources weighted."""
    square, dof = _squares(x)
    return float(weight @ square / max(float(weight @ dof), 1.0))


def _log_ratio(x: Floats, y: Floats, weight: Floats) -> float:
    """Return the log of the ratio of variances, galaxies over stars."""
    top, bottom = _variance(y, np.ones(len(y))), _variance(x, weight)
    if not (top > SMALLEST_SPREAD**2 and bottom > SMALLEST_SPREAD**2):
        raise NotMeasured("no_scatter", "Repeated values do not scatter in some set of visits.")
    return float(np.log(top / bottom))


def _of_units(x: Floats, weight: Floats) -> float:
    """Return the variance of the log of a variance that its sources bring in."""
    square, dof = _squares(x)
    total, level = float(weight @ dof), _variance(x, weight)
    influence = weight * (square - level * dof) / (level * total)
    return float(np.square(influence).sum())


def _of_cells(x: Floats, weight: Floats) -> float:
    """Return the part of that which single measurements bring in, for normal errors."""
    _, dof = _squares(x)
    total = float(weight @ dof)
    return float(np.sum(2.0 * weight**2 * dof)) / total**2
