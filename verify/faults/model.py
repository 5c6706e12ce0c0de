"""What a campaign of faults asks and finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

#: Share of the dose at a criterion's limit: flips are refused at the first, due at the last.
STEPS = (0.5, 0.71, 1.0, 1.41, 2.0)
Outcome = Literal["AS_DECLARED", "EARLY", "NO_FLIP", "SPILLS", "NOT_MEASURED", "OPEN"]


@dataclass(frozen=True)
class Trial:
    """The verdict of one criterion at one dose with one seed.

    Attributes
    ----------
    fault, criterion : str
    dose : float
        In the fault's unit; 0 without the fault.
    seed : int
    status : str
        PASS, FAIL, INCONCLUSIVE, NOT_MEASURED, NOT_APPLICABLE.
    value : float or None
    """

    fault: str
    criterion: str
    dose: float
    seed: int
    status: str
    value: float | None


@dataclass(frozen=True)
class Response:
    """How a criterion answers to a fault.

    Attributes
    ----------
    fault, title, seam, unit, criterion : str
    declared : float or None
        Dose at which the population value reaches the limit; None where it must not flip.
    failed : mapping
        Dose -> share of the seeds with FAIL.
    detectability : float or None
        Dose at which half the seeds fail, between the doses tried; None where it is not
        between them.
    outcome : str
    said : str
        What differs from what was declared.
    """

    fault: str
    title: str
    seam: str
    unit: str
    criterion: str
    declared: float | None
    failed: Mapping[float, float]
    detectability: float | None
    outcome: Outcome
    said: str = ""

    @property
    def holds(self) -> bool:
        """Whether it is as declared, or declared to be open."""
        return self.outcome in ("AS_DECLARED", "OPEN")
