"""The scatter of one measurement and its interval."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from skyassay.metrics.errors import MetricError
from skyassay.metrics.statistics.bounds import Part
from skyassay.metrics.statistics.scale import median_scale, root_interval
from skyassay.metrics.statistics.twoway import fit_two_way


def scale_of(n_stars, n_visits, shared, own, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(0, shared, (1, n_visits)) + rng.normal(0, own, (n_stars, n_visits))
    return median_scale(fit_two_way(x), np.arange(n_stars)[:, None])


@pytest.mark.parametrize("visits", [2, 3, 12])
def test_unbiased_at_few_visits(visits) -> None:
    found = scale_of(5_000, visits, 0.0, 4.0, visits)
    assert found.value == pytest.approx(4.0, rel=0.02)
    assert found.visit_share < 0.01


def test_a_shared_term_enters_in_full() -> None:
    values = [scale_of(60, 12, 3.0, 4.0, seed).value ** 2 for seed in range(60)]
    error = np.std(values) / np.sqrt(60)
    assert np.mean(values) == pytest.approx(25.0, abs=4 * error)


def test_the_share_of_the_visits() -> None:
    shares = [scale_of(60, 30, 3.0, 4.0, seed).visit_share for seed in range(20)]
    assert np.mean(shares) == pytest.approx(0.36, abs=0.05)


@pytest.mark.parametrize(
    ("visits", "shared", "own"), [(3, 0.0, 5.0), (3, 4.0, 3.0), (12, 4.9, 1.0), (12, 2.0, 4.0)]
)
def test_one_sided_limits_cover(visits, shared, own) -> None:
    trials, truth = 200, np.hypot(shared, own)
    least = binom.ppf(1e-4, trials, 0.92)
    found = [scale_of(60, visits, shared, own, 500 + s).interval for s in range(trials)]
    assert sum(f.upper >= truth for f in found) >= least
    assert sum(f.lower <= truth for f in found) >= least
    assert sum(f.low <= truth <= f.high for f in found) >= least


def test_more_stars_do_not_help_when_visits_share_the_error() -> None:
    few, many = (scale_of(n, 4, 5.0, 0.5, 3).interval for n in (30, 3_000))
    assert many.high - many.low > 0.8 * (few.high - few.low)


def test_intervals_nest_and_say_their_method() -> None:
    found = scale_of(50, 5, 2.0, 2.0, 4)
    i = found.interval
    assert i.low < i.lower < found.value < i.upper < i.high
    assert (i.confidence, i.one_sided_confidence) == (0.95, 0.95)
    assert "variance components" in i.method


def test_the_root_of_bounds() -> None:
    found = root_interval(lambda alpha: Part(4.0, 4.0 - alpha, 4.0 + alpha), "m")
    assert found.high == np.sqrt(4.025)
    assert found.upper == np.sqrt(4.05)


def test_bounds_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(MetricError) as caught:
        root_interval(lambda _alpha: Part(1.0, float("nan"), 2.0), "m")
    assert caught.value.code == "nan_interval"
    with pytest.raises(MetricError) as caught:
        root_interval(lambda _alpha: Part(1.0, 3.0, 2.0), "m")
    assert caught.value.code == "inverted_interval"
