"""Light profiles as sums of Gaussians, which convolve with the PSF in closed form.

Fitted to the profiles of half-light radius 1 by non-negative least squares, weighted by
area, out to 8 (exponential) and 12 (de Vaucouleurs) radii; idea of Hogg and Lang (2013).
Half of the light is within 1.00 and 0.99 of the radius.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Mixture:
    """Circular Gaussians.

    Attributes
    ----------
    share : ndarray
        Of the light; sums to 1.
    sigma : ndarray
        In half-light radii.
    """

    share: Floats
    sigma: Floats


def _normalised(share: list[float], sigma: list[float]) -> Mixture:
    found = np.array(share)
    return Mixture(found / found.sum(), np.array(sigma))


EXPONENTIAL = _normalised(
    [0.0293, 0.0346, 0.2310, 0.4233, 0.2819], [0.2, 0.331, 0.5477, 0.9064, 1.5]
)
DE_VAUCOULEURS = _normalised(
    [0.0421, 0.0626, 0.2195, 0.2882, 0.2897, 0.0979],
    [0.04, 0.109, 0.2968, 0.8086, 2.2026, 6.0],
)
