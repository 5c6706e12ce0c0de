"""The place where a falling success rate crosses a level: magnitude limits.

The rate is a polynomial of the fourth degree in logit around the place where it is one half,
fitted by maximum likelihood; its errors come from leaving out clusters, because sources of one
patch of sky share its depth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, stdtrit

from skyassay.metrics.contract import Interval
from skyassay.metrics.plugin import NotMeasured
from skyassay.metrics.statistics.clustered import Clusters, clusters, interval_of

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
#: The fit covers this much before and after the half-way point; outside, the rate is flat.
_BEFORE, _AFTER = 1.25, 0.75
_DEGREE, _STEPS, _GRID = 4, 40, 2001
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class FallingCurve:
    """A fitted rate.

    Attributes
    ----------
    middle : float
        Start of the fit's argument: about where the rate is one half.
    coefficients : ndarray, shape (5,)
        Of powers of ``x - middle``, in logit.
    covariance : ndarray, shape (5, 5)
        Cluster-robust.
    groups : Clusters
    n : int
        Trials inside the fitted range.
    """

    middle: float
    coefficients: Floats
    covariance: Floats
    groups: Clusters
    n: int

    def rate(self, x: Floats) -> Floats:
        """Return the fitted rate at `x`, inside the fitted range."""
        return np.asarray(expit(_powers(x - self.middle) @ self.coefficients))

    def crossing(self, level: float) -> tuple[float, Interval]:
        """Return where the rate falls to `level` (0 to 1), and its interval.

        Raises
        ------
        NotMeasured
            ``level_not_reached`` when the rate does not fall through the level inside the
            fitted range.
        """
        t = np.linspace(-_BEFORE, _AFTER, _GRID)
        eta = _powers(t) @ self.coefficients - np.log(level / (1.0 - level))
        falls = np.flatnonzero((eta[:-1] > 0.0) & (eta[1:] <= 0.0))
        if not len(falls):
            raise NotMeasured(
                "level_not_reached",
                f"The rate does not fall through {level:.0%} within the sources at hand: "
                "fainter ones, or a survey that finds more of them, are needed.",
            )
        k = int(falls[np.argmin(np.abs(t[falls]))])
        at = t[k] + (t[k + 1] - t[k]) * eta[k] / (eta[k] - eta[k + 1])
        row = _powers(np.array([at]))[0]
        slope = float(np.polynomial.polynomial.polyval(at, _derivative(self.coefficients)))
        error = float(np.sqrt(row @ self.covariance @ row)) / max(abs(slope), 1e-12)
        value = self.middle + float(at)

        def bounds(alpha: float) -> tuple[float, float]:
            reach = -float(stdtrit(self.groups.dof, alpha)) * error
            return value - reach, value + reach

        return value, interval_of(bounds, f"logistic fit over {self.groups.number} groups")


def fit_falling(x: Floats, hit: Bools, label: NDArray[np.int64], least: int = 100) -> FallingCurve:
    """Fit the rate of hits as a falling function of `x`.

    Parameters
    ----------
    x : ndarray, shape (n,)
        Finite; magnitudes for instance.
    hit : ndarray of bool, shape (n,)
    label : ndarray of int, shape (n,)
        What shares an error: patches of sky.
    least : int
        Fewest hits, and fewest misses, inside the fitted range.

    Raises
    ------
    NotMeasured
        ``too_few_sources``, ``too_few_clusters``, ``level_not_reached``, ``fit_failed``.
    """
    middle = _halfway(x, hit)
    near = (x > middle - _BEFORE) & (x < middle + _AFTER)
    hits, misses = int(hit[near].sum()), int((~hit[near]).sum())
    if min(hits, misses) < least:
        raise NotMeasured(
            "too_few_sources",
            f"{hits} hits and {misses} misses lie where the rate falls; "
            f"{least} of each are needed.",
        )
    groups = clusters(label[near])
    matrix, y = _powers(x[near] - middle), hit[near].astype(np.float64)
    beta = np.zeros(_DEGREE + 1)
    for _ in range(_STEPS):
        p = expit(matrix @ beta)
        information = (matrix * (p * (1.0 - p))[:, None]).T @ matrix
        try:
            step = np.linalg.solve(information, matrix.T @ (y - p))
        except np.linalg.LinAlgError as error:
            raise NotMeasured("fit_failed", "The rate has no logistic fit.") from error
        beta = beta + step
        if not np.isfinite(beta).all():
            raise NotMeasured("fit_failed", "The rate has no logistic fit.")
        if float(np.abs(step).max()) < _TOLERANCE * (1.0 + float(np.abs(beta).max())):
            break
    else:
        raise NotMeasured("fit_failed", "The logistic fit of the rate did not settle.")
    covariance = _without_each(matrix, y, beta, groups)
    return FallingCurve(middle, beta, covariance, groups, int(near.sum()))


def _without_each(matrix: Floats, y: Floats, beta: Floats, groups: Clusters) -> Floats:
    """Return the covariance of the coefficients from leaving out each cluster in turn.

    One Newton step per cluster stands for the fit without it (CR3; Bell and McCaffrey 2002):
    what a cluster pulls towards itself is not mistaken for agreement.
    """
    p = expit(matrix @ beta)
    size = matrix.shape[1]
    scores = matrix * (y - p)[:, None]
    products = (matrix[:, :, None] * matrix[:, None, :] * (p * (1.0 - p))[:, None, None]).reshape(
        len(matrix), -1
    )
    score, information = (
        np.stack([np.bincount(groups.label, c, groups.number) for c in part.T], axis=1)
        for part in (scores, products)
    )
    information = information.reshape(-1, size, size)
    left = information.sum(axis=0) - information
    try:
        steps = np.linalg.solve(left, score[:, :, None])[:, :, 0]
    except np.linalg.LinAlgError as error:
        raise NotMeasured("fit_failed", "Without one patch the rate has no fit.") from error
    number = groups.number
    return np.asarray((number - 1.0) / number * steps.T @ steps, dtype=np.float64)


def _halfway(x: Floats, hit: Bools) -> float:
    """Return where the best step function from found to missed has its step.

    The step with the fewest sources on its wrong side is where the rate is one half.
    """
    if not hit.any() or hit.all():
        raise NotMeasured("level_not_reached", "All sources were found, or none.")
    order = np.lexsort((hit, x))
    gain = np.cumsum(np.where(hit[order], 1, -1))
    best = int(np.argmax(gain))
    return float(x[order][best])


def _powers(t: Floats) -> Floats:
    return np.asarray(t)[:, None] ** np.arange(_DEGREE + 1)


def _derivative(coefficients: Floats) -> Floats:
    return np.asarray(coefficients[1:] * np.arange(1, _DEGREE + 1))
