"""The margin: how much worse is worse enough to stop a change."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from skyassay.verify.errors import VerifyError
from skyassay.verify.gate.bounds import Bound


@dataclass(frozen=True)
class MarginRule:
    """How a margin is made, in the unit of the metric.

    Attributes
    ----------
    relative : float
        Part of the base value that is always allowed.
    headroom : float
        Part of the distance from the base to the limit that is allowed where it is more.
    cap : float
        Most that the headroom may add for a quantity compared by its logarithm, as a part of
        the base value. Without it a value far inside its limit could lose 5 % unseen.
    overrides : mapping
        Metric id -> margin in that metric's own unit.
    """

    relative: float = 0.02
    headroom: float = 0.10
    cap: float = 0.025
    overrides: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse margins that are no numbers: they would let everything pass or nothing."""
        named = {
            "relative": self.relative,
            "headroom": self.headroom,
            "cap": self.cap,
            **self.overrides,
        }
        for name, value in named.items():
            if not (math.isfinite(value) and value >= 0):
                raise VerifyError(
                    f"The margin of {name} is {value}, not a number of at least 0.",
                    code="bad_margin",
                    exit_code=4,
                )


@dataclass(frozen=True)
class Margin:
    """A margin in the unit of the metric and the rule that gave it."""

    value: float
    rule: str


def margin_for(
    rule: MarginRule, metric: str, base: float, bounds: Sequence[Bound], *, logarithmic: bool
) -> Margin:
    """Return the margin of one quantity.

    Parameters
    ----------
    rule : MarginRule
    metric : str
        Metric id.
    base : float
        Base value, mean over the seeds.
    bounds : sequence of Bound
        Limits this quantity is judged against, in the unit of the metric; the nearest rules.
    logarithmic : bool
        Whether the quantity is compared by its logarithm (strictly positive scales).
    """
    if metric in rule.overrides:
        return Margin(rule.overrides[metric], "set for this metric")
    relative = rule.relative * abs(base)
    room = min((bound.headroom(base) for bound in bounds), default=0.0) * rule.headroom
    most = rule.cap * abs(base) if logarithmic else math.inf
    if min(room, most) <= relative:
        return Margin(relative, f"{rule.relative:.3g} of the base value")
    if room > most:
        return Margin(most, f"{rule.cap:.3g} of the base value (cap)")
    return Margin(room, f"{rule.headroom:.3g} of the distance to the limit")


def on_log_scale(margin: float, base: float, sign: int) -> float:
    """Return the log ratio at which the base value has become worse by `margin`."""
    if sign > 0:
        return math.log1p(margin / base)
    return -math.log1p(-margin / base) if margin < base else math.inf
