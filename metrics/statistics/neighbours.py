"""Regions next to each other may share an error: how many independent ones they amount to.

The correlation of neighbouring regions gives the length of the shared error; a Gaussian of the
distance with that length stands for the correlation of all pairs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from skyassay.metrics.contract import Interval
from skyassay.metrics.statistics.clustered import clustered_mean, clusters, interval_of

Floats = NDArray[np.float64]
#: Fewer neighbouring pairs cannot show what they share.
MIN_PAIRS = 20
#: A correlation within so many of its standard errors of zero is none.
SIGNIFICANT = 1.0
#: Neighbours alike to this extent are one region.
_MOST = 0.98
_PASSES = 5


def shared_regions(mean: Floats, direction: Floats, near: float) -> tuple[float, float]:
    """Return what the correlation of neighbours does to a variance over regions.

    Parameters
    ----------
    mean : ndarray, shape (g,)
        Mean of each region.
    direction : ndarray, shape (3, g)
        Unit vectors to the regions.
    near : float
        Distance within which regions are neighbours, degrees.

    Returns
    -------
    trace, dof : float
        The sum of squares about the mean is `trace` times the variance of one region, with
        `dof` degrees of freedom; both are g - 1 for regions that share nothing.

    Notes
    -----
    With the correlation matrix R of regions and the centring matrix C, the sum of squares
    has the expectation ``tr(CRC)`` and, for normal errors, Satterthwaite's degrees of
    freedom ``tr(CRC)^2 / tr(CRC CRC)``.
    """
    count = mean.size
    alone = float(count - 1), float(count - 1)
    distance = np.degrees(np.arccos(np.clip(direction.T @ direction, -1.0, 1.0)))
    i, j = np.nonzero(np.triu(distance < near, k=1))
    off = mean - mean.mean()
    squares = float(off @ off)
    if len(i) < MIN_PAIRS or not squares > 0.0:
        return alone
    product = float((off[i] * off[j]).mean())
    apart = float(np.square(distance[i, j]).mean())
    trace, dof = alone
    taken = 1.0 / count
    for _ in range(_PASSES):
        # What centring takes off, and the variance, depend on the correlation themselves.
        alike = product * trace / squares + taken
        if alike <= SIGNIFICANT / np.sqrt(len(i)):
            return alone
        matrix = np.exp(np.square(distance) / apart * np.log(min(alike, _MOST)))
        row, grand = matrix.mean(axis=0), float(matrix.mean())
        centred = matrix - row - row[:, None] + grand
        trace = float(np.trace(centred))
        dof = trace**2 / float(np.square(centred).sum())
        taken = float((row[i] + row[j]).mean()) - grand
    return trace, dof


def region_mean(
    values: Floats, label: NDArray[np.int64], direction: Floats | None, near: float
) -> tuple[float, Interval]:
    """Return the mean of cells and its interval: Student's t over regions.

    Parameters
    ----------
    values : ndarray, shape (n,)
    label : ndarray of int, shape (n,)
        Region of each cell.
    direction : ndarray, shape (3, n), optional
        Unit vector to the region of each cell; none where regions share nothing.
    near : float
        Distance within which regions are neighbours, degrees.

    Notes
    -----
    With the correlation R of g regions, the mean has the variance of one region times the
    mean of R, which is ``(g - tr(CRC)) / g``.

    Raises
    ------
    NotMeasured
        ``too_few_clusters``, ``no_scatter``.
    """
    mean, alone = clustered_mean(values, label)
    if direction is None:
        return mean, alone
    groups = clusters(label)
    first = np.unique(groups.label, return_index=True)[1]
    size = np.bincount(groups.label, minlength=groups.number)
    centre = np.bincount(groups.label, values, groups.number) / size
    trace, dof = shared_regions(centre, direction[:, first], near)
    wider = (groups.number - trace) * (groups.number - 1.0) / trace
    error = np.sqrt(wider * groups.variance_of_mean(values - mean, np.ones(len(values))))
    dof = max(min(groups.dof, dof), 1.0)

    def bounds(alpha: float) -> tuple[float, float]:
        reach = -float(stdtrit(dof, alpha)) * float(error)
        return mean - reach, mean + reach

    return mean, interval_of(bounds, f"mean over {groups.number} regions, Student's t")
