"""The sky in an image, and the cloud before the stars."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.optics.terms import FIELD_RADIUS, OpticsTerms
from skyassay.simulator.optics.waves import Waves, waves
from skyassay.simulator.random import rng

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SkyField:
    """Sky and cloud over the focal plane of one visit.

    Parameters
    ----------
    visit : int
    electrons : float
        Sky at the centre of the field, electrons per pixel.
    extinction : float
        Of the cloud, mag: the mean over the field.
    terms : OpticsTerms
    seed : int
    """

    visit: int
    electrons: float
    extinction: float
    terms: OpticsTerms
    seed: int

    @cached_property
    def _gradient(self) -> Floats:
        return self.terms.sky_gradient * rng(self.seed, "optics.sky", self.visit).standard_normal(2)

    @cached_property
    def _structure(self) -> Waves:
        return waves(self.terms.cloud_deg, self.seed, "cloud", self.visit)

    def level(self, x: Floats, y: Floats) -> Floats:
        """Return electrons per pixel at focal plane places (degrees)."""
        slope = self._gradient[0] * x + self._gradient[1] * y
        return np.asarray(self.electrons * np.maximum(1.0 + slope / FIELD_RADIUS, 0.0))

    def cloud(self, x: Floats, y: Floats) -> Floats:
        """Return the cloud's extinction at focal plane places (degrees), mag; never negative."""
        if self.extinction == 0.0:
            return np.zeros(np.broadcast(x, y).shape)
        relative = 1.0 + self.terms.cloud_structure * self._structure(x, y)
        return np.asarray(self.extinction * np.maximum(relative, 0.0))
