"""Amplifiers in readout order, and the detector they make up."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.instrument.camera import Amplifier, Detector


def oriented(data: NDArray[np.generic], amp: Amplifier) -> NDArray[np.generic]:
    """Return a view that turns readout order into detector order, or back: it is its inverse."""
    return data[:: -1 if amp.flip_y else 1, :: -1 if amp.flip_x else 1]


def data_section(raw: NDArray[np.generic], amp: Amplifier) -> NDArray[np.generic]:
    """Return the view of an amplifier's light-sensitive pixels, in readout order."""
    return raw[: amp.height, amp.prescan : amp.prescan + amp.width]


def assemble(amps: NDArray[np.generic], detector: Detector) -> NDArray[np.generic]:
    """Return the detector image.

    Parameters
    ----------
    amps : ndarray, shape (n_amp, rows, columns)
        In readout order; whole raw amplifiers or their data sections only.
    detector : Detector

    Returns
    -------
    ndarray, shape (ny, nx), of the same type
    """
    image = np.empty((detector.ny, detector.nx), amps.dtype)
    for amp in detector.amplifiers:
        data = amps[amp.index]
        if data.shape != (amp.height, amp.width):
            data = data_section(data, amp)
        image[amp.box] = oriented(data, amp)
    return image


def disassemble(image: NDArray[np.generic], detector: Detector) -> NDArray[np.generic]:
    """Return the data sections in readout order, shape (n_amp, height, width)."""
    return np.stack([oriented(image[amp.box], amp) for amp in detector.amplifiers])
