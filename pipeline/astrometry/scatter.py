"""The scatter that residuals have beyond their known errors."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq

from skyassay.pipeline.astrometry.sphere import Floats


def intrinsic_scatter(residual: Floats, sigma: Floats, parameters: float) -> float:
    """Return s for which the sum of residual**2 / (sigma**2 + s**2) is the degrees of freedom.

    The estimator of Mandel & Paule (1970), truncated at 0.

    Parameters
    ----------
    residual, sigma : ndarray
        Of the same shape and unit; all finite.
    parameters : float
        Effective number of fitted ones; the degrees of freedom are those of the residuals
        less these. Without any left nothing can be said: 0.
    """
    square, known = residual.ravel() ** 2, sigma.ravel() ** 2
    dof = square.size - parameters
    if dof < 1.0:
        return 0.0

    def excess(variance: float) -> float:
        return float((square / (known + variance)).sum() - dof)

    highest = float(square.sum() / dof)
    if highest == 0.0 or excess(highest * 1e-12) <= 0.0:
        return 0.0
    # Where all residuals are given one variance, this one brings the sum to the degrees of
    # freedom; with errors of their own beside it less is needed.
    return float(np.sqrt(brentq(excess, highest * 1e-12, highest * 1.001, xtol=highest * 1e-12)))
