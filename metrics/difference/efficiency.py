"""How faint a source is found on difference images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import Bindings, Measurement, Scalar, Table
from skyassay.metrics.detection.counting import against_magnitude
from skyassay.metrics.difference.injected import InjectedMetric, magnitude
from skyassay.metrics.plugin import NotMeasured, Value
from skyassay.metrics.states.row_sample import RowSample
from skyassay.metrics.statistics.falling_curve import fit_falling


class EfficiencyMagnitude(InjectedMetric):
    """True magnitude at which half of the injected sources are detected, mag.

    Without a cut on the reliability, band by band; the share is fitted against the magnitude as
    `detection.completeness.magnitude` does, visits being what shares an error.

    Source: LSE-61 DMS-REQ-0097 lists the detection efficiency against magnitude; no limit.
    Differs from the peers: analysis_tools gives shares in wide bins of magnitude.
    Not measured when: fewer than 100 sources were found and as many missed where the share falls,
    or it never falls to a half.
    """

    id = "difference.detection.magnitude"
    unit = "mag"
    title = "Magnitude of 50 % detection efficiency on differences"
    diagnostic: ClassVar[bool] = True

    def finish(self, state: RowSample, at: Bindings) -> list[Measurement]:
        """Return one magnitude per band; none when there was no row at all."""
        if not len(state):
            return super().finish(state, at)
        found = []
        for band in np.unique(state["band"]).tolist():
            use = (state["band"] == band) & (state["true"] > 0.0)
            try:
                value = self._of_band(state, use)
            except NotMeasured as why:
                found.append(self.not_measured(why, band=band, n=int(use.sum())))
                continue
            found.append(self.measured(value, band=band))
        return found

    def values(self, rows: RowSample) -> list[Value]:
        """Return nothing: bands have values of their own."""
        return []

    def evidence(self, state: RowSample) -> Mapping[str, Table]:
        """Return the share found (percent) in bins of true magnitude."""
        bands = np.unique(state["band"]).tolist() if len(state) else []
        tables = {}
        for band in bands:
            use = (state["band"] == band) & (state["true"] > 0.0)
            tables[band] = against_magnitude(magnitude(state["true"][use]), state["found"][use])
        return {b: t for b, t in tables.items() if len(t["value"])}

    def _of_band(self, rows: RowSample, use: NDArray[np.bool_]) -> Value:
        mag, hit, visit = magnitude(rows["true"][use]), rows["found"][use], rows["visit"][use]
        if not len(mag):
            raise NotMeasured("no_usable_row", "No injected source is brighter than nothing.")
        curve = fit_falling(mag, hit, visit, self.recipe["min_fitted"])
        value, interval = curve.crossing(0.5)
        n = len(np.unique(visit))
        notes: dict[str, Scalar] = {"n_units": n, "n_visits": n, "n_fitted": curve.n}
        return Value(value, len(mag), interval, diagnostics=notes)
