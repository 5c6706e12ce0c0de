"""Shares of a known variance."""

import numpy as np
import pytest

from skyassay.metrics.psf.budget import budget


def test_shares_of_known_terms():
    rng = np.random.default_rng(0)
    night = np.repeat(np.arange(400), 5)
    values = 2.0 * rng.standard_normal(400)[night] + rng.standard_normal(2000)
    found = budget(values, night, own_variance=0.4)
    assert sum(found.values()) == pytest.approx(1.0)
    assert found["budget_night"] == pytest.approx(0.8, abs=0.03)
    assert found["budget_stars"] == pytest.approx(0.08, abs=0.01)


def test_one_image_per_night_tells_nothing_apart():
    assert budget(np.arange(5.0), np.arange(5)) == {}
    assert budget(np.ones(6), np.repeat([0, 1], 3)) == {}
    assert budget(np.arange(3.0), np.zeros(3, dtype=int)) == {}
