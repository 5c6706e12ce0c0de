"""The state of every depth metric of single visits, and which visits count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import Column, Recipe, Scalar, Table, Tables
from skyassay.metrics.depth.fiducial import (
    CONDITIONS,
    fiducial_depth,
    per_band,
    zenith_zero_point,
)
from skyassay.metrics.plugin import NotMeasured
from skyassay.metrics.states.unit_rows import UnitRows
from skyassay.metrics.unit_family import (
    ABSURD,
    Columns,
    UnitMetric,
    all_finite,
    night_share,
    nights,
    number,
)

PRODUCT = "visit_table"
COLUMNS = (
    Column("visit"),
    Column("band"),
    Column("expMidptMJD", "d"),
    Column("airmass"),
    Column("expTime", "s"),
    Column("seeing", "arcsec"),
    Column("skyBrightness", "mag/arcsec**2"),
    Column("magLim", "mag"),
    Column("zeroPoint", "mag"),
)

SRD_DEPTH = Recipe(
    "srd",
    {
        "conditions": CONDITIONS,
        # How far a correction is trusted.
        "standard": {"airmass_max": 1.8, "seeing_ratio_max": 1.8, "sky_brighter_max": 1.5},
        # Good-seeing, dark, near-zenith visits (LPM-17 3.3.2.1 names the kinds, not the numbers).
        "good": {"airmass_max": 1.2, "seeing_ratio_max": 1.2, "sky_brighter_max": 0.3},
        # Photometric: zero point at airmass 1 this close to the clear one of the band and month.
        "photometric_mag": 0.05,
        "clear_quantile": 0.9,
        "clear_window_days": 30.0,
        "min_visits": 3,
        "Z1": 24.4,
        "DF1": 10.0,
        "statistic": "quantiles of the depth corrected to fiducial conditions",
    },
)


@dataclass(frozen=True)
class DepthMetric(UnitMetric):
    """Shared by the metrics of visits' depths under fiducial conditions: the fold."""

    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": SRD_DEPTH}
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {PRODUCT: COLUMNS}

    @property
    def state_key(self) -> str:
        """Return the hash of what the fold depends on: all of these share one state."""
        parameters = {k: self.recipe[k] for k in ("conditions", "standard", "good")}
        return Recipe("visit_depths", parameters).hash

    def rows(self, part: Tables) -> tuple[Columns, NDArray[np.bool_]]:
        """Return each visit's corrected depth and zero point, and which kinds it belongs to."""
        table = part[PRODUCT]
        band = np.asarray(table["band"]).astype(str)
        airmass, exposure, seeing, sky = (
            number(table, n) for n in ("airmass", "expTime", "seeing", "skyBrightness")
        )
        conditions = self.recipe["conditions"]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            depth = fiducial_depth(
                conditions, band, number(table, "magLim"), seeing, sky, airmass, exposure
            )
            zero = zenith_zero_point(
                conditions, band, number(table, "zeroPoint"), airmass, exposure
            )
        columns: dict[str, NDArray[Any]] = {
            "visit": np.asarray(table["visit"]).astype(np.int64),
            "band": band,
            "mjd": number(table, "expMidptMJD"),
            "airmass": airmass,
            "magLim": number(table, "magLim"),
            "expTime": exposure,
            "depth": depth,
            "zero": zero,
        }
        usable = all_finite(columns) & (airmass >= 1.0) & (exposure > 0) & (seeing > 0)
        for name in ("depth", "zero", "magLim"):
            usable &= np.abs(columns[name]) < ABSURD
        for kind in ("standard", "good"):
            columns[kind] = _within(self.recipe[kind], conditions, band, airmass, seeing, sky)
        return columns, usable

    def chosen(self, rows: UnitRows, kind: str) -> UnitRows:
        """Return the photometric visits of one kind.

        Raises
        ------
        NotMeasured
            ``out_of_scope_no_fiducial_visits``, ``too_few_visits``; ``no_scatter`` when all have
            one depth as taken, which the corrections would hide.
        """
        kept = rows.where(rows[kind] & photometric(rows, self.recipe))
        if not len(kept):
            raise NotMeasured(
                "out_of_scope_no_fiducial_visits",
                f"None of {len(rows)} visits was taken near enough to fiducial conditions.",
            )
        if len(kept) < self.recipe["min_visits"]:
            raise NotMeasured(
                "too_few_visits",
                f"{len(kept)} visits were taken near enough to fiducial conditions; "
                f"{self.recipe['min_visits']} are needed.",
            )
        if np.ptp(kept["magLim"]) == 0.0:
            raise NotMeasured("no_scatter", "All depths are the same: they were not measured.")
        return kept

    def behind(self, rows: UnitRows, band: str) -> Table:
        """Return the corrected depth of every visit that counts."""
        kept = self.chosen(rows, self.kind)
        return {
            "value": kept["depth"],
            "visit": kept["visit"],
            "mjd": kept["mjd"],
            "airmass": kept["airmass"],
        }

    #: Which visits count: ``standard`` or ``good``.
    kind: ClassVar[str] = "standard"


def photometric(rows: UnitRows, recipe: Recipe) -> NDArray[np.bool_]:
    """Return which visits of one band had a clear sky, by their zero points.

    What is clear is told by the visits of the same weeks: were it the best of all years, the
    visits of a telescope that loses throughput would be taken for cloudy, and only its best
    time would count. When all of these weeks were cloudy the thinnest cloud is taken for a
    clear sky, which makes the depth look worse, not better.
    """
    zero, weeks = rows["zero"], np.floor(rows["mjd"] / recipe["clear_window_days"])
    order = np.argsort(weeks, kind="stable")
    edges = np.flatnonzero(np.diff(weeks[order])) + 1
    clear = np.empty(len(zero))
    for mine in np.split(order, edges):
        clear[mine] = np.quantile(zero[mine], recipe["clear_quantile"])
    return np.asarray(zero >= clear - recipe["photometric_mag"])


def notes(rows: UnitRows) -> Mapping[str, Scalar]:
    """Return the diagnostics of visits: how many nights share how much of their scatter."""
    label = nights(rows["mjd"])
    return {
        "n_units": int(label.max()) + 1,
        "n_visits": len(rows),
        "budget_night": night_share(rows["depth"], label),
    }


def _within(
    cuts: Mapping[str, float],
    conditions: Mapping[str, Any],
    band: NDArray[Any],
    airmass: NDArray[np.float64],
    seeing: NDArray[np.float64],
    sky: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Return which visits are near enough to fiducial conditions."""
    with np.errstate(invalid="ignore"):
        near = airmass <= cuts["airmass_max"]
        near &= seeing <= cuts["seeing_ratio_max"] * per_band(conditions["seeing"], band)
        near &= sky >= per_band(conditions["sky"], band) - cuts["sky_brighter_max"]
    return np.asarray(near)
