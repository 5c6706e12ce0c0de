"""Means, fractions and quantiles of clustered units against analytic truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta, rankdata, t

from skyassay.metrics.plugin import NotMeasured
from skyassay.metrics.statistics.clustered import (
    clustered_fraction,
    clustered_mean,
    clustered_quantile,
    clusters,
    ranks,
    shared_share,
)


def test_mean_of_independent_units_is_students_t() -> None:
    x = np.array([1.0, 4.0, 2.0, 8.0, 5.0])
    mean, interval = clustered_mean(x, np.arange(5))
    reach = t.ppf(0.975, 4) * x.std(ddof=1) / np.sqrt(5)
    assert mean == x.mean()
    assert (interval.low, interval.high) == pytest.approx((mean - reach, mean + reach))


def test_fraction_of_independent_units_is_clopper_and_pearson() -> None:
    hit = np.arange(20) < 3
    fraction, interval = clustered_fraction(hit, np.arange(20))
    assert fraction == 0.15
    assert interval.low == pytest.approx(beta.ppf(0.025, 3, 18))
    assert interval.upper == pytest.approx(beta.ppf(0.95, 4, 17))


def test_no_hit_at_all_still_has_an_upper_limit() -> None:
    _, interval = clustered_fraction(np.zeros(600, dtype=bool), np.repeat(np.arange(30), 20))
    # 600 copies of 30 nights know no more than 30 nights do.
    assert interval.upper >= 1.0 - 0.05 ** (1 / 30)


def test_the_median_of_few_units_has_no_bounds() -> None:
    _, four = clustered_quantile(np.array([1.0, 2.0, 3.0, 4.0]), np.arange(4), 0.5)
    assert (four.low, four.high) == (-np.inf, np.inf)
    _, six = clustered_quantile(np.arange(6.0), np.arange(6), 0.5)
    assert (six.low, six.high) == (0.0, 5.0)  # 2 x 0.5^6 = 3.1 %


def test_copies_and_a_single_cluster_are_not_measured() -> None:
    with pytest.raises(NotMeasured) as alone:
        clusters(np.zeros(9))
    assert alone.value.reason == "too_few_clusters"
    for copies in (clustered_mean, lambda v, c: clustered_quantile(v, c, 0.5)):
        with pytest.raises(NotMeasured) as same:
            copies(np.full(9, 3.0), np.arange(9))
        assert same.value.reason == "no_scatter"


def test_the_shared_share_is_found_with_caution() -> None:
    rng = np.random.default_rng(5)
    label = np.repeat(np.arange(400), 10)
    x = np.sqrt(0.3) * rng.normal(size=400)[label] + np.sqrt(0.7) * rng.normal(size=4000)
    assert shared_share(x, clusters(label)) == pytest.approx(0.32, abs=0.06)
    assert shared_share(rng.normal(size=4000), clusters(label)) < 0.03


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_intervals_cover_what_clusters_share(share) -> None:
    rng = np.random.default_rng(7)
    label = np.repeat(np.arange(20), 10)
    truth = {0: 0.0, 1: 0.0, 2: 1.2815515655446004, 3: 0.1}
    missed = np.zeros(4)
    for _ in range(300):
        own = rng.normal(size=200)
        x = np.sqrt(share) * rng.normal(size=20)[label] + np.sqrt(1 - share) * own
        found = (
            clustered_mean(x, label)[1],
            clustered_quantile(x, label, 0.5)[1],
            clustered_quantile(x, label, 0.9)[1],
            clustered_fraction(x > truth[2], label, x)[1],
        )
        missed += [not i.low <= truth[k] <= i.high for k, i in enumerate(found)]
    # 5 % of 300, and four standard deviations of it
    assert (missed <= 15 + 4 * np.sqrt(300 * 0.05 * 0.95)).all()


def test_row_order_does_not_matter() -> None:
    rng = np.random.default_rng(9)
    x, label = rng.normal(size=60), np.repeat(np.arange(6), 10)
    turn = rng.permutation(60)
    one, two = clustered_quantile(x, label, 0.8), clustered_quantile(x[turn], label[turn], 0.8)
    assert one[0] == two[0]
    assert one[1].upper == two[1].upper


def test_a_share_of_copies_says_nothing() -> None:
    label, same = np.repeat(np.arange(50), 4), np.full(200, 0.0)
    with pytest.raises(NotMeasured) as refused:
        clustered_fraction(same > 1.0, label, same)
    assert refused.value.reason == "no_scatter"
    # Without values there is nothing that could be a copy: none of 50 is an honest none.
    assert clustered_fraction(same > 1.0, label)[0] == 0.0


def test_ranks_are_those_of_scipy() -> None:
    rng = np.random.default_rng(2)
    for x in (rng.normal(size=50), rng.integers(0, 5, 60), np.zeros(3)):
        assert np.array_equal(ranks(x), rankdata(x))
