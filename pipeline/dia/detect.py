"""Peaks of a difference image, bright and dark."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.detection.detect import Detections, separate
from skyassay.pipeline.detection.smooth import signal_to_noise
from skyassay.pipeline.dia.options import Options
from skyassay.pipeline.measurement.prepare import Plane
from skyassay.pipeline.psf.model import PsfModel

#: Standard deviation and FWHM of a Gaussian.
FWHM = 2.0 * float(np.sqrt(2.0 * np.log(2.0)))


@dataclass(frozen=True, eq=False)
class Peaks:
    """Peaks of one sign, brightest first, on the image times that sign.

    Attributes
    ----------
    sign : int
        1 or -1.
    found : Detections
    boxes : ndarray of int, shape (n, 4)
        First and last column, first and last row of the peak's own pixels.
    """

    sign: int
    found: Detections
    boxes: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.found)


def width(psf: PsfModel) -> float:
    """Return the standard deviation (pixel) of the Gaussian that stands for the PSF."""
    moments = psf.moments((psf.shape[1] - 1) / 2, (psf.shape[0] - 1) / 2)[0]
    return float(np.sqrt(0.5 * (moments[0] + moments[2])))


def find_peaks(plane: Plane, sigma: float, options: Options) -> tuple[Peaks, Peaks]:
    """Return the peaks that are brighter and those that are darker than before.

    Parameters
    ----------
    plane : Plane
        Of the difference image. Pixels that are not good take no part.
    sigma : float
        Width (pixel) of the smoothing Gaussian.
    options : Options
    """
    light = np.where(plane.good, plane.image, np.float32(0.0))
    noise = np.where(plane.good, plane.variance, np.float32(0.0))
    snr = signal_to_noise(light, noise, sigma)
    made = []
    for sign in (1, -1):
        found = separate(sign * snr, options.threshold, options.prominence)
        made.append(Peaks(sign, found, boxes(found.basin, len(found))))
    return made[0], made[1]


def boxes(basin: NDArray[np.int32], n: int) -> NDArray[np.int64]:
    """Return first and last column, first and last row of every peak's pixels, shape (n, 4)."""
    y, x = np.divmod(np.flatnonzero(basin.ravel() > 0), basin.shape[1])
    owner = basin[y, x] - 1
    made = np.empty((n, 4), dtype=np.int64)
    for k, axis in enumerate((x, y)):
        made[:, 2 * k] = basin.shape[1 - k]
        np.minimum.at(made[:, 2 * k], owner, axis)
        made[:, 2 * k + 1] = -1
        np.maximum.at(made[:, 2 * k + 1], owner, axis)
    return made
