"""Shares of sources with exact binomial limits over patches of sky."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import Recipe, Scalar, Table
from skyassay.metrics.plugin import NotMeasured, Value
from skyassay.metrics.statistics.clustered import clustered_fraction
from skyassay.metrics.statistics.tails import scaled

Floats = NDArray[np.float64]
_ROWS = 4000
#: Zero point of nJy (AB).
_ZERO_POINT = 31.4


def percent(
    hit: NDArray[np.bool_],
    block: NDArray[np.int64],
    recipe: Recipe,
    least: str,
    notes: dict[str, Scalar],
    component: str | None = None,
) -> Value:
    """Return the share of hits in percent, with its interval over patches of sky.

    Raises
    ------
    NotMeasured
        ``too_few_sources``, ``too_few_clusters``.
    """
    if len(hit) < recipe[least]:
        raise NotMeasured(
            "too_few_sources",
            f"{len(hit)} sources are inside the cuts; {recipe[least]} are needed.",
        )
    number = enough_blocks(block, recipe)
    value, interval = clustered_fraction(hit, block)
    notes = {**notes, "n_units": number}
    return Value(100.0 * value, len(hit), scaled(interval, 100.0), None, component, notes)


def enough_blocks(block: NDArray[np.int64], recipe: Recipe) -> int:
    """Return the number of patches.

    Raises
    ------
    NotMeasured
        ``too_few_clusters`` when they are fewer than the recipe wants.
    """
    number = len(np.unique(block))
    if number < recipe["min_blocks"]:
        raise NotMeasured(
            "too_few_clusters",
            f"The sources fill {number} patches of sky; {recipe['min_blocks']} are needed.",
        )
    return number


def against_magnitude(mag: Floats, hit: NDArray[np.bool_], step: float = 0.25) -> Table:
    """Return the share of hits (percent) in bins of magnitude, empty bins left out."""
    use = np.isfinite(mag)
    names, index = np.unique(np.floor(mag[use] / step), return_inverse=True)
    number = np.bincount(index, minlength=len(names))
    share = np.bincount(index, hit[use].astype(np.float64), len(names)) / np.maximum(number, 1)
    table: dict[str, NDArray[Any]] = {
        "value": 100.0 * share,
        "mag": (names + 0.5) * step,
        "n": number.astype(np.int64),
    }
    return {name: column[:_ROWS] for name, column in table.items()}


def magnitude(flux: Floats) -> Floats:
    """Return AB magnitudes of fluxes in nJy; NaN where there is no positive flux."""
    good = np.isfinite(flux) & (flux > 0)
    return np.where(good, _ZERO_POINT - 2.5 * np.log10(np.where(good, flux, 1.0)), np.nan)
