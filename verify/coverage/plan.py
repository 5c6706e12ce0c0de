"""Which samples the campaign draws: metric x visits x shared term x distance to the limit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from skyassay.metrics.registry import make
from skyassay.requirements_map import Criterion, RequirementSet
from skyassay.verify.errors import VerifyError
from skyassay.verify.units import factor

VISITS = (3, 6, 12, 30)
#: Share of the variance of one measurement that its whole visit shares.
SHARES = (0.0, 0.5)
#: At half the limit a quarter too: it is the most at which every metric can show its power.
#: With half shared, 30 visits tell 5 % of outliers from 10 % in 70 % of samples at best:
#: the power of the chi-square test with 29 degrees of freedom, the own part known.
POWER_SHARES = (0.0, 0.25, 0.5)
MOST_SHARED_WITH_POWER = 0.25
#: Population value in units of the limit: just beyond it, and half of it.
BEYOND, HALF = 1.05, 0.5
SEEDS = 400
#: Equal stars per sample; pairs of stars grow with the square.
STARS, STARS_IN_PAIRS = 120, 90


@dataclass(frozen=True)
class Target:
    """What one band must reach: its limit and what the limit is bound at.

    Attributes
    ----------
    band : str
    limit : float
        In the metric's unit.
    parameter : str or None
        Bound parameter, in the metric's `at_units`.
    at : float or None
    """

    band: str
    limit: float
    parameter: str | None
    at: float | None


@dataclass(frozen=True)
class Cell:
    """One row of the table: a metric at a number of visits, a share and a distance."""

    metric: str
    criterion: str
    visits: int
    share: float
    distance: float
    stars: int
    targets: tuple[Target, ...]


def make_plan(metrics: Iterable[str], requirements: RequirementSet) -> tuple[Cell, ...]:
    """Return every cell of the campaign.

    Raises
    ------
    VerifyError
        ``nothing_to_certify`` when a metric serves no criterion with a limit.
    """
    cells = []
    for metric in metrics:
        criterion, targets = _targets(metric, requirements)
        stars = STARS if metric.startswith("photometry.") else STARS_IN_PAIRS
        points = [(v, s, BEYOND) for v in VISITS for s in SHARES]
        points += [(VISITS[-1], s, HALF) for s in POWER_SHARES]
        cells += [Cell(metric, criterion, v, s, d, stars, targets) for v, s, d in points]
    return tuple(cells)


def _targets(metric: str, requirements: RequirementSet) -> tuple[str, tuple[Target, ...]]:
    """Return the document's name for the metric and a target per band, binding levels."""
    criteria = [c for c in requirements.measured_by(metric) if c.role == "limit"]
    srd = [c for c in criteria if c.requirement.startswith("LPM-17.")]
    found: dict[str, Target] = {}
    for criterion in srd or criteria:
        for band in criterion.bands:
            found.setdefault(band, _target(metric, criterion, band))
    if not found:
        raise VerifyError(
            f"{metric} serves no criterion with a limit, so there is nothing to certify.",
            code="nothing_to_certify",
            hint="Name the criterion in the metric and the metric in the criterion.",
            exit_code=4,
        )
    name = (srd or criteria)[0].requirement
    return name, tuple(found[band] for band in sorted(found, key="ugrizy".find))


def _target(metric: str, criterion: Criterion, band: str) -> Target:
    level = criterion.binding_level
    limit = criterion.levels[level]
    plugin = make(metric)
    scale = factor(criterion.unit, plugin.unit)
    if not isinstance(limit, int | float) or scale is None:
        raise VerifyError(
            f"{criterion.id} has no numeric limit in {plugin.unit}.", code="no_numeric_limit"
        )
    for parameter in criterion.at:
        value, unit = criterion.bound(parameter, band, level)
        at_scale = factor(unit, plugin.at_units[parameter])
        if at_scale is None:
            raise VerifyError(
                f"{criterion.id} binds {parameter} in {unit}, which {metric} cannot take.",
                code="unit_mismatch",
            )
        return Target(band, float(limit) * scale, parameter, value * at_scale)
    return Target(band, float(limit) * scale, None, None)
