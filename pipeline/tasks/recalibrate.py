"""`selfCalibratePhotometry` and `updateVisitSummary`: the final calibration of every image."""

from __future__ import annotations

from typing import Any

import lsst.pipe.base as pipe_base
from astropy.table import Table, vstack

from skyassay.pipeline.recalibration import self_calibrated, updated, with_stars
from skyassay.pipeline.tasks.common import TRACT, VISIT, table_input, table_output

_COLUMNS = ["sourceId", "visit", "detector", "band", "psfFlux", "psfFluxErr"]
_ALL = ("instrument",)


class SelfCalibratePhotometryConnections(pipe_base.PipelineTaskConnections, dimensions=_ALL):
    """Stars of all visits, and the first zero points."""

    associations = table_input(
        "isolated_star_association", "Which source is which star", TRACT, multiple=True
    )
    tables = table_input(
        "single_visit_star", "Sources of visits", VISIT, multiple=True, deferLoad=True
    )
    summaries = table_input(
        "preliminary_visit_summary", "First calibration", VISIT, multiple=True, deferLoad=True
    )
    zeroPoints = table_output("photometric_self_calibration", "Final zero points", _ALL)


class SelfCalibratePhotometryConfig(
    pipe_base.PipelineTaskConfig, pipelineConnections=SelfCalibratePhotometryConnections
):
    """Nothing to choose."""


class SelfCalibratePhotometryTask(pipe_base.PipelineTask):
    """Calibrate all visits with the stars they share."""

    ConfigClass = SelfCalibratePhotometryConfig
    _DefaultName = "selfCalibratePhotometry"

    def run(self, associations: list[Table], tables: Any, summaries: Any) -> pipe_base.Struct:
        """Return final zero points by visit and detector."""
        parts = [handle.get(parameters={"columns": _COLUMNS}) for handle in tables]
        sources = vstack(parts, metadata_conflicts="silent")
        joined = vstack(associations, metadata_conflicts="silent")
        images = vstack([s.get() for s in summaries], metadata_conflicts="silent")
        found = self_calibrated(with_stars(sources, joined), images)
        return pipe_base.Struct(zeroPoints=found)


class UpdateVisitSummaryConnections(pipe_base.PipelineTaskConnections, dimensions=VISIT):
    """The first calibration of a visit, and the final zero points of all."""

    summary = table_input("preliminary_visit_summary", "First calibration", VISIT)
    zeroPoints = table_input("photometric_self_calibration", "Final zero points", _ALL)
    outputSummary = table_output("visit_summary", "Final calibration", VISIT)


class UpdateVisitSummaryConfig(
    pipe_base.PipelineTaskConfig, pipelineConnections=UpdateVisitSummaryConnections
):
    """Nothing to choose."""


class UpdateVisitSummaryTask(pipe_base.PipelineTask):
    """Put the final calibration into the summary of a visit."""

    ConfigClass = UpdateVisitSummaryConfig
    _DefaultName = "updateVisitSummary"

    def run(self, summary: Table, zeroPoints: Table) -> pipe_base.Struct:
        """Return the final summary."""
        found, notes = updated(summary, zeroPoints)
        self.metadata["recalibration"] = notes
        return pipe_base.Struct(outputSummary=found)
