"""Light of lamps: even flats, and spots that show the crosstalk."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.instrument.camera import Detector
from skyassay.simulator.random import rng

Floats = NDArray[np.float32]
#: Radius of a spot, pixels, and its light, electrons per pixel: below the full well.
SPOT_RADIUS, SPOT_ELECTRONS = 9.0, 70_000.0
#: Scatter of a lamp's light between exposures.
LAMP_NOISE = 2e-4
#: Rows and columns of spots in an amplifier: each lights one place of the grid per exposure
#: and amplifier, and no two amplifiers the same one.
_GRID = 4


def flat(detector: Detector, level: float, seed: int, exposure: int) -> Floats:
    """Return the light of an even lamp, electrons per pixel; the same lamp for all detectors."""
    lamp = 1.0 + LAMP_NOISE * float(rng(seed, "lamp", exposure).standard_normal())
    return np.full((detector.ny, detector.nx), level * lamp, dtype=np.float32)


def spots(detector: Detector, number: int) -> Floats:
    """Return bright discs, electrons per pixel, shape (ny, nx).

    Every amplifier has its discs where no other one has any in the order of reading, so
    that each pair of source and target is seen apart.

    Parameters
    ----------
    detector : Detector
    number : int
        Of the exposure among those of spots; the discs move from one to the next.
    """
    image = np.zeros((detector.ny, detector.nx), dtype=np.float32)
    cells = _GRID * _GRID
    for amp in detector.amplifiers:
        part = image[amp.box]
        read = part[:: -1 if amp.flip_y else 1, :: -1 if amp.flip_x else 1]
        row, column = divmod((amp.index + 5 * number) % cells, _GRID)
        x = (column + 0.5) * amp.width / _GRID
        y = (row + 0.5) * amp.height / _GRID
        square = (np.arange(amp.width) - x) ** 2 + (np.arange(amp.height)[:, None] - y) ** 2
        read[square <= SPOT_RADIUS**2] = SPOT_ELECTRONS
    return image
