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
    chi_square_part,
    clustered_error,
    mover,
)
from skyassay.metrics.statistics.twoway import TwoWay

METHOD = "normal visit term x empirical own term, visit degrees of freedom"
#: Own deviations used for an interval; more would not narrow it visibly.
_NODE_BOUND = 24_000
_TINY = 1e-12


def exceedance(deviation: NDArray[np.float64], limit: float) -> float:
    """Return the fraction of absolute deviations above the limit."""
    return float((np.abs(deviation) > limit).mean())


def reach(deviation: NDArray[np.float64], fraction: float) -> float:
    """Return the smallest limit that at most `fraction` of the absolute deviations exceed.

    The exact inverse of `exceedance`: ``reach(d, F) <= L`` if and only if
    ``exceedance(d, L) <= F``, the law that ties PA2 to PF1.
    """
    ordered = np.sort(np.abs(deviation), axis=None)[::-1]
    allowed = int(np.floor(fraction * len(ordered) + 1e-9))
    return float(ordered[min(allowed, len(ordered) - 1)])


@dataclass(frozen=True)
class TailModel:
    """The two parts of a deviation, ready to be asked about any limit.

    Attributes
    ----------
    centre, own : ndarray, shape (n_units, n_draws)
        `own` are deviations of the unit's own term, NaN where missing;
        `centre` is a constant shift per unit, shape (n_units, 1).
    width : ndarray, shape (n_units, 1)
        Standard deviation of the visit term for each unit.
    stretch : callable
        alpha -> (low, high): factors on `width` at the one-sided bounds of the visit variance.
    shift : callable
        alpha -> change of `centre` at its one-sided bound.
    ends : ndarray of int, shape (n_units, 1 or 2)
        Stars of each unit.
    n_own : float
        Independent own draws at most.
    """

    centre: NDArray[np.float64]
    own: NDArray[np.float64]
    width: NDArray[np.float64]
    stretch: Callable[[float], tuple[float, float]]
    shift: Callable[[float], float]
    ends: NDArray[np.intp]
    n_own: float

    def per_unit(
        self, limit: float, factor: float = 1.0, shift: float = 0.0
    ) -> NDArray[np.float64]:
        """Return the chance of each unit to exceed the limit, shape (n_units,)."""
        centre = self.centre + np.where(self.centre < 0, -shift, shift)
        if shift < 0:  # a shift towards zero stops there
            centre = np.sign(self.centre) * np.maximum(np.abs(self.centre) + shift, 0.0)
        middle = centre + self.own
        width = np.maximum(factor * self.width, _TINY * limit + np.finfo(float).tiny)
        beyond = ndtr((middle - limit) / width) + ndtr((-middle - limit) / width)
        return np.asarray(np.nanmean(beyond, axis=1))

    def fraction(self, limit: float, factor: float = 1.0, shift: float = 0.0) -> float:
        """Return the expected fraction beyond the limit."""
        return float(self.per_unit(limit, factor, shift).mean())

    def bounds(self, limit: float, alpha: float) -> tuple[float, float]:
        """Return one-sided bounds of the fraction beyond the limit."""
        chance = self.per_unit(limit)
        p = float(chance.mean())
        n_own = self._independent_draws(chance, p)
        own_low = float(betaincinv(p * n_own + 0.5, (1 - p) * n_own + 0.5, alpha))
        own_high = float(betaincinv(p * n_own + 0.5, (1 - p) * n_own + 0.5, 1 - alpha))
        if p * n_own < 0.5:  # no own draw beyond the limit: zero is inside
            own_low = 0.0
        p = max(p, (1.0 / 3.0) / (n_own + 2.0 / 3.0))
        narrow, wide = self.stretch(alpha)
        moved = self.shift(alpha)
        eta = _eta(p)
        worse = (own_high, self.fraction(limit, wide), self.fraction(limit, 1.0, moved))
        better = (own_low, self.fraction(limit, narrow), self.fraction(limit, 1.0, -moved))
        far = float(np.sqrt(sum(min(_eta(q) - eta, 0.0) ** 2 for q in worse)))
        near = float(np.sqrt(sum(max(_eta(q) - eta, 0.0) ** 2 for q in better)))
        return _fraction(eta + near), _fraction(eta - far)

    def _independent_draws(self, chance: NDArray[np.float64], p: float) -> float:
        """Return how many independent own draws the fraction rests on."""
        error = clustered_error(chance - p, self.ends, int(self.ends.max()) + 1)
        if error <= 0 or p <= 0 or p >= 1:
            return self.n_own
        return float(np.clip(p * (1 - p) / error**2, 1.0, self.n_own))


def two_way_tail(fit: TwoWay, ends: NDArray[np.intp]) -> TailModel:
    """Return the tail model of deviations from each unit's own mean."""
    units = _enough(fit.count, len(fit.own))
    scale = np.sqrt(fit.count / (fit.count - 1.0))[:, None]
    width = np.sqrt(_shared_variance(fit))[:, None]
    own = fit.own * scale
    return TailModel(
        centre=np.zeros((units, 1)),
        own=own[:units],
        width=width[:units],
        stretch=lambda alpha: shared_stretch((fit,), alpha),
        shift=lambda _alpha: 0.0,
        ends=ends[:units],
        n_own=max(float((fit.count - 1).sum()) * fit.own_fraction, 1.0),
    )


def _enough(count: NDArray[np.int64], units: int) -> int:
    """Return how many units give the draws an interval needs."""
    return min(units, int(np.searchsorted(np.cumsum(count), _NODE_BOUND)) + 1)


def _shared_variance(fit: TwoWay) -> NDArray[np.float64]:
    """Return the variance each unit shares with its visit, shape (n_units,)."""
    squares = fit.basis**2
    mean = squares.mean(axis=0)
    modes = np.array([t.value for t in fit.shared[: fit.basis.shape[1]]])
    cells = sum(t.value for t in fit.shared[fit.basis.shape[1] :])
    ratio = np.divide(modes, mean, out=np.zeros_like(modes), where=mean > 0)
    return np.asarray(squares @ ratio + cells)


def shared_stretch(fits: tuple[TwoWay, ...], alpha: float) -> tuple[float, float]:
    """Return factors on the width of the visit term at the bounds of its variance."""
    parts = [chi_square_part(t.value, t.dof, alpha) for f in fits for t in f.shared]
    bound = mover(parts)
    if bound.value <= 0:
        return 1.0, 1.0
    return float(np.sqrt(bound.low / bound.value)), float(np.sqrt(bound.high / bound.value))


def fraction_interval(tail: TailModel, limit: float, value: float) -> Interval:
    """Return the interval of a fraction beyond `limit`; it always holds the value."""
    two, one = tail.bounds(limit, TWO_SIDED_ALPHA), tail.bounds(limit, ONE_SIDED_ALPHA)
    return _interval(two, one, value)


def reach_interval(tail: TailModel, fraction: float, value: float) -> Interval:
    """Return the interval of the limit that `fraction` of the deviations exceed."""

    def solve(side: int, alpha: float) -> float:
        def excess(limit: float) -> float:
            return tail.bounds(limit, alpha)[side] - fraction

        top = max(value, float(tail.width.max()), np.finfo(float).tiny)
        for _ in range(60):
            if excess(top) < 0:
                break
            top *= 2.0
        else:
            return float("inf")
        bottom = top
        for _ in range(60):
            bottom /= 2.0
            if excess(bottom) >= 0:
                return float(brentq(excess, bottom, top, rtol=1e-4))
        return 0.0

    two = (solve(0, TWO_SIDED_ALPHA), solve(1, TWO_SIDED_ALPHA))
    one = (solve(0, ONE_SIDED_ALPHA), solve(1, ONE_SIDED_ALPHA))
    return _interval(two, one, value)


def scaled(interval: Interval, factor: float) -> Interval:
    """Return the interval in another unit."""
    return replace(
        interval,
        low=interval.low * factor,
        high=interval.high * factor,
        lower=interval.lower * factor,
        upper=interval.upper * factor,
    )


def _interval(two: tuple[float, float], one: tuple[float, float], value: float) -> Interval:
    return Interval(
        low=min(two[0], value),
        high=max(two[1], value),
        confidence=1.0 - 2.0 * TWO_SIDED_ALPHA,
        method=METHOD,
        lower=min(one[0], value),
        upper=max(one[1], value),
        one_sided_confidence=1.0 - ONE_SIDED_ALPHA,
    )


def _eta(p: float) -> float:
    return -float(ndtri(np.clip(p, 1e-300, 1.0) / 2.0))


def _fraction(eta: float) -> float:
    return float(min(2.0 * ndtr(-eta), 1.0)) if eta > 0 else 1.0
