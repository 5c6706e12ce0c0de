"""PA1, PF1 and PA2 as three public packages define them, for comparison only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import Recipe
from skyassay.metrics.statistics.tails import exceedance, reach
from skyassay.metrics.visit_table import VisitTable

#: Interquartile range of a normal distribution in standard deviations.
_IQR = 1.3489795003921634


def pa1(recipe: Recipe, table: VisitTable) -> float:
    """Return PA1 in mmag by the recipe's published definition."""
    mag = table.mag * 1e3
    if recipe.name == "validate_drp":
        pairs = [_pair_differences(recipe, mag, k) for k in range(recipe["repetitions"])]
        quartiles = np.percentile(np.array(pairs), [25, 75], axis=1)
        return float(((quartiles[1] - quartiles[0]) / _IQR).mean())
    return float(np.median(np.nanstd(mag, axis=1, ddof=recipe["ddof"])))


def pf1(recipe: Recipe, table: VisitTable, limit: float) -> float:
    """Return PF1 in % at `limit` mmag by the recipe's published definition."""
    mag = table.mag * 1e3
    if recipe.name == "validate_drp":
        return 100.0 * exceedance(_pair_differences(recipe, mag, 0), limit)
    if recipe.name == "analysis_tools":
        scatter = np.nanstd(mag, axis=1, ddof=recipe["ddof"])
        return 100.0 * float((scatter - np.median(scatter) >= limit).mean())
    off = mag - np.nanmean(mag, axis=1, keepdims=True)
    return 100.0 * exceedance(off[np.isfinite(off)], limit)


def pa2(recipe: Recipe, table: VisitTable, fraction: float) -> float:
    """Return PA2 in mmag at `fraction` % by the recipe's published definition."""
    return reach(_pair_differences(recipe, table.mag * 1e3, 0), fraction / 100.0)


def _pair_differences(recipe: Recipe, mag: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """Return one random ordered visit pair per star, difference over sqrt 2, mmag.

    The published code draws without a seed; here repetition `k` is always the same.
    """
    rng = np.random.default_rng(np.random.SeedSequence([recipe["seed"], k]))
    order = np.argsort(np.where(np.isfinite(mag), rng.random(mag.shape), np.inf), axis=1)
    first = np.take_along_axis(mag, order[:, :1], axis=1)[:, 0]
    second = np.take_along_axis(mag, order[:, 1:2], axis=1)[:, 0]
    return np.asarray((first - second) / np.sqrt(2.0))
