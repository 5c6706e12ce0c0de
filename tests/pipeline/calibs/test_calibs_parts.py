"""Building calibrations: analytic truth, and what too little gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyassay.pipeline.calibs.bias import build_bias
from skyassay.pipeline.calibs.combine import CalibFrame, clipped_mean
from skyassay.pipeline.calibs.crosstalk import build_crosstalk, pair_ratio
from skyassay.pipeline.calibs.dark import build_dark
from skyassay.pipeline.calibs.defects import KINDS, boxes, build_defects
from skyassay.pipeline.calibs.errors import CalibError
from skyassay.pipeline.calibs.flats import build_flat
from skyassay.pipeline.calibs.linearizer import build_linearizer, fit_linearity
from skyassay.pipeline.calibs.ptc import build_ptc, fit_transfer
from skyassay.pipeline.images.mask import bit
from skyassay.pipeline.instrument.layouts import camera
from skyassay.pipeline.instrument.raw import RawFrame
from skyassay.pipeline.isr.calibrations import Calibrations
from skyassay.pipeline.isr.defects import defect_mask

DETECTOR = camera("tiny").detectors[0]


def raw(adu: float, seed: int = 0, time: float = 10.0, gain: float = 1.6) -> RawFrame:
    """Return a raw frame of even light, with photon noise."""
    rng = np.random.default_rng(seed)
    amp = DETECTOR.amplifiers[0]
    frame = rng.normal(1000.0, 3.5, (4, *amp.raw_shape))
    light = frame[:, : amp.height, amp.prescan : amp.prescan + amp.width]
    light += np.minimum(rng.normal(adu, np.sqrt(max(adu, 1e-9) / gain), light.shape), 56_000.0)
    header = {"DETECTOR": 0, "DETNAME": DETECTOR.name, "EXPTIME": time, "DARKTIME": time}
    return RawFrame(np.clip(np.rint(frame), 0, 65535).astype(np.uint16), header)


def code(call, *args, **kwargs) -> str:
    with pytest.raises(CalibError) as error:
        call(*args, **kwargs)
    assert str(error.value).endswith(".")
    assert error.value.hint
    return error.value.code


def test_mean_without_outliers():
    rng = np.random.default_rng(0)
    frames = rng.normal(10.0, 2.0, (9, 60, 60)).astype(np.float32)
    frames[3, 5, 5] = 5e4
    frames[:, 7, 7] = np.nan
    made = clipped_mean(list(frames))
    assert made.image[5, 5] == pytest.approx(np.delete(frames[:, 5, 5], 3).mean(), rel=1e-5)
    assert np.isnan(made.image[7, 7])
    assert made.mask[7, 7] == bit("BAD")
    assert made.mask.sum() == bit("BAD")
    assert made.quality["noise"] == pytest.approx(2.0, rel=0.03)
    assert made.variance[0, 0] == pytest.approx(4.0 / 9.0, rel=0.06)
    assert made.variance[5, 5] == pytest.approx(4.0 / 8.0, rel=0.06)


def test_few_frames():
    rng = np.random.default_rng(1)
    one, two = rng.normal(0.0, 1.0, (2, 40, 40)).astype(np.float32)
    single = clipped_mean([one])
    np.testing.assert_array_equal(single.image, one)
    assert single.quality["status"] == "unclipped"
    assert single.variance[0, 0] == pytest.approx(1.0, rel=0.1)
    two[3, 3] = 400.0
    both = clipped_mean([one, two])
    assert both.image[3, 3] == one[3, 3]
    assert both.image[0, 0] == pytest.approx((one[0, 0] + two[0, 0]) / 2.0, abs=1e-6)
    assert code(clipped_mean, []) == "no_frames"
    assert code(clipped_mean, [one], least=2) == "too_few_frames"
    assert code(clipped_mean, [one, one[:5]]) == "frame_shape"
    assert code(clipped_mean, [np.full((4, 4), np.nan)]) == "no_data"


@given(st.integers(0, 2**31), st.floats(-100.0, 100.0), st.floats(0.5, 3.0))
def test_mean_follows_scale_and_offset(seed, offset, scale):
    frames = np.random.default_rng(seed).normal(0.0, 1.0, (5, 8, 8)).astype(np.float32)
    plain = clipped_mean(list(frames)).image
    moved = clipped_mean(list(frames * np.float32(scale) + np.float32(offset))).image
    np.testing.assert_allclose(moved, plain * scale + offset, atol=1e-3)


def test_transfer_of_exact_numbers():
    mean = np.linspace(500.0, 50_000.0, 12)
    for curvature in (0.0, -1e-6):
        variance = 12.0 + mean / 1.5 + curvature * mean**2
        found = fit_transfer(mean, variance, np.sqrt(12.0), 65_536)
        assert found.gain == pytest.approx(1.5, rel=1e-6)
        assert found.curvature == pytest.approx(curvature, abs=1e-12)
    single = fit_transfer(mean[:1], 12.0 + mean[:1] / 1.5, np.sqrt(12.0), 65_536)
    assert single.gain == pytest.approx(1.5)
    assert np.isnan(single.chi2)


def test_transfer_errors_are_what_they_say():
    rng = np.random.default_rng(2)
    mean, pulls, n = np.linspace(500.0, 50_000.0, 8), [], 10_000
    for _ in range(300):
        model = 12.0 + mean / 1.5
        seen = model * (1.0 + np.sqrt(2.0 / n) * rng.standard_normal(8))
        found = fit_transfer(mean, seen, np.sqrt(12.0), n)
        pulls.append((found.gain - 1.5) / found.gain_error)
    assert np.std(pulls) == pytest.approx(1.0, abs=0.15)
    assert abs(np.mean(pulls)) < 0.3


def test_ptc_of_one_pair_none_and_saturated_ones():
    nothing = Calibrations()
    table, quality = build_ptc([raw(9000.0, 1), raw(9000.0, 2)], DETECTOR, nothing)
    assert list(table["status"]) == ["single_pair"] * 4
    assert np.asarray(table["gain"]) == pytest.approx([1.6] * 4, rel=0.03)
    assert np.isnan(table["chi2"]).all()
    assert np.isnan(quality["worstChi2"])
    assert code(build_ptc, [], DETECTOR, nothing) == "no_frames"
    assert code(build_ptc, [raw(9000.0)], DETECTOR, nothing) == "no_gain"
    full = [raw(7e4, k, time) for k, time in enumerate((20.0, 20.0, 30.0, 30.0))]
    assert code(build_ptc, full, DETECTOR, nothing) == "no_gain"
    timeless = RawFrame(raw(10.0).amps, {"DARKTIME": 1.0})
    assert code(build_ptc, [timeless], DETECTOR, nothing) == "missing_exposure_time"


def test_linearity_of_exact_numbers():
    mean = np.linspace(300.0, 50_000.0, 10)
    light = (mean + 2e-7 * mean**2 + 1e-13 * mean**3) / 2_500.0
    c, slope, scatter = fit_linearity(light, mean, np.full(10, 0.1), terms=2)
    assert c == pytest.approx([2e-7, 1e-13], rel=1e-4)
    assert slope == pytest.approx(2_500.0, rel=1e-6)
    assert scatter < 1e-8


def test_linearizer_of_too_few_levels():
    frames = [raw(900.0 * t, int(t), t) for t in (5.0, 10.0)]
    assert code(build_linearizer, frames, DETECTOR, Calibrations()) == "no_linearity"
    assert code(build_linearizer, [], DETECTOR, Calibrations()) == "no_frames"


def test_crosstalk_ratio_with_levels_that_drift_from_row_to_row():
    rng = np.random.default_rng(3)
    row = np.repeat(np.arange(100), 50)
    source = np.where(rng.uniform(size=5000) < 0.3, 3e4, 0.0)
    target = 2e-4 * source + rng.normal(0.0, 4.0, 5000) + np.repeat(rng.normal(0, 20.0, 100), 50)
    target[7] = 90.0
    value, error, n = pair_ratio(source, target, row)
    assert value == pytest.approx(2e-4, abs=4.0 * error)
    assert 2e-6 < error < 8e-6
    assert n > 1000
    assert np.isnan(pair_ratio(source[:5], target[:5], row[:5])[0])
    assert code(build_crosstalk, [raw(0.0)], DETECTOR, Calibrations()) == "no_spots"
    assert code(build_crosstalk, [], DETECTOR, Calibrations()) == "no_frames"


def test_frames_without_light_or_time():
    nothing = Calibrations()
    assert code(build_bias, [], DETECTOR) == "no_frames"
    assert code(build_flat, [], DETECTOR, nothing) == "no_frames"
    assert code(build_flat, [raw(7e4)], DETECTOR, nothing) == "no_light"
    assert code(build_dark, [raw(0.0, time=0.0)], DETECTOR, nothing) == "no_dark_time"
    dark = build_dark([raw(500.0, k, 100.0) for k in range(3)], DETECTOR, nothing)
    assert np.median(dark.image) == pytest.approx(8.0, abs=0.02)


def frame(image: np.ndarray) -> CalibFrame:
    zero = np.zeros(image.shape)
    return CalibFrame(image.astype(np.float32), zero.astype(np.int32), zero.astype(np.float32))


@given(st.integers(0, 2**31))
def test_boxes_cover_exactly_what_is_bad(seed):
    rng = np.random.default_rng(seed)
    kind = (rng.choice([0, 0, 0, 1, 2], (13, 17))).astype(np.uint8)
    table = boxes(kind)
    np.testing.assert_array_equal(defect_mask(table, kind.shape) != 0, kind != 0)
    assert sum(table["width"] * table["height"]) == np.count_nonzero(kind)
    assert set(table["kind"]) <= set(KINDS)


def test_kinds_of_defects():
    rng = np.random.default_rng(5)
    dark = rng.normal(0.05, 0.01, (128, 128))
    flat, faint = rng.normal(1.0, 0.002, (2, 128, 128))
    dark[3, 4] = 50.0
    flat[10:20, 30], flat[40:56, 40:56], flat[90, 90] = 0.0, 0.3, np.nan
    flat[60, 60] = 1.5
    faint[0:64, 100] *= 0.9
    table, mask, quality = build_defects(frame(dark), frame(flat), frame(faint))
    assert quality["nHot"] == 1
    assert quality["nDead"] == 11
    assert quality["nLow"] == 256
    assert quality["nHigh"] == 1
    assert quality["nTrap"] == 64
    assert np.count_nonzero(mask) == 1 + 11 + 256 + 1 + 64
    block = table[table["kind"] == "low"]
    assert tuple(block[0])[:4] == (40, 40, 16, 16)
    none, mask, _ = build_defects(frame(np.zeros((64, 64))), None)
    assert len(none) == 0
    assert not mask.any()
    assert none.colnames == ["x0", "y0", "width", "height", "kind"]
    assert code(build_defects) == "no_frames"
    assert code(build_defects, frame(dark), frame(flat[:9])) == "frame_shape"
