"""Small-sample factors of the normal distribution."""

import numpy as np
import pytest

from skyassay.metrics.statistics.factors import median_factor


@pytest.mark.parametrize(
    ("n", "factor"),
    [
        (2, 0.6745),
        (3, 0.8326),
        (4, 0.8881),
        (5, 0.9161),
        (7, 0.9441),
        (10, 0.9628),
        (20, 0.9824),
        (50, 0.9932),
    ],
)
def test_median_of_a_sample_deviation(n, factor) -> None:
    assert median_factor(np.array([n - 1.0]))[0] == pytest.approx(factor, abs=6e-5)


@pytest.mark.parametrize("n", [2, 3, 6])
def test_the_factor_by_brute_force(n) -> None:
    scatter = np.random.default_rng(n).normal(size=(200_000, n)).std(axis=1, ddof=1)
    assert np.median(scatter) == pytest.approx(median_factor(np.array([n - 1.0]))[0], abs=0.006)


def test_it_tends_to_one() -> None:
    assert median_factor(np.array([1e6]))[0] == pytest.approx(1.0, abs=1e-6)
