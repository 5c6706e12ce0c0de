"""What a visit shares and what is a star's own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyassay.metrics.statistics.bounds import chi_square_part
from skyassay.metrics.statistics.twoway import fit_two_way


def made(n_units, n_visits, shared, own, seed=0, missing=0.0, blocks=1):
    """Return units by visits with normal errors; two visits of every unit are always seen."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 100.0, (n_units, 1)) + rng.normal(0, shared, (1, n_visits))
    x = x + rng.normal(0, own, x.shape)
    hole = rng.random(x.shape) < missing
    hole[np.arange(n_units), np.arange(n_units) % n_visits] = False
    hole[np.arange(n_units), (np.arange(n_units) + blocks) % n_visits] = False
    x[hole] = np.nan
    field_of_unit, field_of_visit = np.arange(n_units) % blocks, np.arange(n_visits) % blocks
    x[field_of_unit[:, None] != field_of_visit] = np.nan
    return x


def pooled(x):
    count = np.isfinite(x).sum(axis=1)
    return np.nansum((x - np.nanmean(x, axis=1, keepdims=True)) ** 2) / (count - 1).sum()


@given(
    st.integers(3, 40),
    st.integers(2, 9),
    st.floats(0, 0.6),
    st.floats(0, 20),
    st.floats(0.1, 20),
    st.integers(0, 10_000),
)
def test_parts_sum_to_the_pooled_variance(units, visits, missing, shared, own, seed) -> None:
    x = made(units, visits, shared, own, seed, missing)
    fit = fit_two_way(x)
    assert fit.shared_mean_square + fit.own_mean_square == pytest.approx(pooled(x), rel=1e-9)
    assert fit.count.tolist() == np.isfinite(x).sum(axis=1).tolist()
    np.testing.assert_array_equal(np.isfinite(fit.own), np.isfinite(x))


def test_parts_sum_with_distortion_modes_and_cells() -> None:
    rng = np.random.default_rng(1)
    x = made(60, 5, 3.0, 2.0, seed=2, missing=0.3)
    angle = rng.uniform(0, np.pi, 60)
    basis = np.stack(
        [np.ones(60), np.sqrt(2) * np.cos(2 * angle), np.sqrt(2) * np.sin(2 * angle)], 1
    )
    for fit in (
        fit_two_way(x, basis),
        fit_two_way(x, cell=np.arange(60) // 20),
    ):
        assert fit.shared_mean_square + fit.own_mean_square == pytest.approx(pooled(x), rel=1e-6)


def test_a_complete_table_is_the_textbook_analysis_of_variance() -> None:
    x = made(30, 6, 5.0, 2.0, seed=3)
    fit = fit_two_way(x)
    visit = (x - x.mean(axis=1, keepdims=True)).mean(axis=0)
    np.testing.assert_allclose(fit.coefficients[:, 0], visit, atol=1e-9)
    own = x - x.mean(axis=1, keepdims=True) - visit
    np.testing.assert_allclose(fit.own, own, atol=1e-9)
    assert fit.shared_mean_square == pytest.approx(30 * (visit**2).sum() / (30 * 5))
    assert [t.dof for t in fit.shared] == [5.0]


@pytest.mark.parametrize("missing", [0.0, 0.3])
@pytest.mark.parametrize("blocks", [1, 2])
def test_known_components_are_recovered(missing, blocks) -> None:
    x = made(900, 300, 5.0, 3.0, seed=4, missing=missing, blocks=blocks)
    fit = fit_two_way(x)
    # 300 visits know the shared variance to 8 %
    assert fit.shared_mean_square == pytest.approx(25.0, rel=0.25)
    assert fit.own_mean_square == pytest.approx(9.0, rel=0.04)
    assert np.median(fit.own_scatter()) == pytest.approx(3.0, rel=0.03)


def test_own_scatter_of_few_visits_is_free_of_bias() -> None:
    for visits in (3, 4, 8):
        fit = fit_two_way(made(6_000, visits, 0.0, 3.0, seed=visits))
        assert np.median(fit.own_scatter()) == pytest.approx(3.0, rel=0.03)


def test_two_disconnected_fields_lose_a_degree_of_freedom_each() -> None:
    whole = fit_two_way(made(40, 10, 4.0, 1.0, seed=5))
    apart = fit_two_way(made(40, 10, 4.0, 1.0, seed=5, blocks=2))
    assert whole.shared[0].dof == pytest.approx(9.0)
    assert apart.shared[0].dof == pytest.approx(8.0)


def test_visits_that_saw_little_count_little() -> None:
    x = made(100, 6, 4.0, 1.0, seed=6)
    x[5:, 3:] = np.nan
    dof = fit_two_way(x).shared[0].dof
    assert 2.0 <= dof < 3.0


def test_a_visit_that_saw_nothing_is_no_visit() -> None:
    x = made(20, 5, 4.0, 1.0, seed=7)
    x[:, 2] = np.nan
    fit = fit_two_way(x)
    assert fit.n_visits == 4
    assert fit.shared[0].dof == pytest.approx(fit_two_way(np.delete(x, 2, axis=1)).shared[0].dof)


def test_offsets_of_the_units_do_not_matter() -> None:
    x = made(20, 4, 3.0, 1.0, seed=8, missing=0.3)
    moved = x + np.random.default_rng(0).normal(0, 1e3, (20, 1))
    a, b = fit_two_way(x), fit_two_way(moved)
    assert a.shared_mean_square == pytest.approx(b.shared_mean_square, rel=1e-6)
    assert a.own_mean_square == pytest.approx(b.own_mean_square, rel=1e-6)


def test_a_pure_distortion_is_shared_in_full() -> None:
    """Shear and scale of a visit stretch pairs by their angle: nothing is left as their own."""
    rng = np.random.default_rng(9)
    angle = rng.uniform(0, np.pi, 80)
    basis = np.stack(
        [np.ones(80), np.sqrt(2) * np.cos(2 * angle), np.sqrt(2) * np.sin(2 * angle)], 1
    )
    x = basis @ rng.normal(0, 5.0, (3, 12))
    fit = fit_two_way(x, basis)
    assert fit.own_mean_square < 1e-6 * fit.shared_mean_square
    assert all(t.value > 0.1 * fit.shared_mean_square for t in fit.shared)
    # the plain visit term alone would call most of it the pairs' own
    assert fit_two_way(x).own_mean_square > 0.3 * fit.shared_mean_square
    np.testing.assert_allclose(
        fit.shared_variance().mean(), fit.shared_mean_square, rtol=1e-9, atol=0
    )


@pytest.mark.parametrize("mixed", [False, True])
def test_one_number_per_visit_has_the_degrees_of_freedom_of_one(mixed) -> None:
    """A stretch along one axis is scale and shear at once, in a fixed proportion."""
    rng = np.random.default_rng(10)
    angle = np.linspace(0, np.pi, 200, endpoint=False)
    basis = np.stack(
        [np.ones(200), np.sqrt(2) * np.cos(2 * angle), np.sqrt(2) * np.sin(2 * angle)], 1
    )
    term = np.array([[1.0, 1.0, 0.0]]) if mixed else np.array([[1.0, 0.0, 0.0]])
    one = basis @ (rng.normal(0, 5.0, (9, 1)) * term).T + rng.normal(0, 0.01, (200, 9))
    found = fit_two_way(one, basis, ends=np.arange(200)[:, None])
    part = found.shared_part(0.05)
    want = chi_square_part(found.shared_mean_square, 8.0, 0.05)
    assert part.high == pytest.approx(want.high, rel=0.05)
    many = basis @ rng.normal(0, 5.0, (9, 3)).T + rng.normal(0, 0.01, (200, 9))
    found = fit_two_way(many, basis, ends=np.arange(200)[:, None])
    part = found.shared_part(0.05)
    assert part.high < 0.9 * chi_square_part(found.shared_mean_square, 8.0, 0.05).high


def test_constant_values_have_no_scatter() -> None:
    fit = fit_two_way(np.full((12, 4), 7.0))
    assert fit.shared_mean_square == 0.0
    assert fit.own_mean_square == 0.0
    assert np.all(fit.own_scatter() == 0.0)
    part = fit.shared_part(0.05)
    assert (part.value, part.low, part.high) == (0.0, 0.0, 0.0)
