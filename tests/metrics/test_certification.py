"""An interval that no campaign vouches for decides nothing."""

from __future__ import annotations

import numpy as np
import pytest

from skyassay.metrics import certification
from skyassay.metrics.certification import is_certified
from skyassay.metrics.contract import Recipe
from skyassay.metrics.registry import load_metrics, make

PA1 = "photometry.repeatability.pa1"
RECIPE = make(PA1).recipe
ENOUGH = {"n_visits": 3}


@pytest.fixture
def vouched(monkeypatch):
    """Let the packaged certificates be these."""

    def put(entry):
        monkeypatch.setattr(certification, "certificates", lambda: {PA1: entry})

    return put


def test_a_certificate_is_for_one_recipe_and_enough_visits(vouched) -> None:
    vouched({"recipe_hash": RECIPE.hash, "certified": True, "reason": ""})
    assert is_certified(PA1, RECIPE, ENOUGH)
    assert not is_certified(PA1, Recipe("srd", {**RECIPE.parameters, "min_stars": 9}), ENOUGH)
    assert not is_certified(PA1, RECIPE, {"n_visits": 2})
    assert not is_certified(PA1, RECIPE, {})
    assert not is_certified(PA1, RECIPE, {"n_visits": None})
    assert not is_certified("photometry.repeatability.pf1", RECIPE, ENOUGH)


def test_a_failed_campaign_certifies_nothing(vouched) -> None:
    vouched({"recipe_hash": RECIPE.hash, "certified": False, "reason": "coverage"})
    assert not is_certified(PA1, RECIPE, ENOUGH)
    own = {"recipe_hash": RECIPE.hash, "certified": True}
    assert not is_certified(PA1, RECIPE, ENOUGH, own)


def test_a_plugin_vouches_for_itself_where_nobody_else_does(vouched) -> None:
    vouched({"recipe_hash": RECIPE.hash, "certified": True})
    own = {"recipe_hash": RECIPE.hash, "certified": True}
    assert is_certified("other.metric.x", RECIPE, ENOUGH, own)
    assert not is_certified("other.metric.x", RECIPE, ENOUGH)


def test_the_packaged_certificates_can_be_read() -> None:
    for name, entry in certification.certificates().items():
        assert name in load_metrics()
        assert isinstance(entry["certified"], bool)
        assert len(entry["recipe_hash"]) == 16


@pytest.mark.parametrize("visits", [2, 3])
def test_measurements_carry_it(vouched, stars, measure_one, visits) -> None:
    vouched({"recipe_hash": RECIPE.hash, "certified": True})
    rng = np.random.default_rng(1)
    table = stars(18.0 + rng.normal(0, 5e-3, (30, visits)))
    assert measure_one(PA1, table).interval.certified == (visits == 3)
    assert not measure_one("photometry.repeatability.pf1", table).interval.certified
