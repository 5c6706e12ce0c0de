"""A tiny detector, and raw frames made by hand."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
from astropy.table import Table

from skyassay.pipeline.instrument.camera import Detector
from skyassay.pipeline.instrument.layouts import camera
from skyassay.pipeline.instrument.raw import RawFrame
from skyassay.pipeline.isr.assemble import disassemble
from skyassay.pipeline.isr.calibrations import Calibrations

LEVEL = 1000.0


@pytest.fixture
def detector() -> Detector:
    return camera("tiny").detectors[0]


@pytest.fixture
def raw_of(detector) -> Callable[..., RawFrame]:
    """Return what makes a raw frame of an image in ADU above a bias level, and read noise."""

    def make(adu: np.ndarray | float, noise: float = 3.0, seed: int = 0) -> RawFrame:
        rng = np.random.default_rng(seed)
        amp = detector.amplifiers[0]
        frame = rng.normal(LEVEL, noise, (len(detector.amplifiers), *amp.raw_shape))
        image = np.broadcast_to(np.asarray(adu, float), (detector.ny, detector.nx))
        data = slice(amp.prescan, amp.prescan + amp.width)
        frame[:, : amp.height, data] += disassemble(image, detector)
        header = {"DETECTOR": detector.id, "DETNAME": detector.name, "DARKTIME": 30.0}
        return RawFrame(np.clip(np.rint(frame), 0, 65535).astype(np.uint16), header)

    return make


@pytest.fixture
def frame_of(detector) -> Callable[..., SimpleNamespace]:
    """Return what makes a calibration frame of a constant or an image."""

    def make(value: np.ndarray | float, variance: float = 0.0) -> SimpleNamespace:
        shape = (detector.ny, detector.nx)
        return SimpleNamespace(
            image=np.broadcast_to(np.asarray(value, np.float32), shape).copy(),
            mask=np.zeros(shape, np.int32),
            variance=np.full(shape, variance, np.float32),
        )

    return make


@pytest.fixture
def ideal(detector, frame_of) -> Calibrations:
    """Calibrations of a detector that only has a gain of 2."""
    names = [amp.name for amp in detector.amplifiers]
    n = len(names)
    ptc = {"amplifier": names, "gain": [2.0] * n, "readNoise": [6.0] * n}
    pairs = [(s, t) for s in names for t in names if s != t]
    return Calibrations(
        bias=frame_of(0.0),
        dark=frame_of(0.0),
        flat=frame_of(1.0),
        defects=Table(names=("x0", "y0", "width", "height"), dtype=("i4",) * 4),
        ptc=Table(ptc | {"saturation": [40_000.0] * n}),
        linearizer=Table({"amplifier": names, "c2": [0.0] * n, "maxAdu": [35_000.0] * n}),
        crosstalk=Table(
            {
                "source": [s for s, _ in pairs],
                "target": [t for _, t in pairs],
                "coefficient": [0.0] * len(pairs),
            }
        ),
    )
