"""From the detector's pixels to the order in which amplifiers read them, and back."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.instrument.camera import Amplifier, Detector

T = TypeVar("T", bound=np.generic)


def turned(image: NDArray[T], amplifier: Amplifier) -> NDArray[T]:
    """Return a view of an amplifier's pixels with its flips undone, or done: they are the same."""
    across = -1 if amplifier.flip_x else 1
    along = -1 if amplifier.flip_y else 1
    return image[::along, ::across]


def as_read(image: NDArray[T], detector: Detector) -> NDArray[T]:
    """Return a detector's image in the order of reading.

    Parameters
    ----------
    image : ndarray, shape (ny, nx)
    detector : Detector

    Returns
    -------
    ndarray, shape (n_amp, height, width)
        Row 0 of each amplifier is next to the serial register.
    """
    return np.stack([turned(image[amp.box], amp) for amp in detector.amplifiers])


def assembled(amps: NDArray[T], detector: Detector) -> NDArray[T]:
    """Return the detector's image from pixels in the order of reading: `as_read` undone."""
    image = np.empty((detector.ny, detector.nx), dtype=amps.dtype)
    for amp in detector.amplifiers:
        image[amp.box] = turned(amps[amp.index], amp)
    return image
