"""Correction of non-linearity: a polynomial per amplifier."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.isr.compiled import Array, compiled


@compiled
def linearize_row(v: Array, coefficients: Array, work: Array) -> None:
    """Correct a row in place: v + c2 v^2 + c3 v^3 + ..., by Horner's rule.

    One pass per coefficient over a row that stays in the cache: each vectorizes.
    """
    n = v.size
    last = coefficients.size - 1
    for x in range(n):
        work[x] = coefficients[last]
    for k in range(last - 1, -1, -1):
        c = coefficients[k]
        for x in range(n):
            work[x] = work[x] * v[x] + c
    for x in range(n):
        v[x] += work[x] * v[x] * v[x]


def linearize(
    adu: NDArray[np.floating], coefficients: Sequence[float] | NDArray[np.floating]
) -> NDArray[np.float64]:
    """Return linear counts: ``v + c2 v**2 + c3 v**3 + ...``.

    Parameters
    ----------
    adu : ndarray
        Bias-subtracted counts, ADU.
    coefficients : sequence of float
        c2, c3, ...: ADU^-1, ADU^-2, ...; empty for a linear amplifier. The linear term is 1 by
        definition: the response at zero signal defines the scale, and the gain with it.
    """
    v = np.asarray(adu, dtype=np.float64)
    total = np.zeros_like(v)
    for c in reversed(np.asarray(coefficients, dtype=np.float64)):
        total = total * v + c
    return v + total * v * v
