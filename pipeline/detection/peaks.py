"""Footprints of detections and the peaks in them, by a descent through the pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.measurement.compiled import compiled


@compiled
def _root(parent: NDArray[np.int32], k: int) -> int:
    while parent[k] != k:
        parent[k] = parent[parent[k]]
        k = parent[k]
    return k


@compiled
def descend(
    snr: NDArray[np.float32],
    order: NDArray[np.int64],
    prominence: float,
    basin: NDArray[np.int32],
    peak: NDArray[np.int64],
    footprint: NDArray[np.int32],
    absorbed: NDArray[np.int32],
) -> int:
    """Give every pixel to a peak and every peak to a footprint; return the number of basins.

    Pixels come from high to low. A pixel without labelled neighbours is a new peak; one
    between two footprints joins them, and the lower peak goes to the higher one's basin
    unless it rises over this saddle by `prominence`.

    Parameters
    ----------
    snr : ndarray, shape (ny, nx)
    order : ndarray of int, shape (n,)
        Flat indices of pixels above the threshold, from high to low.
    prominence : float
    basin : ndarray of int32, shape (ny, nx)
        Zeros; gets 1 + index of the peak, to be passed through `absorbed`.
    peak : ndarray of int, shape (n,)
        Gets the flat index of each peak.
    footprint, absorbed : ndarray of int32, shape (n,)
        Get the highest peak of the footprint, and the peak that took the basin over, or
        itself.
    """
    ny, nx = snr.shape
    flat, n_peaks = snr.ravel(), 0
    labels = basin.ravel()
    for index in order:
        y, x = index // nx, index % nx
        best, top = 0, np.float32(-np.inf)
        for j in range(max(y - 1, 0), min(y + 2, ny)):
            for i in range(max(x - 1, 0), min(x + 2, nx)):
                if basin[j, i] > 0 and snr[j, i] > top:
                    best, top = basin[j, i], snr[j, i]
        if best == 0:
            peak[n_peaks] = index
            footprint[n_peaks] = n_peaks
            absorbed[n_peaks] = n_peaks
            n_peaks += 1
            labels[index] = n_peaks
            continue
        labels[index] = best
        for j in range(max(y - 1, 0), min(y + 2, ny)):
            for i in range(max(x - 1, 0), min(x + 2, nx)):
                if basin[j, i] == 0 or (j == y and i == x):
                    continue
                one, two = _root(footprint, best - 1), _root(footprint, basin[j, i] - 1)
                if one == two:
                    continue
                high, low = one, two
                if flat[peak[two]] > flat[peak[one]]:
                    high, low = two, one
                footprint[low] = high
                if flat[peak[low]] - flat[index] < prominence:
                    absorbed[low] = high
    for k in range(n_peaks):
        footprint[k] = _root(footprint, k)
        absorbed[k] = _root(absorbed, k)
    return n_peaks
