"""Statistics of many light curves at once.

Every function takes rows of all light curves together and the number of the curve of each row;
it returns one number per curve, NaN where the statistic is not defined: a mean of nothing, a
scatter of one. Means and fits are weighted by 1 / error**2; scatter, quantiles and skewness are
not. Definitions: DPDD (LSE-163, table 2) and the schema of the APDB; `stetson_j` Stetson (1996).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
PERCENTILES = (5, 25, 50, 75, 95)


@dataclass(frozen=True)
class Curves:
    """Light curves, their usable points sorted by curve and time.

    Attributes
    ----------
    count : int
        Curves; some may have no point.
    which : ndarray of int, shape (m,)
        Curve of each point, ascending.
    time, flux, error : ndarray, shape (m,)
        Days; errors are positive, in the unit of the flux.
    """

    count: int
    which: Ints
    time: Floats
    flux: Floats
    error: Floats

    @classmethod
    def of(
        cls, count: int, which: ArrayLike, time: ArrayLike, flux: ArrayLike, error: ArrayLike
    ) -> Curves:
        """Return curves of points; points without a flux or with no positive error are left out."""
        number = np.asarray(which, dtype=np.int64)
        t, f, e = (np.asarray(a, dtype=np.float64) for a in (time, flux, error))
        with np.errstate(invalid="ignore"):
            good = np.isfinite(t) & np.isfinite(f) & np.isfinite(e) & (e > 0)
        # The last keys make sums independent of the order in which a database gives its rows.
        order = np.flatnonzero(good)
        order = order[np.lexsort((e[order], f[order], t[order], number[order]))]
        return cls(count, number[order], t[order], f[order], e[order])

    @cached_property
    def n(self) -> Ints:
        """Points of each curve."""
        return np.bincount(self.which, minlength=self.count).astype(np.int64)

    @cached_property
    def weight(self) -> Floats:
        """1 / error**2 of each point."""
        return np.asarray(self.error**-2.0)

    @cached_property
    def mean(self) -> Floats:
        """Weighted mean."""
        return divided(self.sum(self.weight * self.flux), self.sum(self.weight))

    @cached_property
    def ordered(self) -> Curves:
        """The same points, sorted by curve and flux."""
        by = np.lexsort((self.flux, self.which))
        return Curves(self.count, self.which, self.time[by], self.flux[by], self.error[by])

    @cached_property
    def first(self) -> Ints:
        """Row of the first point of each curve; that of the next one where it has none."""
        return np.concatenate(([0], np.cumsum(self.n)[:-1])).astype(np.int64)

    def sum(self, values: Floats) -> Floats:
        """Return the sum of values of each curve's points; 0 of none."""
        made = np.bincount(self.which, values, minlength=self.count)
        return np.asarray(made, dtype=np.float64)

    def defined(self, values: Floats, least: int) -> Floats:
        """Return values of curves with enough points, NaN for the others."""
        return np.where(self.n >= least, values, np.nan)


def divided(above: Floats, below: Floats) -> Floats:
    """Return a ratio; NaN where the divisor is 0."""
    out = np.full(np.shape(above), np.nan)
    return np.asarray(np.divide(above, below, out=out, where=below != 0))


def mean_error(curves: Curves) -> Floats:
    """Return the standard error of the weighted mean."""
    return divided(np.ones(curves.count), np.sqrt(curves.sum(curves.weight)))


def sigma(curves: Curves) -> Floats:
    """Return the sample standard deviation (n - 1), about the plain mean."""
    plain = divided(curves.sum(curves.flux), curves.n.astype(np.float64))
    squares = curves.sum((curves.flux - plain[curves.which]) ** 2)
    return curves.defined(np.sqrt(squares / np.maximum(curves.n - 1, 1)), 2)


def chi2(curves: Curves) -> Floats:
    """Return the sum of ((flux - weighted mean) / error)**2."""
    pulls = (curves.flux - curves.mean[curves.which]) / curves.error
    return curves.defined(curves.sum(pulls**2), 2)


def extremes(curves: Curves) -> tuple[Floats, Floats]:
    """Return the least and the largest flux."""
    found = curves.ordered.flux
    low, high = np.full(curves.count, np.nan), np.full(curves.count, np.nan)
    some = curves.n > 0
    low[some] = found[curves.first[some]]
    high[some] = found[curves.first[some] + curves.n[some] - 1]
    return low, high


def error_mean(curves: Curves) -> Floats:
    """Return the plain mean of the errors."""
    return divided(curves.sum(curves.error), curves.n.astype(np.float64))


def max_slope(curves: Curves) -> Floats:
    """Return the largest (flux step) / (time step) of neighbours in time, per day.

    Two points of one instant have no slope; a curve of such points alone has none either.
    """
    step = np.diff(curves.time)
    usable = (np.diff(curves.which) == 0) & (step > 0)
    found = np.full(curves.count, -np.inf)
    np.maximum.at(found, curves.which[1:][usable], np.diff(curves.flux)[usable] / step[usable])
    return np.where(np.isfinite(found), found, np.nan)


def percentile(curves: Curves, percent: float) -> Floats:
    """Return a quantile of the fluxes, linear between neighbours (Hyndman & Fan, type 7)."""
    found = np.full(curves.count, np.nan)
    some = curves.n > 0
    place = (curves.n[some] - 1) * percent / 100.0
    lower = np.floor(place).astype(np.int64)
    upper = np.minimum(lower + 1, curves.n[some] - 1)
    sorted_flux, start = curves.ordered.flux, curves.first[some]
    a, b = sorted_flux[start + lower], sorted_flux[start + upper]
    found[some] = a + (b - a) * (place - lower)
    return found


def mad(curves: Curves) -> Floats:
    """Return the median absolute deviation from the median, without a factor."""
    away = np.abs(curves.flux - percentile(curves, 50)[curves.which])
    moved = Curves.of(curves.count, curves.which, curves.time, away, curves.error)
    return curves.defined(percentile(moved, 50), 2)


def skew(curves: Curves) -> Floats:
    """Return m3 / m2**1.5 of the fluxes; of three points or more that differ."""
    n = curves.n.astype(np.float64)
    away = curves.flux - divided(curves.sum(curves.flux), n)[curves.which]
    m2, m3 = (divided(curves.sum(away**k), n) for k in (2, 3))
    return curves.defined(divided(m3, np.where(m2 > 0, m2, 0.0) ** 1.5), 3)


def stetson_j(curves: Curves) -> Floats:
    """Return Stetson's J, each point paired with itself and equal weights (Stetson 1996, eq. 1)."""
    n = curves.n.astype(np.float64)
    bias = np.sqrt(divided(n, n - 1.0))
    delta = bias[curves.which] * (curves.flux - curves.mean[curves.which]) / curves.error
    product = delta**2 - 1.0
    total = curves.sum(np.sign(product) * np.sqrt(np.abs(product)))
    return curves.defined(divided(total, n), 2)


def line(curves: Curves) -> tuple[Floats, Floats]:
    """Return slope (per day) and value at time 0 of a weighted straight line.

    NaN for curves whose points are all of one instant.
    """
    weight = curves.sum(curves.weight)
    middle = divided(curves.sum(curves.weight * curves.time), weight)
    # About the middle: times are some 60,000 days.
    t = curves.time - middle[curves.which]
    several = curves.sum(curves.weight * t**2)
    with np.errstate(invalid="ignore"):
        # All of one instant, but for rounding.
        several = np.where(several > weight * (1e-9 * middle) ** 2, several, 0.0)
    slope = divided(curves.sum(curves.weight * t * curves.flux), several)
    slope = curves.defined(slope, 2)
    return slope, curves.mean - slope * middle
