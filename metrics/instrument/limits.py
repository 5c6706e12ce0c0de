"""What the tables show of the camera: pixel scale and shortest exposure (LPM-17 3.3.2, 3.3.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from skyassay.metrics.contract import Bindings, Column, Locality, Measurement, Recipe, Table, Tables
from skyassay.metrics.plugin import BaseMetric, NotMeasured, Value
from skyassay.metrics.states.extremes import Extremes, from_values, merge
from skyassay.metrics.unit_family import number

#: No telescope has finer pixels, arcsec: such a scale is of another unit (degrees, radians).
_FINEST = 1e-3


class _Census(BaseMetric):
    """Shared by both: a census, in which every row is counted and nothing is estimated."""

    locality: ClassVar[Locality] = "row"

    def zero(self) -> Extremes:
        """Return the state of no data."""
        return Extremes()

    def merge(self, a: Extremes, b: Extremes) -> Extremes:
        """Return the extremes of both parts."""
        return merge(a, b)

    def finish(self, state: Extremes, at: Bindings) -> list[Measurement]:
        """Return the one measurement; none when there was no row at all."""
        if not len(state.key):
            return []
        lost = int(state.lost.sum())
        try:
            return [self.measured(self.value(state), n_rejected=lost)]
        except NotMeasured as why:
            return [self.not_measured(why, n=int(state.count.sum()), n_rejected=lost)]

    def value(self, state: Extremes) -> Value:
        """Return the value.

        Raises
        ------
        NotMeasured
            With the reason.
        """
        raise NotImplementedError


class PixelScale(_Census):
    """Largest pixel scale of any detector in any image, arcsec.

    LPM-17 section 3.3.3.2 (pixSize). Scales are those of the fitted coordinate systems.

    Differs from the peers: none publishes it as a metric.
    Not measured when: an image has no pixel scale above zero; a census leaves nothing out.
    """

    id = "instrument.census.pixsize"
    unit = "arcsec"
    title = "Largest pixel scale (pixSize)"
    requirements = ("LPM-17.pixSize/value",)
    recipes: ClassVar[Mapping[str, Recipe]] = {
        "srd": Recipe("srd", {"statistic": "largest pixelScale of all images"})
    }
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        "visit_detector_table": (Column("detector"), Column("pixelScale", "arcsec/pixel"))
    }

    def fold(self, part: Tables) -> Extremes:
        """Return the extremes of each detector."""
        table = part["visit_detector_table"]
        scale = number(table, "pixelScale")
        with np.errstate(invalid="ignore"):
            return from_values(table["detector"], np.where(scale > _FINEST, scale, np.nan))

    def value(self, state: Extremes) -> Value:
        """Return the largest scale."""
        if state.lost.any():
            raise NotMeasured(
                "incomplete_census",
                f"{int(state.lost.sum())} images have no pixel scale in arcsec; none may be left "
                "out.",
            )
        notes = {"n_units": len(state.key), "smallest": float(state.low.min())}
        return Value(float(state.high.max()), int(state.count.sum()), diagnostics=notes)

    def evidence(self, state: Extremes) -> Mapping[str, Table]:
        """Return the largest scale of every detector."""
        known = state.count > 0
        return {"": {"value": state.high[known], "detector": state.key[known]}}


class ShortestExposure(_Census):
    """Shortest exposure that the tables hold, s.

    LPM-17 section 3.3.2.4 (ETmin). A short exposure that was taken shows that short ones can
    be taken; a survey without short exposures shows nothing.

    Differs from the peers: none publishes it as a metric.
    Not measured when: no exposure is shorter than a standard snap of 15 s (out of scope), or
    every one is: then the times are in another unit.
    """

    id = "instrument.census.etmin"
    unit = "s"
    title = "Shortest exposure (ETmin)"
    requirements = ("LPM-17.ETmin/value",)
    recipes: ClassVar[Mapping[str, Recipe]] = {
        "srd": Recipe("srd", {"short_below": 15.0, "statistic": "smallest expTime above 0"})
    }
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {"visit_table": (Column("expTime", "s"),)}

    def fold(self, part: Tables) -> Extremes:
        """Return the extremes of all exposures."""
        times = number(part["visit_table"], "expTime")
        with np.errstate(invalid="ignore"):
            return from_values(np.zeros(len(times)), np.where(times > 0.0, times, np.nan))

    def value(self, state: Extremes) -> Value:
        """Return the shortest exposure, when there was a short one."""
        if not state.count.any():
            raise NotMeasured("no_usable_row", "No visit has an exposure time above zero.")
        shortest, longest = float(state.low[0]), float(state.high[0])
        if longest < self.recipe["short_below"]:
            raise NotMeasured(
                "no_standard_exposures",
                f"The longest exposure took {longest:g} s: these are no visits, or the times are "
                "in another unit than s.",
            )
        if shortest >= self.recipe["short_below"]:
            raise NotMeasured(
                "out_of_scope_no_short_exposures",
                f"The shortest exposure took {shortest:g} s; nobody tried a short one.",
            )
        return Value(shortest, int(state.count[0]), diagnostics={"n_units": int(state.count[0])})
