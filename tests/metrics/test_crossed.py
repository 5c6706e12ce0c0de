"""Intervals of measurements that share errors by visit and by place."""

import numpy as np
import pytest

from skyassay.metrics.plugin import NotMeasured
from skyassay.metrics.statistics.crossed import crossed_quantile, crossed_rms, shares


def table(seed, visits=12, cells=12, each=3, by_visit=0.0, by_cell=0.0, mean=0.0):
    d = np.random.default_rng(seed)
    shape = (visits, cells, each)
    x = np.sqrt(by_visit) * d.standard_normal((visits, 1, 1))
    x = x + np.sqrt(by_cell) * d.standard_normal((1, cells, 1))
    x = x + np.sqrt(1.0 - by_visit - by_cell) * d.standard_normal(shape) + mean
    visit, cell, _ = np.indices(shape)
    return x.ravel(), {"visit": visit.ravel(), "cell": cell.ravel()}


@pytest.mark.parametrize(("by_visit", "by_cell"), [(0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.3, 0.3)])
def test_both_intervals_cover_what_is_shared(by_visit, by_cell):
    missed = {"rms": 0, "median": 0}
    trials = 120
    for seed in range(trials):
        x, labels = table(seed, by_visit=by_visit, by_cell=by_cell)
        for name, truth, (_, interval) in (
            ("rms", 1.0, crossed_rms(x, labels)),
            ("median", 0.67449, crossed_quantile(np.abs(x), labels, 0.5)),
        ):
            missed[name] += not interval.low <= truth <= interval.high
    # 5 % of 120 is 6; 14 and more would happen to an honest interval once in 500.
    assert max(missed.values()) < 14


def test_a_constant_leaves_less_to_learn():
    x, labels = table(1, mean=10.0)
    value, interval = crossed_rms(x, labels)
    assert value == pytest.approx(np.sqrt(101.0), rel=0.01)
    assert interval.upper - interval.lower < 0.05 * value


def test_order_does_not_matter():
    x, labels = table(2, by_visit=0.4)
    order = np.random.default_rng(1).permutation(len(x))
    one, other = (
        crossed_rms(x, labels),
        crossed_rms(x[order], {k: v[order] for k, v in labels.items()}),
    )
    assert other[0] == pytest.approx(one[0], rel=1e-12)
    assert other[1].high == pytest.approx(one[1].high, rel=1e-9)


@pytest.mark.parametrize(
    ("values", "visits", "reason"),
    [
        (np.ones(6), np.arange(6), "no_scatter"),
        (np.arange(6.0), np.zeros(6), "too_few_clusters"),
        (np.ones(1), np.zeros(1), "too_few_values"),
        (np.empty(0), np.empty(0), "too_few_values"),
    ],
)
def test_what_has_no_interval_says_why(values, visits, reason):
    for call in (
        lambda: crossed_rms(values, {"visit": visits}),
        lambda: crossed_quantile(values, {"visit": visits}, 0.5),
    ):
        with pytest.raises(NotMeasured) as told:
            call()
        assert told.value.reason == reason


def test_budget_tells_who_shares():
    x, labels = table(3, visits=40, cells=40, by_visit=0.5, by_cell=0.1)
    found = shares(x, labels)
    assert found["budget_visit"] == pytest.approx(0.5, abs=0.2)
    assert found["budget_cell"] == pytest.approx(0.12, abs=0.1)
