"""The parts of signature removal, each by itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyassay.pipeline.images.mask import bit
from skyassay.pipeline.isr.assemble import assemble, disassemble
from skyassay.pipeline.isr.bitscan import count_boxes, mark_not_finite, where_set
from skyassay.pipeline.isr.crosstalk import correct_crosstalk, correction_matrix
from skyassay.pipeline.isr.defects import interpolate
from skyassay.pipeline.isr.errors import IsrError
from skyassay.pipeline.isr.flat import divide_flat, subtract_dark
from skyassay.pipeline.isr.linearity import linearize
from skyassay.pipeline.isr.overscan import serial_overscan
from skyassay.pipeline.isr.saturation import saturation_level
from skyassay.pipeline.isr.variance import pixel_variance


def test_assembly_is_the_inverse_of_reading(detector):
    image = np.arange(detector.nx * detector.ny, dtype=np.float32).reshape(detector.ny, -1)
    amps = disassemble(image, detector)
    np.testing.assert_array_equal(assemble(amps, detector), image)
    # The first pixel read is the corner next to the register: here the detector's corners.
    corners = [image[0, 0], image[0, -1], image[-1, 0], image[-1, -1]]
    assert list(amps[:, 0, 0]) == corners


def frame(detector, level, noise=3.0, seed=0):
    amp = detector.amplifiers[0]
    rng = np.random.default_rng(seed)
    shape = (len(detector.amplifiers), *amp.raw_shape)
    return np.rint(rng.normal(0.0, noise, shape) + level).astype(np.uint16)


def test_overscan_follows_slow_levels_and_ignores_outliers(detector):
    rows = np.arange(detector.amplifiers[0].raw_shape[0])
    level = 1000.0 + 5.0 * np.exp(-rows / 100.0)
    raw = frame(detector, level[:, None])
    raw[:, 50, -10:] = 60_000  # charge bled into the overscan
    raw[0, 80, :] = 9_000
    found = serial_overscan(raw, detector)
    assert found.smoothed.all()
    rest = found.level[1:] - level
    assert np.abs(rest).max() < 0.8
    assert rest.std() < 0.25  # one row's mean: 0.57
    assert np.abs(found.level[0] - level).max() < 1.5
    assert found.noise == pytest.approx([3.0] * 4, rel=0.03)


def test_overscan_keeps_rows_that_really_differ(detector):
    ny = detector.amplifiers[0].raw_shape[0]
    level = 1000.0 + np.random.default_rng(2).normal(0.0, 5.0, ny)
    found = serial_overscan(frame(detector, level[:, None]), detector)
    assert not found.smoothed.any()
    assert (found.level - level).std() < 0.8


def test_parallel_overscan_gives_columns(detector):
    amp = detector.amplifiers[0]
    raw = frame(detector, 1000.0)
    raw[:, :, amp.prescan + 7] += 40
    found = serial_overscan(raw, detector, parallel=True)
    assert found.column[:, 7] == pytest.approx([40.0] * 4, abs=5.0)
    assert abs(np.delete(found.column, 7, axis=1).mean()) < 0.5
    assert not serial_overscan(raw, detector).column.any()


def test_overscan_of_a_dead_amplifier_has_no_noise(detector):
    raw = frame(detector, 1000.0)
    raw[1] = 1000
    assert serial_overscan(raw, detector).noise[1] == 0.0


@given(st.integers(0, 2**31), st.floats(0.0, 0.01))
def test_crosstalk_is_undone_exactly(seed, size):
    rng = np.random.default_rng(seed)
    true = rng.uniform(0.0, 5e4, (4, 3, 5))
    c = size * rng.uniform(-1.0, 1.0, (4, 4)) * (1.0 - np.eye(4))
    measured = true + np.tensordot(c, true, axes=(1, 0))
    np.testing.assert_allclose(correct_crosstalk(measured, c), true, rtol=1e-5, atol=0.05)


@pytest.mark.parametrize("bad", [np.zeros((2, 3)), np.full((2, 2), np.nan), np.full((2, 2), 0.5)])
def test_an_impossible_crosstalk_matrix_is_refused(bad):
    with pytest.raises(IsrError) as error:
        correction_matrix(bad)
    assert error.value.code == "invalid_crosstalk"


def test_linearize():
    v = np.array([0.0, 100.0, 4e4])
    np.testing.assert_allclose(linearize(v, []), v)
    np.testing.assert_allclose(linearize(v, [1e-6, 1e-12]), v + 1e-6 * v**2 + 1e-12 * v**3)


def test_variance_dark_and_flat():
    assert pixel_variance(np.array([-5.0, 100.0]), 6.0, 0.5) == pytest.approx([144.0, 544.0])
    image, good = divide_flat(np.array([2.0, 2.0, 2.0]), np.array([0.5, 0.01, np.nan]))
    assert list(image) == [4.0, 2.0, 2.0]
    assert list(good) == [True, False, False]
    assert subtract_dark(np.array([70.0]), np.array([2.0]), 30.0)[0] == 10.0


def test_saturation_level_prefers_what_was_measured():
    assert saturation_level(90_000.0, 1.6, 50_000.0) == 50_000.0
    assert saturation_level(90_000.0, 1.6, float("nan")) < 90_000.0 / 1.6


def test_interpolation_takes_the_short_way():
    y, x = np.mgrid[:40, :40]
    image = (3.0 * x + 5.0 * y).astype(np.float32)
    truth, variance = image.copy(), np.full(image.shape, 4.0, np.float32)
    mask = np.zeros(image.shape, np.int32)
    mask[:, 10] = mask[20, :] = bit("BAD")
    mask[30:33, 30:33] |= bit("CR")
    mask[5, 30] |= bit("SAT")
    image[mask != 0] = -999.0
    n = interpolate(image, variance, mask)
    filled = mask & bit("INTRP") != 0
    assert n == filled.sum() == 40 + 39 + 9
    np.testing.assert_allclose(image[filled], truth[filled], rtol=1e-5)
    assert image[5, 30] == -999.0
    assert mask[5, 30] == bit("SAT")
    assert (variance == 4.0).all()


def test_interpolation_without_neighbours_leaves_pixels_as_they_are():
    image = np.ones((5, 5), np.float32)
    mask = np.full((5, 5), bit("BAD"), np.int32)
    assert interpolate(image, image.copy(), mask) == 0
    assert (mask == bit("BAD")).all()
    empty = np.zeros((0, 4), np.float32)
    assert interpolate(empty, empty, np.zeros((0, 4), np.int32)) == 0


@given(st.integers(0, 2**31))
def test_bits_are_found_as_numpy_finds_them(seed):
    rng = np.random.default_rng(seed)
    mask = rng.choice([0, 0, 0, 1, 2, 5], (9, 11)).astype(np.int32)
    for wanted in (1, 2, 4, 6):
        for ours, theirs in zip(where_set(mask, wanted), np.nonzero(mask & wanted), strict=True):
            np.testing.assert_array_equal(ours, theirs)
    boxes = np.array([[0, 0, 4, 9], [4, 0, 7, 9]])
    counts = count_boxes(mask, boxes, (1, 4))
    assert counts[0, 0] == np.count_nonzero(mask[:, :4] & 1)
    assert counts[1, 1] == np.count_nonzero(mask[:, 4:] & 4)


def test_what_is_not_finite_is_marked():
    image, mask = np.ones((3, 3), np.float32), np.zeros((3, 3), np.int32)
    image[0, 1], image[2, 2] = np.nan, np.inf
    assert mark_not_finite(image, mask, 8) == 2
    assert mask[0, 1] == mask[2, 2] == 8
    assert mask.sum() == 16
