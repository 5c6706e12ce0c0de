"""Root mean square of errors against a known truth, in groups that share a part of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import Interval
from skyassay.metrics.plugin import SMALLEST_SPREAD, NotMeasured
from skyassay.metrics.statistics.bounds import Part, chi_square_part, mover
from skyassay.metrics.statistics.clustered import clusters, interval_of


def clustered_rms(
    errors: NDArray[np.float64], label: NDArray[Any]
) -> tuple[float, Interval, float]:
    """Return the rms about zero, its interval, and the share of the square that groups share.

    Parameters
    ----------
    errors : ndarray, shape (n,)
        Measured less true, any unit.
    label : ndarray, shape (n,)
        What shares an error.

    Notes
    -----
    The mean square is the sum of the groups' means squared, with a degree of freedom per
    group, and of what is left within them; chi-square bounds joined by MOVER. An offset common
    to all groups makes the first term steadier than that: the interval is then too wide.

    Raises
    ------
    NotMeasured
        ``too_few_clusters``; ``no_scatter`` when no value differs from the truth.
    """
    groups = clusters(label)
    n = len(errors)
    size = np.bincount(groups.label, minlength=groups.number)
    mean = np.bincount(groups.label, errors, groups.number) / size
    between = float((size * mean**2).sum()) / n
    within = float(np.square(errors - mean[groups.label]).sum()) / n
    value = float(np.sqrt(between + within))
    if not value > SMALLEST_SPREAD:
        raise NotMeasured(
            "no_scatter", "No value differs from the truth: it was copied, not measured."
        )

    def part(alpha: float) -> Part:
        parts = [chi_square_part(between, groups.dof + 1.0, alpha)]
        if n > groups.number:
            parts.append(chi_square_part(within, float(n - groups.number), alpha))
        return mover(parts)

    def bounds(alpha: float) -> tuple[float, float]:
        found = part(alpha)
        return float(np.sqrt(found.low)), float(np.sqrt(found.high))

    method = f"chi-square over {groups.number} groups and within them (MOVER)"
    typical = n / groups.number
    noise = within / max(typical - 1.0, 1e-9) if n > groups.number else 0.0
    shared = float(np.clip((between - noise) / value**2, 0.0, 1.0))
    return value, interval_of(bounds, method), shared
