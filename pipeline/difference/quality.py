"""How well a difference image was made, measured on itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from skyassay.pipeline.detection.grow import grow
from skyassay.pipeline.images.exposure import Exposure
from skyassay.pipeline.images.mask import bits

#: Pixels that do not count.
EXCLUDED = bits(
    "BAD", "SAT", "INTRP", "CR", "EDGE", "DETECTED", "DETECTED_NEGATIVE", "NO_DATA",
    "CROSSTALK", "STREAK", "UNMASKEDNAN",
)  # fmt: skip
#: The matched template is a source where it is brighter than so many standard deviations of
#: the difference; sources are widened by so many pixels.
SOURCE, WIDER = 1.5, 3
#: Pulls beyond are something else than noise.
BEYOND = 6.0


def empty_sky(difference: Exposure, matched: Exposure, science: Exposure) -> NDArray[np.bool_]:
    """Return which pixels show neither a source nor a defect."""
    level = SOURCE * np.sqrt(np.maximum(difference.variance, 0.0))
    # A template that is not convolved (it has no PSF model) has its own noise in every pixel.
    light = uniform_filter(matched.image, 3) if matched.psf is None else matched.image
    source = (np.abs(light) > level) | ((science.mask & bits("DETECTED")) != 0)
    sound = ((difference.mask | science.mask) & EXCLUDED) == 0
    return np.asarray(sound & ~grow(source, WIDER))


def difference_quality(
    difference: Exposure, matched: Exposure, science: Exposure
) -> dict[str, float]:
    """Return nPixel, pullMean and pullStd; the last two are NaN where there is no pixel."""
    at = empty_sky(difference, matched, science)
    with np.errstate(divide="ignore", invalid="ignore"):
        pull = difference.image[at].astype(np.float64) / np.sqrt(difference.variance[at])
    pull = pull[np.abs(pull) < BEYOND]
    if len(pull) < 2:
        return {"nPixel": float(len(pull)), "pullMean": np.nan, "pullStd": np.nan}
    return {
        "nPixel": float(len(pull)),
        "pullMean": float(pull.mean()),
        "pullStd": float(pull.std(ddof=1)),
    }
