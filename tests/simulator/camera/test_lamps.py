"""Calibration frames, and what they can tell of the true camera."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from skyassay.pipeline.instrument.layouts import camera
from skyassay.pipeline.instrument.raw import read_raw
from skyassay.simulator.camera.electronics import true_detector
from skyassay.simulator.camera.lamps import (
    CalibrationFrame,
    CalibrationPlan,
    calibration_plan,
    flat_frame,
    lamp_electrons,
    lamp_frame,
    spots,
)
from skyassay.simulator.camera.readout_order import as_read
from skyassay.simulator.errors import SimulatorError

CAMERA = camera("tiny")
EXPOSURE, MJD = 20260101 * 100_000 + 50_000, 61041.75


@pytest.fixture(scope="module")
def true():
    return true_detector(CAMERA, 0, 9)


def taken(frame, true, exposure=EXPOSURE):
    return lamp_frame(frame, true, CAMERA, exposure, MJD, 9)


def image(raw, true):
    amp = true.nominal.amplifiers[0]
    section = np.s_[:, : amp.height, amp.prescan : amp.prescan + amp.width]
    return raw.amps[section] - true.bias[section]


@pytest.mark.parametrize("preset", ["tiny", "small", "medium"])
def test_a_plan_has_what_calibrations_need(preset):
    frames = calibration_plan(preset).frames(["r", "i"])
    kinds = Counter(f.kind for f in frames)
    assert set(kinds) == {"BIAS", "DARK", "FLAT", "SPOT"}
    pairs = Counter(f.pair for f in frames if f.pair)
    assert set(pairs.values()) == {2}
    # A cubic and its slope need six levels and more below the full well.
    lit = {f.level for f in frames if f.pair}
    assert len([v for v in lit if v < 90_000]) >= 6
    assert {f.physical_filter for f in frames if f.kind == "FLAT"} == {"r_sim", "i_sim"}
    # Light follows the exposure time, whatever the filter.
    assert len({round(f.level / f.exptime, 6) for f in frames if f.kind == "FLAT"}) == 1


def test_plans_without_bands_or_name_are_refused():
    with pytest.raises(SimulatorError) as error:
        calibration_plan("huge")
    assert error.value.code == "unknown_preset"
    with pytest.raises(SimulatorError) as error:
        CalibrationPlan(1, (), (), 1).frames([])
    assert error.value.code == "no_bands"


def test_a_bias_frame_is_the_bias(true):
    found = image(taken(CalibrationFrame("BIAS", "r_sim"), true), true)
    # The level drifts by an ADU; 65,000 pixels average the read noise away.
    assert np.abs(found.mean(axis=(1, 2))).max() < 5.0
    noise = [a.read_noise / a.gain for a in true.amplifiers]
    assert found.std(axis=(1, 2)) == pytest.approx(noise, rel=0.02)


def test_a_dark_frame_shows_hot_pixels_at_their_rates(true):
    found = image(taken(CalibrationFrame("DARK", "r_sim", 300.0), true), true)
    drift = np.median(found, axis=(1, 2), keepdims=True)
    rate = (found - drift) * true.column("gain") / 300.0
    expected = as_read(true.dark, true.nominal)
    hot = (expected > 5.0) & (expected < 100.0)
    assert hot.sum() > 20
    assert np.median(rate[hot] / expected[hot]) == pytest.approx(1.0, abs=0.01)


def test_a_flat_is_as_bright_as_its_level(true):
    frame = flat_frame("r_sim", 20_000.0, 3)
    raw = taken(frame, true)
    electrons = np.median(image(raw, true) * true.column("gain"))
    level = 20_000.0 * np.median(true.flat("r_sim"))
    assert electrons == pytest.approx(level * (1.0 - 1.5e-7 * level), rel=2e-3)
    assert raw.header["FLATID"] == 3
    assert raw.header["EXPTIME"] == pytest.approx(5.0)


def test_all_detectors_see_the_same_lamp(true):
    frame, other = flat_frame("r_sim", 1000.0), true_detector(CAMERA, 2, 9)
    mine = lamp_electrons(frame, true, 9, EXPOSURE)[0, 0]
    assert mine == lamp_electrons(frame, other, 9, EXPOSURE)[0, 0]
    assert mine != lamp_electrons(frame, true, 9, EXPOSURE + 1)[0, 0]
    assert mine == pytest.approx(1000.0, rel=1e-3)


@pytest.mark.parametrize("layout", ["tiny", "small"])
def test_spots_light_one_amplifier_at_a_time(layout):
    detector = true_detector(camera(layout), 0, 9)
    lit = as_read(spots(detector), detector.nominal)
    assert lit.sum(axis=0).max() == 1
    assert len(set(lit.sum(axis=(1, 2)).tolist())) == 1
    assert lit[0].sum() > 2500


def test_a_spot_frame_measures_the_crosstalk(true):
    frame = CalibrationFrame("SPOT", "r_sim", 5.0, 60_000.0)
    counts = image(taken(frame, true), true)
    lit = as_read(spots(true), true.nominal)
    # Pixels with a defect, and rays, are a few per thousand: medians do not see them.
    dark = ~lit.any(axis=0)
    for s in range(4):
        for t in set(range(4)) - {s}:
            level = np.median(counts[t][dark])
            seen = np.median(counts[t][lit[s]]) - level
            ratio = seen / np.median(counts[s][lit[s]])
            # 3.7 ADU of read noise over 3,000 pixels and 37,000 ADU: 2e-6.
            assert ratio == pytest.approx(true.crosstalk[t, s], abs=2.5e-5)


def test_frames_can_be_written_and_read(true, tmp_path):
    raw = taken(flat_frame("i_sim", 5000.0), true)
    raw.write(tmp_path / "flat.fits", true.nominal)
    back = read_raw(tmp_path / "flat.fits")
    assert np.array_equal(back.amps, raw.amps)
    assert dict(back.header) == dict(raw.header)
    again = tmp_path / "again.fits"
    taken(flat_frame("i_sim", 5000.0), true).write(again, true.nominal)
    assert (tmp_path / "flat.fits").read_bytes() == again.read_bytes()
    # Two files of one second would be alike even with the time of writing in them.
    assert b"checksum as written" in again.read_bytes()


def test_no_lamp_shows_the_sky(true):
    with pytest.raises(SimulatorError) as error:
        lamp_electrons(CalibrationFrame("OBJECT", "r_sim"), true, 9, EXPOSURE)
    assert error.value.code == "bad_exposure"
