"""Flat field: the relative response of the pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.calibs.combine import CalibFrame, clipped_mean
from skyassay.pipeline.calibs.errors import CalibError
from skyassay.pipeline.calibs.reduce import reduced, unsaturated
from skyassay.pipeline.images.mask import bit
from skyassay.pipeline.instrument.camera import Detector
from skyassay.pipeline.instrument.raw import RawFrame
from skyassay.pipeline.isr.calibrations import Calibrations

#: Pixels further than this from the median, relatively, are no part of the mean that is set to
#: 1: a detector's scale does not change with the number of its dead columns.
REGULAR = 0.2


def _regular_mean(image: NDArray[np.floating]) -> float:
    """Return the mean of the pixels that are near the median; NaN of nothing."""
    good = image[np.isfinite(image)]
    if good.size == 0:
        return float("nan")
    middle = float(np.median(good))
    near = good[np.abs(good / middle - 1.0) < REGULAR] if middle != 0.0 else good
    return float(near.mean(dtype=np.float64))


def build_flat(raws: Sequence[RawFrame], detector: Detector, calibs: Calibrations) -> CalibFrame:
    """Return the flat field, normalised to unit mean over the detector's regular pixels.

    Each frame is taken to electrons (bias, linearity, gain, dark), divided by its own mean and
    averaged. Errors of the gains end up in the flat and cancel when the same gains are used
    with it. What the lamp does not light evenly is in the flat too.

    Parameters
    ----------
    raws : sequence of RawFrame
        Evenly lit frames of one filter.
    detector : Detector
    calibs : Calibrations
        Bias, and dark, linearizer, crosstalk and ptc where they are known.

    Raises
    ------
    CalibError
        ``no_frames``, ``no_data``, ``no_light`` where a frame has no positive mean.
    """
    known = replace(calibs, flat=None, defects=None)
    frames = []
    for raw in raws:
        image = unsaturated(reduced(raw, detector, known))
        mean = _regular_mean(image)
        # A frame that is saturated throughout has no value left, one without light no mean.
        if not mean > 0.0:
            raise CalibError(
                "A flat frame has no pixel that is lit and not saturated.",
                code="no_light",
                hint="Leave frames of the ramp's ends out of the flat field.",
            )
        frames.append(image / np.float32(mean))
    made = clipped_mean(frames)
    mean = _regular_mean(made.image)
    # What gives less than nothing has no response that one could divide by.
    lost = ~(made.image > 0.0)
    made.mask[lost] |= bit("BAD")
    quality = {**made.quality, "normalisation": mean, "lostFraction": float(lost.mean())}
    scale = np.float32(mean)
    return CalibFrame(made.image / scale, made.mask, made.variance / scale**2, quality)
