"""Robust mean of frames, pixel by pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.calibs.errors import CalibError, need
from skyassay.pipeline.images.mask import bit
from skyassay.pipeline.isr.compiled import Array, compiled

#: Values further than this many sigma from the median of a pixel are left out.
CLIP = 4.0


@dataclass(frozen=True, eq=False)
class CalibFrame:
    """A calibration frame.

    Attributes
    ----------
    image, variance : ndarray of float32, shape (ny, nx)
        The builder says which unit.
    mask : ndarray of int32
        BAD where there is no value; that pixel is NaN.
    quality : dict
        Numbers about how well it is known.
    """

    image: NDArray[np.float32]
    mask: NDArray[np.int32]
    variance: NDArray[np.float32]
    quality: dict[str, Any] = field(default_factory=dict)


@compiled
def _combine(stack: Array, sigma: Array, clip: float, mean: Array, used: Array) -> None:
    """Fill the mean of what is kept and how much that is, pixel by pixel."""
    n, npix = stack.shape
    values, order = np.empty(n), np.empty(n, np.int64)
    for p in range(npix):
        m = 0
        for k in range(n):
            if np.isfinite(stack[k, p]):
                values[m], order[m] = stack[k, p], k
                m += 1
        if m == 0:
            mean[p], used[p] = np.nan, 0
            continue
        middle = np.median(values[:m])
        if m == 2:
            # No majority: two values that disagree differ by a cosmic ray, which only adds.
            middle = min(values[0], values[1])
        own = 1.4826 * np.median(np.abs(values[:m] - middle)) if m > 4 else 0.0
        total, kept = 0.0, 0
        for k in range(m):
            width = max(sigma[order[k]], own)
            limit = clip * width * (1.4143 if m == 2 else 1.0)
            if abs(values[k] - middle) <= limit:
                total += values[k]
                kept += 1
        mean[p], used[p] = total / kept, kept


def frame_noise(stack: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return each frame's robust scatter about the mean frame, from every 11th pixel.

    The mean, because a value's distance from a median of few is far from Gaussian; the pixels
    whose mean an outlier moves are too few to move a median over pixels.

    With one frame: its scatter about its own median.
    """
    sample = stack[:, ::11] if stack.shape[1] > 11_000 else stack
    with np.errstate(invalid="ignore"):
        good = sample[:, np.isfinite(sample).all(axis=0)]
    if good.shape[1] == 0:
        return np.full(len(stack), np.nan)
    n = len(stack)
    about = good.mean(axis=0) if n > 1 else np.median(good)
    apart = good - about
    width = 1.4826 * np.median(np.abs(apart - np.median(apart, axis=1)[:, None]), axis=1)
    # The mean of n frames follows each of them: its share of the scatter is given back.
    share = np.sqrt(1.0 - 1.0 / n) if n > 1 else 1.0
    return np.asarray(width / share, dtype=np.float64)


def clipped_mean(
    frames: Sequence[NDArray[np.floating]], *, clip: float = CLIP, least: int = 1
) -> CalibFrame:
    """Return the mean of frames without outliers.

    A value is left out where it is further than `clip` sigma from the pixel's median; sigma is
    the frame's robust noise or, with five frames and more, the pixel's own where that is larger
    (hot pixels are noisier). Of two values that disagree the lower is kept.

    Parameters
    ----------
    frames : sequence of ndarray, shape (ny, nx)
        NaN where a frame has no value.
    clip : float
    least : int
        Frames needed.

    Returns
    -------
    CalibFrame
        In the unit of the frames. Quality: ``nFrames``, ``noise`` (median of the frames'),
        ``clippedFraction``, ``emptyFraction``, ``status`` (``ok``, or ``unclipped`` with one).

    Raises
    ------
    CalibError
        ``no_frames``, ``too_few_frames``, ``frame_shape``, ``no_data``.
    """
    need(len(frames), least, "frames")
    shapes = {f.shape for f in frames}
    if len(shapes) > 1:
        raise CalibError(
            f"The frames have different shapes: {sorted(shapes)}.",
            code="frame_shape",
            hint="Combine frames of one detector only.",
        )
    shape = frames[0].shape
    stack = np.stack([np.asarray(f, dtype=np.float32).ravel() for f in frames])
    sigma = frame_noise(stack)
    mean, used = np.empty(stack.shape[1], np.float32), np.empty(stack.shape[1], np.int32)
    _combine(stack, np.nan_to_num(sigma, nan=0.0), clip, mean, used)
    if not np.isfinite(mean).any():
        raise CalibError(
            "No pixel has a value in any of the frames.",
            code="no_data",
            hint="Look at the frames: they are saturated, masked or not a number throughout.",
        )
    noise = float(np.median(sigma))
    with np.errstate(divide="ignore"):
        variance = np.where(used > 0, noise**2 / np.maximum(used, 1), np.nan)
    offered = np.isfinite(stack).sum()
    mask = np.where(used > 0, 0, bit("BAD")).astype(np.int32)
    quality = {
        "nFrames": len(frames),
        "noise": noise,
        "clippedFraction": float(1.0 - used.sum() / offered),
        "emptyFraction": float(np.mean(used == 0)),
        "status": "ok" if len(frames) > 1 else "unclipped",
    }
    return CalibFrame(
        mean.reshape(shape),
        mask.reshape(shape),
        variance.astype(np.float32).reshape(shape),
        quality,
    )
