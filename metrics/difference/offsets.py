"""Errors of fluxes and positions of injected sources on difference images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from skyassay.metrics.contract import Scalar, Table
from skyassay.metrics.difference.injected import InjectedMetric, of_visits, single
from skyassay.metrics.plugin import Value
from skyassay.metrics.states.row_sample import RowSample
from skyassay.metrics.statistics.crossed import crossed_rms
from skyassay.metrics.statistics.tails import scaled


class FluxBias(InjectedMetric):
    """Mean relative error of difference fluxes of injected sources, %.

    Measured less true PSF flux over the true one, of sources with a true S/N of 10 and more that
    were found; below that those with a lucky flux are found more often.

    Source: LSE-61 DMS-REQ-0269 asks for fluxes of detections; no limit is stated.
    Differs from the peers: analysis_tools shows the difference in a plot.
    Not measured when: fewer than 30 such sources in three visits were found.
    """

    id = "difference.flux.bias"
    unit = "%"
    title = "Bias of difference fluxes"
    diagnostic: ClassVar[bool] = True

    def values(self, rows: RowSample) -> list[Value]:
        """Return the mean."""
        use = self.bright(rows)
        off = rows["flux"][use] / rows["true"][use] - 1.0
        v = of_visits(off, rows["visit"][use])
        interval = None if v.interval is None else scaled(v.interval, 100.0)
        return [Value(100.0 * v.value, v.n, interval, diagnostics=v.diagnostics)]

    def evidence(self, state: RowSample) -> Mapping[str, Table]:
        """Return the relative error of single sources, %, with magnitude and S/N."""
        return single(state, lambda r: 100.0 * (r["flux"] / r["true"] - 1.0))


class FluxPull(InjectedMetric):
    """Root mean square error of difference fluxes over their quoted errors.

    Of the sources of `difference.flux.bias`: 1 where the errors are right and nothing is biased.

    Source: LSE-61 DMS-REQ-0269 asks for errors; no limit is stated.
    Differs from the peers: analysis_tools plots the pull, with outliers clipped.
    Not measured when: as `difference.flux.bias`.
    """

    id = "difference.flux.pull"
    unit = ""
    title = "Pull of difference fluxes"
    diagnostic: ClassVar[bool] = True

    def values(self, rows: RowSample) -> list[Value]:
        """Return the rms."""
        use = self.bright(rows)
        pull = (rows["flux"] - rows["true"])[use] / rows["error"][use]
        return [of_visits(np.square(pull), rows["visit"][use], root=True)]

    def evidence(self, state: RowSample) -> Mapping[str, Table]:
        """Return the pull of single sources, with magnitude and S/N."""
        return single(state, lambda r: (r["flux"] - r["true"]) / r["error"])


class PositionBias(InjectedMetric):
    """Mean error of the position of injected sources on difference images, mas.

    Measured less true, to the east (`ra`, on the sky) and to the north (`dec`), of the sources of
    `difference.flux.bias`.

    Source: LSE-61 DMS-REQ-0269 asks for positions; no limit is stated.
    Differs from the peers: none has the truth.
    Not measured when: as `difference.flux.bias`.
    """

    id = "difference.position.bias"
    unit = "mas"
    title = "Bias of positions on difference images"
    diagnostic: ClassVar[bool] = True

    def values(self, rows: RowSample) -> list[Value]:
        """Return both means."""
        use = self.bright(rows)
        return [
            of_visits(rows[side][use], rows["visit"][use], name)
            for side, name in (("east", "ra"), ("north", "dec"))
        ]

    def evidence(self, state: RowSample) -> Mapping[str, Table]:
        """Return the error to the east of single sources, mas."""
        return single(state, lambda r: r["east"])


class PositionError(InjectedMetric):
    """Root mean square error per coordinate of positions on difference images, arcsec.

    Of the sources of `difference.flux.bias`, noise included. The whole error: a value inside
    a limit for the part of the processing is inside for the part too, one outside may be due to
    noise.

    Source: LSE-30 OSS-REQ-0149 dmL1AstroErr, known second-hand.
    Differs from the peers: none has the truth.
    Not measured when: as `difference.flux.bias`.
    """

    id = "difference.position.rms"
    unit = "arcsec"
    title = "Errors of positions on difference images (dmL1AstroErr)"
    requirements = ("OSS-REQ-0149/dmL1AstroErr",)

    def values(self, rows: RowSample) -> list[Value]:
        """Return the rms of both coordinates together."""
        use = self.bright(rows)
        visit = rows["visit"][use]
        off = np.r_[rows["east"][use], rows["north"][use]] * 1e-3
        # What a visit shares to the east it need not share to the north.
        value, interval = crossed_rms(off, {"visit": np.r_[2 * visit, 2 * visit + 1]})
        n = len(np.unique(visit))
        notes: dict[str, Scalar] = {"n_units": n, "n_visits": n}
        return [Value(value, len(visit), interval, diagnostics=notes)]

    def evidence(self, state: RowSample) -> Mapping[str, Table]:
        """Return the distance from the true place of single sources, arcsec."""
        return single(state, lambda r: 1e-3 * np.hypot(r["east"], r["north"]))
