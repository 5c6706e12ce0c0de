"""How often a measurement strays beyond a limit, and how far the tail reaches.

The deviation of one measurement is the sum of what its visit shares (few independent
draws: one per visit) and of its own part (many draws). With three visits the empirical
fraction can only be 0, 1/3, 2/3 or 1 when the visit term dominates, so its interval is
made from the two parts: the visit term is taken as normal with a variance known to its
few degrees of freedom, the own part stays empirical. The combination is made on the scale
eta = normal quantile of 1 - fraction / 2, that is limit / scatter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import betaincinv, ndtr, ndtri

from skyassay.metrics.contract import Interval
from skyassay.metrics.statistics.bounds import (
    ONE_SIDED_ALPHA,
    TWO_SIDED_ALPHA,
    Part,
    clustered_error,
    independent_units,
)
from skyassay.metrics.statistics.leave_out import Replicas, Scale, upper_bound
from skyassay.metrics.statistics.twoway import TwoWay

METHOD = "normal visit term x empirical own term, visit degrees of freedom"
CONTRADICTED = "leave out one visit (the visit terms are not normal)"
#: The own deviations are summed up in so many groups of equal width and size.
_WIDTH_CLASSES = 12
_NODES_PER_CLASS = 120
#: A fraction may rest on more draws than a variance does: being beyond a limit is less
#: correlated between two deviations than their squares are. The stars say how much; this
#: only keeps a lucky estimate from the absurd.
_MOST = 20.0
#: With fewer draws than this beyond the limit the stars cannot say how independent they are.
_ENOUGH = 3.0
_TINY = 1e-12
#: First step of the search for a bound; it grows until the bound is enclosed.
_FIRST_STEP, _LAST_STEP = 1.25, 32.0


def exceedance(deviation: NDArray[np.float64], limit: float) -> float:
    """Return the fraction of absolute deviations above the limit."""
    return float((np.abs(deviation) > limit).mean())


def reach(deviation: NDArray[np.float64], fraction: float) -> float:
    """Return the smallest limit that at most `fraction` of the absolute deviations exceed.

    The exact inverse of `exceedance`: ``reach(d, F) <= L`` if and only if
    ``exceedance(d, L) <= F``, the law that ties PA2 to PF1.
    """
    size = np.abs(deviation).ravel()
    allowed = min(int(np.floor(fraction * len(size) + 1e-9)), len(size) - 1)
    return float(np.partition(size, len(size) - 1 - allowed)[len(size) - 1 - allowed])


@dataclass(frozen=True)
class TailModel:
    """The two parts of a deviation, ready to be asked about any limit.

    Attributes
    ----------
    own : ndarray, shape (n_units, n_draws)
        Deviations without the visit term, NaN where missing.
    width : ndarray, shape (n_units,)
        Standard deviation of the visit term of each unit.
    shared : callable
        alpha -> the visit variance with its one-sided bounds.
    shift : callable
        alpha -> (away, towards): what a constant offset may add to `own` at its bounds.
    ends : ndarray of int, shape (n_units, 1 or 2)
        Stars of each unit.
    n_own : float
        Independent own draws of a variance; what counts when no draw lies beyond the limit.
    nodes : ndarray, shape (3, n_nodes)
        Value, width and weight of the grouped own deviations.
    """

    own: NDArray[np.float64]
    width: NDArray[np.float64]
    shared: Callable[[float], Part]
    shift: Callable[[float], tuple[float, float]]
    ends: NDArray[np.intp]
    n_own: float
    nodes: NDArray[np.float64]

    @classmethod
    def build(
        cls,
        own: NDArray[np.float64],
        width: NDArray[np.float64],
        shared: Callable[[float], Part],
        shift: Callable[[float], tuple[float, float]],
        ends: NDArray[np.intp],
        n_own: float,
    ) -> TailModel:
        """Group the own deviations and return the model."""
        return cls(own, width, shared, shift, ends, max(n_own, 1.0), _group(own, width))

    def fraction(self, limit: float, factor: float = 1.0, shift: float = 0.0) -> float:
        """Return the expected fraction beyond the limit.

        Parameters
        ----------
        limit : float
            In the unit of `own`.
        factor : float
            On the width of the visit term.
        shift : float
            Added to every deviation.
        """
        value, width, weight = self.nodes
        return float(_beyond(value + shift, factor * width, limit) @ weight)

    def independent_draws(self, limit: float) -> float:
        """Return how many independent own draws the fraction beyond a limit rests on."""
        chance = np.nanmean(_beyond(self.own, self.width[:, None], limit), axis=1)
        p = float(chance.mean())
        error = clustered_error(chance - p, self.ends, int(self.ends.max()) + 1)
        if error <= 0 or p >= 1 or p * self.n_own < _ENOUGH:
            return self.n_own
        return float(np.clip(p * (1 - p) / error**2, 1.0, _MOST * self.n_own))

    def bounds(self, limit: float, alpha: float, draws: float) -> tuple[float, float]:
        """Return one-sided bounds of the fraction beyond the limit.

        Parameters
        ----------
        limit : float
        alpha : float
            One-sided tail.
        draws : float
            From `independent_draws`.
        """
        p = self.fraction(limit)
        beta = (p * draws + 0.5, (1 - p) * draws + 0.5)
        own_high = float(betaincinv(*beta, 1 - alpha))
        # no own draw beyond the limit: zero is inside
        own_low = float(betaincinv(*beta, alpha)) if p * draws >= 0.5 else 0.0
        visit = self.shared(alpha)
        narrow, wide = (
            (np.sqrt(b / visit.value) for b in (visit.low, visit.high))
            if visit.value > 0
            else (1.0, 1.0)
        )
        away, towards = self.shift(alpha)
        eta = _eta(max(p, (1.0 / 3.0) / (draws + 2.0 / 3.0)))
        worse = [own_high, self.fraction(limit, wide)]
        better = [own_low, self.fraction(limit, narrow)]
        if away or towards:
            worse.append(self.fraction(limit, 1.0, away))
            better.append(self.fraction(limit, 1.0, towards))
        far = float(np.sqrt(sum(min(_eta(q) - eta, 0.0) ** 2 for q in worse)))
        near = float(np.sqrt(sum(max(_eta(q) - eta, 0.0) ** 2 for q in better)))
        return _fraction(eta + near), _fraction(eta - far)


def two_way_tail(fit: TwoWay, ends: NDArray[np.intp]) -> TailModel:
    """Return the tail model of deviations from each unit's own mean."""
    return TailModel.build(
        own=fit.own * np.sqrt(fit.count / (fit.count - 1.0))[:, None],
        width=np.sqrt(fit.shared_variance()),
        shared=fit.shared_part,
        shift=lambda _alpha: (0.0, 0.0),
        ends=ends,
        n_own=independent_units(ends) * float((fit.count - 1).mean()) * fit.own_fraction,
    )


def fraction_interval(tail: TailModel, limit: float, value: float, replicas: Replicas) -> Interval:
    """Return the interval of a fraction beyond `limit`; it always holds the value.

    Parameters
    ----------
    tail : TailModel
    limit, value : float
        The limit, and the fraction observed beyond it.
    replicas : callable
        The fraction without each visit; used only when the data contradict the model.
    """
    draws = tail.independent_draws(limit)
    two = tail.bounds(limit, TWO_SIDED_ALPHA, draws)
    one = tail.bounds(limit, ONE_SIDED_ALPHA, draws)
    return _interval(two, one, value, replicas, "logit")


def reach_interval(tail: TailModel, fraction: float, value: float, replicas: Replicas) -> Interval:
    """Return the interval of the limit that `fraction` of the deviations exceed.

    Parameters
    ----------
    tail : TailModel
    fraction, value : float
        The fraction, and the limit that it is observed to exceed.
    replicas : callable
        The limit without each visit; used only when the data contradict the model.
    """
    draws = tail.independent_draws(value)

    def solve(side: int, alpha: float) -> float:
        def excess(limit: float) -> float:
            return tail.bounds(limit, alpha, draws)[side] - fraction

        top = bottom = max(value, float(tail.width.max()), np.finfo(float).tiny)
        step = _FIRST_STEP
        while excess(top) >= 0:
            bottom, top, step = top, step * top, min(step**2, _LAST_STEP)
            if not np.isfinite(top):
                return float("inf")
        while bottom == top or excess(bottom) < 0:
            bottom, top, step = bottom / step, bottom, min(step**2, _LAST_STEP)
            if bottom < _TINY * value or bottom == 0.0:
                return 0.0
        return float(brentq(excess, bottom, top, rtol=1e-4))

    two = (solve(0, TWO_SIDED_ALPHA), solve(1, TWO_SIDED_ALPHA))
    one = (solve(0, ONE_SIDED_ALPHA), solve(1, ONE_SIDED_ALPHA))
    return _interval(two, one, value, replicas, "log")


def scaled(interval: Interval, factor: float) -> Interval:
    """Return the interval in another unit."""
    return replace(
        interval,
        low=interval.low * factor,
        high=interval.high * factor,
        lower=interval.lower * factor,
        upper=interval.upper * factor,
    )


def _interval(
    two: tuple[float, float],
    one: tuple[float, float],
    value: float,
    replicas: Replicas,
    scale: Scale,
) -> Interval:
    """Return the model's bounds, widened where the data contradict the model."""
    high, upper, method = two[1], one[1], METHOD
    if value > high:
        without = replicas()
        high = max(value, upper_bound(value, without, scale, TWO_SIDED_ALPHA))
        upper = max(value, upper_bound(value, without, scale, ONE_SIDED_ALPHA))
        method = CONTRADICTED
    return Interval(
        low=min(two[0], value),
        high=max(high, value),
        confidence=1.0 - 2.0 * TWO_SIDED_ALPHA,
        method=method,
        lower=min(one[0], value),
        upper=max(upper, value),
        one_sided_confidence=1.0 - ONE_SIDED_ALPHA,
    )


def _group(own: NDArray[np.float64], width: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return value, width and weight of equal groups of own deviations, every unit alike."""
    classes = np.array_split(np.argsort(width, kind="stable"), min(_WIDTH_CLASSES, len(width)))
    nodes = []
    for units in classes:
        seen = np.isfinite(own[units])
        weight = (seen / (seen.sum(axis=1, keepdims=True) * len(width)))[seen]
        order = np.argsort(own[units][seen], kind="stable")
        value, weight = own[units][seen][order], weight[order]
        groups = np.array_split(np.arange(len(value)), min(_NODES_PER_CLASS, len(value)))
        starts = np.array([g[0] for g in groups])
        total = np.add.reduceat(weight, starts)
        mean = np.add.reduceat(value * weight, starts) / total
        rms = float(np.sqrt(np.square(width[units]).mean()))
        nodes.append(np.stack([mean, np.full(len(mean), rms), total]))
    return np.concatenate(nodes, axis=1)


def _beyond(
    middle: NDArray[np.float64], width: NDArray[np.float64], limit: float
) -> NDArray[np.float64]:
    """Return the chance that a normal with this middle and width lies beyond +-limit."""
    width = np.maximum(width, _TINY * limit + np.finfo(float).tiny)
    return np.asarray(ndtr((middle - limit) / width) + ndtr((-middle - limit) / width))


def _eta(p: float) -> float:
    return -float(ndtri(np.clip(p, 1e-300, 1.0) / 2.0))


def _fraction(eta: float) -> float:
    return float(min(2.0 * ndtr(-eta), 1.0)) if eta > 0 else 1.0
