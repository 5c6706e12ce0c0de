"""AM, AF, AD and AB1 as public packages define them, for comparison only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.astrometry.pairs import Pairs
from skyassay.metrics.contract import Recipe
from skyassay.metrics.family import NotMeasured
from skyassay.metrics.statistics.tails import exceedance


def am(recipe: Recipe, pairs: Pairs) -> float:
    """Return AM in mas: the median over pairs of the scatter of the separation."""
    return float(np.median(_scatter(recipe, pairs)))


def af(recipe: Recipe, pairs: Pairs, limit: float) -> float:
    """Return AF in % at `limit` mas by the recipe's published definition."""
    if recipe.name == "validate_drp":
        scatter = _scatter(recipe, pairs)
        return 100.0 * float((scatter > np.median(scatter) + limit).mean())
    off = _residuals(recipe, pairs)
    return (
        100.0 * exceedance(off, limit)
        if _takes_abs(recipe)
        else 100.0 * float((off > limit).mean())
    )


def ad(recipe: Recipe, pairs: Pairs, fraction: float) -> float:
    """Return AD in mas at `fraction` % by the recipe's published definition."""
    if recipe.name == "validate_drp":
        scatter = _scatter(recipe, pairs)
        return float(np.percentile(scatter, 100.0 - fraction) - np.median(scatter))
    off = _residuals(recipe, pairs)
    return float(np.percentile(np.abs(off) if _takes_abs(recipe) else off, 100.0 - fraction))


def _scatter(recipe: Recipe, pairs: Pairs) -> NDArray[np.float64]:
    return np.asarray(np.nanstd(pairs.separation, axis=1, ddof=recipe["ddof"]))


def _takes_abs(recipe: Recipe) -> bool:
    return bool(recipe["centre"] == "mean over visits")


def _residuals(recipe: Recipe, pairs: Pairs) -> NDArray[np.float64]:
    """Return the pooled residuals less their overall median.

    faro: absolute deviations from the pair's median; analysis_tools: deviations from
    the pair's mean. Both then subtract the overall median.
    """
    seen = np.isfinite(pairs.separation).sum(axis=1)
    sep = pairs.separation[seen >= recipe["min_visits_residual"]]
    if not len(sep):
        raise NotMeasured(
            "too_few_pairs",
            f"No pair was seen together {recipe['min_visits_residual']} times.",
        )
    if _takes_abs(recipe):
        off = sep - np.nanmean(sep, axis=1, keepdims=True)
    else:
        off = np.abs(sep - np.nanmedian(sep, axis=1, keepdims=True))
    off = off[np.isfinite(off)]
    return np.asarray(off - np.median(off))
