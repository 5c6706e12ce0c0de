"""Clipped means of an image in the cells of a mesh."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.measurement.compiled import compiled

#: Clipping stops after this many rounds; four suffice for a Gaussian with masked sources.
ROUNDS = 10


@compiled
def clipped_means(
    image: NDArray[np.float32],
    good: NDArray[np.bool_],
    edges_y: NDArray[np.int64],
    edges_x: NDArray[np.int64],
    clip: float,
    mean: NDArray[np.float64],
    rms: NDArray[np.float64],
    count: NDArray[np.int64],
) -> None:
    """Fill mean, rms and count of every cell; a cell without good pixels gets NaN.

    Pixels farther than `clip` standard deviations from the mean of the cell are left out,
    again and again until none is.
    """
    for j in range(len(edges_y) - 1):
        for i in range(len(edges_x) - 1):
            low, high, before = -np.inf, np.inf, -1
            for _ in range(ROUNDS):
                n, first, second, base = 0, 0.0, 0.0, np.nan
                for y in range(edges_y[j], edges_y[j + 1]):
                    for x in range(edges_x[i], edges_x[i + 1]):
                        value = image[y, x]
                        if good[y, x] and low <= value <= high:
                            if n == 0:
                                base = value
                            n += 1
                            first += value - base
                            second += (value - base) ** 2
                if n == 0:
                    mean[j, i] = np.nan
                    rms[j, i] = np.nan
                    break
                offset = first / n
                width = np.sqrt(max(second / n - offset * offset, 0.0))
                mean[j, i] = base + offset
                rms[j, i] = width
                low, high = mean[j, i] - clip * width, mean[j, i] + clip * width
                if n == before:
                    break
                before = n
            count[j, i] = max(before, 0)
