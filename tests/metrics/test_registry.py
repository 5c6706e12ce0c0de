"""Metrics by name; plugins that break are tested with the plugins."""

from __future__ import annotations

import pytest

from skyassay.metrics import registry
from skyassay.metrics.contract import Metric
from skyassay.metrics.errors import MetricError

FAMILY = {
    *(f"photometry.repeatability.{n}" for n in ("pa1", "pf1", "pa2")),
    *(f"astrometry.relative.{n}{x}" for n in ("am", "af", "ad") for x in (1, 2, 3)),
    *(f"astrometry.band_to_band.{n}" for n in ("ab1", "abf1", "ab2")),
    *(f"astrometry.band_to_band.{n}_separations" for n in ("ab1", "abf1", "ab2")),
}


def test_the_first_family_is_installed() -> None:
    assert set(registry.ids()) >= FAMILY
    assert len(FAMILY) == 18


@pytest.mark.parametrize("name", sorted(FAMILY))
def test_every_recipe_makes_a_metric(name) -> None:
    recipes = registry.load_metrics()[name].recipes
    assert next(iter(recipes)) == "srd"
    for recipe in recipes:
        made = registry.make(name, recipe)
        assert isinstance(made, Metric)
        assert (made.id, made.recipe.name) == (name, recipe)
    assert registry.make(name) == registry.make(name, "srd")


def test_an_unknown_metric_names_its_neighbours() -> None:
    with pytest.raises(MetricError) as caught:
        registry.make("photometry.repeatability.pa9")
    assert (caught.value.code, caught.value.exit_code) == ("unknown_metric", 4)
    assert "photometry.repeatability.pa1" in caught.value.hint
    with pytest.raises(MetricError) as caught:
        registry.make("")
    assert caught.value.hint


def test_an_unknown_recipe_names_those_there_are() -> None:
    with pytest.raises(MetricError) as caught:
        registry.make("astrometry.band_to_band.ab1", "validate_drp")
    assert (caught.value.code, caught.value.exit_code) == ("unknown_recipe", 4)
    assert caught.value.hint == "It has srd, faro."


def test_the_default_recipe_is_named_first() -> None:
    names = registry.recipe_names()
    assert names[0] == "srd"
    assert set(names) >= {"srd", "faro", "validate_drp", "analysis_tools"}
    assert len(set(names)) == len(names)
