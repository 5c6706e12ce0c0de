"""The sky: known surfaces, masked cells, arrays and back."""

import numpy as np
import pytest

from skyassay.pipeline.background.fit import fit_background
from skyassay.pipeline.background.model import Background
from skyassay.pipeline.measurement.errors import MeasurementError

SHAPE = (300, 420)
Y, X = np.mgrid[: SHAPE[0], : SHAPE[1]]


def noisy(sky, seed=1, sigma=30.0):
    rng = np.random.default_rng(seed)
    return (sky + rng.normal(0, sigma, SHAPE)).astype(np.float32)


def test_a_gradient_is_followed_to_the_edges():
    sky = 800.0 + 0.1 * X - 0.05 * Y
    found = fit_background(sky.astype(np.float32), np.ones(SHAPE, bool), 64)
    assert np.abs(found.image() - sky)[32:-32, 32:-32].max() < 0.5
    assert np.abs(found.image() - sky).max() < 0.5


def test_level_and_noise_of_a_flat_sky():
    found = fit_background(noisy(1000.0), np.ones(SHAPE, bool), 100)
    assert np.abs(found.image() - 1000.0).max() < 1.5
    np.testing.assert_allclose(found.noise, 30.0, rtol=0.03)
    assert found.noise_at(np.array([0.0, 419.0]), np.array([0.0, 299.0])).shape == (2,)


def test_unmasked_outliers_are_clipped():
    image = noisy(1000.0)
    image[::17, ::13] += 5000.0
    found = fit_background(image, np.ones(SHAPE, bool), 100)
    assert np.abs(found.image() - 1000.0).max() < 3.0


def test_a_masked_cell_takes_the_value_of_its_neighbours():
    sky = np.ones(SHAPE, bool)
    sky[:100, :100] = False
    image = noisy(1000.0)
    image[:100, :100] = np.nan
    found = fit_background(image, sky, 100)
    assert np.abs(found.image() - 1000.0).max() < 2.0


def test_no_sky_at_all_is_an_error():
    with pytest.raises(MeasurementError) as caught:
        fit_background(noisy(1000.0), np.zeros(SHAPE, bool), 100)
    assert caught.value.code == "no_good_pixels"


@pytest.mark.parametrize("mesh", [64, 210, 1000])
def test_adding_a_constant_adds_it(mesh):
    one = fit_background(noisy(1000.0), np.ones(SHAPE, bool), mesh)
    two = fit_background(noisy(1500.0), np.ones(SHAPE, bool), mesh)
    np.testing.assert_allclose(two.image() - one.image(), 500.0, atol=0.01)
    np.testing.assert_allclose(two.noise, one.noise, rtol=1e-3)


def test_arrays_and_back():
    one = fit_background(noisy(1000.0 + 0.1 * X), np.ones(SHAPE, bool), 100)
    two = Background.from_arrays(one.to_arrays())
    np.testing.assert_array_equal(one.image(), two.image())
    assert two.shape == SHAPE
