"""Raw calibration frames with as much of the signature removed as is known so far."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from skyassay.pipeline.images.mask import bits
from skyassay.pipeline.instrument.camera import Detector
from skyassay.pipeline.instrument.raw import RawFrame
from skyassay.pipeline.isr.calibrations import Calibrations
from skyassay.pipeline.isr.run import IsrConfig, IsrResult, remove_signature


def unit_gain(detector: Detector) -> Table:
    """Return a photon transfer table of gain 1: electrons are then ADU."""
    names = [amp.name for amp in detector.amplifiers]
    full = [amp.saturation / amp.gain for amp in detector.amplifiers]
    one, none = [1.0] * len(names), [0.0] * len(names)
    return Table({"amplifier": names, "gain": one, "readNoise": none, "saturation": full})


def reduced(
    raw: RawFrame, detector: Detector, calibs: Calibrations, *, adu: bool = False
) -> IsrResult:
    """Return a frame corrected with every calibration there is; neither repaired nor searched.

    Parameters
    ----------
    raw : RawFrame
    detector : Detector
    calibs : Calibrations
        What is None is not done.
    adu : bool
        Leave the image in ADU; otherwise the gains of `calibs.ptc`, or nominal ones.
    """
    known = replace(calibs, ptc=unit_gain(detector)) if adu else calibs
    config = IsrConfig(
        bias=known.bias is not None,
        linearity=known.linearizer is not None,
        crosstalk=known.crosstalk is not None,
        dark=known.dark is not None,
        flat=known.flat is not None,
        defects=known.defects is not None,
        ptc=known.ptc is not None,
        cosmic_rays=False,
        interpolate=False,
    )
    return remove_signature(raw, detector, known, config)


def unsaturated(result: IsrResult) -> NDArray[np.float32]:
    """Return the image with NaN where it is saturated or has no value."""
    lost = result.mask & np.int32(bits("SAT", "NO_DATA")) != 0
    return np.where(lost, np.float32(np.nan), result.image)
