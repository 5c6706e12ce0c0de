"""Empty places, measured as if a source were there: a check of the sky and its noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.detection.grow import grow

#: Empty surroundings that a place needs, pixel.
MARGIN = 8


def sky_places(
    taken: NDArray[np.bool_], n: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return up to n random pixel positions (x, y) far from every source and defect.

    Parameters
    ----------
    taken : ndarray of bool, shape (ny, nx)
        Pixels of detections and pixels that are not good.
    n : int
    seed : int
        The same seed and detections give the same places.
    """
    free = ~grow(taken, MARGIN)
    free[:MARGIN], free[-MARGIN:], free[:, :MARGIN], free[:, -MARGIN:] = (False,) * 4
    at = np.flatnonzero(free)
    rng = np.random.default_rng(np.random.SeedSequence([seed, 0x5C1]))
    chosen = rng.choice(at, size=min(n, len(at)), replace=False) if len(at) else at
    y, x = np.divmod(np.sort(chosen), taken.shape[1])
    return x.astype(np.float64), y.astype(np.float64)
