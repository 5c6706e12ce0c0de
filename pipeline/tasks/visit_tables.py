"""Summaries of visits, and the tables of all visits and detectors."""

from __future__ import annotations

from typing import Any

import lsst.pipe.base as pipe_base
from astropy.table import Table, vstack
from lsst.pipe.base import connectionTypes as cT

from skyassay.pipeline.tables.detectors import count_bad, public, summary_row, summary_table
from skyassay.pipeline.tables.visits import visit_table
from skyassay.pipeline.tasks.common import DETECTOR, IMAGE, VISIT, table_input, table_output


class ConsolidateVisitSummaryConnections(pipe_base.PipelineTaskConnections, dimensions=VISIT):
    """The calibrated images of a visit."""

    calexp = cT.Input(
        name="preliminary_visit_image",
        doc="Calibrated images",
        storageClass=IMAGE,
        dimensions=DETECTOR,
        multiple=True,
        deferLoad=True,
    )
    visitSummary = table_output("preliminary_visit_summary", "One row per detector", VISIT)


class ConsolidateVisitSummaryConfig(
    pipe_base.PipelineTaskConfig, pipelineConnections=ConsolidateVisitSummaryConnections
):
    """Nothing to choose."""


class ConsolidateVisitSummaryTask(pipe_base.PipelineTask):
    """One row of numbers per detector."""

    ConfigClass = ConsolidateVisitSummaryConfig
    _DefaultName = "consolidateVisitSummary"

    def run(self, calexp: Any) -> pipe_base.Struct:
        """Return the summary of the visit; one image is in memory at a time."""
        rows = []
        for handle in calexp:
            image = handle.get()
            rows.append(
                summary_row(
                    image, handle.dataId["visit"], handle.dataId["detector"], count_bad(image.mask)
                )
            )
        return pipe_base.Struct(visitSummary=summary_table(rows))


class VisitDetectorTableConnections(
    pipe_base.PipelineTaskConnections,
    dimensions=("instrument",),
    defaultTemplates={"prefix": "preliminary_"},
):
    """Summaries of all visits."""

    visitSummaries = table_input(
        "{prefix}visit_summary", "Summaries", VISIT, multiple=True, deferLoad=True
    )
    outputCatalog = table_output(
        "{prefix}visit_detector_table", "One row per visit and detector", ("instrument",)
    )


class VisitDetectorTableConfig(
    pipe_base.PipelineTaskConfig, pipelineConnections=VisitDetectorTableConnections
):
    """Nothing to choose."""


class MakeVisitDetectorTableTask(pipe_base.PipelineTask):
    """One row per visit and detector."""

    ConfigClass = VisitDetectorTableConfig
    _DefaultName = "makeVisitDetectorTable"

    def run(self, visitSummaries: Any) -> pipe_base.Struct:
        """Return the table."""
        return pipe_base.Struct(outputCatalog=public(_whole(visitSummaries)))


class VisitTableConnections(
    pipe_base.PipelineTaskConnections,
    dimensions=("instrument",),
    defaultTemplates={"prefix": "preliminary_"},
):
    """Summaries of all visits."""

    visitSummaries = table_input(
        "{prefix}visit_summary", "Summaries", VISIT, multiple=True, deferLoad=True
    )
    outputCatalog = table_output("{prefix}visit_table", "One row per visit", ("instrument",))


class VisitTableConfig(pipe_base.PipelineTaskConfig, pipelineConnections=VisitTableConnections):
    """Nothing to choose."""


class MakeVisitTableTask(pipe_base.PipelineTask):
    """One row per visit."""

    ConfigClass = VisitTableConfig
    _DefaultName = "makeVisitTable"

    def run(self, visitSummaries: Any) -> pipe_base.Struct:
        """Return the table."""
        return pipe_base.Struct(outputCatalog=visit_table(_whole(visitSummaries)))


def _whole(summaries: Any) -> Table:
    """Return the summaries of all visits in one table, sorted."""
    table = vstack([s.get() for s in summaries], metadata_conflicts="silent")
    table.sort(["visit", "detector"])
    return table
