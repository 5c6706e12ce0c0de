"""Calibration frames: bias, dark, flat and spot frames, and which of them a survey takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.instrument.camera import Camera
from skyassay.pipeline.instrument.filters import physical_filter
from skyassay.pipeline.instrument.raw import RawFrame
from skyassay.simulator.camera.electronics import TrueDetector
from skyassay.simulator.camera.readout import read_out
from skyassay.simulator.camera.readout_order import assembled
from skyassay.simulator.errors import SimulatorError
from skyassay.simulator.exposure.headers import raw_header
from skyassay.simulator.random import rng

Floats = NDArray[np.float32]
#: Electrons per second that the flat-field lamp gives: levels are set by the time alone, so
#: that light is proportional to the exposure time.
LAMP_RATE = 4000.0
#: Spots: side of the cell that one stands in and its radius, pixels; its level, electrons.
SPOT_CELL, SPOT_RADIUS, SPOT_LEVEL = 32, 8.0, 60_000.0


@dataclass(frozen=True)
class CalibrationFrame:
    """An exposure without sky.

    Attributes
    ----------
    kind : str
        ``BIAS``, ``DARK``, ``FLAT`` or ``SPOT``.
    physical_filter : str
        In the beam, also where there is no light.
    exptime : float
        Seconds.
    level : float
        Electrons per mean pixel on the optical axis, or in a spot.
    pair : int
        The two flats of a pair have the same number, from 1; 0 for other frames.
    """

    kind: str
    physical_filter: str
    exptime: float = 0.0
    level: float = 0.0
    pair: int = 0

    @property
    def reason(self) -> str:
        """Why it is made: ``ptc`` for pairs of flats, else its kind in small letters."""
        return "ptc" if self.pair else self.kind.lower()


@dataclass(frozen=True)
class CalibrationPlan:
    """How many calibration frames there are.

    Attributes
    ----------
    bias : int
    darks : tuple of float
        Their exposure times, seconds.
    ramp : tuple of float
        Levels of flat pairs, electrons, taken in one band.
    flats : int
        Per band.
    flat_level : float
        Electrons.
    spots : int
    """

    bias: int
    darks: tuple[float, ...]
    ramp: tuple[float, ...]
    flats: int
    flat_level: float = 40_000.0
    spots: int = 2

    def frames(self, bands: Sequence[str]) -> tuple[CalibrationFrame, ...]:
        """Return the frames for the bands observed; the ramp is taken in the first of them."""
        lit = [physical_filter(band) for band in bands]
        if not lit:
            raise SimulatorError(
                "Calibration frames need at least one band.",
                code="no_bands",
                hint="Name the bands that are observed.",
                exit_code=4,
            )
        found = [CalibrationFrame("BIAS", lit[0])] * self.bias
        found += [CalibrationFrame("DARK", lit[0], time) for time in self.darks]
        for pair, level in enumerate(self.ramp, start=1):
            found += [flat_frame(lit[0], level, pair)] * 2
        for name in lit:
            found += [flat_frame(name, self.flat_level)] * self.flats
        found += [CalibrationFrame("SPOT", lit[0], 5.0, SPOT_LEVEL)] * self.spots
        return tuple(found)


_RAMP = (1_000.0, 5_000.0, 15_000.0, 30_000.0, 55_000.0, 80_000.0)
_LONG_RAMP = (
    1_000.0, 2_000.0, 4_000.0, 8_000.0, 15_000.0, 25_000.0, 37_000.0, 50_000.0, 65_000.0, 80_000.0,
)  # fmt: skip
#: The last two of `medium` are beyond the full well, so that saturation can be measured.
_PLANS = {
    "tiny": CalibrationPlan(3, (300.0,) * 3, _RAMP, 3, spots=1),
    "small": CalibrationPlan(5, (300.0,) * 3, _RAMP, 3),
    "medium": CalibrationPlan(
        15, (30.0,) * 3 + (100.0,) * 3 + (300.0,) * 5, (*_LONG_RAMP, 115_000.0, 140_000.0), 7
    ),
}


def calibration_plan(preset: str) -> CalibrationPlan:
    """Return the calibration frames of a preset.

    Raises
    ------
    SimulatorError
        ``unknown_preset`` (exit code 4).
    """
    if preset not in _PLANS:
        raise SimulatorError(
            f"There is no calibration plan for a preset {preset!r}.",
            code="unknown_preset",
            hint=f"Presets: {', '.join(_PLANS)}.",
            exit_code=4,
        )
    return _PLANS[preset]


def flat_frame(physical_filter: str, level: float, pair: int = 0) -> CalibrationFrame:
    """Return a flat of a level: the lamp's light is constant, the time is not."""
    return CalibrationFrame("FLAT", physical_filter, level / LAMP_RATE, level, pair)


def spots(true: TrueDetector) -> NDArray[np.bool_]:
    """Return where spots are, shape (ny, nx).

    Where one amplifier reads a spot all others read dark pixels: one frame shows the crosstalk
    of all of them.
    """
    first, n = true.nominal.amplifiers[0], len(true.nominal.amplifiers)
    x, y = np.arange(first.width), np.arange(first.height)
    centre = (SPOT_CELL - 1) / 2.0
    inside = np.hypot((x % SPOT_CELL) - centre, ((y % SPOT_CELL) - centre)[:, None]) <= SPOT_RADIUS
    # Cells go round the amplifiers along a row, shifted from row to row, so that all have as
    # many near to the register as far from it.
    turn = (x // SPOT_CELL + 3 * (y // SPOT_CELL)[:, None]) % n
    lit = np.stack([inside & (turn == k) for k in range(n)])
    return assembled(lit, true.nominal)


def lamp_electrons(
    frame: CalibrationFrame, true: TrueDetector, seed: int, exposure_id: int
) -> Floats:
    """Return the expected electrons of the lamp, shape (ny, nx).

    Raises
    ------
    SimulatorError
        ``bad_exposure`` for a frame of the sky.
    """
    shape = (true.nominal.ny, true.nominal.nx)
    # The lamp is one for all detectors.
    noise = true.terms.lamp_noise * rng(seed, "lamp", exposure_id).standard_normal()
    level = np.float32(max(frame.level * (1.0 + noise), 0.0))
    if frame.kind == "SPOT":
        return np.where(spots(true), level, np.float32(0.0))
    if frame.kind == "FLAT":
        return np.full(shape, level, dtype=np.float32)
    if frame.kind in ("BIAS", "DARK"):
        return np.zeros(shape, dtype=np.float32)
    raise SimulatorError(
        f"No lamp gives a frame of kind {frame.kind!r}.",
        code="bad_exposure",
        hint="Calibration frames are BIAS, DARK, FLAT and SPOT.",
        exit_code=4,
    )


def lamp_frame(
    frame: CalibrationFrame,
    true: TrueDetector,
    camera: Camera,
    exposure_id: int,
    mjd_begin: float,
    seed: int,
) -> RawFrame:
    """Return the raw frame of a calibration exposure of one detector.

    Parameters
    ----------
    frame : CalibrationFrame
    true : TrueDetector
    camera : Camera
        Nominal.
    exposure_id : int
    mjd_begin : float
        MJD TAI.
    seed : int
    """
    extra: dict[str, Any] = {}
    if frame.kind == "FLAT":
        extra = {"FLATID": frame.pair, "FLATLEV": frame.level}
    header = raw_header(
        camera=camera,
        detector=true.nominal.id,
        exposure=exposure_id,
        kind=frame.kind,
        physical_filter=frame.physical_filter,
        exptime=frame.exptime,
        dark_time=frame.exptime,
        mjd_begin=mjd_begin,
        seed=seed,
        program="calibration",
        reason=frame.reason,
        extra=extra,
    )
    return read_out(
        lamp_electrons(frame, true, seed, exposure_id),
        true,
        frame.physical_filter,
        frame.exptime,
        frame.exptime,
        seed,
        exposure_id,
        frame.kind,
        header,
    )
