"""The scatter of cells that lie in regions: what a region shares, and what is a cell's own.

A value of cell c in region g is modelled as ``mean + region(g) + own(c) + noise(c)``. The mean
is that of the data; what it takes away from the scatter is given back. The regions' part has
as many degrees of freedom as there are regions, however many cells they hold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import Interval
from skyassay.metrics.plugin import NotMeasured
from skyassay.metrics.statistics.bounds import Part, chi_square_part, mover
from skyassay.metrics.statistics.clustered import Clusters, clusters
from skyassay.metrics.statistics.neighbours import shared_regions
from skyassay.metrics.statistics.scale import root_interval

Floats = NDArray[np.float64]
METHOD = "variance components region x cell (MOVER), noise removed"


@dataclass(frozen=True)
class Nested:
    """A split of the scatter of cells.

    Attributes
    ----------
    deviation : ndarray, shape (n,)
        From the mean of all cells, noise included.
    own : ndarray, shape (n,)
        From the mean of the cell's region.
    groups : Clusters
        Regions of the cells.
    between, within : float
        Mean squares that add up to the variance of one cell, noise included.
    between_dof : float
        Degrees of freedom of `between`; regions that are like their neighbours count for fewer.
    noise : float
        Mean variance of the cells' own noise.
    within_dof : float
        Degrees of freedom of `within`; regions that differ in their scatter count for fewer.
    """

    deviation: Floats
    own: Floats
    groups: Clusters
    between: float
    between_dof: float
    within: float
    noise: float
    within_dof: float

    @property
    def variance(self) -> float:
        """Return the variance of one cell without its noise, not below zero."""
        return max(self.between + self.within - self.noise, 0.0)

    @property
    def shared(self) -> float:
        """Return the share of the variance that lies between regions."""
        total = self.between + self.within
        return self.between / total if total > 0.0 else 0.0

    def clean(self) -> Floats:
        """Return the deviations on the scale of the population: noise off, mean given back."""
        raw = float(np.square(self.deviation).mean())
        return np.asarray(self.deviation * (np.sqrt(self.variance / raw) if raw > 0.0 else 0.0))

    def between_part(self, alpha: float) -> Part:
        """Return the regions' part with its bounds at a one-sided tail."""
        return chi_square_part(self.between, self.between_dof, alpha)

    def variance_part(self, alpha: float) -> Part:
        """Return the variance of one cell without noise, with its bounds."""
        own = chi_square_part(self.within, self.within_dof, alpha)
        total = mover([self.between_part(alpha), own])
        low, high = (max(x - self.noise, 0.0) for x in (total.low, total.high))
        return Part(self.variance, low, high)

    def spread(self) -> tuple[float, Interval]:
        """Return the standard deviation of one cell without its noise, and its interval."""
        return float(np.sqrt(self.variance)), root_interval(self.variance_part, METHOD)


def split(
    values: Floats,
    noise: Floats,
    label: NDArray[np.int64],
    direction: Floats | None = None,
    near: float = 0.0,
) -> Nested:
    """Return the split of cell values by region.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Any unit.
    noise : ndarray, shape (n,)
        Variance of each value's own noise, in the unit squared.
    label : ndarray of int, shape (n,)
        Region of each cell.
    direction : ndarray, shape (3, n), optional
        Unit vector to the region of each cell: neighbouring regions may then share an error.
    near : float
        Distance within which regions are neighbours, degrees.

    Raises
    ------
    NotMeasured
        ``too_few_clusters`` for fewer than two regions, ``too_few_cells`` when no region has
        two cells: then what cells share cannot be told from what is their own.
    """
    groups = clusters(label)
    size = np.bincount(groups.label, minlength=groups.number)
    deviation = values - values.mean()
    centre = np.bincount(groups.label, values, groups.number) / size
    own = values - centre[groups.label]
    squares = np.bincount(groups.label, own**2, groups.number)
    dof = size - 1
    if not dof.sum():
        raise NotMeasured(
            "too_few_cells",
            "Every region holds one cell: what cells share cannot be told from what is their own.",
        )
    given_back = groups.variance_of_mean(deviation, np.ones(len(values)))
    between = float((size * (centre - values.mean()) ** 2).sum()) / len(values) + given_back
    trace, between_dof = groups.number - 1.0, groups.dof
    if direction is not None:
        first = np.unique(groups.label, return_index=True)[1]
        trace, alike = shared_regions(centre, direction[:, first], near)
        between_dof = min(between_dof, alike)
    return Nested(
        deviation=deviation,
        own=own,
        groups=groups,
        between=between * (groups.number - 1.0) / trace,
        between_dof=between_dof,
        within=float(squares.sum()) / len(values),
        noise=float(noise.mean()),
        within_dof=_within_dof(squares.astype(np.float64), dof),
    )


def _within_dof(squares: Floats, dof: NDArray[np.intp]) -> float:
    """Return Satterthwaite's degrees of freedom of a sum of squares over regions."""
    total, most = float(squares.sum()), float(dof.sum())
    regions = float((dof > 0).sum())
    if regions < 2 or total <= 0.0:
        return most if total <= 0.0 else 1.0
    residual = squares - dof * total / most
    variance = regions / (regions - 1.0) * float(np.square(residual).sum())
    return float(np.clip(2.0 * total**2 / variance, 1.0, most)) if variance > 0.0 else most
