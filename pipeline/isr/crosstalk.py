"""Correction of crosstalk between the amplifiers of a detector."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.isr.errors import IsrError


def correction_matrix(coefficients: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return what has to be added to each amplifier, per unit of each measured one.

    The measured counts are ``(1 + C) true`` with C[target, source]; the true ones follow with
    the inverse, exactly, of which this is the part beyond unity.

    Parameters
    ----------
    coefficients : ndarray of float, shape (n_amp, n_amp)
        Fraction of the source's counts that appears in the target; zero on the diagonal.

    Raises
    ------
    IsrError
        ``invalid_crosstalk`` where it is not square, not finite or not small.
    """
    c = np.asarray(coefficients, dtype=np.float64)
    square = c.ndim == 2 and c.shape[0] == c.shape[1]
    if not square or not np.isfinite(c).all() or np.abs(c).max(initial=0.0) > 0.1:
        raise IsrError(
            "The crosstalk matrix is not a square matrix of small finite coefficients.",
            code="invalid_crosstalk",
            hint="Build the crosstalk again from spot frames that light every amplifier.",
        )
    unity = np.eye(len(c))
    return np.asarray(np.linalg.inv(unity + c) - unity, dtype=np.float32)


def correct_crosstalk(
    amps: NDArray[np.floating], coefficients: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Return amplifiers without crosstalk.

    Parameters
    ----------
    amps : ndarray, shape (n_amp, ny, nx)
        ADU after overscan subtraction, in readout order: pixels at the same place are read at
        the same time.
    coefficients : ndarray, shape (n_amp, n_amp)
        [target, source].
    """
    add = correction_matrix(coefficients)
    given = np.asarray(amps, dtype=np.float32)
    return np.asarray(given + np.tensordot(add, given, axes=(1, 0)), dtype=np.float32)
