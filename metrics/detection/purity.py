"""Purity of detections against truth: those that belong to nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from skyassay.metrics.contract import Bindings, Column, Measurement, Recipe, Table
from skyassay.metrics.detection.counting import against_magnitude, magnitude, percent
from skyassay.metrics.detection.recipes import FALSE_DETECTIONS, OBJECT_COLUMNS
from skyassay.metrics.detection.truth import OBJECT, TruthMetric, inputs_of
from skyassay.metrics.plugin import NotMeasured, Value
from skyassay.metrics.states.sky_sample import SkySample


class FalseShare(TruthMetric):
    """Share of the objects detected on coadds that belong to no true source, %.

    An object is true when it and a source of `truth_star` or `truth_galaxy` are each the
    nearest of the other within 0.5 arcsec. An object without a finite position is false.

    Source: OSS-REQ-0157 falseDeepDetect, a proposed value known second-hand.
    Differs from the peers: analysis_tools takes purity from tables matched beforehand and
    gives no uncertainty; its mask of targets is overwritten by the mask of references.
    Not measured when: there are fewer than 3 patches of sky or 100 objects, or no truth.
    """

    id = "detection.purity.false_share"
    unit = "%"
    title = "False detections among the objects of coadds"
    requirements = ("OSS-REQ-0157/falseDeepDetect",)
    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": FALSE_DETECTIONS}
    object_columns: ClassVar[Mapping[str, Column]] = OBJECT_COLUMNS
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = inputs_of(OBJECT_COLUMNS)

    def finish(self, state: SkySample, at: Bindings) -> list[Measurement]:
        """Return the share; none when there was no row at all."""
        if not state.counts:
            return []
        try:
            return [self.measured(self._value(state))]
        except NotMeasured as why:
            return [self.not_measured(why, diagnostics=dict(state.counts))]

    def evidence(self, state: SkySample) -> Mapping[str, Table]:
        """Return the share without a true source (percent) in bins of measured magnitude."""
        m = self.match(state)
        use = m.counted_found
        return {"": against_magnitude(magnitude(m.found["flux"][use]), m.pair[use] < 0)}

    def _value(self, state: SkySample) -> Value:
        m = self.match(state)
        if not len(m.hit):
            raise NotMeasured("no_truth", "The truth tables have no usable row.")
        use = m.counted_found
        false, block = m.pair[use] < 0, m.block_found[use]
        # Rows without a place cannot be anything's detection; they are a patch of their own.
        lost = 0 if state.cut is not None else state.counts.get(f"{OBJECT}_unusable", 0)
        if state.cut is not None and state.counts.get(f"{OBJECT}_unusable", 0):
            raise NotMeasured(
                "objects_without_position",
                "Some objects have no finite position, and of a sample of the sky it is not "
                "known how many belong to it.",
            )
        false = np.r_[false, np.ones(lost, dtype=bool)]
        block = np.r_[block, np.full(lost, -1)]
        return percent(false, block, self.recipe, "min_detections", dict(state.counts))
