"""Which samples the campaign draws: metric x units x shared term x distance to the limit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from numpy.typing import NDArray

from skyassay.metrics.registry import make
from skyassay.requirements_map import Criterion, RequirementSet
from skyassay.verify.campaign import samplers
from skyassay.verify.errors import VerifyError
from skyassay.verify.rule import Limit
from skyassay.verify.units import factor

#: Population value just on the wrong side of the limit, or well on the right side.
Place = Literal["beyond", "inside"]
SEEDS = 400


class Sampler(Protocol):
    """How samples of one metric are drawn; `skyassay.simulator.samples` has them."""

    @property
    def unit(self) -> str:
        """What dominates the uncertainty."""
        ...

    @property
    def sizes(self) -> tuple[int, ...]:
        """Numbers of units that are tried."""
        ...

    @property
    def shares(self) -> tuple[float, ...]:
        """Shares of the variance in the shared term, beyond the limit."""
        ...

    @property
    def power_shares(self) -> tuple[float, ...]:
        """Those tried well inside."""
        ...

    @property
    def required_share(self) -> float:
        """Largest share at which most must pass well inside."""
        ...

    @property
    def conservative(self) -> str:
        """Why the interval may cover more than it says; empty when it must not."""
        ...

    @property
    def beyond(self) -> Callable[[float], float]:
        """Limit -> value just on the wrong side."""
        ...

    @property
    def comfortable(self) -> Callable[[float], float]:
        """Limit -> value well on the right side."""
        ...

    @property
    def apart(self) -> int:
        """Bands that are drawn one by one; 0 for all together."""
        ...

    @property
    def draw(self) -> Callable[[Any], Mapping[str, Mapping[str, NDArray[Any]]]]:
        """Return product -> table."""
        ...


@dataclass(frozen=True)
class Target:
    """What one band must reach: its limit and what the limit is bound at.

    Attributes
    ----------
    band : str
        "" for a metric without bands.
    rule : Limit
        In the metric's unit.
    truth : float
        Population value of the sample.
    parameter : str or None
        Bound parameter, in the metric's `at_units`.
    at : float or None
    """

    band: str
    rule: Limit
    truth: float
    parameter: str | None
    at: float | None


@dataclass(frozen=True)
class Cell:
    """One row of the table.

    Attributes
    ----------
    metric, criterion : str
    unit : str
        What there are `size` of.
    size : int
    share : float
        Share of the variance in the term that a unit shares.
    place : str
        ``beyond`` the limit or well ``inside``.
    must_pass : bool
        Whether most samples have to pass here.
    conservative : str
        Why coverage may exceed what is asked; empty when it may not.
    targets : tuple of Target
    """

    metric: str
    criterion: str
    unit: str
    size: int
    share: float
    place: Place
    must_pass: bool = False
    conservative: str = ""
    targets: tuple[Target, ...] = ()


def make_plan(metrics: Iterable[str], requirements: RequirementSet) -> tuple[Cell, ...]:
    """Return every cell of the campaign.

    Raises
    ------
    VerifyError
        ``nothing_to_certify`` when a metric serves no criterion with a limit, ``no_sampler``
        when nobody knows how to draw samples of it.
    """
    return tuple(cell for metric in metrics for cell in _cells(metric, requirements))


def sampler_of(metric: str) -> Sampler:
    """Return how samples of a metric are drawn.

    Raises
    ------
    VerifyError
        ``no_sampler``.
    """
    found = samplers().get(metric)
    if found is None:
        raise VerifyError(
            f"Nobody has said how to draw samples of {metric}.",
            code="no_sampler",
            hint="Add a sampler of it to the simulator.",
            exit_code=4,
        )
    one: Sampler = found
    return one


def _cells(metric: str, requirements: RequirementSet) -> list[Cell]:
    name, found = _criteria(metric, requirements)
    sampler = sampler_of(metric)

    def cell(size: int, share: float, place: Place) -> Cell:
        move = sampler.beyond if place == "beyond" else sampler.comfortable
        targets = tuple(_target(metric, c, band, move) for band, c in found.items())
        must = place == "inside" and share <= sampler.required_share
        return Cell(
            metric, name, sampler.unit, size, share, place, must, sampler.conservative, targets
        )

    outside = [cell(n, s, "beyond") for n in sampler.sizes for s in sampler.shares]
    return outside + [cell(sampler.sizes[-1], s, "inside") for s in sampler.power_shares]


def _criteria(metric: str, requirements: RequirementSet) -> tuple[str, dict[str, Criterion]]:
    """Return the document's name for the metric, and the criterion that binds each band."""
    criteria = [
        c
        for c in requirements.measured_by(metric)
        if c.role == "limit" and c.kind == "value" and c.population != "dataset"
    ]
    srd = [c for c in criteria if c.requirement.startswith("LPM-17.")]
    found: dict[str, Criterion] = {}
    for criterion in srd or criteria:
        for band in criterion.bands or ("",):
            found.setdefault(band, criterion)
    if not found:
        raise VerifyError(
            f"{metric} serves no criterion with a limit, so there is nothing to certify.",
            code="nothing_to_certify",
            hint="Name the criterion in the metric and the metric in the criterion.",
            exit_code=4,
        )
    ordered = {band: found[band] for band in sorted(found, key="ugrizy".find)}
    return (srd or criteria)[0].requirement, ordered


def _target(metric: str, criterion: Criterion, band: str, move: Callable[[float], float]) -> Target:
    level = criterion.binding_level
    limit = criterion.levels[level]
    plugin = make(metric)
    scale = factor(criterion.unit, plugin.unit)
    if not isinstance(limit, int | float) or scale is None:
        raise VerifyError(
            f"{criterion.id} has no numeric limit in {plugin.unit}.", code="no_numeric_limit"
        )
    rule = Limit(criterion.op, float(limit) * scale, criterion.abs)
    truth = move(rule.value)
    for parameter in criterion.at:
        value, unit = criterion.bound(parameter, band or None, level)
        at_scale = factor(unit, plugin.at_units.get(parameter, ""))
        if at_scale is None:
            raise VerifyError(
                f"{criterion.id} binds {parameter} in {unit}, which {metric} cannot take.",
                code="unit_mismatch",
            )
        return Target(band, rule, truth, parameter, value * at_scale)
    return Target(band, rule, truth, None, None)
