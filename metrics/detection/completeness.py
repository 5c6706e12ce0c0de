"""Completeness of detections against truth: the magnitude that a share of sources reaches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from skyassay.metrics.contract import Bindings, Column, Measurement, Recipe, Table
from skyassay.metrics.detection.counting import against_magnitude, enough_blocks
from skyassay.metrics.detection.recipes import COMPLETENESS, OBJECT_COLUMNS
from skyassay.metrics.detection.truth import TruthMetric, inputs_of
from skyassay.metrics.plugin import NotMeasured, Value
from skyassay.metrics.states.sky_sample import SkySample
from skyassay.metrics.statistics.falling_curve import fit_falling


class CompletenessMagnitude(TruthMetric):
    """True i magnitude at which the share of sources that are detected falls to a level, mag.

    Sources are the true stars and galaxies of `truth_star` and `truth_galaxy`; one is
    detected when an object is its mutual nearest neighbour within 0.5 arcsec. The share is
    fitted against the true magnitude with a polynomial in logit and read where it falls to 50,
    80 and 90 % (or to the bound ``completeness``). The truth must be cut to the footprint of
    the catalog: a source outside counts as missed.

    Source: no requirement of LPM-17 or LSE-61 states a limit; informational.
    Differs from the peers: analysis_tools takes the first crossing of a line between the
    centres of magnitude bins, which noise moves towards the bright end and an empty bin
    turns into NaN, and gives no uncertainty.
    Not measured when: there are fewer than 3 patches of sky, or fewer than 100 found and 100
    missed sources where the share falls, or it never falls to the level.
    """

    id = "detection.completeness.magnitude"
    unit = "mag"
    title = "Magnitude at 50, 80 and 90 % completeness of detections"
    requirements = ()
    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": COMPLETENESS}
    object_columns: ClassVar[Mapping[str, Column]] = OBJECT_COLUMNS
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = inputs_of(OBJECT_COLUMNS)
    at_units: ClassVar[Mapping[str, str]] = {"completeness": "%"}
    diagnostic: ClassVar[bool] = True

    def finish(self, state: SkySample, at: Bindings) -> list[Measurement]:
        """Return one magnitude per level; none when there was no row at all."""
        if not state.counts:
            return []
        band = self.recipe["band"]
        try:
            values = self._values(state, at)
        except NotMeasured as why:
            return [self.not_measured(why, band=band, diagnostics=dict(state.counts))]
        return [
            self.not_measured(v, band=band)
            if isinstance(v, NotMeasured)
            else self.measured(v, band=band)
            for v in values
        ]

    def evidence(self, state: SkySample) -> Mapping[str, Table]:
        """Return the share detected (percent) in bins of true magnitude."""
        m = self.match(state)
        use = m.counted_truth
        return {self.recipe["band"]: against_magnitude(m.truth["mag"][use], m.hit[use])}

    def _values(self, state: SkySample, at: Bindings) -> list[Value | NotMeasured]:
        m = self.match(state)
        use = m.counted_truth
        mag, hit, block = m.truth["mag"][use], m.hit[use], m.block_truth[use]
        number = enough_blocks(block, self.recipe)
        curve = fit_falling(mag, hit, block, self.recipe["min_sources"])
        given = at.get("completeness", {}).get(self.recipe["band"])
        found: list[Value | NotMeasured] = []
        missing: NotMeasured | None = None
        for level in sorted(set(given or self.recipe["levels"])):
            try:
                value, interval = curve.crossing(level / 100.0)
            except NotMeasured as why:
                missing = why
                continue
            notes = {"n_units": number, "n_fitted": curve.n, **state.counts}
            found.append(Value(value, len(mag), interval, {"completeness": level}, None, notes))
        # One measurement may say why the other levels have none.
        return [*found, missing] if missing is not None else found
