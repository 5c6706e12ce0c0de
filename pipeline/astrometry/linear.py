"""Weighted linear least squares with normal priors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skyassay.pipeline.astrometry.sphere import Floats


@dataclass(frozen=True)
class Solution:
    """Of several sets of observations on the same columns.

    Attributes
    ----------
    values : ndarray, shape (m, k)
    covariance : ndarray, shape (m, k, k)
    freedom : ndarray, shape (m,)
        Effective number of parameters that the data determine, at most k: the trace of the
        hat matrix.
    """

    values: Floats
    covariance: Floats
    freedom: Floats


def solve(columns: Floats, target: Floats, sigma: Floats, prior: Floats) -> Solution:
    """Fit m sets of observations.

    Parameters
    ----------
    columns : ndarray, shape (n, k)
        Of order unity.
    target, sigma : ndarray, shape (m, n)
        Observations and their standard errors.
    prior : ndarray, shape (k,)
        Prior standard deviations of the parameters about 0; infinite for none.
    """
    data = np.einsum("nk,mn,nl->mkl", columns, sigma**-2.0, columns)
    covariance = np.linalg.inv(data + np.diag(prior**-2.0))
    right = np.einsum("nk,mn->mk", columns, target * sigma**-2.0)
    values = np.einsum("mkl,ml->mk", covariance, right)
    return Solution(values, covariance, np.einsum("mkl,mlk->m", covariance, data))
