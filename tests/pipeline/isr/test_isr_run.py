"""Signature removal: each step against arithmetic, and what is wrong is named."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from astropy.table import Table

from skyassay.pipeline.images.mask import bit
from skyassay.pipeline.instrument.layouts import camera
from skyassay.pipeline.instrument.raw import RawFrame
from skyassay.pipeline.isr.errors import IsrError
from skyassay.pipeline.isr.run import IsrConfig, remove_signature


def test_every_step_is_undone(detector, raw_of, frame_of, ideal):
    """A frame made with all effects, by the formulae, comes back."""
    rng = np.random.default_rng(1)
    shape = (detector.ny, detector.nx)
    truth = rng.uniform(2_000.0, 20_000.0, shape)
    flat = rng.uniform(0.9, 1.1, shape)
    bias = rng.normal(0.0, 5.0, shape)
    electrons = truth * flat + 2.0 * 30.0
    linear = electrons / 2.0
    c2 = 1e-6
    # v + c2 v^2 = linear
    counts = (np.sqrt(1.0 + 4.0 * c2 * linear) - 1.0) / (2.0 * c2) + bias
    calibs = replace(ideal, flat=frame_of(flat), bias=frame_of(bias), dark=frame_of(2.0))
    linearizer = Table(ideal.linearizer, copy=True)
    linearizer["c2"] = c2
    result = remove_signature(
        raw_of(counts, noise=1.0), detector, replace(calibs, linearizer=linearizer),
        IsrConfig(cosmic_rays=False),
    )  # fmt: skip
    assert not result.mask.any()
    rest = result.image - truth
    # Read noise of 1 ADU and rounding; response and slope change it by up to a tenth.
    assert abs(rest.mean()) < 0.2
    assert rest.std() == pytest.approx(2.0 * np.sqrt(1.0 + 1.0 / 12.0), rel=0.05)
    assert np.corrcoef(rest.ravel(), truth.ravel())[0, 1] < 0.01
    expected = (electrons + 36.0) / flat**2
    assert result.variance.mean() == pytest.approx(expected.mean(), rel=1e-3)


def test_crosstalk_is_taken_out_of_where_it_was_read(detector, raw_of, ideal):
    shape = (detector.ny, detector.nx)
    image = np.zeros(shape)
    image[40:44, 60:64] = 20_000.0  # amplifier 0
    ghost = image.copy()
    target = detector.amplifiers[3]
    # The same place in the readout of an amplifier that is read the other way round.
    y = target.y0 + target.height - 1 - np.arange(40, 44)
    x = target.x0 + target.width - 1 - np.arange(60, 64)
    ghost[np.ix_(y, x)] += 0.01 * 20_000.0
    table = Table(ideal.crosstalk, copy=True)
    names = [a.name for a in detector.amplifiers]
    table["coefficient"][(table["source"] == names[0]) & (table["target"] == names[3])] = 0.01
    config = IsrConfig(cosmic_rays=False)
    result = remove_signature(
        raw_of(ghost, noise=0.5), detector, replace(ideal, crosstalk=table), config
    )
    plain = remove_signature(raw_of(ghost, noise=0.5), detector, ideal, config)
    assert plain.image[np.ix_(y, x)].mean() == pytest.approx(400.0, abs=2.0)
    assert result.image[np.ix_(y, x)].mean() == pytest.approx(0.0, abs=2.0)
    assert (result.mask[np.ix_(y, x)] & bit("CROSSTALK") != 0).all()
    assert np.count_nonzero(result.mask & bit("CROSSTALK")) == 16


def test_saturation_grows_and_defects_are_bridged(detector, raw_of, ideal):
    image = np.full((detector.ny, detector.nx), 1000.0)
    image[100:140, 50] = 41_000.0
    image[300, 300] = 36_000.0
    defects = Table({"x0": [200], "y0": [0], "width": [1], "height": [256]})
    result = remove_signature(
        raw_of(image), detector, replace(ideal, defects=defects), IsrConfig(cosmic_rays=False)
    )
    sat = result.mask & bit("SAT") != 0
    assert sat[98:142, 49:52].all()
    assert sat.sum() == 44 * 3
    assert result.mask[300, 300] == bit("SUSPECT")
    column = result.mask[:256, 200]
    assert (column == bit("BAD") | bit("INTRP")).all()
    meta = result.metadata
    assert meta["nSaturated"] == [132, 0, 0, 0]
    assert meta["nBad"] == meta["nInterpolated"] == [256, 0, 0, 0]
    assert meta["overscanLevel"] == pytest.approx([1000.0] * 4, abs=0.2)
    assert meta["overscanNoise"] == pytest.approx([3.0] * 4, rel=0.02)


def test_all_saturated(detector, raw_of, ideal):
    result = remove_signature(raw_of(60_000.0), detector, ideal)
    assert (result.mask & bit("SAT") != 0).all()
    assert not (result.mask & (bit("CR") | bit("INTRP"))).any()
    assert np.isfinite(result.image).all()


def test_a_dead_amplifier_is_no_data(detector, raw_of, ideal):
    raw = raw_of(500.0)
    raw.amps[2] = 0
    result = remove_signature(raw, detector, ideal)
    box = detector.amplifiers[2].box
    assert (result.mask[box] == bit("BAD") | bit("NO_DATA")).all()
    assert np.isnan(result.image[box]).all()
    assert np.isnan(result.variance[box]).all()
    assert result.metadata["status"] == ["ok", "ok", "unusable", "ok"]
    other = detector.amplifiers[1].box
    assert result.image[other].mean() == pytest.approx(1000.0, abs=1.0)
    raw.amps[:] = 0
    with pytest.raises(IsrError) as error:
        remove_signature(raw, detector, ideal)
    assert error.value.code == "raw_no_signal"


def test_pixels_without_calibration_are_bad_not_wrong(detector, raw_of, frame_of, ideal):
    flat, bias = frame_of(1.0), frame_of(0.0)
    flat.image[10, 10], flat.image[20, 20] = np.nan, 0.0
    bias.image[30, 30] = np.nan
    result = remove_signature(raw_of(500.0), detector, replace(ideal, flat=flat, bias=bias))
    for p in (10, 20, 30):
        assert result.mask[p, p] == bit("BAD") | bit("INTRP")
        assert result.image[p, p] == pytest.approx(1000.0, abs=30.0)
    left = remove_signature(
        raw_of(500.0), detector, replace(ideal, bias=bias), IsrConfig(interpolate=False)
    )
    assert left.mask[30, 30] == bit("BAD") | bit("UNMASKEDNAN")
    assert np.isnan(left.image[30, 30])


@pytest.mark.parametrize(
    "name", ["bias", "dark", "flat", "defects", "ptc", "linearizer", "crosstalk"]
)
def test_a_missing_calibration_is_named(detector, raw_of, ideal, name):
    with pytest.raises(IsrError) as error:
        remove_signature(raw_of(0.0), detector, replace(ideal, **{name: None}))
    assert error.value.code == f"missing_{name}"
    assert error.value.hint
    step = "linearity" if name == "linearizer" else name
    off = IsrConfig(**{step: False})
    assert remove_signature(raw_of(0.0), detector, replace(ideal, **{name: None}), off)


def test_wrong_frames_are_refused(detector, raw_of, frame_of, ideal):
    def code(raw: RawFrame, calibs=ideal) -> str:
        with pytest.raises(IsrError) as error:
            remove_signature(raw, detector, calibs)
        assert str(error.value).endswith(".")
        return error.value.code

    good = raw_of(100.0)
    assert code(RawFrame(good.amps[:, :-1], good.header)) == "raw_shape"
    assert code(RawFrame(good.amps.astype(np.float32), good.header)) == "raw_type"
    assert code(RawFrame(good.amps, {**good.header, "DETECTOR": 2})) == "wrong_detector"
    assert code(RawFrame(good.amps, {**good.header, "DETNAME": "R00_S00"})) == "wrong_detector"
    timeless = {k: v for k, v in good.header.items() if k != "DARKTIME"}
    assert code(RawFrame(good.amps, timeless)) == "missing_dark_time"
    assert code(good, replace(ideal, flat=frame_of(np.nan))) == "flat_no_data"
    small = frame_of(1.0)
    small.image = small.image[:10]
    assert code(good, replace(ideal, flat=small)) == "flat_shape"
    assert code(good, replace(ideal, ptc=ideal.ptc[:2])) == "invalid_ptc"
    blank = Table(ideal.ptc, copy=True)
    blank["gain"] = np.nan
    assert code(good, replace(ideal, ptc=blank)) == "raw_no_signal"
    outside = Table({"x0": [510], "y0": [0], "width": [5], "height": [1]})
    assert code(good, replace(ideal, defects=outside)) == "invalid_defects"
    leak = Table(ideal.crosstalk, copy=True)
    leak["coefficient"] = np.nan
    assert code(good, replace(ideal, crosstalk=leak)) == "invalid_crosstalk"


def test_the_same_frame_gives_the_same_bits(detector, raw_of, ideal):
    one, two = (remove_signature(raw_of(700.0), detector, ideal) for _ in range(2))
    for name in ("image", "mask", "variance"):
        assert getattr(one, name).tobytes() == getattr(two, name).tobytes()
    assert (one.image.dtype, one.mask.dtype) == (np.float32, np.int32)


def test_nominal_numbers_where_photon_transfer_is_turned_off(raw_of, ideal):
    detector = camera("tiny").detectors[0]
    result = remove_signature(raw_of(1000.0), detector, ideal, IsrConfig(ptc=False))
    assert result.image.mean() == pytest.approx(1600.0, abs=1.0)
    assert result.metadata["gain"] == [1.6] * 4
