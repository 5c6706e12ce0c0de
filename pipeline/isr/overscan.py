"""Bias level and read noise from the overscan."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter
from scipy.signal import savgol_filter

from skyassay.pipeline.instrument.camera import Detector
from skyassay.pipeline.isr.compiled import Array, compiled

#: First overscan columns left out: charge that was transferred late arrives there.
SKIP = 4
#: Rows of the local parabola that smooths the level.
WINDOW = 65
#: Samples further than this from the row's median, in robust sigma, are left out.
CLIP = 5.0
#: Excess of the row-to-row variance over the noise of a row's mean that counts as real.
EXCESS = 0.5


@dataclass(frozen=True, eq=False)
class Overscan:
    """Levels of one raw frame.

    Attributes
    ----------
    level : ndarray of float32, shape (n_amp, rows)
        ADU, of every row that was read.
    column : ndarray of float32, shape (n_amp, columns)
        ADU above `level`, of every data column, from the parallel overscan; zeros where that
        was not asked for.
    noise : ndarray of float64, shape (n_amp,)
        Standard deviation of an overscan pixel about its row's mean, ADU. 0 where the
        amplifier gives a constant: it is dead.
    smoothed : ndarray of bool, shape (n_amp,)
        Whether the level was smoothed along the rows: not where rows really differ.
    """

    level: NDArray[np.float32]
    column: NDArray[np.float32]
    noise: NDArray[np.float64]
    smoothed: NDArray[np.bool_]


@compiled
def _sort(values: Array) -> None:
    """Sort a short row in place, by insertion: faster than a general sort up to about 50."""
    for k in range(1, values.size):
        v = values[k]
        m = k - 1
        while m >= 0 and values[m] > v:
            values[m + 1] = values[m]
            m -= 1
        values[m + 1] = v


@compiled
def _rows(amps: Array, first: int, clip: float, mean: Array, square: Array, used: Array) -> None:
    """Fill mean, sum of squared deviations and number of the samples kept, row by row."""
    n_amp, ny, nx = amps.shape
    n = nx - first
    values = np.empty(n, np.float32)
    for a in range(n_amp):
        for y in range(ny):
            for k in range(n):
                values[k] = amps[a, y, first + k]
            _sort(values)
            middle = 0.5 * (values[(n - 1) // 2] + values[n // 2])
            # Robust sigma from the quartiles. At least one ADU: a row of nearly equal integers
            # has no robust width.
            width = (values[n - 1 - n // 4] - values[n // 4]) / 1.349
            limit = clip * max(width, 1.0)
            total, kept = 0.0, 0
            for k in range(n):
                if abs(values[k] - middle) <= limit:
                    total += values[k]
                    kept += 1
            center = total / kept
            scatter = 0.0
            for k in range(n):
                if abs(values[k] - middle) <= limit:
                    scatter += (values[k] - center) ** 2
            mean[a, y], square[a, y], used[a, y] = center, scatter, kept


def _noise(square: NDArray[np.float64], used: NDArray[np.int64]) -> float:
    """Return the pooled scatter about the rows' means, without rows that stand out."""
    variance = square / np.maximum(used - 1, 1)
    calm = variance <= 3.0 * np.median(variance)
    return float(np.sqrt(square[calm].sum() / max((used[calm] - 1).sum(), 1)))


def _smooth(
    mean: NDArray[np.float64], error: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return levels smoothed along the rows unless rows differ by more than their error.

    Shapes (n_amp, rows) and (n_amp,); also which amplifiers were smoothed.
    """
    if mean.shape[1] < WINDOW:
        return mean, np.zeros(len(mean), bool)
    local = median_filter(mean, (1, 15), mode="nearest")
    # The median of 15 has a third of the error of one: together 1.05 of it.
    clean = np.where(np.abs(mean - local) > 5.0 * 1.05 * error[:, None], local, mean)
    step = np.diff(mean, axis=1)
    apart = np.abs(step - np.median(step, axis=1)[:, None])
    scatter = 1.4826 * np.median(apart, axis=1) / np.sqrt(2.0)
    calm = (error > 0.0) & (scatter**2 <= (1.0 + EXCESS) * error**2)
    smooth = savgol_filter(clean, WINDOW, 2, axis=1, mode="interp")
    return np.where(calm[:, None], smooth, mean), calm


def serial_overscan(
    amps: NDArray[np.uint16], detector: Detector, *, parallel: bool = False, smooth: bool = True
) -> Overscan:
    """Return the bias level of every row and the read noise of every amplifier.

    Of each row: the mean of the serial overscan's samples within 5 robust sigma of their
    median (a median alone would be quantized). The level of neighbouring rows is smoothed with
    a local parabola over 65 rows unless the rows really differ (their scatter is more than the
    noise of a row's mean explains).

    Parameters
    ----------
    amps : ndarray of uint16, shape (n_amp, ny, nx)
        ADU in readout order.
    detector : Detector
        Its amplifiers share prescan and overscan widths.
    parallel : bool
        Measure each column's level in the parallel overscan too.
    smooth : bool
    """
    amp = detector.amplifiers[0]
    first = amp.prescan + amp.width + min(SKIP, amp.overscan // 2)
    n_amp, ny, _ = amps.shape
    mean, square = np.empty((n_amp, ny)), np.empty((n_amp, ny))
    used = np.empty((n_amp, ny), np.int64)
    _rows(amps, first, CLIP, mean, square, used)
    noise = np.array([_noise(square[a], used[a]) for a in range(n_amp)])
    smoothed = np.zeros(n_amp, bool)
    if smooth:
        mean, smoothed = _smooth(mean, noise / np.sqrt(np.maximum(np.median(used, axis=1), 1.0)))
    column = np.zeros((n_amp, amp.width), np.float32)
    if parallel and amp.parallel > 0:
        rows = amps[:, amp.height :, amp.prescan : amp.prescan + amp.width].astype(np.float64)
        column = np.median(rows - mean[:, amp.height :, None], axis=1).astype(np.float32)
    return Overscan(mean.astype(np.float32), column, noise, smoothed)
