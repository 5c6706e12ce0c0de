"""Apertures, aperture corrections, classes, flags and empty places, each alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyassay.pipeline.images.mask import bit
from skyassay.pipeline.measurement.aperture_correction import ApertureCorrection, fit_correction
from skyassay.pipeline.measurement.apertures import (
    annulus_levels,
    circle_sums,
    neighbours,
    truncated,
)
from skyassay.pipeline.measurement.classify import extendedness, size_extendedness
from skyassay.pipeline.measurement.errors import MeasurementError
from skyassay.pipeline.measurement.flags import any_bits, flag_columns, footprint_bits
from skyassay.pipeline.measurement.options import RADII
from skyassay.pipeline.measurement.prepare import prepare
from skyassay.pipeline.measurement.sky_sources import sky_places
from skyassay.pipeline.psf.model import PsfModel

SHAPE = (300, 280)


@given(x=st.floats(75, 200), y=st.floats(75, 220))
def test_a_flat_image_gives_the_area_of_the_circle(x, y):
    sums = circle_sums(np.full(SHAPE, 2.0, np.float32), np.array([x]), np.array([y]), RADII)[0]
    np.testing.assert_allclose(sums, 2.0 * np.pi * np.array(RADII) ** 2, rtol=1e-3)


def test_a_circle_over_the_edge_holds_what_is_inside():
    sums = circle_sums(np.ones(SHAPE, np.float32), np.array([-0.5]), np.array([150.0]), RADII)[0]
    np.testing.assert_allclose(sums, 0.5 * np.pi * np.array(RADII) ** 2, rtol=2e-3)
    at = np.array([-0.5, 12.0, 140.0]), np.array([150.0, 150.0, 150.0])
    assert truncated(SHAPE, *at, RADII).sum(axis=1).tolist() == [9, 5, 0]


def test_no_positions_give_no_sums():
    assert circle_sums(np.ones(SHAPE, np.float32), np.empty(0), np.empty(0), RADII).shape == (0, 9)


def test_the_light_of_a_neighbour_is_what_it_puts_into_the_aperture():
    gaussians = np.array([1.0, 2.0]), np.array([0.9, 0.1])
    psf = PsfModel(np.array([[2.2, 0.0, 2.2]]), *gaussians, np.zeros((1, 1)), 18, SHAPE)
    image = np.zeros(SHAPE, np.float32)
    image[82:119, 107:144] = 1e4 * psf.image(125.3, 100.1)
    x, y, flux = np.array([110.0, 125.3]), np.array([100.0, 100.1]), np.array([500.0, 1e4])
    drawn = circle_sums(image, x[:1], y[:1], RADII)
    found = neighbours(psf, x, y, flux, np.array([0]), RADII)
    np.testing.assert_allclose(found, drawn, atol=0.01 * 1e4)
    alone = neighbours(psf, x[:1], y[:1], flux[:1], np.array([0]), RADII)
    np.testing.assert_array_equal(alone, np.zeros((1, 9)))


def test_the_level_of_an_annulus_leaves_bad_pixels_out():
    plane, good = np.full(SHAPE, 3.0), np.ones(SHAPE, bool)
    plane[:, 150:], good[:, 150:] = np.nan, False
    plane[145:156, 135:146] = 1e6
    level, spread = np.empty(2), np.empty(2)
    x, y = np.array([140.0, 250.0]), np.array([150.0, 150.0])
    annulus_levels(plane, good, x, y, 12.0, 25.0, level, spread)
    assert (level[0], spread[0]) == (3.0, 0.0)
    assert np.isnan(level[1])
    assert np.isnan(spread[1])


def corrected(slope, n=60, seed=1):
    rng = np.random.default_rng(seed)
    x, y, error = rng.uniform(0, 279, n), rng.uniform(0, 299, n), rng.uniform(0.002, 0.02, n)
    ratio = 0.99 + slope * (2 * x / 279 - 1) + error * rng.normal(size=n)
    ratio[0] = 3.0
    return fit_correction("psfFlux", x, y, ratio, error, SHAPE)


def test_a_constant_correction_stays_constant():
    slopes = [len(corrected(0.0, seed=seed)[0]) for seed in range(40)]
    assert slopes.count(3) <= 2
    (value,), error = corrected(0.0, seed=2)
    assert abs(value - 0.99) < 3 * error < 0.006


def test_a_proven_slope_is_kept():
    values, _ = corrected(0.02)
    np.testing.assert_allclose(values, [0.99, 0.0, 0.02], atol=0.004)


def test_no_ratio_no_correction():
    nan = np.full(3, np.nan)
    with pytest.raises(MeasurementError) as caught:
        fit_correction("psfFlux", nan, nan, nan, nan, SHAPE)
    assert caught.value.code == "no_aperture_correction"


def test_corrections_as_arrays_and_back():
    one = ApertureCorrection({"psfFlux": np.array([1.0, 0.1, 0.2])}, {"psfFlux": 0.01}, SHAPE)
    two = ApertureCorrection.from_arrays(one.to_arrays())
    x, y = np.array([3.0, 200.0]), np.array([4.0, 100.0])
    np.testing.assert_array_equal(one.at("psfFlux", x, y), two.at("psfFlux", x, y))
    assert two.errors == one.errors


def test_classes_and_what_cannot_be_said():
    psf = np.array([100.0, 94.0, 96.0, np.nan, 5.0, 5.0])
    gaussian = np.array([100.0, 100.0, 100.0, 100.0, np.nan, -1.0])
    expected = [0.0, 1.0, 0.0, np.nan, np.nan, np.nan]
    np.testing.assert_array_equal(extendedness(psf, gaussian, 0.95), expected)
    snr = np.array([500.0, 500.0, 10.0, 0.0, 100.0])
    size = size_extendedness(np.array([4.0, 6.0, 4.2, 4.0, np.nan]), np.full(5, 4.0), snr)
    assert size[0] < 0.01
    assert size[1] > 0.99
    assert size[2] == pytest.approx(0.5)
    assert np.isnan(size[3:]).all()


def test_bits_of_footprints_and_centres():
    mask, basin = np.zeros((10, 10), np.int32), np.zeros((10, 10), np.int32)
    basin[2:5, 2:5], basin[7, 7] = 1, 2
    mask[2, 2], mask[7, 7], mask[0, 0] = bit("CR"), bit("SAT"), bit("BAD")
    own, area = footprint_bits(mask, basin, 3)
    assert area.tolist() == [9, 1, 0]
    centre = any_bits(mask, np.array([4.0, 7.2, 0.0]), np.array([4.0, 6.9, 0.0]), 1)
    columns = flag_columns(own, centre)
    assert columns["pixelFlags_cr"].tolist() == [True, False, False]
    assert columns["pixelFlags_crCenter"].tolist() == [False, False, False]
    assert columns["pixelFlags_saturatedCenter"].tolist() == [False, True, False]
    assert columns["pixelFlags_bad"].tolist() == [False, False, False]


def test_empty_places_keep_their_distance():
    taken = np.zeros((200, 200), bool)
    taken[::50, ::50] = True
    x, y = sky_places(taken, 100, 3)
    assert len(x) == 100
    near = np.abs(x[:, None, None] - np.arange(200)) <= 8
    close = near & (np.abs(y[:, None, None] - np.arange(200)[:, None]) <= 8)
    assert not (close & taken).any()
    again = sky_places(taken, 100, 3)
    np.testing.assert_array_equal((x, y), again)
    assert (sky_places(taken, 100, 4)[0] != x).any()


def test_a_full_image_has_no_empty_place():
    assert len(sky_places(np.ones((100, 100), bool), 10, 1)[0]) == 0


def test_planes_of_another_byte_order_are_taken():
    image = np.full((80, 90), 5.0, ">f4")
    plane = prepare(image, np.zeros((80, 90), ">i4"), np.ones((80, 90), ">f4"))
    assert plane.image.dtype.isnative
    assert plane.mask.dtype == np.int32
    assert plane.good.all()


def test_a_variance_of_nothing_is_no_data():
    variance = np.ones((80, 90), np.float32)
    variance[3, 4], variance[5, 6] = 0.0, np.nan
    plane = prepare(np.ones((80, 90), np.float32), np.zeros((80, 90), np.int32), variance)
    assert np.argwhere(~plane.usable).tolist() == [[3, 4], [5, 6]]
    assert plane.mask[3, 4] == bit("UNMASKEDNAN")


def test_interpolated_defects_hold_data_but_do_not_count():
    mask = np.zeros((80, 90), np.int32)
    mask[1, 1], mask[2, 2] = bit("BAD") | bit("INTRP"), bit("BAD")
    plane = prepare(np.ones((80, 90), np.float32), mask, np.ones((80, 90), np.float32))
    assert (plane.usable[1, 1], plane.usable[2, 2]) == (True, False)
    assert not plane.good[[1, 2], [1, 2]].any()
