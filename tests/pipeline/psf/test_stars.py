"""Selection and reservation of PSF stars."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyassay.pipeline.measurement.errors import MeasurementError
from skyassay.pipeline.measurement.options import Options
from skyassay.pipeline.psf.stars import densest, reserve, stellar_locus

OPTIONS = Options()
SHAPE = (1024, 1024)


def sample(n_stars, n_galaxies, seed=1, slope=0.0):
    rng = np.random.default_rng(seed)
    n = n_stars + n_galaxies
    x, y, snr = rng.uniform(0, 1023, n), rng.uniform(0, 1023, n), rng.uniform(60, 900, n)
    trace = 4.5 * (1 + slope * (x / 1023 - 0.5)) * (1 + 2 / snr * rng.normal(size=n))
    trace[n_stars:] *= rng.uniform(1.15, 6.0, n_galaxies)
    return x, y, trace, snr


@pytest.mark.parametrize(("n_stars", "n_galaxies"), [(12, 0), (25, 40), (100, 300)])
def test_the_locus_is_found_among_galaxies(n_stars, n_galaxies):
    kept = stellar_locus(*sample(n_stars, n_galaxies), SHAPE, OPTIONS)
    assert kept[:n_stars].mean() > 0.9
    assert kept[n_stars:].sum() <= 1


def test_the_locus_follows_the_psf_over_the_detector():
    kept = stellar_locus(*sample(60, 20, slope=0.1), SHAPE, OPTIONS)
    assert kept[:60].mean() > 0.95


@pytest.mark.parametrize("n", [0, 1, 2, 4])
def test_too_few_stars(n):
    with pytest.raises(MeasurementError) as caught:
        stellar_locus(*sample(n, 0), SHAPE, OPTIONS)
    assert caught.value.code == "no_psf_stars"
    assert caught.value.hint


def test_galaxies_of_all_sizes_are_no_stars():
    rng = np.random.default_rng(3)
    x, y, _, snr = sample(5, 0)
    with pytest.raises(MeasurementError):
        stellar_locus(x, y, np.exp(np.arange(5) + rng.uniform(0, 0.1, 5)), snr, SHAPE, OPTIONS)


@given(values=st.lists(st.floats(-5, 5), min_size=1, max_size=40), width=st.floats(0.01, 2))
def test_the_densest_interval_holds_as_many_as_any(values, width):
    at = np.array(values)
    centre = densest(at, width)
    most = max(np.sum((at >= v) & (at <= v + width)) for v in at)
    assert np.sum(np.abs(at - centre) <= width) >= most


@given(n=st.integers(0, 200), seed=st.integers(0, 2**40))
def test_a_fifth_is_reserved_whatever_the_order(n, seed):
    rng = np.random.default_rng(n)
    column, row = rng.integers(0, 4096, n), rng.permutation(4096)[:n]
    taken = reserve(column, row, 0.2, seed)
    assert taken.sum() == round(0.2 * n)
    order = rng.permutation(n)
    np.testing.assert_array_equal(reserve(column[order], row[order], 0.2, seed), taken[order])


def test_the_seed_changes_the_choice():
    column, row = np.arange(100), np.arange(100) * 7 % 100
    choices = {reserve(column, row, 0.2, seed).tobytes() for seed in range(20)}
    assert len(choices) == 20
    taken = np.mean([reserve(column, row, 0.2, seed) for seed in range(400)], axis=0)
    assert 0.08 < taken.min() < taken.max() < 0.32
