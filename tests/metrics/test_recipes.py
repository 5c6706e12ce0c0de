"""Recipes are data: every choice is in the hash."""

from __future__ import annotations

import json

import pytest

from skyassay.metrics.contract import Recipe
from skyassay.metrics.recipes import ASTROMETRY, BAND_TO_BAND, PHOTOMETRY, SATURATION
from skyassay.metrics.registry import load_metrics, make
from skyassay.metrics.selection import Selection

EVERY = [
    pytest.param(recipe, id=f"{family}-{name}")
    for family, recipes in (("phot", PHOTOMETRY), ("rel", ASTROMETRY), ("bb", BAND_TO_BAND))
    for name, recipe in recipes.items()
]


@pytest.mark.parametrize("recipe", EVERY)
def test_a_recipe_is_json_and_its_cuts_can_be_read(recipe) -> None:
    assert json.loads(json.dumps(dict(recipe.parameters), allow_nan=False))
    Selection.from_recipe(recipe["selection"])
    assert len(recipe.hash) == 16


def changed(value):
    """Return every way to change one leaf of nested data."""
    if isinstance(value, dict):
        for key, inner in value.items():
            for other in changed(inner):
                yield {**value, key: other}
            yield {k: v for k, v in value.items() if k != key}
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            for other in changed(inner):
                yield [*value[:i], other, *value[i + 1 :]]
    elif isinstance(value, bool) or value is None:
        yield "changed"
    else:
        yield value + 1 if isinstance(value, int | float) else value + "x"


@pytest.mark.parametrize("recipe", EVERY)
def test_any_change_changes_the_hash(recipe) -> None:
    plain = json.loads(json.dumps(dict(recipe.parameters)))
    hashes = [Recipe(recipe.name, p).hash for p in changed(plain)]
    assert recipe.hash not in hashes
    assert Recipe(recipe.name, plain).hash == recipe.hash
    assert Recipe("other", plain).hash != recipe.hash


def test_the_order_of_keys_is_no_choice() -> None:
    a = Recipe("r", {"x": 1, "y": {"b": 2, "a": 3}})
    b = Recipe("r", {"y": {"a": 3, "b": 2}, "x": 1})
    assert a.hash == b.hash


def test_not_a_number_is_no_choice() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        _ = Recipe("r", {"x": float("nan")}).hash


def test_bright_stars_are_one_to_four_magnitudes_below_saturation() -> None:
    cuts = Selection.from_recipe(PHOTOMETRY["srd"]["selection"])
    assert set(cuts.mag) == set("ugrizy")
    for band, (low, high) in cuts.mag.items():
        assert (low, high) == (SATURATION[band] + 1.0, SATURATION[band] + 4.0)


def test_astrometry_is_of_stars_of_17_to_21_and_a_half() -> None:
    for recipe in (*ASTROMETRY.values(), *BAND_TO_BAND.values()):
        assert Selection.from_recipe(recipe["selection"]).mag == {"*": (17.0, 21.5)}


def test_metrics_that_select_alike_share_their_fold() -> None:
    keys = {name: make(name).state_key for name in load_metrics()}
    photometry = {k for n, k in keys.items() if n.startswith("photometry.repeatability")}
    relative = {k for n, k in keys.items() if n.startswith("astrometry.relative")}
    assert len(photometry) == len(relative) == 1
    assert photometry != relative
    pa1 = "photometry.repeatability.pa1"
    recipes = load_metrics()[pa1].recipes
    assert len({make(pa1, r).state_key for r in recipes}) == len(recipes)
