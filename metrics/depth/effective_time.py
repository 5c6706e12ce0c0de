"""Effective exposure time of visits, for information (no requirement sets it)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import Bindings, Recipe, Table
from skyassay.metrics.depth.visits import SRD_DEPTH, DepthMetric, notes
from skyassay.metrics.plugin import NotMeasured, Value
from skyassay.metrics.states.unit_rows import UnitRows
from skyassay.metrics.statistics.clustered import clustered_quantile
from skyassay.metrics.unit_family import nights

Floats = NDArray[np.float64]
SRD_EFFECTIVE_TIME = Recipe(
    "srd",
    {
        **SRD_DEPTH.parameters,
        "reference_exposure": 30.0,
        # The design column of DB1 (LPM-17, table 6).
        "reference_depth": {"u": 23.9, "g": 25.0, "r": 24.7, "i": 24.0, "z": 23.3, "y": 22.1},
        "statistic": "median of 30 s x 10^(0.8 (magLim - reference depth))",
    },
)


class EffectiveTime(DepthMetric):
    """Median effective exposure time of visits, s.

    The time in which a visit of the SRD's design depth (LPM-17, DB1) would have reached the
    depth that was reached: 30 s x 10^(0.8 (m5 - reference)). All visits count, as they were
    taken; it tells how much survey the conditions have cost.

    Differs from the peers: the science pipelines use reference depths of their own, and cap
    the part of the zero point.
    Not measured when: fewer than three visits or two nights have a depth.
    """

    id = "depth.effective_time.median"
    unit = "s"
    title = "Effective exposure time"
    requirements = ()
    diagnostic: ClassVar[bool] = True
    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": SRD_EFFECTIVE_TIME}

    def values(self, rows: UnitRows, band: str, at: Bindings) -> list[Value]:
        """Return the median of one band."""
        if len(rows) < self.recipe["min_visits"]:
            raise NotMeasured("too_few_visits", f"{len(rows)} visits have a depth.")
        times = self._times(rows, band)
        value, interval = clustered_quantile(times, nights(rows["mjd"]), 0.5)
        share = float(times.sum() / rows["expTime"].sum())
        told = {**notes(rows), "share_of_exposure": share}
        return [Value(value, len(rows), interval, diagnostics=told)]

    def _times(self, rows: UnitRows, band: str) -> Floats:
        gain = rows["magLim"] - self.recipe["reference_depth"][band]
        return np.asarray(self.recipe["reference_exposure"] * 10.0 ** (0.8 * gain))

    def behind(self, rows: UnitRows, band: str) -> Table:
        """Return the effective time of each visit, s."""
        named = {n: rows[n] for n in ("visit", "mjd", "airmass")}
        return {"value": self._times(rows, band), **named}
