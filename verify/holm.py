"""Holm's step-down procedure: many metrics, one false-alarm rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class HolmResult:
    """One hypothesis: is it rejected, its adjusted p, and the level its limit is drawn at."""

    rejected: bool
    adjusted: float
    level: float


def holm(p_values: Sequence[float], alpha: float) -> list[HolmResult]:
    """Test every hypothesis, with a family-wise error of at most `alpha`.

    Parameters
    ----------
    p_values : sequence of float
        One p-value per hypothesis, in any order.
    alpha : float
        Family-wise error rate.

    Returns
    -------
    list of HolmResult
        In the order of `p_values`. `level` is the level at which the procedure tested the
        hypothesis, held at the first that was kept: a one-sided limit drawn at `level`
        therefore never contradicts `rejected`.

    Notes
    -----
    S. Holm, Scand. J. Statist. 6 (1979) 65: the i-th smallest of m is held against
    alpha / (m - i + 1), and everything behind the first kept one is kept too.
    """
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    results: dict[int, HolmResult] = {}
    adjusted, level, open_ = 0.0, alpha, True
    for rank, index in enumerate(order):
        factor = len(order) - rank
        adjusted = max(adjusted, min(1.0, factor * p_values[index]))
        if open_:
            level = alpha / factor
            open_ = p_values[index] <= level
        results[index] = HolmResult(rejected=open_, adjusted=adjusted, level=level)
    return [results[index] for index in range(len(p_values))]
