"""Detection of sources: peaks of the smoothed image and the footprints around them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.detection.grow import grow
from skyassay.pipeline.detection.peaks import descend
from skyassay.pipeline.detection.smooth import signal_to_noise


@dataclass(frozen=True, eq=False)
class Detections:
    """Peaks, brightest first.

    Attributes
    ----------
    x, y : ndarray of int, shape (n,)
        Pixel of each peak.
    snr : ndarray, shape (n,)
        Signal-to-noise of the smoothed image there.
    parent : ndarray of int, shape (n,)
        Number of the footprint the peak is in, counted from 0.
    basin : ndarray of int32, shape (ny, nx)
        1 + index of the peak whose pixel this is; 0 outside the footprints.
    """

    x: NDArray[np.int64]
    y: NDArray[np.int64]
    snr: NDArray[np.float64]
    parent: NDArray[np.int64]
    basin: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.x)

    def near(self, reach: float) -> NDArray[np.bool_]:
        """Return which pixels are in a footprint or within `reach` pixels of one."""
        return grow(self.basin > 0, int(np.ceil(reach)))


def detect(
    image: NDArray[np.float32],
    variance: NDArray[np.float32],
    usable: NDArray[np.bool_],
    *,
    sigma: float,
    threshold: float,
    prominence: float,
) -> Detections:
    """Return the point-like peaks above a signal-to-noise threshold.

    Parameters
    ----------
    image, variance : ndarray of float32, shape (ny, nx)
        Electrons without the sky, and electrons squared.
    usable : ndarray of bool, shape (ny, nx)
        Pixels that hold data, measured or interpolated.
    sigma : float
        Width (pixel) of the smoothing Gaussian.
    threshold, prominence : float
        See `Options`.
    """
    filled = np.where(usable, image, np.float32(0.0))
    noise = np.where(usable, variance, np.float32(0.0))
    return separate(signal_to_noise(filled, noise, sigma), threshold, prominence)


def separate(snr: NDArray[np.float32], threshold: float, prominence: float) -> Detections:
    """Return the peaks of a map of signal-to-noise; parameters as of `detect`."""
    above = np.flatnonzero(snr > threshold)
    # Among equals the first pixel wins: the same image gives the same peaks.
    order = above[np.argsort(-snr.ravel()[above], kind="stable")]
    n = max(len(order), 1)
    basin = np.zeros(snr.shape, dtype=np.int32)
    peak = np.empty(n, dtype=np.int64)
    footprint, absorbed = np.empty(n, dtype=np.int32), np.empty(n, dtype=np.int32)
    found = descend(snr, order, prominence, basin, peak, footprint, absorbed)
    own = np.flatnonzero(absorbed[:found] == np.arange(found))
    place = np.zeros(found + 1, dtype=np.int32)
    place[1 + own] = np.arange(1, len(own) + 1)
    target = np.concatenate([[0], place[1 + absorbed[:found]]]).astype(np.int32)
    y, x = np.divmod(peak[own], snr.shape[1])
    parent = np.unique(footprint[own], return_inverse=True)[1]
    return Detections(x, y, snr[y, x].astype(np.float64), parent, target[basin])
