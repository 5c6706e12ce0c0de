"""Smooth random fields over the focal plane."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.random import rng

Floats = NDArray[np.float64]
_WAVES = 64


@dataclass(frozen=True, eq=False)
class Waves:
    """A field of zero mean and unit variance; its correlation is exp(-d^2 / (2 length^2)).

    Notes
    -----
    Random Fourier features (Rahimi and Recht 2007): a place has its value whatever other
    places are asked for.
    """

    waves: Floats
    phase: Floats

    def __call__(self, x: Floats, y: Floats) -> Floats:
        """Return the field at focal plane places `x`, `y` in degrees, any shape."""
        angle = np.multiply.outer(x, self.waves[0]) + np.multiply.outer(y, self.waves[1])
        return np.asarray(np.cos(angle + self.phase).sum(axis=-1) * np.sqrt(2.0 / _WAVES))


def waves(length_deg: float, seed: int, *name: int | str) -> Waves:
    """Return the field of a name; another name gives an independent one."""
    draw = rng(seed, "optics.waves", *name)
    vectors = draw.standard_normal((2, _WAVES)) / length_deg
    return Waves(vectors, 2.0 * np.pi * draw.random(_WAVES))
