"""The split of cells by region against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from skyassay.metrics.plugin import NotMeasured
from skyassay.metrics.statistics.nested import split
from skyassay.metrics.statistics.nested_tails import cells_beyond, cells_reach


def _cells(regions: int, cells: int, shared: float, own: float, seed: int = 0):
    rng = np.random.default_rng(seed)
    label = np.repeat(np.arange(regions), cells)
    x = shared * rng.standard_normal(regions)[label] + own * rng.standard_normal(label.size)
    return x, label


def test_a_balanced_table_gives_the_anova_estimate() -> None:
    x, label = _cells(5, 4, 2.0, 1.0)
    table = x.reshape(5, 4)
    between = table.mean(axis=1).var(ddof=1)
    within = table.var(axis=1, ddof=1).mean()
    found = split(x, np.full(20, 0.09), label)
    assert found.variance == pytest.approx(between + 0.75 * within - 0.09)
    assert found.groups.dof == pytest.approx(4.0)
    value, interval = found.spread()
    assert interval.low < interval.lower < value < interval.upper < interval.high


def test_noise_and_region_are_taken_apart() -> None:
    x, label = _cells(400, 10, 3.0, 4.0)
    x += 2.0 * np.random.default_rng(1).standard_normal(x.size)
    found = split(x, np.full(x.size, 4.0), label)
    assert np.sqrt(found.variance) == pytest.approx(5.0, rel=0.05)
    fraction, _ = cells_beyond(found, 5.0)
    assert fraction == pytest.approx(0.317, abs=0.03)
    assert cells_reach(found, 0.317)[0] == pytest.approx(5.0, rel=0.05)


def test_more_cells_of_the_same_regions_do_not_narrow_what_they_share() -> None:
    few, many = (_cells(6, n, 3.0, 0.01, seed=3) for n in (4, 400))
    widths = []
    for x, label in (few, many):
        value, interval = split(x, np.zeros(x.size), label).spread()
        widths.append((interval.high - interval.low) / value)
    assert widths[1] == pytest.approx(widths[0], rel=0.02)
    assert widths[1] > 1.0


def test_order_of_cells_does_not_matter() -> None:
    x, label = _cells(6, 5, 1.0, 1.0)
    turn = np.random.default_rng(2).permutation(x.size)
    a, b = split(x, np.ones(x.size), label), split(x[turn], np.ones(x.size), label[turn])
    assert a.variance == pytest.approx(b.variance, rel=1e-12)


def test_too_little_is_not_measured() -> None:
    one = np.zeros(3, dtype=int)
    with pytest.raises(NotMeasured, match=r".*"):
        split(np.arange(3.0), np.zeros(3), one)
    with pytest.raises(NotMeasured) as lone:
        split(np.arange(3.0), np.zeros(3), np.arange(3))
    assert lone.value.reason == "too_few_cells"


def test_nothing_but_noise_is_zero_with_an_upper_limit() -> None:
    x, label = _cells(10, 8, 0.0, 1.0)
    value, interval = split(x, np.full(x.size, 2.0), label).spread()
    assert value == 0.0
    assert interval.lower == 0.0
    assert split(x, np.full(x.size, 1.0), label).spread()[1].upper > 0.1
