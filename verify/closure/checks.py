"""One line of the truth closure: a number with its uncertainty, and what it must be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Status = Literal["PASS", "FAIL", "NOT_MEASURED", "INFORMATION"]
#: Standard deviation of a normal distribution over its median absolute deviation.
MAD_TO_SIGMA = 1.482602218505602
#: More rows without a number than this share may hide what is wrong.
MOST_MISSING = 0.05


@dataclass(frozen=True)
class Check:
    """One number of one band.

    Attributes
    ----------
    name : str
        What it is: ``photometric_bias``.
    band : str
    unit : str
    value : float or None
        None exactly when it was not measured.
    error : float or None
        Standard error of the value.
    low, high : float or None
        The value must lie between these; None for no bound. Neither: for information.
    n : int
        Stars, images or detections behind it.
    status : str
    reason : str or None
        Why it was not measured.
    where : str
        Which detector decided, where one did.
    """

    name: str
    band: str
    unit: str
    value: float | None
    error: float | None
    low: float | None
    high: float | None
    n: int
    status: Status
    reason: str | None = None
    where: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the check as JSON scalars."""
        return asdict(self)


@dataclass(frozen=True)
class Wanted:
    """What a number must be."""

    name: str
    unit: str
    low: float | None = None
    high: float | None = None

    def judged(self, band: str, value: float, error: float, n: int, where: str = "") -> Check:
        """Return the check of a number; one that is not finite was not measured."""
        if not np.isfinite(value):
            return self.missing(band, "not_finite", n)
        status: Status = "INFORMATION"
        if self.low is not None or self.high is not None:
            above = self.low is None or value >= self.low
            below = self.high is None or value <= self.high
            status = "PASS" if above and below else "FAIL"
        known = float(error) if np.isfinite(error) else None
        return Check(
            self.name,
            band,
            self.unit,
            float(value),
            known,
            self.low,
            self.high,
            n,
            status,
            where=where,
        )

    def missing(self, band: str, reason: str, n: int) -> Check:
        """Return the check of what could not be measured."""
        return Check(
            self.name, band, self.unit, None, None, self.low, self.high, n, "NOT_MEASURED", reason
        )


@dataclass(frozen=True)
class Closure:
    """Every check, and the numbers behind them to draw.

    Attributes
    ----------
    checks : tuple of Check
    behind : mapping
        Name of a figure -> band -> column -> ndarray.
    """

    checks: tuple[Check, ...]
    behind: Mapping[str, Mapping[str, Mapping[str, NDArray[Any]]]] = field(default_factory=dict)

    @property
    def status(self) -> Status:
        """Return the worst status of what must hold."""
        for worst in ("FAIL", "NOT_MEASURED"):
            if any(c.status == worst for c in self.checks):
                return "FAIL" if worst == "FAIL" else "NOT_MEASURED"
        return "PASS"


def has_holes(numbers: Floats) -> bool:
    """Return whether too many rows that should have a number have none."""
    return len(numbers) > 0 and float(np.isfinite(numbers).mean()) < 1.0 - MOST_MISSING


def robust_width(values: Floats) -> tuple[float, float]:
    """Return the standard deviation by the median absolute deviation, and its standard error.

    The error is that for normal values: the efficiency of the median absolute deviation is 0.3675
    (Rousseeuw & Croux 1993), so it is sigma / sqrt(2 * 0.3675 n).
    """
    if len(values) < 2:
        return float("nan"), float("nan")
    width = MAD_TO_SIGMA * float(np.median(np.abs(values - np.median(values))))
    return width, width / float(np.sqrt(2.0 * 0.3675 * len(values)))


def groups(labels: Sequence[NDArray[Any]]) -> NDArray[np.int64]:
    """Return the number of the group of each row: rows that agree in all labels.

    Parameters
    ----------
    labels : sequence of ndarray, shape (n,)
    """
    index = np.zeros(len(labels[0]), dtype=np.int64)
    for label in labels:
        _, mine = np.unique(label, return_inverse=True)
        index = index * (int(mine.max()) + 1 if len(mine) else 1) + mine.ravel()
    return np.asarray(np.unique(index, return_inverse=True)[1]).ravel().astype(np.int64)
