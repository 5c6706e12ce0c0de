"""Small-sample factors of the normal distribution."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv, gammaln


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


def c4(n: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean of the ``ddof=1`` standard deviation of `n` values in true units.

    0.7979 for n = 2, 0.8862 for 3, 0.9400 for 5.
    """
    n = np.asarray(n, dtype=np.float64)
    return np.sqrt(2.0 / (n - 1.0)) * np.exp(gammaln(n / 2.0) - gammaln((n - 1.0) / 2.0))
