"""Paired differences on the same seeds, and what a t-test says about their mean."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

#: With fewer pairs a t interval says nothing after a correction for many metrics
#: (3 pairs at a level of 0.0002: t = 50), and each pair is judged on its own.
MIN_PAIRS_FOR_T = 4
#: 2^12 sign patterns take a millisecond; beyond that the exact test adds nothing to t.
MAX_PAIRS_FOR_SIGN_FLIP = 12


@dataclass(frozen=True)
class PairedTest:
    """Mean worsening, its standard error, and both one-sided p-values against the margin.

    Attributes
    ----------
    p_worse : float
        Of "the worsening is at most the margin": small means a regression.
    p_within : float
        Of "the worsening is at least the margin": small means no regression.
    """

    mean: float
    error: float
    n: int
    p_worse: float
    p_within: float

    def limits(self, worse_level: float, within_level: float) -> tuple[float, float]:
        """Return the lower limit at `worse_level` and the upper one at `within_level`."""
        from scipy.special import stdtrit

        if self.error == 0.0:
            return self.mean, self.mean
        low = stdtrit(self.n - 1, 1.0 - worse_level)
        high = stdtrit(self.n - 1, 1.0 - within_level)
        return self.mean - float(low) * self.error, self.mean + float(high) * self.error


def worsening(
    base: Sequence[float], head: Sequence[float], *, sign: int, logarithmic: bool
) -> list[float]:
    """Return one difference per pair, positive where the head is worse.

    Parameters
    ----------
    base, head : sequence of float
        Values of the same quantity on the same seeds, in one unit.
    sign : int
        +1 where a larger value is worse, -1 where a smaller one is.
    logarithmic : bool
        ``log(head / base)`` instead of ``head - base``.
    """
    if logarithmic:
        return [sign * math.log(h / b) for b, h in zip(base, head, strict=True)]
    return [sign * (h - b) for b, h in zip(base, head, strict=True)]


def paired_test(differences: Sequence[float], margin: float) -> PairedTest:
    """Test the mean of paired differences against a margin, from both sides.

    Parameters
    ----------
    differences : sequence of float
        At least two.
    margin : float
        On the scale of the differences.
    """
    from scipy.special import stdtr

    n = len(differences)
    mean = math.fsum(differences) / n
    variance = math.fsum((d - mean) ** 2 for d in differences) / (n - 1)
    error = math.sqrt(variance / n)
    if error == 0.0:
        # Every seed moved by the same amount: nothing is random about it.
        worse = 0.0 if mean > margin else 1.0
        return PairedTest(mean, 0.0, n, worse, 0.0 if mean < margin else 1.0)
    t = (mean - margin) / error
    return PairedTest(mean, error, n, float(stdtr(n - 1, -t)), float(stdtr(n - 1, t)))


def sign_flip_p(differences: Sequence[float], margin: float) -> float | None:
    """Return the exact one-sided sign-flip p of "the worsening is at most the margin".

    None when there are too many pairs to list every pattern.
    """
    if len(differences) > MAX_PAIRS_FOR_SIGN_FLIP:
        return None
    shifted = np.asarray(sorted(differences)) - margin
    signs = np.asarray(list(itertools.product((1.0, -1.0), repeat=len(shifted))))
    sums = signs @ shifted
    return float(np.mean(sums >= shifted.sum() * (1.0 - 1e-12)))


def pairs_needed(test: PairedTest, margin: float, level: float, most: int = 1000) -> int | None:
    """Return how many pairs would decide, if mean and scatter stay; None beyond `most`."""
    from scipy.special import stdtrit

    distance = abs(test.mean - margin)
    scatter = test.error * math.sqrt(test.n)
    for n in range(max(test.n, MIN_PAIRS_FOR_T), most + 1):
        if distance > float(stdtrit(n - 1, 1.0 - level)) * scatter / math.sqrt(n):
            return n
    return None
