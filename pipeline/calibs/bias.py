"""Bias: the structure that stays above the overscan at zero exposure."""

from __future__ import annotations

from collections.abc import Sequence

from skyassay.pipeline.calibs.combine import CalibFrame, clipped_mean
from skyassay.pipeline.calibs.reduce import reduced, unsaturated
from skyassay.pipeline.instrument.camera import Detector
from skyassay.pipeline.instrument.raw import RawFrame
from skyassay.pipeline.isr.calibrations import Calibrations


def build_bias(raws: Sequence[RawFrame], detector: Detector) -> CalibFrame:
    """Return the bias frame, ADU above the serial overscan, in detector order.

    Raises
    ------
    CalibError
        ``no_frames``, ``no_data``.
    IsrError
        Where a frame does not fit the detector.
    """
    nothing = Calibrations()
    return clipped_mean([unsaturated(reduced(r, detector, nothing, adu=True)) for r in raws])
