"""Upper bounds by leaving out one visit at a time.

Wider and cruder than the two-part model of `tails`, but free of its normal visit term. It
steps in when the data contradict that model on the unfavourable side: more deviations lie
beyond a limit than the model's whole interval allows, as when one visit is far worse than
the others. Then the model's upper bound must not decide.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, stdtrit

Scale = Literal["logit", "log"]
#: Leave-one-out values of a statistic, one array per crossed unit of shared error.
Replicas = Callable[[], Sequence[NDArray[np.float64]]]
_FLOOR = 1e-9


def upper_bound(
    value: float, replicas: Sequence[NDArray[np.float64]], scale: Scale, alpha: float
) -> float:
    """Return a one-sided upper bound of a statistic; infinite with a single visit.

    Parameters
    ----------
    value : float
        The statistic of all visits, positive.
    replicas : sequence of ndarray
        The statistic without each visit, one array per crossed unit of shared error.
    scale : str
        ``logit`` for fractions, ``log`` for widths.
    alpha : float
        One-sided tail.
    """
    if min(len(r) for r in replicas) < 2:
        return float("inf")
    forward, back = (_logit, expit) if scale == "logit" else (_log, np.exp)
    variance = 0.0
    for values in replicas:
        moved = forward(values)
        n = len(values)
        variance += (n - 1.0) / n * float(np.square(moved - moved.mean()).sum())
    dof = min(len(r) for r in replicas) - 1.0
    reach = -float(stdtrit(dof, alpha)) * float(np.sqrt(variance))
    return float(back(float(forward(np.array([value]))[0]) + reach))


def without_each_column(
    table: NDArray[np.float64], statistic: Callable[[NDArray[np.float64]], float]
) -> NDArray[np.float64]:
    """Return the statistic of the finite values of a table without each column.

    Parameters
    ----------
    table : ndarray, shape (n_units, n_visits)
    statistic : callable
        Of a flat array of finite values.
    """
    found = []
    for column in range(table.shape[1]):
        left = np.delete(table, column, axis=1)
        found.append(statistic(left[np.isfinite(left)]))
    return np.array(found)


def _logit(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(logit(np.clip(values, _FLOOR, 1.0 - _FLOOR)))


def _log(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.log(np.maximum(values, np.finfo(float).tiny)))
