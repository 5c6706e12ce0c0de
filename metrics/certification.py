"""Which intervals the coverage campaign has certified.

The campaign (``assay campaign coverage``) writes its result to ``certification.json``:
for every metric the recipe hash it tested and whether coverage and false acceptance held.
An interval made with another recipe, or with fewer units (visits, nights, sky cells) than
the campaign tried, is not certified, and its verdict is INCONCLUSIVE.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from skyassay.metrics.contract import Recipe, Scalar

#: Smallest number of units where a certificate does not say.
MIN_UNITS = 3


@cache
def certificates() -> Mapping[str, Mapping[str, Any]]:
    """Return metric id -> ``{"recipe_hash", "certified", "reason", "min_units"}``."""
    text = files("skyassay.metrics").joinpath("certification.json").read_text("utf-8")
    return dict(json.loads(text)["metrics"])


def is_certified(
    metric: str,
    recipe: Recipe,
    diagnostics: Mapping[str, Scalar],
    certificate: Mapping[str, Any] | None = None,
) -> bool:
    """Return whether the campaign vouches for this metric's interval.

    Parameters
    ----------
    metric : str
        Metric id.
    recipe : Recipe
        The recipe the interval was made with.
    diagnostics : mapping
        Of the measurement; ``n_units`` (or ``n_visits``) is compared with what the campaign
        tried.
    certificate : mapping, optional
        What the author of a plugin vouches for; the packaged ones go before it.
    """
    entry = certificates().get(metric, certificate)
    if entry is None or not entry["certified"] or entry["recipe_hash"] != recipe.hash:
        return False
    units = diagnostics.get("n_units", diagnostics.get("n_visits"))
    return isinstance(units, int) and units >= smallest_size(entry)


def smallest_size(entry: Mapping[str, Any]) -> int:
    """Return the fewest units a certificate is good for."""
    return int(entry.get("min_units", MIN_UNITS))
