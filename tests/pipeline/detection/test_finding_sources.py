"""The matched filter, the descent through the pixels, and masks grown."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import convolve1d, label, maximum_filter

from skyassay.pipeline.detection.detect import detect
from skyassay.pipeline.detection.grow import grow
from skyassay.pipeline.detection.smooth import convolve, signal_to_noise

SHAPE = (90, 120)


def blob(x, y, sigma=1.5, flux=1.0):
    yy, xx = np.mgrid[: SHAPE[0], : SHAPE[1]]
    r2 = (xx - x) ** 2 + (yy - y) ** 2
    return flux * np.exp(-r2 / (2 * sigma**2)) / (2 * np.pi * sigma**2)


def find(image, variance=1.0, usable=None, **settings):
    settings = {"sigma": 1.5, "threshold": 5.0, "prominence": 3.0} | settings
    plane = np.full(SHAPE, variance, dtype=np.float32)
    usable = np.ones(SHAPE, bool) if usable is None else usable
    return detect(image.astype(np.float32), plane, usable, **settings)


def test_the_convolution_is_that_of_scipy():
    image = np.random.default_rng(1).normal(size=SHAPE).astype(np.float32)
    kernel = np.exp(-0.5 * (np.arange(-4, 5) / 1.7) ** 2).astype(np.float32)
    expected = image
    for axis in (0, 1):
        expected = convolve1d(expected, kernel, axis=axis, mode="constant")
    np.testing.assert_allclose(convolve(image, kernel), expected, atol=1e-5)


def test_signal_to_noise_of_a_star_is_the_analytic_one():
    flux, variance = 500.0, 9.0
    image = blob(60, 45, flux=flux).astype(np.float32)
    snr = signal_to_noise(image, np.full(SHAPE, variance, np.float32), 1.5)
    # F sqrt(sum P**2) / sqrt(V), sum P**2 = 1 / (4 pi sigma**2)
    assert snr.max() == pytest.approx(flux / np.sqrt(variance * 4 * np.pi * 1.5**2), rel=0.01)
    assert np.unravel_index(snr.argmax(), SHAPE) == (45, 60)


def test_pure_noise_has_unit_width():
    noise = np.random.default_rng(2).normal(0, 7, SHAPE).astype(np.float32)
    snr = signal_to_noise(noise, np.full(SHAPE, 49.0, np.float32), 1.5)
    assert np.std(snr) == pytest.approx(1.0, abs=0.1)


def test_a_hole_counts_neither_way():
    image = blob(60, 45, flux=500.0).astype(np.float32)
    variance = np.ones(SHAPE, np.float32)
    image[:, 60:], variance[:, 60:] = 0.0, 0.0
    snr = signal_to_noise(image, variance, 1.5)
    assert np.isfinite(snr).all()
    assert snr[45, 119] == 0.0
    assert snr[45, 59] > 30


def test_nothing_above_the_threshold():
    found = find(np.zeros(SHAPE))
    assert len(found) == 0
    assert not found.basin.any()
    assert not found.near(5.0).any()


def test_separate_stars_brightest_first():
    found = find(blob(20, 20, flux=300) + blob(60, 50, flux=900) + blob(118, 1, flux=600))
    assert list(zip(found.x, found.y, strict=True)) == [(60, 50), (118, 1), (20, 20)]
    assert (np.diff(found.snr) < 0).all()
    assert len(set(found.parent)) == 3


def test_two_peaks_in_one_footprint():
    found = find(blob(50, 40, flux=2000) + blob(58, 40, flux=1500))
    assert list(found.x) == [50, 58]
    assert list(found.parent) == [0, 0]
    assert found.basin[40, 51] == 1
    assert found.basin[40, 57] == 2


def test_a_shallow_saddle_makes_no_second_source():
    image = blob(50, 40, flux=400) + blob(58, 40, flux=300)
    assert len(find(image, prominence=3.0)) == 2
    one = find(image, prominence=50.0)
    assert len(one) == 1
    assert set(np.unique(one.basin)) == {0, 1}


@given(seed=st.integers(0, 2**32 - 1))
def test_footprints_are_the_connected_pixels(seed):
    rng = np.random.default_rng(seed)
    image = sum(
        blob(rng.uniform(0, 119), rng.uniform(0, 89), flux=rng.uniform(100, 900)) for _ in range(12)
    ) + rng.normal(0, 1, SHAPE)
    found = find(image)
    regions, n = label(found.basin > 0, np.ones((3, 3)))
    assert len(set(found.parent)) == n
    # Each basin lies in one region, and peaks of one region share their parent.
    region = regions[found.y, found.x]
    for k in range(len(found)):
        assert set(regions[found.basin == k + 1]) == {region[k]}
        same = region == region[k]
        assert set(found.parent[same]) == {found.parent[k]}


@given(seed=st.integers(0, 2**32 - 1), reach=st.integers(0, 7), share=st.floats(0, 0.2))
def test_growing_is_a_maximum_over_a_square(seed, reach, share):
    mask = np.random.default_rng(seed).random((23, 31)) < share
    expected = maximum_filter(mask.astype(np.uint8), size=2 * reach + 1, mode="constant") > 0
    np.testing.assert_array_equal(grow(mask, reach), expected)
