"""Delivered image size for a given atmospheric seeing: S1 and SF1 (LPM-17 3.3.3.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import Bindings, Table
from skyassay.metrics.plugin import NotMeasured, Value
from skyassay.metrics.seeing.visits import (
    SeeingMetric,
    calibrated_atmosphere,
    notes,
    refuse_impossible,
)
from skyassay.metrics.states.unit_rows import UnitRows
from skyassay.metrics.statistics.clustered import clustered_fraction, clustered_quantile
from skyassay.metrics.statistics.tails import scaled
from skyassay.metrics.unit_family import Absent, nights

Floats = NDArray[np.float64]
#: Noise is never taken for more than this share of a variance.
_MOST_NOISE = 0.75


class S1(SeeingMetric):
    """Median delivered image size at a given atmospheric seeing, arcsec.

    LPM-17 section 3.3.3.1. Of the visits near the zenith those count whose atmospheric seeing,
    along the line of sight and in the band, is within 10 % of the wanted one; each is brought
    to it with the system's part of its size kept, in quadrature. The monitor's known noise is
    allowed for.

    Differs from the peers: no published package relates size to seeing.
    Not measured when: fewer than three visits or two nights had such a seeing (none at all
    is out of scope); the atmosphere alone is as large as the images, or all sizes are one.
    """

    id = "seeing.delivered.s1"
    unit = "arcsec"
    title = "Delivered image size for a given seeing (S1)"
    requirements = ("LPM-17.S1/0.44", "LPM-17.S1/0.60", "LPM-17.S1/0.80")
    at_units = {"seeing": "arcsec"}  # noqa: RUF012
    bands = ("r", "i")

    def values(self, rows: UnitRows, band: str, at: Bindings) -> list[Value | Absent]:
        """Return the median size at every bound seeing that was there."""
        kept = near_zenith(self, rows)
        refuse_impossible(kept)
        atmosphere = calibrated_atmosphere(kept)
        found: list[Value | Absent] = []
        for seeing in self.bound("seeing", band, at):
            try:
                found.append(self._at(kept, atmosphere, seeing))
            except NotMeasured as why:
                found.append(Absent(why, {"seeing": seeing}))
        return found

    def _at(self, rows: UnitRows, atmosphere: Floats, seeing: float) -> Value:
        near = np.abs(np.log(atmosphere / seeing)) <= self.recipe["near"]
        kept, number = rows.where(near), int(near.sum())
        if number < self.recipe["min_visits"]:
            raise NotMeasured(
                "too_few_visits" if number else "out_of_scope_seeing_not_met",
                f"{number} visits near the zenith had a seeing of about {seeing:.2f} arcsec.",
            )
        system = kept["size"] ** 2 - atmosphere[near] ** 2
        size = np.sqrt(np.maximum(system + seeing**2, 0.0))
        value, interval = clustered_quantile(size, nights(kept["mjd"]), 0.5)
        return Value(value, number, interval, {"seeing": seeing}, None, notes(kept, size))

    def behind(self, rows: UnitRows, band: str) -> Table:
        """Return delivered sizes near the zenith, arcsec, and the seeing they had."""
        kept = near_zenith(self, rows)
        return {"value": kept["size"], **_place(kept), "atmosphere": kept["atmosphere"]}


class SF1(SeeingMetric):
    """Share of visits near the zenith with images larger than SX times S1, %.

    LPM-17 section 3.3.3.1. S1 is that of the visit's own seeing: the design column of the
    SRD's table, its system part interpolated between the three seeings, and held beyond them.
    The monitor's known noise is taken off the scatter of the ratio.

    Differs from the peers: no published package computes it.
    Not measured when: fewer than three visits or two nights are near the zenith; the
    atmosphere alone is as large as the images, or all sizes are one.
    """

    id = "seeing.delivered.sf1"
    unit = "%"
    title = "Images in the size tail (SF1 at SX)"
    requirements = ("LPM-17.SF1/ri",)
    at_units = {"SX": ""}  # noqa: RUF012
    bands = ("r", "i")

    def values(self, rows: UnitRows, band: str, at: Bindings) -> list[Value]:
        """Return the share at every bound factor."""
        kept = near_zenith(self, rows)
        refuse_impossible(kept)
        ratio, label = self._ratio(kept), nights(kept["mjd"])
        found = []
        for limit in self.bound("SX", band, at):
            share, interval = clustered_fraction(ratio > limit, label, ratio)
            percent = scaled(interval, 100.0)
            found.append(
                Value(100.0 * share, len(kept), percent, {"SX": limit}, None, notes(kept, ratio))
            )
        return found

    def _ratio(self, rows: UnitRows) -> Floats:
        """Return sizes over S1 of their own seeing, the monitor's noise taken off."""
        expected = expected_size(self.recipe["S1"], rows["atmosphere"])
        ratio = rows["size"] / expected
        noise = ratio * rows["atmosphere"] * rows["error"] / expected**2
        scatter = float(np.var(ratio))
        if scatter == 0.0:
            return np.asarray(ratio)
        share = min(float(np.mean(noise**2)) / scatter, _MOST_NOISE)
        middle = float(np.median(ratio))
        return np.asarray(middle + (ratio - middle) * np.sqrt(1.0 - share))

    def behind(self, rows: UnitRows, band: str) -> Table:
        """Return the ratios of size to S1."""
        kept = near_zenith(self, rows)
        return {"value": self._ratio(kept), **_place(kept)}


def near_zenith(metric: SeeingMetric, rows: UnitRows) -> UnitRows:
    """Return the visits near the zenith.

    Raises
    ------
    NotMeasured
        ``out_of_scope_no_zenith_visits``, ``too_few_visits``.
    """
    kept = rows.where(rows["airmass"] <= metric.recipe["airmass_max"])
    if len(kept) < metric.recipe["min_visits"]:
        raise NotMeasured(
            "too_few_visits" if len(kept) else "out_of_scope_no_zenith_visits",
            f"{len(kept)} visits were taken below airmass {metric.recipe['airmass_max']}.",
        )
    return kept


def expected_size(table: Mapping[str, Any], atmosphere: Floats) -> Floats:
    """Return the size that belongs to a seeing: its system part interpolated, arcsec."""
    seeing = np.array(table["seeing"], dtype=np.float64)
    system = np.array(table["size"], dtype=np.float64) ** 2 - seeing**2
    return np.asarray(np.sqrt(atmosphere**2 + np.interp(atmosphere, seeing, system)))


def _place(rows: UnitRows) -> dict[str, NDArray[Any]]:
    return {n: rows[n] for n in ("visit", "mjd", "airmass")}
