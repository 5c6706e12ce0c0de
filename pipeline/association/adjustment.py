"""Block adjustment: unknown stars and unknown exposures from repeated measurements.

Each measurement is y = star - exposure terms + noise. With the stars eliminated from the
normal equations only the few exposure parameters are solved for (Eichhorn 1960 for plates;
Padmanabhan et al. 2008 for zero points).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.sparse import coo_array, csr_array, diags_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
#: Parameters up to which a group is solved densely; beyond, by sparse factors.
_DENSE = 3000
#: Filling of a matrix from which dense algebra is faster, and its elements at most (800 MB).
_FULL, _MOST = 0.05, 1e8
#: A parameter whose variance, all others being free, is this many times that with all others
#: held is not determined: ten digits of sixteen are gone.
_SINGULAR = 1e10


@dataclass(frozen=True)
class Adjusted:
    """Solution of a block adjustment.

    Attributes
    ----------
    parameters, variances : ndarray, shape (p,)
        Of the exposures; NaN where nothing determines them.
    stars, star_variances : ndarray, shape (s,)
        Of the stars, given the parameters' means (their errors are not in it); NaN without
        measurements.
    residual : ndarray, shape (n,)
        Measured less adjusted.
    freedom : float
        Effective number of parameters and stars that the measurements determine.
    """

    parameters: Floats
    variances: Floats
    stars: Floats
    star_variances: Floats
    residual: Floats
    freedom: float


def adjust(
    y: Floats,
    sigma: Floats,
    star: Ints,
    n_stars: int,
    terms: csr_array,
    mean: Floats,
    prior: Floats,
    known: Floats | None = None,
    known_sigma: Floats | None = None,
) -> Adjusted:
    """Solve y = star - terms @ parameters.

    Parameters
    ----------
    y, sigma : ndarray, shape (n,)
        Measurements and standard errors.
    star : ndarray of int, shape (n,)
        Which star each is of, 0 to n_stars - 1.
    n_stars : int
    terms : csr_array, shape (n, p)
        Of order unity.
    mean, prior : ndarray, shape (p,)
        Prior means and standard deviations; infinite for none.
    known, known_sigma : ndarray, shape (s,), optional
        What is known of the stars, with its errors; an infinite error for nothing.
    """
    weight = sigma**-2.0
    y = y + terms @ mean
    anchor = np.zeros(n_stars) if known_sigma is None else known_sigma**-2.0
    offset = np.zeros(n_stars) if known is None else np.where(anchor > 0, known, 0.0)
    total = np.bincount(star, weight, n_stars) + anchor
    inverse = np.divide(1.0, total, out=np.zeros(n_stars), where=total > 0)
    # Stars are means of their measurements: what is left couples the exposures.
    count = len(y)
    pick = csr_array((np.ones(count), (np.arange(count), star)), shape=(count, n_stars))
    weighted = diags_array(weight) @ terms
    cross = pick.T @ weighted
    first = inverse * (np.bincount(star, weight * y, n_stars) + anchor * offset)
    data = csr_array(terms.T @ weighted - _product(csr_array(cross), inverse))
    right = -(weighted.T @ y) + cross.T @ first
    delta, variances, used = _solve(data, np.asarray(right), prior**-2.0)
    stars = np.where(total > 0, first + inverse * (cross @ np.nan_to_num(delta)), np.nan)
    residual = y - stars[star] + terms @ np.nan_to_num(delta)
    with np.errstate(divide="ignore"):
        spread = np.where(total > 0, 1.0 / total, np.nan)
    fixed = float((inverse * (total - anchor)).sum())
    return Adjusted(mean + delta, variances, stars, spread, residual, fixed + used)


def _product(cross: csr_array, weight: Floats) -> csr_array:
    """Return cross.T @ diag(weight) @ cross, by dense algebra where that is faster."""
    size = float(cross.shape[0]) * cross.shape[1]
    if cross.shape[1] <= _DENSE and cross.nnz > _FULL * size and size < _MOST:
        full = np.sqrt(weight)[:, None] * cross.toarray()
        return csr_array(full.T @ full)
    return csr_array(cross.T @ (diags_array(weight) @ cross))


def _solve(data: csr_array, right: Floats, precision: Floats) -> tuple[Floats, Floats, float]:
    """Return parameters, variances and how many of them the data determine, group by group."""
    _, label = connected_components(data, directed=False)
    values, variances = np.full(right.size, np.nan), np.full(right.size, np.nan)
    used = 0.0
    for rows in np.split(np.argsort(label, kind="stable"), np.cumsum(np.bincount(label))[:-1]):
        block = csr_array(data[rows][:, rows])
        solved = _block(block, right[rows], precision[rows])
        if solved is not None:
            values[rows], variances[rows], covered = solved
            used += covered
    return values, variances, used


def _block(
    data: csr_array, right: Floats, precision: Floats
) -> tuple[Floats, Floats, float] | None:
    """Return the solution of one group; None where it is not determined."""
    if right.size > _DENSE:
        return _sparse_block(data, right, precision)
    try:
        factor = cho_factor(data.toarray() + np.diag(precision))
    except LinAlgError:
        return None
    variances = np.diag(cho_solve(factor, np.eye(right.size)))
    # A free level has a finite variance only by rounding.
    if np.any(variances * (data.diagonal() + precision) > _SINGULAR):
        return None
    values = np.asarray(cho_solve(factor, right), float)
    return values, np.asarray(variances, float), float((1.0 - variances * precision).sum())


def _sparse_block(
    data: csr_array, right: Floats, precision: Floats
) -> tuple[Floats, Floats, float] | None:
    """Return the solution of a large group, its variances by columns in turn."""
    try:
        factor: Any = splu((data + diags_array(precision)).tocsc())
    except RuntimeError:  # how it says that the matrix is exactly singular
        return None
    variances = np.empty(right.size)
    for start in range(0, right.size, 256):
        rows = np.arange(start, min(start + 256, right.size))
        unit = np.zeros((right.size, rows.size))
        unit[rows, np.arange(rows.size)] = 1.0
        variances[rows] = factor.solve(unit)[rows, np.arange(rows.size)]
    if not np.all(variances * (data.diagonal() + precision) <= _SINGULAR) or np.any(variances < 0):
        return None
    return factor.solve(right), variances, float((1.0 - variances * precision).sum())


def groups(star: Ints, exposure: Ints, n_stars: int, n_exposures: int) -> Ints:
    """Return for each exposure the number of its group, from 0.

    Exposures are of one group that share stars, or are linked by others that do: relative
    quantities are known within a group and not between groups.
    """
    ones = np.ones(len(star), np.int8)
    size = n_stars + n_exposures
    graph = coo_array((ones, (star + n_exposures, exposure)), shape=(size, size))
    label: NDArray[Any] = connected_components(graph, directed=False)[1][:n_exposures]
    _, first = np.unique(label, return_index=True)
    rank = np.empty(int(label.max(initial=-1)) + 1, np.int64)
    rank[label[np.sort(first)]] = np.arange(len(first))
    return np.asarray(rank[label], np.int64)


def worst_outliers(
    residual: Floats,
    sigma: Floats,
    star: Ints,
    exposure: Ints,
    star_variances: Floats,
    clip: float,
) -> NDArray[np.bool_]:
    """Return the measurements beyond `clip` standard errors that nothing else explains.

    Those that are the worst of their star, whose mean they pull away from the others, and at
    least half as bad as the worst of their exposure, which they pull too: what a worse one
    has dragged along may be good once that is gone. The standard error is that of the
    difference to a mean of which the measurement itself is a part; a star's only measurement
    has none.
    """
    variance = sigma**2 - star_variances[star]
    alone = variance <= 1e-9 * sigma**2
    pull = np.where(alone, 0.0, np.abs(residual) / np.sqrt(np.where(alone, 1.0, variance)))
    of_star = np.zeros(len(star_variances))
    np.maximum.at(of_star, star, pull)
    of_exposure = np.zeros(int(exposure.max(initial=-1)) + 1)
    np.maximum.at(of_exposure, exposure, pull)
    worst = (pull >= of_star[star]) & (pull >= 0.5 * of_exposure[exposure])
    return np.asarray((pull > clip) & worst, np.bool_)
