"""`standardizeSingleVisitStar`, `standardizeSource` and the tables of whole visits."""

from __future__ import annotations

from typing import Any

import lsst.pipe.base as pipe_base
import numpy as np
from astropy.table import Table
from lsst.pipe.base import connectionTypes as cT

from skyassay.pipeline.tables.standardize import standardize
from skyassay.pipeline.tasks.common import (
    DETECTOR,
    VISIT,
    origin,
    stacked,
    table_input,
    table_output,
)
from skyassay.pipeline.tasks.writing import finished


class StandardizeConnections(
    pipe_base.PipelineTaskConnections,
    dimensions=DETECTOR,
    defaultTemplates={"kind": "single_visit_star", "image": "preliminary_visit_image"},
):
    """What is measured in pixels and electrons, and its image."""

    measured = table_input("{kind}_unstandardized", "Measurements in pixels", DETECTOR)
    wcs = cT.Input(
        name="{image}.wcs", doc="World coordinates", storageClass="SimWcs", dimensions=DETECTOR
    )
    calib = cT.Input(
        name="{image}.photoCalib",
        doc="Zero point",
        storageClass="SimPhotoCalib",
        dimensions=DETECTOR,
    )
    table = table_output("{kind}_detector", "Measurements in nJy and degrees", DETECTOR)


class StandardizeConfig(pipe_base.PipelineTaskConfig, pipelineConnections=StandardizeConnections):
    """Nothing to choose."""


class StandardizeTask(pipe_base.PipelineTask):
    """Make the public columns of one detector."""

    ConfigClass = StandardizeConfig
    _DefaultName = "standardizeSingleVisitStar"

    def runQuantum(self, butlerQC: Any, inputRefs: Any, outputRefs: Any) -> None:  # noqa: N802
        """Run with the ids of the image."""
        inputs = butlerQC.get(inputRefs)
        named = butlerQC.quantum.dataId
        whose = origin(named["visit"], named["detector"], named["physical_filter"])
        butlerQC.put(self.run(whose=whose, **inputs), outputRefs)

    def run(self, measured: Table, wcs: Any, calib: Any, whose: Any) -> pipe_base.Struct:
        """Return the public table."""
        return pipe_base.Struct(table=finished(standardize(measured, wcs, calib, whose)))


class StandardizeSourceConnections(
    StandardizeConnections,
    dimensions=DETECTOR,
    defaultTemplates={"kind": "source", "image": "visit_image"},
):
    """As for stars, of the recalibrated image."""


class StandardizeSourceConfig(
    pipe_base.PipelineTaskConfig, pipelineConnections=StandardizeSourceConnections
):
    """Nothing to choose."""


class StandardizeSourceTask(StandardizeTask):
    """Make the public columns of `source`."""

    ConfigClass = StandardizeSourceConfig
    _DefaultName = "standardizeSource"


class ConsolidateConnections(pipe_base.PipelineTaskConnections, dimensions=VISIT):
    """Tables of the detectors of a visit."""

    tables = table_input(
        "single_visit_star_detector", "Tables of detectors", DETECTOR, multiple=True, deferLoad=True
    )
    whole = table_output("single_visit_star", "Table of the visit", VISIT)


class ConsolidateConfig(pipe_base.PipelineTaskConfig, pipelineConnections=ConsolidateConnections):
    """Nothing to choose."""


class ConsolidateTask(pipe_base.PipelineTask):
    """Put the tables of a visit's detectors one below the other."""

    ConfigClass = ConsolidateConfig
    _DefaultName = "consolidateSingleVisitStar"

    def run(self, tables: Any) -> pipe_base.Struct:
        """Return the table of the visit."""
        return pipe_base.Struct(whole=finished(stacked([t.get() for t in tables], "sourceId")))


class ConsolidateSourceConnections(pipe_base.PipelineTaskConnections, dimensions=VISIT):
    """Tables of the detectors of a visit."""

    tables = table_input(
        "source_detector", "Tables of detectors", DETECTOR, multiple=True, deferLoad=True
    )
    whole = table_output("source_all", "All measurements of the visit", VISIT)
    primary = table_output("source", "Without parents of blends and sky sources", VISIT)


class ConsolidateSourceConfig(
    pipe_base.PipelineTaskConfig, pipelineConnections=ConsolidateSourceConnections
):
    """Nothing to choose."""


class ConsolidateSourceTask(pipe_base.PipelineTask):
    """Make `source_all` and `source` of a visit."""

    ConfigClass = ConsolidateSourceConfig
    _DefaultName = "consolidateSource"

    def run(self, tables: Any) -> pipe_base.Struct:
        """Return both tables."""
        whole = stacked([t.get() for t in tables], "sourceId")
        keep = (np.asarray(whole["deblend_nChild"]) == 0) & ~np.asarray(whole["sky_source"])
        return pipe_base.Struct(whole=finished(whole), primary=finished(whole[keep]))
