"""What a campaign sample is: how it is drawn, how large, how far from the limit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

Table = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Draw:
    """What one sample must be like.

    Attributes
    ----------
    targets : mapping
        Band -> population value, in the metric's unit; the band is "" for a metric without.
    at : mapping
        Band -> bound parameter of the metric, where it has one.
    share : float
        Share of the variance in the term that all of a unit shares.
    size : int
        Number of the units that dominate the uncertainty.
    seed : int
        The same seed gives the same sample.
    """

    targets: Mapping[str, float]
    size: int
    seed: int
    share: float = 0.0
    at: Mapping[str, float] = field(default_factory=dict)

    @property
    def target(self) -> float:
        """Return the one population value of a sample that has only one."""
        return next(iter(self.targets.values()))


def five_percent_beyond(limit: float) -> float:
    """Return a population value 5 % beyond an upper limit."""
    return 1.05 * limit


def half_of(limit: float) -> float:
    """Return half of an upper limit."""
    return 0.5 * limit


@dataclass(frozen=True)
class Sampler:
    """How the campaign tries one metric.

    Attributes
    ----------
    metric : str
        Metric id.
    draw : callable
        Returns product -> table.
    unit : str
        What dominates the uncertainty: ``visit``, ``night``, ``sky cell``, ``image``.
    sizes : tuple of int
        Numbers of units tried; with fewer than the first there is no certificate.
    shares : tuple of float
        Shares of the variance in the shared term, tried beyond the limit.
    power_shares : tuple of float
        Those tried at the comfortable place, where most samples must pass.
    required_share : float
        Largest of them at which the power is required; beyond it is shown only.
    beyond, comfortable : callable
        Limit -> population value just on the wrong side, and well on the right side.
    conservative : str
        Why the interval may cover more than 97 %, where that is known and harmless (exact
        limits of counts); empty when it must not.
    apart : int
        Bands that are drawn one by one because they share a reference; 0: all together.
    """

    metric: str
    draw: Callable[[Draw], Mapping[str, Table]]
    unit: str = "visit"
    sizes: tuple[int, ...] = (3, 6, 12, 30)
    shares: tuple[float, ...] = (0.0, 0.5)
    power_shares: tuple[float, ...] = (0.0, 0.25)
    required_share: float = 0.25
    beyond: Callable[[float], float] = five_percent_beyond
    comfortable: Callable[[float], float] = half_of
    conservative: str = ""
    apart: int = 0
