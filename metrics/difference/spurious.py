"""Detections that belong to nothing, per area."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from skyassay.metrics.contract import Bindings, Column, Locality, Measurement, Recipe, Table, Tables
from skyassay.metrics.difference.joint import FOUND
from skyassay.metrics.difference.matching import partners, significant
from skyassay.metrics.difference.recipes import PAIRING
from skyassay.metrics.plugin import BaseMetric, NotMeasured, Value
from skyassay.metrics.states.unit_rows import UnitRows, from_columns, merge
from skyassay.metrics.statistics.clustered import clustered_mean
from skyassay.metrics.unit_family import number, spread

QUALITY = "difference_quality"


class SpuriousRate(BaseMetric):
    """Number of false detections of S/N 5 and more per square degree of a visit.

    A detection is false when no changing or moving source of a true S/N of 2 and more has it as its
    mutual nearest neighbour within 1 arcsec; nothing is cut by reliability. The area is that of
    the difference images, at 0.2 arcsec a pixel. The interval is that of the mean over visits,
    weighted with their area.

    Source: LSE-30 OSS-REQ-0351 asks for simulated data to find it; no limit is stated.
    Differs from the peers: analysis_tools counts detections by reliability, without truth.
    Not measured when: there are fewer than three visits, no truth, or no area.
    """

    id = "difference.spurious.rate"
    unit = "1 / deg2"
    title = "False detections on differences"
    requirements: ClassVar[tuple[str, ...]] = ()
    diagnostic: ClassVar[bool] = True
    recipes: ClassVar[Mapping[str, Recipe]] = {
        "srd": Recipe("srd", {**PAIRING, "min_snr": 5.0, "pixel_arcsec": 0.2, "min_visits": 3})
    }
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        "dia_source": tuple(c for c in FOUND if c.name != "reliability"),
        "truth_dia_source": tuple(c for c in FOUND if c.name not in ("reliability", "diaSourceId")),
        QUALITY: (Column("visit"), Column("detector"), Column("nPixel")),
    }
    locality: ClassVar[Locality] = "visit"
    error_units: ClassVar[tuple[str, ...]] = ("visit",)

    def zero(self) -> UnitRows:
        """Return the state of no data."""
        return UnitRows(("visit",))

    def fold(self, part: Tables) -> UnitRows:
        """Return the number of false detections and the area of each visit."""
        found, truth, quality = part["dia_source"], part["truth_dia_source"], part[QUALITY]
        strong = significant(truth) >= self.recipe["least_true_snr"]
        there = {n: np.asarray(truth[n])[strong] for n in ("visit", "detector", "ra", "dec")}
        false = partners(found, there, self.recipe["radius_arcsec"]) < 0
        false &= significant(found) >= self.recipe["min_snr"]
        names, which = np.unique(np.asarray(quality["visit"]).astype(np.int64), return_inverse=True)
        pixels = np.bincount(which, np.nan_to_num(number(quality, "nPixel")), len(names))
        visit = np.asarray(found["visit"]).astype(np.int64)[false]
        mine = visit[np.isin(visit, names)]
        number_of = np.bincount(np.searchsorted(names, mine), minlength=len(names))
        counts = {
            "detections": len(found["visit"]),
            "usable": int(np.isfinite(significant(found)).sum()),
            "truth": int(strong.sum()),
            "images": len(which),
        }
        area = pixels * (self.recipe["pixel_arcsec"] / 3600.0) ** 2
        columns = {"visit": names, "false": number_of.astype(float), "area": area}
        return from_columns(("visit",), columns, counts)

    def merge(self, a: UnitRows, b: UnitRows) -> UnitRows:
        """Return the visits of both parts."""
        return merge(a, b)

    def finish(self, state: UnitRows, at: Bindings) -> list[Measurement]:
        """Return the rate; none when there was no row at all."""
        if not any(state.counts.values()):
            return []
        try:
            return [self.measured(self._value(state))]
        except NotMeasured as why:
            return [self.not_measured(why, n=len(state))]

    def evidence(self, state: UnitRows) -> Mapping[str, Table]:
        """Return the rate of every visit."""
        use = np.flatnonzero(state["area"] > 0.0) if len(state) else np.empty(0, dtype=int)
        use = use[spread(len(use))]
        if not len(use):
            return {}
        rate = state["false"][use] / state["area"][use]
        return {"": {"value": rate, "visit": state["visit"][use]}}

    def _value(self, state: UnitRows) -> Value:
        for what in ("usable", "truth", "images"):
            if not state.counts.get(what, 0):
                raise NotMeasured("no_usable_row", f"No usable row of {what}.")
        rows = state.where(state["area"] > 0.0)
        if len(rows) < self.recipe["min_visits"]:
            raise NotMeasured(
                "too_few_visits",
                f"{len(rows)} visits have an area; {self.recipe['min_visits']} are needed.",
            )
        rate = rows["false"] / rows["area"]
        value, interval = clustered_mean(rate, rows["visit"], rows["area"])
        notes = {
            "n_units": len(rows),
            "n_visits": len(rows),
            "n_false": int(rows["false"].sum()),
            "area": float(np.sort(rows["area"]).sum()),
            "per_visit": float(np.mean(rows["false"])),
        }
        return Value(value, int(state.counts["detections"]), interval, diagnostics=notes)
