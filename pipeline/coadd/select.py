"""Which visits a template is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Choice:
    """How visits are chosen by their seeing.

    Attributes
    ----------
    quantile : float
        This share of the visits is taken, those with the best seeing.
    least, most : int
        At least and at most so many, as far as there are any.
    """

    quantile: float = 0.75
    least: int = 6
    most: int = 20


def best_seeing(seeing: Mapping[int, float], choice: Choice) -> tuple[int, ...]:
    """Return the visits with the best seeing, in the order of their number.

    Parameters
    ----------
    seeing : mapping
        Visit -> width of its PSF, any unit; visits where it is not finite are not taken.
    choice : Choice
    """
    known = sorted((width, visit) for visit, width in seeing.items() if 0.0 < width < float("inf"))
    n = round(choice.quantile * len(known))
    n = min(max(n, choice.least), choice.most)
    return tuple(sorted(visit for _, visit in known[:n]))
