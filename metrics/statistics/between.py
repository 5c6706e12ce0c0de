"""Single visits in one band against single visits in another.

The deviation of one visit in band b from one visit in the reference band is the sum of a
constant offset, two visit terms (one per band) and the units' own noise. Its mean square
is exactly the mean over units of: variance in b + variance in r + squared difference of
the means (variances with ddof 0), so that no number of visits biases it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from skyassay.metrics.contract import Interval
from skyassay.metrics.statistics.bounds import (
    Part,
    chi_square_part,
    clustered_error,
    independent_units,
    mover,
)
from skyassay.metrics.statistics.tails import (
    TailModel,
    exceedance,
    fraction_interval,
    reach,
    reach_interval,
)
from skyassay.metrics.statistics.twoway import TwoWay, fit_two_way, shared_part

_NODES = 24_000
_PAIR_BOUND = 12_000_000


@dataclass(frozen=True)
class Between:
    """A band against its reference, split into offset, visit terms and own parts.

    Attributes
    ----------
    band, reference : TwoWay
        Splits of each side.
    x_band, x_reference : ndarray, shape (n_units, n_visits)
    offset : ndarray, shape (n_modes,)
        Mean difference, band less reference, by mode.
    offset_error : ndarray, shape (n_modes,)
        Standard error of `offset` from the visit terms.
    offset_dof : float
    rest : ndarray, shape (n_units,)
        Difference of the unit's means that no mode explains.
    ends : ndarray of int, shape (n_units, 1 or 2)
    """

    band: TwoWay
    reference: TwoWay
    x_band: NDArray[np.float64]
    x_reference: NDArray[np.float64]
    offset: NDArray[np.float64]
    offset_error: NDArray[np.float64]
    offset_dof: float
    rest: NDArray[np.float64]
    ends: NDArray[np.intp]

    @property
    def mean_square(self) -> float:
        """Mean square of a single-visit difference."""
        spread = np.nanvar(self.x_band, axis=1) + np.nanvar(self.x_reference, axis=1)
        shift = np.nanmean(self.x_band, axis=1) - np.nanmean(self.x_reference, axis=1)
        return float((spread + shift**2).mean())

    def shared(self, alpha: float) -> Part:
        """Return the visit variance of both sides with its one-sided bounds."""
        sides = [(fit, _spread_factor(fit)) for fit in (self.band, self.reference)]
        return shared_part(sides, alpha)

    def parts(self, alpha: float) -> list[Part]:
        """Return the terms of the mean square with one-sided bounds at `alpha`."""
        squares = (self.band.basis**2).mean(axis=0)
        reach = self.offset_error * -float(stdtrit(self.offset_dof, alpha))
        size = np.abs(self.offset)
        offsets = [
            Part(float(o**2 * b), float(max(o - r, 0.0) ** 2 * b), float((o + r) ** 2 * b))
            for o, r, b in zip(size, reach, squares, strict=True)
        ]
        own = _own_square(self.band) + _own_square(self.reference) + self.rest**2
        mean = float(own.mean())
        error = clustered_error(own - mean, self.ends, int(self.ends.max()) + 1)
        dof = 2.0 * mean**2 / error**2 if error > 0 else float(len(own))
        return [self.shared(alpha), *offsets, chi_square_part(mean, dof, alpha)]

    def bounds(self, alpha: float) -> Part:
        """Return the mean square with its one-sided bounds."""
        return mover(self.parts(alpha))

    def differences(self) -> NDArray[np.float64]:
        """Return every single-visit difference, shape (n,)."""
        per_unit = self.x_band.shape[1] * self.x_reference.shape[1]
        units = max(_PAIR_BOUND // per_unit, 1)
        d = self.x_band[:units, :, None] - self.x_reference[:units, None, :]
        return np.asarray(d[np.isfinite(d)])

    def fraction_beyond(self, tail: TailModel, limit: float) -> tuple[float, Interval]:
        """Return the fraction of single-visit differences beyond a limit, with its interval."""
        value = exceedance(self.differences(), limit)
        replicas = partial(self._without_visits, lambda d: exceedance(d, limit))
        return value, fraction_interval(tail, limit, value, replicas)

    def reached_by(self, tail: TailModel, fraction: float) -> tuple[float, Interval]:
        """Return the limit that a fraction of the differences exceeds, with its interval."""
        value = reach(self.differences(), fraction)
        replicas = partial(self._without_visits, lambda d: reach(d, fraction))
        return value, reach_interval(tail, fraction, value, replicas)

    def _without_visits(
        self, statistic: Callable[[NDArray[np.float64]], float]
    ) -> list[NDArray[np.float64]]:
        """Return a statistic of the differences without each visit, band by band."""
        found = []
        for name in ("x_band", "x_reference"):
            table = getattr(self, name)
            parts = (np.delete(table, v, axis=1) for v in range(table.shape[1]))
            found.append(
                np.array([statistic(replace(self, **{name: p}).differences()) for p in parts])
            )
        return found

    @cached_property
    def tail(self) -> TailModel:
        """Return the tail model of single-visit differences."""
        n_band, n_reference = self.x_band.shape[1], self.x_reference.shape[1]
        longest = max(n_band, n_reference)
        turns = int(np.clip(_NODES // (longest * len(self.rest)), 2, min(n_band, n_reference)))
        step = np.arange(longest * turns)
        left, right = step % n_band, (step // longest + step) % n_reference
        centre = self.band.basis @ self.offset + self.rest
        own = self.band.own[:, left] - self.reference.own[:, right] + centre[:, None]
        usable = np.isfinite(own).any(axis=1)
        variance = sum(f.shared_variance() * _spread_factor(f) for f in (self.band, self.reference))
        return TailModel.build(
            own=own[usable],
            width=np.sqrt(variance)[usable],
            shared=self.shared,
            shift=self._shift,
            ends=self.ends[usable],
            n_own=_free_draws(self.band, self.reference, self.ends),
        )

    def _shift(self, alpha: float) -> tuple[float, float]:
        """Return what the offset's error may add, away from zero and towards it."""
        size = float(self.offset[0])
        sign = -1.0 if size < 0 else 1.0
        error = -float(stdtrit(self.offset_dof, alpha)) * float(self.offset_error[0])
        return sign * error, -sign * min(error, abs(size))


def compare(
    x_band: NDArray[np.float64],
    x_reference: NDArray[np.float64],
    basis: NDArray[np.float64],
    ends: NDArray[np.intp],
) -> Between:
    """Split single-visit differences between a band and its reference.

    Parameters
    ----------
    x_band, x_reference : ndarray, shape (n_units, n_visits of the side)
        NaN where not seen; every unit needs two visits on each side.
    basis : ndarray, shape (n_units, n_modes)
        What one visit may add to every unit; first column 1.
    ends : ndarray of int, shape (n_units, 1 or 2)
        Stars of each unit.
    """
    band, reference = (fit_two_way(x, basis, ends=ends) for x in (x_band, x_reference))
    difference = _unit_mean(band, x_band) - _unit_mean(reference, x_reference)
    offset = np.asarray(np.linalg.lstsq(basis, difference, rcond=None)[0], dtype=np.float64)
    variances = np.stack([_coefficient_error(fit) for fit in (band, reference)])
    total = variances.sum(axis=0)
    dof = np.array([[band.modes[0].dof], [reference.modes[0].dof]])
    with np.errstate(invalid="ignore", divide="ignore"):
        satterthwaite = total**2 / (variances**2 / dof).sum(axis=0)
    return Between(
        band=band,
        reference=reference,
        x_band=x_band,
        x_reference=x_reference,
        offset=offset,
        offset_error=np.sqrt(total),
        offset_dof=float(np.nan_to_num(satterthwaite[0], nan=1.0)),
        rest=difference - basis @ offset,
        ends=ends,
    )


def _spread_factor(fit: TwoWay) -> float:
    """Return the mean of (n - 1) / n: variances here have ddof 0."""
    return float(((fit.count - 1.0) / fit.count).mean())


def _free_draws(a: TwoWay, b: TwoWay, ends: NDArray[np.intp]) -> float:
    """Return how many independent own differences two sides can give.

    Differences that share one end are correlated by that end's share of the variance;
    a fraction beyond a limit feels the square of the correlation.
    """
    units = independent_units(ends)
    total = a.own_mean_square + b.own_mean_square
    sides = [(f.own_mean_square / total, float((f.count - 1).mean())) for f in (a, b)]
    return units / sum(share**2 / visits for share, visits in sides)


def _own_square(fit: TwoWay) -> NDArray[np.float64]:
    return np.asarray(np.nansum(fit.own**2, axis=1) / fit.count)


def _unit_mean(fit: TwoWay, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each unit's mean with the visits' terms taken out."""
    centred = fit.coefficients - fit.coefficients.mean(axis=0)
    return np.asarray(np.nanmean(x - fit.basis @ centred.T, axis=1))


def _coefficient_error(fit: TwoWay) -> NDArray[np.float64]:
    """Return the variance of each mode's mean over visits, shape (n_modes,)."""
    squares = (fit.basis**2).mean(axis=0)
    values = np.array([t.value for t in fit.modes])
    return np.asarray(values / squares / fit.n_visits)
