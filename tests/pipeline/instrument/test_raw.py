"""Raw frames on disk: what is written is read, and damage is seen."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits

from skyassay.pipeline.instrument.errors import InstrumentError
from skyassay.pipeline.instrument.layouts import camera
from skyassay.pipeline.instrument.raw import RawFrame, read_header, read_raw

DETECTOR = camera("tiny")[0]
CARDS = {"INSTRUME": "SimCam", "EXPTIME": 30.0, "MJD-BEG": 61041.123456789, "SIMULATE": True}


@pytest.fixture
def path(tmp_path):
    rng = np.random.default_rng(1)
    shape = (len(DETECTOR.amplifiers), *DETECTOR.amplifiers[0].raw_shape)
    frame = RawFrame(rng.integers(0, 65536, shape).astype(np.uint16), CARDS)
    frame.write(tmp_path / "raw.fits", DETECTOR)
    return tmp_path / "raw.fits"


def test_what_is_written_is_read_to_the_bit(path):
    rng = np.random.default_rng(1)
    shape = (len(DETECTOR.amplifiers), *DETECTOR.amplifiers[0].raw_shape)
    again = read_raw(path)
    assert again.amps.dtype == np.uint16
    assert np.array_equal(again.amps, rng.integers(0, 65536, shape).astype(np.uint16))
    assert again.header == CARDS == read_header(path)
    assert not list(path.parent.glob(".*part"))


def test_sections_tile_the_detector(path):
    with fits.open(path) as hdus:
        sections = [h.header["DETSEC"] for h in hdus[1:]]
    # The second column of amplifiers is read from its far side, the upper row from the top.
    assert sections == [
        "[1:256,1:256]",
        "[512:257,1:256]",
        "[1:256,512:257]",
        "[512:257,512:257]",
    ]


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "text"])
def test_damage_is_one_sentence_with_a_code(path, damage):
    data = bytearray(path.read_bytes())
    if damage == "flip":
        data[40_000] ^= 255
    bad = {"flip": data, "cut": data[:200_000], "empty": b"", "text": b"hello"}[damage]
    path.write_bytes(bytes(bad))
    with pytest.raises(InstrumentError, match=r"raw\.fits cannot be read") as caught:
        read_raw(path)
    assert caught.value.code == "unreadable_raw"
    assert "\n" not in str(caught.value)
