"""Dark current."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skyassay.pipeline.calibs.combine import CalibFrame, clipped_mean
from skyassay.pipeline.calibs.errors import CalibError
from skyassay.pipeline.calibs.reduce import reduced, unsaturated
from skyassay.pipeline.instrument.camera import Detector
from skyassay.pipeline.instrument.raw import RawFrame
from skyassay.pipeline.isr.calibrations import Calibrations
from skyassay.pipeline.isr.checks import dark_time


def build_dark(raws: Sequence[RawFrame], detector: Detector, calibs: Calibrations) -> CalibFrame:
    """Return the dark current, electrons per second.

    Parameters
    ----------
    raws : sequence of RawFrame
        With DARKTIME; of one length or several (the mean is not weighted by it).
    detector : Detector
    calibs : Calibrations
        Bias, and linearizer, crosstalk and ptc where they are known.

    Raises
    ------
    CalibError
        ``no_frames``, ``no_data``, ``no_dark_time`` where a frame has no time to collect in.
    """
    frames = []
    for raw in raws:
        seconds = dark_time(raw)
        if not seconds > 0.0:
            raise CalibError(
                f"A dark frame of {seconds:g} s collects no dark current.",
                code="no_dark_time",
                hint="Build the dark from frames with a positive DARKTIME.",
            )
        # Dark and flat of `calibs` do not apply to what is being measured.
        known = Calibrations(
            bias=calibs.bias,
            ptc=calibs.ptc,
            linearizer=calibs.linearizer,
            crosstalk=calibs.crosstalk,
        )
        frames.append(unsaturated(reduced(raw, detector, known)) / np.float32(seconds))
    made = clipped_mean(frames)
    made.quality["medianRate"] = float(np.nanmedian(made.image))
    return made
