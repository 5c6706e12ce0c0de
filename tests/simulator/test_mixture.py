import numpy as np
import pytest

from skyassay.simulator.mixture import Mixture, weighted_median

MIXTURE = Mixture(np.array([3.0, 1.0]), np.array([0.5, -2.0]), np.array([1.0, 3.0]))


def sample():
    draw = np.random.default_rng(4)
    pick = (draw.random(400_000) < 0.25).astype(int)
    return MIXTURE.means[pick] + MIXTURE.sigmas[pick] * draw.standard_normal(pick.size)


def test_against_brute_force():
    x = sample()
    assert MIXTURE.rms() == pytest.approx(np.sqrt(np.mean(x**2)), rel=0.01)
    assert MIXTURE.beyond(2.0) == pytest.approx(np.mean(np.abs(x) > 2.0), rel=0.01)
    assert MIXTURE.exceeded_by(0.1) == pytest.approx(np.percentile(np.abs(x), 90), rel=0.01)


def test_one_gaussian_has_the_textbook_tail():
    one = Mixture(np.ones(1), np.zeros(1), np.full(1, 2.0))
    assert one.beyond(2 * 1.959964) == pytest.approx(0.05, rel=1e-5)
    assert one.exceeded_by(0.05) == pytest.approx(2 * 1.959964, rel=1e-5)


def test_no_noise_is_a_step():
    still = Mixture(np.ones(2), np.array([1.0, -4.0]), np.zeros(2))
    assert still.beyond(2.0) == 0.5
    assert Mixture(np.ones(1), np.zeros(1), np.zeros(1)).exceeded_by(0.1) == 0.0


def test_weighted_median_of_equal_weights_is_the_median():
    values = np.array([5.0, 1.0, 2.0, 9.0])
    assert weighted_median(values, np.ones(4)) == np.median(values)
    assert weighted_median(values, np.array([1.0, 0.0, 0.0, 8.0])) > 8.0
