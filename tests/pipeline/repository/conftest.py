"""Small raw frames with sound headers, for tests of the repository."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from skyassay.pipeline.instrument.layouts import camera
from skyassay.pipeline.instrument.raw import RawFrame

DAY = 20260101
MJD = 61041.1


def header(seq: int, detector: int, kind: str = "OBJECT", layout: str = "tiny", **more: object):
    """Return the header of exposure `seq`, taken 40 s after the one before."""
    begin = MJD + 40.0 * seq / 86400.0
    found = {
        "INSTRUME": "SimCam",
        "OBSID": f"SC_{DAY}_{seq:06d}",
        "EXPID": DAY * 100_000 + seq,
        "DAYOBS": DAY,
        "SEQNUM": seq,
        "IMGTYPE": kind,
        "FILTER": "r_sim",
        "EXPTIME": 30.0,
        "DARKTIME": 30.0,
        "MJD-BEG": begin,
        "MJD-END": begin + 30.0 / 86400.0,
        "MJD-AVG": begin + 15.0 / 86400.0,
        "DETECTOR": detector,
        "LAYOUT": layout,
        "SIMULATE": True,
    }
    if kind == "OBJECT":
        found |= {"RA": 60.0, "DEC": -30.0, "ROTPA": 0.0, "ALT": 70.0, "AZ": 10.0, "AIRMASS": 1.06}
    return found | more


def write_raw(folder: Path, seq: int, detector: int, **more: object) -> Path:
    """Write a frame of 1,000 ADU; `amps` and header cards may be given."""
    amps = more.pop("amps", None)
    cards = header(seq, detector, **more)
    chosen = camera("tiny")[0]
    shape = (len(chosen.amplifiers), *chosen.amplifiers[0].raw_shape)
    path = folder / "raw" / f"{cards['OBSID']}_{detector:03d}.fits"
    path.parent.mkdir(parents=True, exist_ok=True)
    RawFrame(np.full(shape, 1000, np.uint16) if amps is None else amps, cards).write(path, chosen)
    return path


@pytest.fixture
def raw_header():
    """Return the function that makes headers."""
    return header


@pytest.fixture
def write():
    """Return the function that writes frames."""
    return write_raw


@pytest.fixture
def folder(tmp_path):
    """Two visits of three detectors, and a bias frame."""
    there = tmp_path / "data"
    for seq in (1, 2):
        for detector in range(3):
            write_raw(there, seq, detector)
    write_raw(there, 3, 0, kind="BIAS")
    return there
