"""What the nominal survey of ten years should cover.

From the length of the nights, the weather, the seconds a visit takes and the footprint; the
scheduler itself is not asked.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.special import ndtr

from skyassay.simulator.expectations.model import Error, Expectation
from skyassay.simulator.presets import SURVEY, Preset
from skyassay.simulator.survey.blocks import EXPOSURE, FILTER_CHANGE, OVERHEAD
from skyassay.simulator.survey.ephemeris import NAUTICAL, night_bounds
from skyassay.simulator.survey.fields import PROGRAMS, WEIGHTS, fields, footprint
from skyassay.simulator.survey.filters import BANDS, GOAL
from skyassay.simulator.survey.scheduler import (
    LONG_BLOCK,
    LONGITUDE,
    ONE_FILTER,
    SHORT_BLOCK,
    DeepDrilling,
    Strategy,
)
from skyassay.simulator.twin import Twin

#: Area of the round field of view, deg2.
FIELD_DEG2 = 9.6
_SKY_DEG2 = 4.0 * np.pi * (180.0 / np.pi) ** 2


@cache
def visits(strategy: Strategy) -> float:
    """Return the number of visits to expect: open hours over the time that a visit takes."""
    evening = strategy.start + np.arange(strategy.nights, dtype=np.float64)
    dusk, dawn = night_bounds(evening, strategy.site.latitude, LONGITUDE, NAUTICAL)
    climate = strategy.climate
    cloud = climate.winter * np.cos(2.0 * np.pi * (evening - 61041.0 - 190.0) / 365.25)
    is_open = (1.0 - climate.lost) * ndtr(climate.closed - cloud)
    seconds = float(((dawn - dusk) * is_open).sum() * 86400.0)
    return seconds / _seconds_per_visit(strategy)


def _seconds_per_visit(strategy: Strategy) -> float:
    """Return the mean time of a visit in pairs of blocks, the change of filter shared out."""
    shares = strategy.long_share, 1.0 - strategy.long_share
    number, time = [], []
    for fewest, more in (LONG_BLOCK, SHORT_BLOCK):
        number.append(2.0 * (fewest + 0.5 * more))
        changed = min(1.0, 1.0 - (ONE_FILTER - fewest) / more)
        time.append(number[-1] * (EXPOSURE + OVERHEAD) + changed * (FILTER_CHANGE - OVERHEAD))
    return float(np.dot(shares, time) / np.dot(shares, number))


def main_share() -> float:
    """Return the share of the visits that the main survey gets, by the fields' weights."""
    known = fields()
    weight = np.array(WEIGHTS)[known.program]
    night = 3600.0 * 10.0 / (EXPOSURE + OVERHEAD)  # visits of a night of usual length
    deep = DeepDrilling()
    drilled = deep.share * deep.each * (len(BANDS) - 1) / night
    return float(weight[known.program == 0].sum() / weight.sum() * (1.0 - drilled))


@cache
def main_area() -> float:
    """Return the area of the main survey's footprint, deg2, on a fine lattice."""
    n = 200_000
    number = np.arange(n)
    dec = np.degrees(np.arcsin(1.0 - (2.0 * number + 1.0) / n))
    ra = (number * 360.0 * (np.sqrt(5.0) - 1.0) / 2.0) % 360.0
    inside = footprint(ra, dec) == PROGRAMS.index("main")
    return float(_SKY_DEG2 * inside.mean())


def visits_per_field(_twin: Twin, _band: str = "", _at: float | None = None) -> float:
    """Return the main survey's visits times the field of view over its area."""
    return float(visits(Strategy()) * main_share() * FIELD_DEG2 / main_area())


def visits_in_band(_twin: Twin, band: str, _at: float | None = None) -> float:
    """Return the share of a band in the visits per field."""
    share = GOAL[BANDS.index(band)] / GOAL.sum()
    return float(visits_per_field(_twin) * share)


def _area(_twin: Twin, _band: str, _at: float | None) -> float:
    return main_area()


def _within(relative: float) -> Error:
    """Return an error that is so much of the value, and no value but for the whole survey."""

    def error(_twin: Twin, preset: Preset, _band: str, value: float) -> float | str:
        return relative * value if preset.name == SURVEY.name else "NOT_APPLICABLE"

    return error


#: A census has no sampling error; these are of the sums above, and of the weather of a seed.
EXPECTATIONS: tuple[Expectation, ...] = (
    Expectation("survey.coverage.asky", _area, _within(0.02)),
    Expectation("survey.coverage.nv1", visits_per_field, _within(0.04)),
    Expectation("survey.coverage.nv1_band", visits_in_band, _within(0.05)),
    Expectation("survey.cadence.rva1", _area, _within(0.04)),
)
