"""Headers of raw frames: what the pipeline takes them for."""

from __future__ import annotations

from pathlib import Path

import pytest

from skyassay.pipeline.instrument.errors import InstrumentError
from skyassay.pipeline.instrument.layouts import camera
from skyassay.pipeline.repository.headers import checked
from skyassay.simulator.errors import SimulatorError
from skyassay.simulator.exposure.headers import Pointing, exposure_id, raw_header

POINTING = Pointing(400.0, -30.0, 5.0, 70.0, 120.0, 1.05, 1.06, 0.7)


def made(kind="OBJECT", pointing=POINTING, detector=1, **more):
    return raw_header(
        camera=camera("tiny"), detector=detector, exposure=exposure_id(20260101, 42), kind=kind,
        physical_filter="r_sim", exptime=30.0, dark_time=31.0, mjd_begin=61041.25, seed=3,
        program="main", reason="survey", pointing=pointing, **more,
    )  # fmt: skip


def test_the_header_of_a_visit_is_sound():
    header = made(extra={"OBJECT": "field 1"})
    file = checked(Path("x.fits"), header)
    assert (file.exposure, file.detector, file.on_sky) == (2026010100042, 1, True)
    assert header["OBSID"] == "SC_20260101_00042"
    assert header["RA"] == pytest.approx(40.0)
    middle = (header["MJD-BEG"] + header["MJD-END"]) / 2
    assert header["MJD-AVG"] == pytest.approx(middle, abs=1e-9)
    assert (header["MJD-END"] - header["MJD-BEG"]) * 86400 == pytest.approx(30.0, abs=1e-4)
    assert header["OBJECT"] == "field 1"
    assert header["SIMVERS"]


@pytest.mark.parametrize("kind", ["BIAS", "DARK", "FLAT", "SPOT"])
def test_lamps_have_no_place_on_the_sky(kind):
    header = made(kind, None)
    assert not checked(Path("x.fits"), header).on_sky
    assert not {"RA", "DEC", "ROTPA", "SEEING"} & set(header)


@pytest.mark.parametrize("kind,pointing", [("OBJECT", None), ("BIAS", POINTING), ("X", None)])
def test_what_does_not_fit_is_refused(kind, pointing):
    with pytest.raises(SimulatorError) as error:
        made(kind, pointing)
    assert error.value.code == "bad_exposure"


def test_unknown_detectors_and_numbers_are_refused():
    with pytest.raises(InstrumentError):
        made(detector=99)
    with pytest.raises(SimulatorError):
        exposure_id(20260101, 100_000)
    assert exposure_id(20260101, 0) == 2026010100000
