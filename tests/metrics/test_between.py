"""Single visits in one band against single visits in another."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, norm

from skyassay.metrics.statistics.between import compare
from skyassay.metrics.statistics.scale import root_interval
from skyassay.metrics.statistics.tails import exceedance


def sides(n_units, visits, shared, own, offset=0.0, seed=0):
    """Return values in a band and in the reference; the units differ by 100 among themselves."""
    rng = np.random.default_rng(seed)
    unit = rng.normal(0, 100.0, (n_units, 1))
    return tuple(
        unit + shift + rng.normal(0, shared, (1, n)) + rng.normal(0, own, (n_units, n))
        for n, shift in zip(visits, (offset, 0.0), strict=True)
    )


def compared(a, b):
    n = len(a)
    return compare(a, b, np.ones((n, 1)), np.arange(n)[:, None])


def all_differences(a, b):
    d = a[:, :, None] - b[:, None, :]
    return d[np.isfinite(d)]


def test_the_mean_square_is_that_of_every_pair_of_visits() -> None:
    a, b = sides(20, (4, 7), 3.0, 2.0, offset=1.5)
    assert compared(a, b).mean_square == pytest.approx((all_differences(a, b) ** 2).mean())


def test_differences_are_every_pair_of_visits() -> None:
    a, b = sides(9, (3, 4), 3.0, 2.0)
    a[0, 0] = b[4, 2] = np.nan
    found = compared(a, b).differences()
    np.testing.assert_allclose(np.sort(found), np.sort(all_differences(a, b)))


@pytest.mark.parametrize("visits", [(2, 2), (3, 3), (12, 4)])
def test_no_number_of_visits_biases_it(visits) -> None:
    found = [compared(*sides(30, visits, 2.0, 3.0, 4.0, s)).mean_square for s in range(300)]
    truth = 2 * (2.0**2 + 3.0**2) + 4.0**2
    assert np.mean(found) == pytest.approx(truth, abs=4 * np.std(found) / np.sqrt(300))


def test_a_constant_offset_is_found_with_its_error() -> None:
    found = [compared(*sides(40, (6, 6), 1.0, 1.0, -5.0, s)) for s in range(100)]
    offsets = np.array([f.offset[0] for f in found])
    assert offsets.mean() == pytest.approx(-5.0, abs=0.25)
    claimed = np.sqrt(np.mean([f.offset_error[0] ** 2 for f in found]))
    assert claimed == pytest.approx(offsets.std(), rel=0.3)


def test_parts_add_up_to_the_mean_square() -> None:
    found = compared(*sides(40, (6, 5), 2.0, 1.0, 3.0))
    for alpha in (0.05, 0.025):
        total = sum(p.value for p in found.parts(alpha))
        assert total == pytest.approx(found.mean_square, rel=0.02)


@pytest.mark.parametrize(
    ("visits", "shared", "own", "offset"),
    [((3, 3), 3.0, 2.0, 0.0), ((6, 6), 2.0, 3.0, 5.0), ((12, 12), 0.0, 3.0, 0.0)],
)
def test_one_sided_limits_cover(visits, shared, own, offset) -> None:
    trials = 150
    truth = np.sqrt(2 * (shared**2 + own**2) + offset**2)
    found = [
        root_interval(compared(*sides(40, visits, shared, own, offset, 900 + s)).bounds, "m")
        for s in range(trials)
    ]
    least = binom.ppf(1e-4, trials, 0.92)
    assert sum(f.upper >= truth for f in found) >= least
    assert sum(f.lower <= truth for f in found) >= least


def test_the_tail_of_many_visits_is_gaussian() -> None:
    a, b = sides(40, (60, 60), 3.0, 4.0, 0.0, 5)
    found = compared(a, b)
    truth = 2 * norm.sf(10.0 / np.sqrt(50.0))
    assert found.tail.fraction(10.0) == pytest.approx(truth, rel=0.25)
    assert exceedance(found.differences(), 10.0) == pytest.approx(truth, rel=0.25)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_an_offset_moves_the_tail(sign) -> None:
    a, b = sides(60, (20, 20), 0.5, 1.0, sign * 20.0, 6)
    found = compared(a, b)
    assert found.tail.fraction(15.0) > 0.95
    value, interval = found.fraction_beyond(found.tail, 15.0)
    assert value == exceedance(found.differences(), 15.0)
    assert interval.lower > 0.5
    limit, reached = found.reached_by(found.tail, 0.1)
    assert 20.0 < reached.lower < limit < reached.upper < 30.0


def test_units_that_miss_visits() -> None:
    a, b = sides(50, (6, 6), 2.0, 2.0, 0.0, 7)
    hole = np.random.default_rng(8).random(a.shape) < 0.3
    hole[:, :2] = False
    a[hole] = np.nan
    found = compared(a, b)
    assert np.isfinite(found.mean_square)
    low = found.bounds(0.05)
    assert 0 < low.low < low.value < low.high


def test_a_visit_without_any_common_star() -> None:
    a, b = sides(50, (6, 6), 2.0, 2.0, 0.0, 9)
    a[:, 3] = np.nan
    with_hole, without = compared(a, b), compared(np.delete(a, 3, axis=1), b)
    assert with_hole.mean_square == pytest.approx(without.mean_square)
    assert with_hole.bounds(0.05).high == pytest.approx(without.bounds(0.05).high, rel=1e-6)


def test_identical_values_have_no_scatter() -> None:
    same = np.zeros((20, 4))
    found = compared(same, same)
    assert found.mean_square == 0.0
    bounds = found.bounds(0.05)
    assert np.isfinite([bounds.low, bounds.high]).all()
