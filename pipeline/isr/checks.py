"""What raw frames and calibrations must be before a pixel is touched."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.instrument.camera import Detector
from skyassay.pipeline.instrument.raw import RawFrame
from skyassay.pipeline.isr.calibrations import Calibrations, Frame
from skyassay.pipeline.isr.errors import IsrError


def check_raw(raw: RawFrame, detector: Detector) -> None:
    """Refuse a frame that is not of this detector.

    Raises
    ------
    IsrError
        ``raw_shape``, ``raw_type``, ``wrong_detector``.
    """
    shape = (len(detector.amplifiers), *detector.amplifiers[0].raw_shape)
    if raw.amps.shape != shape:
        raise IsrError(
            f"The raw frame has the shape {raw.amps.shape}, detector {detector.name} {shape}.",
            code="raw_shape",
            hint="The file belongs to another layout or was cut short; ingest it again.",
        )
    if raw.amps.dtype != np.uint16:
        raise IsrError(
            f"The raw frame holds {raw.amps.dtype}, not uint16.",
            code="raw_type",
            hint="Raw pixels are unsigned 16-bit counts as they were read.",
        )
    for card, mine in (("DETECTOR", detector.id), ("DETNAME", detector.name)):
        found = raw.header.get(card)
        if found is not None and found != mine:
            raise IsrError(
                f"The raw frame's header says {card} = {found!r}, not {mine!r}.",
                code="wrong_detector",
                hint="The file was ingested under another detector; ingest it again.",
            )


def check_numbers(unusable: NDArray[np.bool_], detector: Detector) -> None:
    """Refuse a frame none of whose amplifiers is usable.

    Raises
    ------
    IsrError
        ``raw_no_signal``.
    """
    if unusable.all():
        raise IsrError(
            f"No amplifier of detector {detector.name} gives a signal with a known gain.",
            code="raw_no_signal",
            hint="The readout gave constants, or the photon transfer curve has no gain at all.",
        )


def required(calibs: Calibrations, name: str) -> Any:
    """Return one calibration.

    Raises
    ------
    IsrError
        ``missing_<name>``.
    """
    found = getattr(calibs, name)
    if found is None:
        raise IsrError(
            f"There is no {name} for this frame.",
            code=f"missing_{name}",
            hint=f"Build and certify a {name} valid at its time, or turn that step off.",
        )
    return found


def check_frame(
    frame: Frame | None, name: str, shape: tuple[int, int], neutral: float
) -> NDArray[np.float32]:
    """Return the image of a calibration frame; where there is none, a constant.

    Raises
    ------
    IsrError
        ``<name>_shape``, ``<name>_no_data``.
    """
    if frame is None:
        return np.full(shape, neutral, np.float32)
    if frame.image.shape != shape:
        raise IsrError(
            f"The {name} has the shape {frame.image.shape}, the detector {shape}.",
            code=f"{name}_shape",
            hint=f"Certify the {name} of this detector.",
        )
    # A few rows nearly always answer this for all.
    if not (np.isfinite(frame.image[::64]).any() or np.isfinite(frame.image).any()):
        raise IsrError(
            f"The {name} holds no number at all.",
            code=f"{name}_no_data",
            hint=f"Build the {name} again and look at its quality numbers.",
        )
    return np.ascontiguousarray(frame.image, dtype=np.float32)


def dark_time(raw: RawFrame) -> float:
    """Return the seconds during which dark current was collected, card DARKTIME.

    Raises
    ------
    IsrError
        ``missing_dark_time``.
    """
    value = raw.header.get("DARKTIME")
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise IsrError(
            "The raw frame's header has no DARKTIME in seconds.",
            code="missing_dark_time",
            hint="Correct the header in the raw file, or turn the dark off.",
        )
    return float(value)
