"""Two crossed sources of scatter: what a visit shares, and what is a star's own.

A value x(u, v) of unit u (a star, or a pair of stars) in visit v is modelled as

    unit mean + sum_j basis_j(u) * c_j(v) + cell(v, sky cell of u) + own(u, v).

The first basis function is 1: the term shared by the whole visit. For pairs the next two
are the shear of the visit's distortion. Every shared term has only as many degrees of
freedom as there are visits, however many stars saw it; that is what an interval made
from stars alone forgets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from skyassay.metrics.statistics.bounds import Part, chi_square_part, mover, pooled_part
from skyassay.metrics.statistics.factors import median_factor

_MAX_PASSES = 60
_TOLERANCE = 1e-7


@dataclass(frozen=True)
class SharedTerm:
    """One shared term.

    Attributes
    ----------
    name : str
    value : float
        Mean square per measurement, the units' own noise in it included.
    dof : float
    """

    name: str
    value: float
    dof: float


@dataclass(frozen=True)
class TwoWay:
    """A fitted two-way table.

    Attributes
    ----------
    count : ndarray of int, shape (n_units,)
        Visits of each unit.
    own : ndarray, shape (n_units, n_visits)
        Residuals of the unit's own term; NaN where not observed.
    basis : ndarray, shape (n_units, n_modes)
    coefficients : ndarray, shape (n_visits, n_modes)
    shared : tuple of SharedTerm
        Mean squares; together with `own_mean_square` they sum to the pooled variance.
    own_mean_square : float
        Pooled own part of the variance of one measurement.
    own_fraction : float
        Degrees of freedom left to the own part, per degree of freedom of the units.
    n_visits : int
    visit_excess, visit_variance : float
        What the terms of whole visits have beyond the units' noise, and the variance of it.
    raw_scatter : ndarray, shape (n_units,)
        Standard deviation (ddof 1) of each unit, nothing taken out.
    """

    count: NDArray[np.int64]
    own: NDArray[np.float64]
    basis: NDArray[np.float64]
    coefficients: NDArray[np.float64]
    shared: tuple[SharedTerm, ...]
    own_mean_square: float
    own_fraction: float
    n_visits: int
    visit_excess: float
    visit_variance: float
    raw_scatter: NDArray[np.float64]

    def shared_part(self, alpha: float) -> Part:
        """Return the shared variance of one measurement with its one-sided bounds."""
        return shared_part([(self, 1.0)], alpha)

    @property
    def modes(self) -> tuple[SharedTerm, ...]:
        """Return the terms a whole visit shares."""
        return self.shared[: self.basis.shape[1]]

    @property
    def cells(self) -> tuple[SharedTerm, ...]:
        """Return the term a visit shares within a sky cell, if there is one."""
        return self.shared[self.basis.shape[1] :]

    @property
    def shared_mean_square(self) -> float:
        """Variance of one measurement that its visit shares with others."""
        return sum(term.value for term in self.shared)

    def shared_variance(self) -> NDArray[np.float64]:
        """Return the variance each unit shares with its visit, shape (n_units,)."""
        squares = self.basis**2
        mean = squares.mean(axis=0)
        modes = np.array([t.value for t in self.modes])
        cells = sum(t.value for t in self.cells)
        ratio = np.divide(modes, mean, out=np.zeros_like(modes), where=mean > 0)
        return np.asarray(squares @ ratio + cells)

    def own_scatter(self) -> NDArray[np.float64]:
        """Return each unit's own standard deviation, free of its small-sample bias.

        Median-unbiased: divided by the median of the sample deviation at its own
        degrees of freedom, so that their median estimates the population's median.
        Scaled so that squares add to the shared mean squares.
        """
        dof = (self.count - 1).astype(np.float64)
        square = np.nansum(self.own**2, axis=1) / dof
        return np.asarray(np.sqrt(square) / median_factor(dof))


def shared_part(sides: Sequence[tuple[TwoWay, float]], alpha: float) -> Part:
    """Return the shared variance of one or two fits with its one-sided bounds.

    Parameters
    ----------
    sides : sequence of (TwoWay, float)
        Fits, each with a factor on its mean squares.
    alpha : float
        One-sided tail.
    """
    dofs = [(fit.modes[0].dof, fit.modes[0].dof * len(fit.modes)) for fit, _ in sides]
    visit = pooled_part(
        sum(f * t.value for fit, f in sides for t in fit.modes),
        sum(f * fit.visit_excess for fit, f in sides),
        sum(f**2 * fit.visit_variance for fit, f in sides),
        (min(low for low, _ in dofs), sum(high for _, high in dofs)),
        alpha,
    )
    cells = [chi_square_part(f * t.value, t.dof, alpha) for fit, f in sides for t in fit.cells]
    return mover([visit, *cells])


def fit_two_way(
    x: NDArray[np.float64],
    basis: NDArray[np.float64] | None = None,
    cell: NDArray[np.int64] | None = None,
    ends: NDArray[np.intp] | None = None,
) -> TwoWay:
    """Split the scatter of a table of units by visits.

    Parameters
    ----------
    x : ndarray, shape (n_units, n_visits)
        Values; NaN where a visit did not see a unit. Every unit needs two visits.
    basis : ndarray, shape (n_units, n_modes), optional
        What one visit may add to every unit; the first column is 1. Default: only that.
    cell : ndarray of int, shape (n_units,), optional
        Sky cell of each unit, for a term shared by a visit and a cell.
    ends : ndarray of int, shape (n_units, k), optional
        Stars of each unit, where units share stars.

    Returns
    -------
    TwoWay
    """
    seen = np.isfinite(x)
    count = seen.sum(axis=1)
    basis = np.ones((len(x), 1)) if basis is None else basis
    zero = np.where(seen, x, 0.0)
    r = np.where(seen, zero - (zero.sum(axis=1) / count)[:, None], 0.0)
    total = float(np.square(r).sum())
    raw_scatter = np.sqrt(np.square(r).sum(axis=1) / np.maximum(count - 1, 1))
    r, coefficients = _remove_modes(r, seen, basis, count)
    after_modes = float(np.square(r).sum())
    dof_units = int(count.sum() - len(x))
    visit_dof = _visit_dof(seen)
    shared = _mode_terms(total - after_modes, coefficients, basis, seen, dof_units, visit_dof)
    noise = _mode_noise(r, seen, basis, ends) / dof_units
    excess, variance = _visit_excess(shared, noise, coefficients, visit_dof)
    dof_own = dof_units - basis.shape[1] * visit_dof
    if cell is not None:
        r, term, cell_dof = _remove_cells(r, seen, cell, dof_units)
        shared += (term,)
        dof_own -= cell_dof
    return TwoWay(
        count=count,
        own=np.where(seen, r, np.nan),
        basis=basis,
        coefficients=coefficients,
        shared=shared,
        own_mean_square=float(np.square(r).sum()) / dof_units,
        own_fraction=max(dof_own, 0.0) / dof_units,
        n_visits=int((seen.sum(axis=0) > 0).sum()),
        visit_excess=excess,
        visit_variance=variance,
        raw_scatter=raw_scatter,
    )


def _remove_modes(
    r: NDArray[np.float64],
    seen: NDArray[np.bool_],
    basis: NDArray[np.float64],
    count: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit every visit's modes and every unit's mean in turn until neither moves."""
    weights = seen.astype(np.float64)
    products = (basis[:, :, None] * basis[:, None, :]).reshape(len(basis), -1)
    normal = (weights.T @ products).reshape(-1, basis.shape[1], basis.shape[1])
    inverse = np.linalg.pinv(normal, hermitian=True)
    coefficients = np.zeros((r.shape[1], basis.shape[1]))
    scale = float(np.sqrt(np.square(r).mean())) or 1.0
    for _ in range(_MAX_PASSES):
        step = np.einsum("vjk,vk->vj", inverse, r.T @ basis)
        coefficients += step
        r = np.where(seen, r - basis @ step.T, 0.0)
        drift = r.sum(axis=1) / count
        r = np.where(seen, r - drift[:, None], 0.0)
        if float(np.abs(drift).max(initial=0.0)) < _TOLERANCE * scale:
            break
    return r, coefficients


def _visit_dof(seen: NDArray[np.bool_]) -> float:
    """Return the effective number of visits less one per connected group of fields."""
    stars = seen.sum(axis=0).astype(np.float64)
    stars = stars[stars > 0]
    if bool(seen.all()):
        return len(stars) - 1.0
    units, visits = np.nonzero(seen)
    size = sum(seen.shape)
    graph = coo_array((np.ones(len(units)), (units, visits + seen.shape[0])), shape=(size, size))
    n_parts, _ = connected_components(graph, directed=False)
    lonely = int((seen.sum(axis=0) == 0).sum())
    effective = float(stars.sum() ** 2 / np.square(stars).sum())
    return max(effective - (n_parts - lonely), 1.0)


def _mode_terms(
    removed: float,
    coefficients: NDArray[np.float64],
    basis: NDArray[np.float64],
    seen: NDArray[np.bool_],
    dof_units: int,
    visit_dof: float,
) -> tuple[SharedTerm, ...]:
    """Divide what the modes removed among them, as mean squares per measurement."""
    squares = (seen.T.astype(np.float64) @ basis**2 * coefficients**2).sum(axis=0)
    share = squares / squares.sum() if squares.sum() > 0 else np.full(len(squares), 0.0)
    return tuple(
        SharedTerm(f"visit mode {j}", max(removed, 0.0) * float(s) / dof_units, visit_dof)
        for j, s in enumerate(share)
    )


def _mode_noise(
    r: NDArray[np.float64],
    seen: NDArray[np.bool_],
    basis: NDArray[np.float64],
    ends: NDArray[np.intp] | None,
) -> NDArray[np.float64]:
    """Return the sum of squares that own terms alone would put into each mode.

    Units that share a star move together: their terms are summed star by star.
    """
    if ends is None:
        ends = np.arange(len(r))[:, None]
    n_units, per_unit = ends.shape
    rows = np.repeat(np.arange(n_units), per_unit)
    shape = (int(ends.max()) + 1, n_units)
    member = coo_array((np.ones(rows.size), (ends.ravel(), rows)), shape=shape).tocsr()
    found = []
    for column in basis.T:
        term = r * column[:, None]
        size = seen.T.astype(np.float64) @ column**2
        squares = np.square(member @ term).sum(axis=0)
        squares -= (per_unit - 1) * np.square(term).sum(axis=0)
        found.append(float((squares[size > 0] / size[size > 0]).clip(0.0).sum()))
    return np.array(found)


def _visit_excess(
    modes: tuple[SharedTerm, ...],
    noise: NDArray[np.float64],
    coefficients: NDArray[np.float64],
    dof: float,
) -> tuple[float, float]:
    """Return the trace of the visits' covariance beyond noise, and the variance of it.

    A visit's modes may be one thing (refraction stretches one way: scale and shear move
    together), so their covariance counts, not their number. For a Wishart matrix S with
    `dof` degrees of freedom, unbiased for Sigma: Var(tr S) = 2 tr(Sigma^2) / dof, and
    tr(Sigma^2) is estimated from tr(S^2) and tr(S)^2 without bias.
    """
    value = np.array([t.value for t in modes])
    spread = coefficients - coefficients.mean(axis=0)
    size = np.sqrt(np.square(spread).sum(axis=0))
    unit = np.divide(spread, size, out=np.zeros_like(spread), where=size > 0)
    level = np.sqrt(np.maximum(value - noise, 0.0))
    matrix = (unit.T @ unit) * np.outer(level, level)
    trace = float(np.trace(matrix))
    square, of_squares = trace**2, float(np.square(matrix).sum())
    if dof <= 1.0:
        return trace, square
    sigma = (of_squares - square / dof) * dof**2 / (dof**2 + dof - 2.0)
    return trace, 2.0 * max(sigma, square / len(modes) / 3.0) / dof


def _remove_cells(
    r: NDArray[np.float64], seen: NDArray[np.bool_], cell: NDArray[np.int64], dof_units: int
) -> tuple[NDArray[np.float64], SharedTerm, float]:
    """Remove the mean of every (visit, sky cell); return what is left and the term."""
    _, label = np.unique(cell, return_inverse=True)
    n_cells = int(label.max()) + 1
    member = np.zeros((n_cells, len(r)))
    member[label, np.arange(len(r))] = 1.0
    number = member @ seen
    mean = np.divide(member @ r, number, out=np.zeros_like(number), where=number > 0)
    square = float((number * mean**2).sum())
    dof = float((n_cells - 1) * (r.shape[1] - 1))
    left = np.where(seen, r - mean[label], 0.0)
    return left, SharedTerm("visit and sky cell", square / dof_units, max(dof, 1.0)), dof
