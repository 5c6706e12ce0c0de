"""Named sizes of a simulated survey."""

from __future__ import annotations

from dataclasses import dataclass

from skyassay.simulator.cadence import Cadence
from skyassay.simulator.errors import SimulatorError
from skyassay.simulator.universe import Universe
from skyassay.simulator.wide import WideSky


@dataclass(frozen=True)
class Preset:
    """A universe, a cadence and the sky beyond its fields under one name."""

    name: str
    universe: Universe
    cadence: Cadence
    wide: WideSky = WideSky()  # noqa: RUF009 - frozen


PRESETS: tuple[Preset, ...] = (
    # Seconds: for tests.
    Preset("tiny", Universe(stars=600), Cadence(visits_per_band=6, nights=3)),
    # Under a minute with its measurements: the demo.
    Preset(
        "small",
        Universe(stars=3000),
        Cadence(visits_per_band=14, nights=7),
        WideSky(regions=12),
    ),
    # Minutes: a nightly job.
    Preset(
        "medium",
        Universe(stars=10_000),
        Cadence(visits_per_band=30, nights=15),
        WideSky(regions=40, cells=8),
    ),
)
#: Of the campaign of faults: few stars in many visits, for what visits share decides.
CAMPAIGN = Preset(
    "campaign",
    Universe(stars=1200),
    Cadence(visits_per_band=42, nights=14),
    WideSky(regions=24),
)
#: The ten-year survey, simulated at the level of visits alone: no release has it.
SURVEY = Preset("survey", Universe(), Cadence(visits_per_band=140, nights=3650))


def preset(name: str) -> Preset:
    """Return a preset by name.

    Raises
    ------
    SimulatorError
        ``unknown_preset`` (exit code 4).
    """
    for item in PRESETS:
        if item.name == name:
            return item
    raise SimulatorError(
        f"There is no preset named {name!r}.",
        code="unknown_preset",
        hint=f"Presets: {', '.join(p.name for p in PRESETS)}.",
        exit_code=4,
    )
