"""Confidence bounds of sums of variance components.

MOVER (Zou and Donner 2008) joins one-sided bounds of the parts into bounds of their sum;
for chi-square bounds it is the modified large sample method of Graybill and Wang (1980).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri, ndtri

#: One-sided tail of each bound: the two-sided 95 % interval and the verdict's 95 % limit.
TWO_SIDED_ALPHA = 0.025
ONE_SIDED_ALPHA = 0.05


@dataclass(frozen=True)
class Part:
    """One term of a sum: its estimate and its one-sided bounds at one alpha."""

    value: float
    low: float
    high: float


def chi_square_part(value: float, dof: float, alpha: float) -> Part:
    """Return a mean square with `dof` degrees of freedom and its bounds.

    Parameters
    ----------
    value : float
        Mean square, any unit squared.
    dof : float
        Degrees of freedom, greater than zero.
    alpha : float
        One-sided tail.
    """
    return Part(
        value,
        value * dof / float(chdtri(dof, alpha)),
        value * dof / float(chdtri(dof, 1.0 - alpha)),
    )


def pooled_part(
    total: float, excess: float, variance: float, dofs: tuple[float, float], alpha: float
) -> Part:
    """Return the sum of mean squares that whole visits share, with its bounds.

    Bounding the terms one by one would be too narrow below and far too wide above; their
    sum is bounded with Satterthwaite's degrees of freedom, ``2 E^2 / Var``, made from what
    the terms have beyond the noise of the units' own terms: terms that are nothing but
    noise must not lend their degrees of freedom to the one that is not.

    Parameters
    ----------
    total : float
        Sum of the mean squares.
    excess, variance : float
        What of it is beyond the noise, and the estimated variance of that sum.
    dofs : (float, float)
        Fewest and most degrees of freedom the sum can have.
    alpha : float
        One-sided tail.
    """
    if total <= 0.0:
        return Part(0.0, 0.0, 0.0)
    dof = dofs[0]
    if excess > 0.0 and variance > 0.0:
        # E[excess^2] is the square plus the variance, which is taken off
        dof = 2.0 * (excess**2 / variance - 1.0)
    return chi_square_part(total, float(np.clip(dof, *dofs)), alpha)


def mover(parts: Sequence[Part]) -> Part:
    """Return the sum of the parts with its bounds."""
    total = sum(p.value for p in parts)
    down = float(np.sqrt(sum((p.value - p.low) ** 2 for p in parts)))
    up = float(np.sqrt(sum((p.high - p.value) ** 2 for p in parts)))
    return Part(total, max(total - down, 0.0), total + up)


def quantile_bounds(
    values: NDArray[np.float64], sign_error: float, alpha: float
) -> tuple[float, float]:
    """Return bounds of the median by inverting its sign test (Woodruff 1952).

    Parameters
    ----------
    values : ndarray, shape (n,)
    sign_error : float
        Standard error of the mean of ``values < median``: 0.5 / sqrt(n) for independent values.
    alpha : float
        One-sided tail.
    """
    shift = -float(ndtri(alpha)) * sign_error
    low, high = np.quantile(values, [max(0.5 - shift, 0.0), min(0.5 + shift, 1.0)])
    return float(low), float(high)


def independent_units(ends: NDArray[np.intp]) -> float:
    """Return how many units can be independent: pairs cannot outnumber half their stars."""
    return min(float(len(ends)), float(len(np.unique(ends))) / int(ends.shape[1]))


def clustered_error(
    influence: NDArray[np.float64], ends: NDArray[np.intp], n_clusters: int
) -> float:
    """Return the standard error of a mean whose terms share one or two stars.

    Parameters
    ----------
    influence : ndarray, shape (n,)
        Terms minus their mean.
    ends : ndarray of int, shape (n, k)
        The star (k = 1) or the two stars (k = 2) of each term.
    n_clusters : int

    Notes
    -----
    The dyadic cluster-robust variance (Aronow, Samii and Assenova 2015): terms that share a
    star are correlated, a term is not counted twice.
    """
    n = len(influence)
    sums = sum(np.bincount(column, influence, n_clusters) for column in ends.T)
    own = float(influence @ influence)
    total = float(np.square(sums).sum()) - (ends.shape[1] - 1) * own
    used = len(np.unique(ends))
    correction = used / max(used - 1, 1)
    return float(np.sqrt(max(total, own) * correction)) / n
