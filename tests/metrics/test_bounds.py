"""Bounds of mean squares, of their sums and of medians."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, chi2

from skyassay.metrics.statistics.bounds import (
    Part,
    chi_square_part,
    clustered_error,
    independent_units,
    mover,
    pooled_part,
    quantile_bounds,
)

TRIALS = 400


def loosely_covers(hits: int, trials: int, level: float) -> bool:
    """Return whether so many hits are plausible for a coverage of `level` +- 3 %."""
    low, high = binom.ppf(1e-4, trials, level - 0.03), binom.ppf(1 - 1e-4, trials, level + 0.03)
    return bool(low <= hits <= high)


@pytest.mark.parametrize("dof", [1.0, 2.0, 5.5, 29.0, 4000.0])
@pytest.mark.parametrize("alpha", [0.025, 0.05])
def test_chi_square_bounds(dof, alpha) -> None:
    part = chi_square_part(3.0, dof, alpha)
    assert part.low == pytest.approx(3.0 * dof / chi2.ppf(1 - alpha, dof), rel=1e-9)
    assert part.high == pytest.approx(3.0 * dof / chi2.ppf(alpha, dof), rel=1e-9)
    assert part.low < part.value < part.high


def test_one_shared_term_keeps_its_degrees_of_freedom() -> None:
    """A mean square with 4 of them has an expected square of value^2 (1 + 2 / 4)."""
    variance = 2.0 * 2.0**2 / (4.0 + 2.0)
    found = pooled_part(2.0, 2.0, variance, (1.0, 100.0), 0.05)
    want = chi_square_part(2.0, 4.0, 0.05)
    assert (found.low, found.high) == pytest.approx((want.low, want.high))


@pytest.mark.parametrize("variance", [1e-9, 0.1, 1.0, 1e9])
def test_pooled_terms_stay_between_fewest_and_most_degrees_of_freedom(variance) -> None:
    fewest, most = (chi_square_part(2.0, nu, 0.05) for nu in (2.0, 4.0))
    found = pooled_part(2.0, 1.5, variance, (2.0, 4.0), 0.05)
    assert found.value == 2.0
    assert most.high <= found.high <= fewest.high
    assert fewest.low <= found.low <= most.low


def test_terms_of_nothing_but_noise_lend_no_degrees_of_freedom() -> None:
    found = pooled_part(6.0, 0.0, 0.0, (2.0, 6.0), 0.05)
    assert found == chi_square_part(6.0, 2.0, 0.05)


def test_no_shared_scatter_at_all() -> None:
    assert pooled_part(0.0, 0.0, 0.0, (2.0, 4.0), 0.05) == Part(0.0, 0.0, 0.0)


def test_pairs_are_no_more_independent_than_half_their_stars() -> None:
    pairs = np.array([(i, j) for i in range(10) for j in range(i + 1, 10)])
    assert independent_units(pairs) == 5.0
    assert independent_units(np.array([[0, 1], [2, 3]])) == 2.0
    assert independent_units(np.arange(7)[:, None]) == 7.0


def test_mover_of_one_part_is_that_part() -> None:
    found = mover([Part(2.0, 1.0, 5.0)])
    assert (found.value, found.low, found.high) == pytest.approx((2.0, 1.0, 5.0))


def test_mover_adds_in_quadrature_and_stays_above_zero() -> None:
    found = mover([Part(2.0, 1.0, 5.0), Part(1.0, 1.0, 5.0)])
    assert (found.value, found.low, found.high) == pytest.approx((3.0, 2.0, 8.0))
    assert mover([Part(1.0, 0.0, 9.0), Part(1.0, -3.0, 2.0)]).low == 0.0


@pytest.mark.parametrize(
    "make", [chi_square_part, lambda v, d, a: pooled_part(v, v / 2, 0.2, (d, 2 * d), a)]
)
def test_bounds_widen_as_alpha_falls(make) -> None:
    parts = [make(1.0, 3.0, alpha) for alpha in (0.2, 0.1, 0.05, 0.025, 0.001)]
    for wider, narrower in zip(parts[1:], parts[:-1], strict=True):
        assert wider.low < narrower.low < narrower.high < wider.high


@pytest.mark.parametrize("dofs", [(2.0, 500.0), (2.0, 9.0), (29.0, 40.0)])
def test_mover_covers_a_sum_of_two_mean_squares(dofs) -> None:
    rng = np.random.default_rng(7)
    truth = (1.0, 2.0)
    above = below = 0
    for _ in range(TRIALS):
        sums = [t * rng.chisquare(d) / d for t, d in zip(truth, dofs, strict=True)]
        found = mover(
            [chi_square_part(s, d, 0.05) for s, d in zip(sums, dofs, strict=True)],
        )
        above += found.high >= sum(truth)
        below += found.low <= sum(truth)
    assert loosely_covers(above, TRIALS, 0.95)
    assert loosely_covers(below, TRIALS, 0.95)


def test_the_median_is_covered_by_its_bounds() -> None:
    rng = np.random.default_rng(8)
    n, hits = 60, 0
    for _ in range(TRIALS):
        low, high = quantile_bounds(rng.exponential(size=n), 0.5 / np.sqrt(n), 0.025)
        hits += low <= np.log(2.0) <= high
    assert loosely_covers(hits, TRIALS, 0.95)


def test_a_hopeless_sign_error_gives_the_extremes() -> None:
    values = np.arange(11.0)
    assert quantile_bounds(values, 10.0, 0.05) == (0.0, 10.0)


def test_independent_terms_have_the_usual_error() -> None:
    x = np.random.default_rng(9).normal(size=500)
    x -= x.mean()
    error = clustered_error(x, np.arange(500)[:, None], 500)
    assert error == pytest.approx(x.std(ddof=1) / np.sqrt(500), rel=1e-9)


def test_pairs_that_share_stars_by_brute_force() -> None:
    rng = np.random.default_rng(10)
    ends = np.array([(i, j) for i in range(9) for j in range(i + 1, 9)])
    star = rng.normal(size=9)
    x = star[ends].sum(axis=1)
    x -= x.mean()
    shares = (ends[:, None, :, None] == ends[None, :, None, :]).any(axis=(2, 3))
    expected = np.sqrt((x[:, None] * x * shares).sum() * 9 / 8) / len(x)
    assert clustered_error(x, ends, 9) == pytest.approx(expected, rel=1e-9)
    assert clustered_error(x, ends, 9) > 1.5 * x.std() / np.sqrt(len(x))
