"""Fractions beyond a limit and limits of a fraction: one law ties them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import beta, binom, norm

from skyassay.metrics.statistics.deviations import (
    deviation_table,
    fraction_beyond,
    reached_by,
)
from skyassay.metrics.statistics.tails import (
    exceedance,
    fraction_interval,
    reach,
    scaled,
    two_way_tail,
)
from skyassay.metrics.statistics.twoway import fit_two_way

#: Few distinct values, so that ties and limits met exactly are common.
some_deviations = st.one_of(
    arrays(float, st.integers(1, 60), elements=st.integers(-8, 8).map(lambda v: v / 2)),
    arrays(float, st.integers(1, 60), elements=st.floats(-50, 50)),
)
percents = st.sampled_from([1.0, 5.0, 10.0, 20.0, 25.0, 50.0, 90.0])


@given(
    some_deviations, percents, st.one_of(st.floats(0, 60), st.integers(0, 8).map(lambda v: v / 2))
)
def test_fraction_and_limit_agree_about_every_limit(d, percent, limit) -> None:
    """PA2 <= L at PF1 = F exactly when PF1 <= F at PA2 = L; so for AD and AF, AB2 and ABF1."""
    assert (reach(d, percent / 100.0) <= limit) == (100.0 * exceedance(d, limit) <= percent)


@given(some_deviations, percents)
def test_the_reach_is_the_smallest_such_limit(d, percent) -> None:
    limit = reach(d, percent / 100.0)
    assert exceedance(d, limit) <= percent / 100.0 + 1e-12
    below = np.nextafter(limit, -1.0)
    assert limit == 0.0 or exceedance(d, below) > percent / 100.0 - 1e-12


def test_both_signs_count() -> None:
    """A published PF1 once forgot the absolute value and missed half of the outliers."""
    d = np.array([-20.0, -20.0, 0.0, 20.0])
    assert exceedance(d, 15.0) == 0.75
    assert reach(np.array([-20.0, 1.0]), 0.5) == 1.0


def test_a_deviation_at_the_limit_is_not_beyond_it() -> None:
    assert exceedance(np.array([15.0, -15.0, 15.000001]), 15.0) == pytest.approx(1 / 3)


def table(n_stars, n_visits, shared, own, seed):
    rng = np.random.default_rng(seed)
    return rng.normal(0, shared, (1, n_visits)) + rng.normal(0, own, (n_stars, n_visits))


def tail_of(x):
    return two_way_tail(fit_two_way(x), np.arange(len(x))[:, None])


def modelled(tail, limit, value):
    """Return the model's own interval, from data that do not contradict it."""

    def never():
        pytest.fail("the model is not contradicted")

    return fraction_interval(tail, limit, value, never)


@pytest.mark.parametrize("limit", [1.0, 2.0, 3.0])
def test_the_model_of_many_visits_is_the_gaussian_tail(limit) -> None:
    fit = fit_two_way(table(120, 300, 0.6, 0.8, 1))
    tail = two_way_tail(fit, np.arange(120)[:, None])
    sigma = np.sqrt(fit.shared_mean_square + fit.own_mean_square)
    assert sigma == pytest.approx(1.0, rel=0.06)
    # grouping the own deviations costs the far tail some of its weight
    rel = 0.05 if limit < 3 else 0.2
    assert tail.fraction(limit) == pytest.approx(2 * norm.sf(limit / sigma), rel=rel)


def test_the_model_of_few_visits_without_shared_term() -> None:
    """Own residuals about a mean of three are scaled to the population's."""
    tail = tail_of(table(3_000, 3, 0.0, 1.0, 2))
    assert tail.fraction(1.0) == pytest.approx(2 * norm.sf(1.0), rel=0.05)


@pytest.mark.parametrize(("shared", "own"), [(0.0, 5.0), (5.0, 1.0), (3.0, 3.0)])
@pytest.mark.parametrize("visits", [3, 10])
def test_bounds_widen_as_alpha_falls(shared, own, visits) -> None:
    tail = tail_of(table(60, visits, shared, own, 3))
    for limit in (2.0, 8.0, 30.0):
        draws = tail.independent_draws(limit)
        bounds = [tail.bounds(limit, a, draws) for a in (0.2, 0.1, 0.05, 0.025, 0.005)]
        for (low, high), (inner_low, inner_high) in zip(bounds[1:], bounds[:-1], strict=True):
            assert 0.0 <= low <= inner_low <= inner_high <= high <= 1.0


@pytest.mark.parametrize(("shared", "own"), [(5.0, 1.0), (3.0, 3.0)])
def test_upper_bounds_fall_with_the_limit(shared, own) -> None:
    tail = tail_of(table(60, 6, shared, own, 4))
    high = [modelled(tail, x, 0.0).upper for x in (1.0, 3.0, 6.0, 12.0, 25.0, 50.0)]
    assert all(b <= a + 1e-9 for a, b in pairwise(high))


@given(st.integers(0, 1000), st.integers(2, 12), st.floats(0, 10), st.floats(0.1, 10))
def test_intervals_hold_their_value_and_nest(seed, visits, shared, own) -> None:
    x = table(30, visits, shared, own, seed)
    tail = tail_of(x)
    off = (x - x.mean(axis=1, keepdims=True)) * np.sqrt(visits / (visits - 1))
    np.testing.assert_allclose(deviation_table(x), off)
    for limit in (5.0, 40.0):
        value, found = fraction_beyond(tail, off, limit)
        assert value == exceedance(off, limit)
        assert 0 <= found.low <= found.lower <= value <= found.upper <= found.high <= 1
    value, found = reached_by(tail, off, 0.1)
    assert value == reach(off, 0.1)
    assert 0 <= found.low <= found.lower <= value <= found.upper <= found.high


def test_no_outlier_at_all_does_not_mean_none_ever() -> None:
    x = table(20, 3, 0.0, 1.0, 5)
    found = modelled(tail_of(x), 50.0, 0.0)
    assert found.lower == found.low == 0.0
    assert 0.001 < found.upper < 0.2


def test_no_outlier_among_n_says_no_more_than_n_draws_can() -> None:
    """360 deviations without an outlier: Jeffreys' upper limit for 0 of 360 is 0.53 %."""
    tail = tail_of(table(60, 6, 0.0, 5.0, 4))
    at_least = beta.ppf(0.95, 0.5, 360.5)
    for limit in (18.0, 25.0, 50.0):
        assert modelled(tail, limit, 0.0).upper >= at_least


def test_a_shared_term_widens_the_interval() -> None:
    """Three visits say little about the next, however many stars they hold."""
    found = [
        modelled(tail_of(table(600, 3, s, o, 6)), 5.0, 0.1) for s, o in ((0.0, 3.0), (2.9, 0.8))
    ]
    alone, shared = (f.high - f.low for f in found)
    assert shared > 4 * alone


def coverage(shared, own, visits, limit, trials=150):
    """Return how often the one-sided limits of the fraction lie on their side of the truth."""
    truth = 2 * norm.sf(limit / np.hypot(shared, own))
    below = above = 0
    for seed in range(trials):
        x = table(60, visits, shared, own, 10_000 + seed)
        _, found = fraction_beyond(tail_of(x), deviation_table(x), limit)
        below += found.lower <= truth
        above += found.upper >= truth
    return below, above


@pytest.mark.parametrize(("shared", "own", "visits"), [(0.0, 3.0, 3), (2.5, 1.5, 6)])
def test_one_sided_limits_of_a_fraction_cover(shared, own, visits) -> None:
    trials = 150
    least = binom.ppf(1e-4, trials, 0.92)
    below, above = coverage(shared, own, visits, 5.0, trials)
    assert below >= least
    assert above >= least


def test_scaled_changes_the_numbers_only() -> None:
    found = modelled(tail_of(table(20, 4, 1.0, 1.0, 7)), 2.0, 0.05)
    percent = scaled(found, 100.0)
    assert percent.upper == 100 * found.upper
    assert percent.low == 100 * found.low
    assert percent.method == found.method


@pytest.mark.parametrize("visits", [2, 5, 20])
def test_one_visit_far_worse_than_the_others_is_not_explained_away(visits) -> None:
    """No normal visit term makes one visit in twenty stray by fifty times the others."""
    x = table(80, visits, 0.5, 1.0, 8)
    x[:, 1] += 60.0
    off = deviation_table(x)
    for value, found in (
        fraction_beyond(tail_of(x), off, 30.0),
        reached_by(tail_of(x), off, 0.02),
    ):
        assert found.low <= found.lower <= value <= found.upper <= found.high
    value, found = fraction_beyond(tail_of(x), off, 30.0)
    assert found.upper > min(0.99, 1.5 * value)
