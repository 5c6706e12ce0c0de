"""Bias, dark and flat: one amplifier's row at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.images.mask import bit
from skyassay.pipeline.isr.compiled import Array, compiled

#: A pixel that gives less than this fraction of the detector's mean response is not corrected
#: but masked: the noise would grow more than the value gains.
MIN_RESPONSE = 0.05
BAD = np.int32(bit("BAD"))


@compiled
def flatten_row(
    v: Array,
    gain: float,
    noise2: float,
    share: float,
    dark: Array,
    time: float,
    flat: Array,
    image: Array,
    mask: Array,
    variance: Array,
) -> None:
    """Turn linear ADU into flat electrons and their variance.

    `share` adds ``share * electrons**2``: the flat's own relative variance.
    """
    seconds = np.float32(time)
    for x in range(v.size):
        electrons = v[x] * gain
        signal = electrons if electrons > np.float32(0.0) else np.float32(0.0)
        response = flat[x]
        good = response > np.float32(MIN_RESPONSE)  # not so for NaN
        inverse = np.float32(1.0) / (response if good else np.float32(1.0))
        image[x] = (electrons - seconds * dark[x]) * inverse
        variance[x] = (signal + noise2 + share * signal * signal) * inverse * inverse
        mask[x] |= np.int32(0) if good else BAD


def subtract_dark(
    electrons: NDArray[np.floating], dark: NDArray[np.floating], dark_time: float
) -> NDArray[np.float32]:
    """Return electrons without dark current; `dark` in electrons per second."""
    return np.asarray(electrons - np.asarray(dark) * dark_time, dtype=np.float32)


def divide_flat(
    electrons: NDArray[np.floating], flat: NDArray[np.floating]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the image divided by the response, and where the response is usable.

    Where it is not (below 5 % of the mean, or NaN) the image stays as it is.
    """
    good = np.asarray(flat) > MIN_RESPONSE
    safe = np.where(good, flat, 1.0)
    return np.asarray(electrons / safe, dtype=np.float32), good
