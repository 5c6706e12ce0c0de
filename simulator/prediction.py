"""How wide an interval a survey of given size will have, before it is simulated.

A variance that visits share is estimated from as many values as there are visits; the rest
from visits times stars. The limits follow Graybill and Wang (1980), at the expected mean
squares of a balanced visit x star table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtri, ndtr, ndtri

from skyassay.simulator.quantities import Statistic

#: One-sided 95 % point of the normal distribution.
_Z95 = 1.6448536269514722


@dataclass(frozen=True)
class Rule:
    """How a value is compared with its limit.

    Attributes
    ----------
    op : str
        ``<=``, ``<``, ``>=``, ``>`` or ``==``.
    limit : float
    absolute : bool
        The absolute value is compared.
    """

    op: str
    limit: float
    absolute: bool = False

    def worst(self, values: Mapping[str, float]) -> str:
        """Return the key of the value nearest to failing, or furthest beyond."""
        if self.op in (">=", ">"):
            return min(values, key=lambda k: values[k])
        return max(values, key=lambda k: abs(values[k]) if self.absolute else values[k])

    def verdict(self, lower: float, upper: float) -> str:
        """Return the verdict on one-sided limits of a value."""
        ends = [lower, upper]
        if self.absolute:
            ends = sorted(abs(e) for e in ends)
            ends[0] = 0.0 if lower <= 0.0 <= upper else ends[0]
        good = [self._holds(e) for e in ends]
        return "PASS" if all(good) else "INCONCLUSIVE" if any(good) else "FAIL"

    def _holds(self, x: float) -> bool:
        compared = {
            "<=": x <= self.limit,
            "<": x < self.limit,
            ">=": x >= self.limit,
            ">": x > self.limit,
            "==": x == self.limit,
        }
        return compared[self.op]


def verdicts_of_mean(value: float, error: float, rule: Rule) -> tuple[str, ...]:
    """Return the verdicts that 9 in 10 normal estimates with this standard error get."""
    found = []
    for luck in (-_Z95, _Z95):
        centre = value + luck * error
        found.append(rule.verdict(centre - _Z95 * error, centre + _Z95 * error))
    return tuple(dict.fromkeys(found))


@dataclass(frozen=True)
class Layout:
    """A value's variance split, and the table that it will be estimated from.

    Attributes
    ----------
    shared, white : float
        Variance in the term shared by a visit, and the rest, in the square of one unit.
    visits, stars : int
    """

    shared: float
    white: float
    visits: int
    stars: int

    def limit(self, probability: float, luck: float = 0.5) -> float:
        """Return a confidence limit on the width as a ratio to the true width.

        Parameters
        ----------
        probability : float
            0.95 for the upper one-sided limit, 0.05 for the lower.
        luck : float
            Quantile at which the estimate of the shared variance happens to fall; 0.5
            takes its expected value.
        """
        df_visit, df_rest = self.visits - 1.0, (self.visits - 1.0) * (self.stars - 1.0)
        factor = 1.0 if luck == 0.5 else float(chdtri(df_visit, 1.0 - luck)) / df_visit
        visit = factor * (self.shared + self.white / self.stars)
        rest = self.white * (1.0 - 1.0 / self.stars)
        bend = [df / float(chdtri(df, probability)) - 1.0 for df in (df_visit, df_rest)]
        spread = float(np.hypot(bend[0] * visit, bend[1] * rest))
        total = visit + rest + (spread if probability > 0.5 else -spread)
        return float(np.sqrt(max(total, 0.0) / (self.shared + self.white)))


def limit_of(statistic: Statistic, value: float, ratio: float) -> float:
    """Return the limit of a quantity whose width has the limit `ratio` times the width.

    Percentiles scale with the width; a Gaussian's tail fraction (percent) is moved by it.
    """
    if statistic != "fraction":
        return value * ratio
    if value <= 0.0 or ratio <= 0.0:
        return 0.0
    reach = float(-ndtri(value / 200.0))
    return float(200.0 * ndtr(-reach / ratio))


def half_width(statistic: Statistic, value: float, layout: Layout) -> float:
    """Return half the length of the two-sided 95 % interval."""
    high = limit_of(statistic, value, layout.limit(0.975))
    low = limit_of(statistic, value, layout.limit(0.025))
    return 0.5 * (high - low)


def verdicts(
    statistic: Statistic, value: float, requirement: float, layout: Layout
) -> tuple[str, ...]:
    """Return the verdicts that 9 in 10 such surveys get on ``value <= requirement``."""
    found = []
    for luck in (0.05, 0.95):
        upper = limit_of(statistic, value, layout.limit(0.95, luck))
        lower = limit_of(statistic, value, layout.limit(0.05, luck))
        found.append(
            "PASS" if upper <= requirement else "FAIL" if lower > requirement else "INCONCLUSIVE"
        )
    return tuple(dict.fromkeys(found))
