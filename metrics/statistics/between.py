"""Single visits in one band against single visits in another.

The deviation of one visit in band b from one visit in the reference band is the sum of a
constant offset, two visit terms (one per band) and the units' own noise. Its mean square
is exactly the mean over units of: variance in b + variance in r + squared difference of
the means (variances with ddof 0), so that no number of visits biases it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from skyassay.metrics.statistics.bounds import (
    Part,
    chi_square_part,
    clustered_error,
    mover,
)
from skyassay.metrics.statistics.tails import TailModel
from skyassay.metrics.statistics.twoway import TwoWay, fit_two_way

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

    def parts(self, alpha: float) -> list[Part]:
        """Return the terms of the mean square with one-sided bounds at `alpha`."""
        terms = [
            chi_square_part(t.value * _spread_factor(fit), t.dof, alpha)
            for fit in (self.band, self.reference)
            for t in fit.shared
        ]
        squares = (self.band.basis**2).mean(axis=0)
        reach = self.offset_error * -float(stdtrit(self.offset_dof, alpha))
        size = np.abs(self.offset)
        terms += [
            Part(float(o**2 * b), float(max(o - r, 0.0) ** 2 * b), float((o + r) ** 2 * b))
            for o, r, b in zip(size, reach, squares, strict=True)
        ]
        own = _own_square(self.band) + _own_square(self.reference) + self.rest**2
        mean = float(own.mean())
        error = clustered_error(own - mean, self.ends, int(self.ends.max()) + 1)
        dof = 2.0 * mean**2 / error**2 if error > 0 else float(len(own))
        return [*terms, chi_square_part(mean, dof, alpha)]

    def bounds(self, alpha: float) -> Part:
        """Return the mean square with its one-sided bounds."""
        return mover(self.parts(alpha))

    def differences(self) -> NDArray[np.float64]:
        """Return every single-visit difference, shape (n,)."""
        per_unit = self.x_band.shape[1] * self.x_reference.shape[1]
        units = max(_PAIR_BOUND // per_unit, 1)
        d = self.x_band[:units, :, None] - self.x_reference[:units, None, :]
        return np.asarray(d[np.isfinite(d)])

    def tail(self) -> TailModel:
        """Return the tail model of single-visit differences."""
        n_band, n_reference = self.x_band.shape[1], self.x_reference.shape[1]
        longest = max(n_band, n_reference)
        turns = int(np.clip(_NODES // (longest * len(self.rest)), 1, min(n_band, n_reference)))
        step = np.arange(longest * turns)
        left, right = step % n_band, (step // longest + step) % n_reference
        units = max(_NODES // len(step), min(len(self.rest), 100))
        own = self.band.own[:, left] - self.reference.own[:, right] + self.rest[:, None]
        usable = np.isfinite(own).any(axis=1) & (np.cumsum(np.ones(len(own))) <= units)
        variance = _visit_variance(self.band) + _visit_variance(self.reference)
        return TailModel(
            centre=(self.band.basis @ self.offset)[usable, None],
            own=own[usable],
            width=np.sqrt(variance)[usable, None],
            stretch=self._stretch,
            shift=lambda alpha: float(-stdtrit(self.offset_dof, alpha) * self.offset_error[0]),
            ends=self.ends[usable],
            n_own=max(_free_draws(self.band, self.reference), 1.0),
        )

    def _stretch(self, alpha: float) -> tuple[float, float]:
        fits = (self.band, self.reference)
        bound = mover(
            [
                chi_square_part(t.value * _spread_factor(f), t.dof, alpha)
                for f in fits
                for t in f.shared
            ]
        )
        if bound.value <= 0:
            return 1.0, 1.0
        return float(np.sqrt(bound.low / bound.value)), float(np.sqrt(bound.high / bound.value))


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
    band, reference = fit_two_way(x_band, basis), fit_two_way(x_reference, basis)
    difference = _unit_mean(band, x_band) - _unit_mean(reference, x_reference)
    offset = np.asarray(np.linalg.lstsq(basis, difference, rcond=None)[0], dtype=np.float64)
    variances = np.stack([_coefficient_error(fit) for fit in (band, reference)])
    total = variances.sum(axis=0)
    dof = np.array([[band.shared[0].dof], [reference.shared[0].dof]])
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


def _free_draws(a: TwoWay, b: TwoWay) -> float:
    """Return how many independent own differences two sides can give."""
    return float((a.count - 1).sum() + (b.count - 1).sum()) / 2.0


def _own_square(fit: TwoWay) -> NDArray[np.float64]:
    return np.asarray(np.nansum(fit.own**2, axis=1) / fit.count)


def _unit_mean(fit: TwoWay, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each unit's mean with the visits' terms taken out."""
    centred = fit.coefficients - fit.coefficients.mean(axis=0)
    return np.asarray(np.nanmean(x - fit.basis @ centred.T, axis=1))


def _coefficient_error(fit: TwoWay) -> NDArray[np.float64]:
    """Return the variance of each mode's mean over visits, shape (n_modes,)."""
    squares = (fit.basis**2).mean(axis=0)
    values = np.array([t.value for t in fit.shared[: fit.basis.shape[1]]])
    return np.asarray(values / squares / fit.n_visits)


def _visit_variance(fit: TwoWay) -> NDArray[np.float64]:
    squares = fit.basis**2
    values = np.array([t.value for t in fit.shared[: fit.basis.shape[1]]])
    return np.asarray(squares @ (values / squares.mean(axis=0)) * _spread_factor(fit))
