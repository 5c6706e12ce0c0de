"""Small-sample factors of the normal distribution."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv


def median_factor(dof: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the median of a sample standard deviation in units of the true one.

    ``sqrt(chi2 median / dof)``: 0.6745 for 1, 0.8326 for 2, 0.9930 for 50 degrees of freedom.

    Parameters
    ----------
    dof : ndarray
        Degrees of freedom (n - 1 for ``ddof=1``), greater than zero.
    """
    dof = np.asarray(dof, dtype=np.float64)
    return np.sqrt(2.0 * gammaincinv(dof / 2.0, 0.5) / dof)
