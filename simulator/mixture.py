"""Statistics of a Gaussian mixture: the distribution of every deviation of the twin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Mixture:
    """Components of a mixture of Gaussians; arrays of one shape, weights of any sum.

    Attributes
    ----------
    weights, means, sigmas : ndarray, shape (n,)
    """

    weights: Floats
    means: Floats
    sigmas: Floats

    def rms(self) -> float:
        """Return the root mean square about zero."""
        second = self.means**2 + self.sigmas**2
        return float(np.sqrt(np.average(second, weights=self.weights)))

    def beyond(self, limit: float) -> float:
        """Return the share of deviations with an absolute value above `limit`."""
        with np.errstate(divide="ignore", invalid="ignore"):
            up = ndtr((self.means - limit) / self.sigmas)
            down = ndtr((-self.means - limit) / self.sigmas)
        sharp = (np.abs(self.means) > limit).astype(np.float64)
        tail = np.where(self.sigmas > 0, up + down, sharp)
        return float(np.average(tail, weights=self.weights))

    def exceeded_by(self, share: float) -> float:
        """Return the absolute deviation that a `share` (0 to 1) of all deviations exceeds."""
        from scipy.optimize import brentq

        top = float(np.max(np.abs(self.means) + 10.0 * self.sigmas))
        if top == 0.0:
            return 0.0
        return float(brentq(lambda x: self.beyond(x) - share, 0.0, top, xtol=1e-9 * top))


def weighted_median(values: Floats, weights: Floats) -> float:
    """Return the weighted median, midpoints of the cumulative weight interpolated."""
    order = np.argsort(values, axis=None)
    v, w = values.ravel()[order], weights.ravel()[order]
    middle = np.cumsum(w) - 0.5 * w
    return float(np.interp(0.5 * w.sum(), middle, v))
