"""The visits of the main survey: the state that every coverage metric shares."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import Column, Recipe, Scalar, Tables
from skyassay.metrics.plugin import BaseMetric, NotMeasured
from skyassay.metrics.states.unit_rows import UnitRows, from_columns, merge
from skyassay.metrics.survey.sky import SkyGrid, sky_grid
from skyassay.pipeline.products import bands

PRODUCT = "visit_table"
KEY = ("visit",)
DAYS_PER_YEAR = 365.25
#: Cuts of the visits, and how the sky is cut up.
VISITS: Mapping[str, Any] = {
    "exclude": "isSpecialProgram",
    # A visit of the SRD is exposed for 30 s; what is much shorter is none.
    "min_exposure_s": 24.0,
    "years": 10.0,
    "min_years": 9.5,
    "min_area_deg2": 1000.0,
    "healpix_order": 6,
    "field_deg2": 9.6,
}


class SurveyMetric(BaseMetric):
    """Shared by metrics of the main survey's visits: one row per visit is kept.

    A survey is a census: every visit is counted, so a value has no sampling interval.
    """

    inputs = {  # noqa: RUF012 - a class constant of the contract
        PRODUCT: (
            Column("visit"),
            Column("band"),
            Column("ra", "deg"),
            Column("dec", "deg"),
            Column("expMidptMJD", "d"),
            Column("expTime", "s"),
            Column("isSpecialProgram"),
        )
    }
    locality = "visit"
    error_units = ()

    @property
    def state_key(self) -> str:
        """Return the name of the state: the metrics of a survey's coverage share one."""
        return "survey.visits"

    def zero(self) -> UnitRows:
        """Return no visits."""
        return UnitRows(KEY)

    def fold(self, part: Tables) -> UnitRows:
        """Return the main survey's visits of one partition."""
        return main_visits(part[PRODUCT])

    def merge(self, a: UnitRows, b: UnitRows) -> UnitRows:
        """Return the visits of both."""
        return merge(a, b)


def main_visits(table: Mapping[str, NDArray[Any]]) -> UnitRows:
    """Return the visits that count, and how many do not and why."""
    names = ("ra", "dec", "expMidptMJD", "expTime")
    ra, dec, mjd, exposure = (np.asarray(table[n], np.float64) for n in names)
    special = np.asarray(table["isSpecialProgram"], dtype=bool)
    number, known = _band_numbers(np.asarray(table["band"]).astype(str))
    # Comparisons with NaN are false: what is not finite has no place.
    placed = (np.abs(dec) <= 90.0) & (ra >= -360.0) & (ra <= 720.0) & np.isfinite(mjd)
    long = exposure >= VISITS["min_exposure_s"]
    counts = {
        "n_special": int(special.sum()),
        "n_unplaced": int((~placed & ~special).sum()),
        "n_other_band": int((placed & ~known & ~special).sum()),
        "n_short": int((placed & known & ~long & ~special).sum()),
    }
    keep = ~special & placed & known & long
    columns = {"visit": np.asarray(table["visit"]), "mjd": mjd, "ra": ra, "dec": dec}
    kept = {name: column[keep] for name, column in columns.items()}
    kept["ra"] = kept["ra"] % 360.0
    return from_columns(KEY, kept | {"band": number[keep]}, counts)


def _band_numbers(label: NDArray[np.str_]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the number of each band in "ugrizy", and whether it is one of them."""
    found, index = np.unique(label, return_inverse=True)
    number = {b: k for k, b in enumerate(bands())}
    numbers = np.array([number.get(str(b), -1) for b in found], dtype=np.int64)[index]
    return numbers, numbers >= 0


@lru_cache(maxsize=1)
def in_scope(state: UnitRows, years: float, min_years: float) -> UnitRows:
    """Return the visits of the survey's years, sorted by time.

    Raises
    ------
    NotMeasured
        ``no_visits``, ``simultaneous_visits``, or ``out_of_scope_years`` when the table
        covers less than `min_years`.
    """
    if not len(state):
        raise NotMeasured("no_visits", "The table has no visit of the main survey.")
    rows = _by_time(state)
    mjd = rows["mjd"]
    if (np.diff(mjd) <= 0.0).any():
        raise NotMeasured(
            "simultaneous_visits",
            "Two visits have one time; a telescope looks at one place at a time.",
        )
    covered = float(mjd[-1] - mjd[0]) / DAYS_PER_YEAR
    if covered < min_years:
        raise NotMeasured(
            "out_of_scope_years",
            f"The table covers {covered:.2f} years; the limit is about a survey of {years:g}.",
        )
    inside = mjd <= mjd[0] + years * DAYS_PER_YEAR
    return rows if inside.all() else rows.where(inside)


def _by_time(state: UnitRows) -> UnitRows:
    """Return the visits sorted by time; most tables are, and are not copied."""
    if (np.diff(state["mjd"]) > 0.0).all():
        return state
    order = np.argsort(state["mjd"], kind="stable")
    return UnitRows(state.key, {n: c[order] for n, c in state.columns.items()}, state.counts)


def survey_visits(state: UnitRows, recipe: Recipe) -> tuple[UnitRows, SkyGrid]:
    """Return the visits in the scope of a recipe, by time, and the sky it uses."""
    cuts = recipe["visits"]
    rows = in_scope(state, cuts["years"], cuts["min_years"])
    return rows, sky_grid(cuts["healpix_order"], cuts["field_deg2"])


def notes(rows: UnitRows) -> dict[str, Scalar]:
    """Return what a reader wants to know of the visits."""
    mjd = rows["mjd"]
    nights = len(np.unique(np.floor(mjd - 0.5)))
    return {
        "n_units": len(rows),
        "n_nights": nights,
        "years": round(float(mjd[-1] - mjd[0]) / DAYS_PER_YEAR, 3),
        **rows.counts,
    }


def refused(state: UnitRows) -> int:
    """Return how many visits of the main survey could not be used."""
    return sum(state.counts.get(n, 0) for n in ("n_unplaced", "n_other_band", "n_short"))
