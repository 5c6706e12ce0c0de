"""Statistics of a ramp of flat pairs, amplifier by amplifier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.calibs.errors import CalibError, need
from skyassay.pipeline.calibs.reduce import reduced
from skyassay.pipeline.instrument.camera import Detector
from skyassay.pipeline.instrument.raw import RawFrame
from skyassay.pipeline.isr.calibrations import Calibrations

#: Pixels further than this many robust sigma from the median are left out of a mean or a
#: variance; a Gaussian's variance changes by 1.5e-5.
CLIP = 5.0
#: Light grows by this at least between frames that are compared, and the signal by less than
#: this part of it, where an amplifier is full.
STEP, STALL = 1.01, 0.2
#: Part of its unsaturated value that the variance falls below where pixels pile up, and the
#: sigma above the mean that the 99.9 % quantile then does not reach.
COLLAPSE, PILE = 0.5, 2.0
#: Part of the full level from which pixels count as saturated.
NEAR_FULL = 0.98


@dataclass(frozen=True, eq=False)
class Ramp:
    """Pairs of flats in the order of their light.

    Attributes
    ----------
    light : ndarray, shape (n_pair,)
        Relative illumination: the exposure time, seconds.
    mean : ndarray, shape (n_amp, n_pair)
        ADU.
    variance : ndarray, shape (n_amp, n_pair)
        Of one frame, from the difference of the two, ADU^2; NaN for a single frame.
    high : ndarray, shape (n_amp, n_pair)
        99.9 % quantile of the pixels, ADU.
    noise : ndarray, shape (n_amp,)
        Read noise from the overscans, ADU.
    n_pixel : int
        Of an amplifier.
    """

    light: NDArray[np.float64]
    mean: NDArray[np.float64]
    variance: NDArray[np.float64]
    high: NDArray[np.float64]
    noise: NDArray[np.float64]
    n_pixel: int


def clipped(values: NDArray[np.floating]) -> tuple[float, float]:
    """Return mean and variance without what is beyond 5 robust sigma; NaN of nothing."""
    v = np.asarray(values, dtype=np.float64).ravel()
    v = v[np.isfinite(v)]
    if v.size < 2:
        return float("nan"), float("nan")
    middle = np.median(v)
    apart = np.abs(v - middle)
    width = 1.4826 * np.median(apart)
    kept = v[apart <= CLIP * width] if width > 0 else v
    return float(kept.mean()), float(kept.var(ddof=1))


def _light(raw: RawFrame) -> float:
    value = raw.header.get("EXPTIME")
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
        raise CalibError(
            "A flat frame's header has no positive EXPTIME.",
            code="missing_exposure_time",
            hint="The ramp needs the relative light of each frame.",
        )
    return float(value)


def pairs(raws: Sequence[RawFrame]) -> list[tuple[float, list[RawFrame]]]:
    """Return frames in twos of equal light, by ascending light; the odd one out stays alone."""
    groups: dict[float, list[RawFrame]] = {}
    for raw in raws:
        groups.setdefault(round(_light(raw), 9), []).append(raw)
    return [
        (light, group[k : k + 2])
        for light, group in sorted(groups.items())
        for k in range(0, len(group), 2)
    ]


def measure_ramp(raws: Sequence[RawFrame], detector: Detector, calibs: Calibrations) -> Ramp:
    """Return the statistics of a ramp of flats.

    Parameters
    ----------
    raws : sequence of RawFrame
        Flats; frames with equal EXPTIME make pairs.
    detector : Detector
    calibs : Calibrations
        Bias and what else is known (crosstalk, linearizer); the ramp is in ADU.

    Raises
    ------
    CalibError
        ``no_frames``, ``missing_exposure_time``.
    """
    need(len(raws), 1, "flat frames")
    known = Calibrations(bias=calibs.bias, linearizer=calibs.linearizer, crosstalk=calibs.crosstalk)
    found = pairs(raws)
    n_amp = len(detector.amplifiers)
    mean, variance, high = (np.full((n_amp, len(found)), np.nan) for _ in range(3))
    noise = []
    for k, (_, group) in enumerate(found):
        results = [reduced(raw, detector, known, adu=True) for raw in group]
        noise += [r.metadata["overscanNoise"] for r in results]
        for amp in detector.amplifiers:
            boxes = [r.image[amp.box] for r in results]
            levels = [clipped(b)[0] for b in boxes]
            middle = float(np.mean(levels))
            mean[amp.index, k] = middle
            high[amp.index, k] = max(float(np.quantile(b, 0.999)) for b in boxes)
            if len(boxes) == 2 and min(levels) > 0:
                # Scaled to the same mean: the lamp need not repeat exactly.
                difference = boxes[0] * (middle / levels[0]) - boxes[1] * (middle / levels[1])
                variance[amp.index, k] = clipped(difference)[1] / 2.0
    light = np.array([value for value, _ in found])
    size = detector.amplifiers[0].width * detector.amplifiers[0].height
    return Ramp(light, mean, variance, high, np.median(np.array(noise), axis=0), size)


def saturation(ramp: Ramp, amp: int) -> float:
    """Return the counts, ADU, from which an amplifier is saturated.

    A frame is saturated where pixels pile up at its top: the variance of the pair is less than
    half of what the next fainter one scaled by its mean gives, or the 99.9 % quantile is less
    than 2 sigma above the mean (3.1 sigma of a Gaussian); without pairs, where more light raises
    the mean by less than a fifth of it. The level is 0.98 of the brightest such frame's quantile.

    Returns
    -------
    float
        NaN where the ramp does not reach saturation.
    """
    mean, variance, high, light = ramp.mean[amp], ramp.variance[amp], ramp.high[amp], ramp.light
    full = (high - mean < PILE * np.sqrt(variance)) & (mean > 0.0)
    for k in range(1, mean.size):
        grew, lit = mean[k] / mean[k - 1] - 1.0, light[k] / light[k - 1] - 1.0
        fell = variance[k] < COLLAPSE * variance[k - 1] * (1.0 + grew)
        stalled = lit > STEP - 1.0 and grew < STALL * lit
        # Among saturated frames neither happens again.
        full[k] |= (fell or stalled or full[k - 1]) and mean[k] > 0.0
    return float(NEAR_FULL * high[full].max()) if full.any() else float("nan")


def usable(ramp: Ramp, amp: int, limit: float) -> NDArray[np.bool_]:
    """Return which points of an amplifier hold light and no pixels beyond a limit, ADU."""
    top = limit if np.isfinite(limit) else np.inf
    lit = np.isfinite(ramp.mean[amp]) & (ramp.mean[amp] > 0.0)
    return np.asarray(lit & (ramp.high[amp] < top))
