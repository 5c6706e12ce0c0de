"""`reprocessVisitImage`: the final image and its sources."""

from __future__ import annotations

from typing import Any

import lsst.pex.config as pex_config
import lsst.pipe.base as pipe_base
import numpy as np
from astropy.table import Table
from lsst.pipe.base import connectionTypes as cT

from skyassay.pipeline.images.exposure import Exposure
from skyassay.pipeline.measurement.options import Options
from skyassay.pipeline.reprocessing import reprocess
from skyassay.pipeline.tables.ids import source_ids
from skyassay.pipeline.tasks.common import DETECTOR, IMAGE, VISIT, table_input, table_output


class ReprocessVisitImageConnections(pipe_base.PipelineTaskConnections, dimensions=DETECTOR):
    """What `reprocessVisitImage` reads and writes."""

    exposure = cT.Input(
        name="preliminary_visit_image",
        doc="Image with its first calibration",
        storageClass=IMAGE,
        dimensions=DETECTOR,
    )
    visitSummary = table_input("visit_summary", "Final calibration", VISIT)
    stars = table_input("single_visit_psf_star", "Stars of the first pass", DETECTOR)
    visitImage = cT.Output(
        name="visit_image",
        doc="Image with its final calibration",
        storageClass=IMAGE,
        dimensions=DETECTOR,
    )
    sources = table_output("source_unstandardized", "Sources in pixels", DETECTOR)


class ReprocessVisitImageConfig(
    pipe_base.PipelineTaskConfig, pipelineConnections=ReprocessVisitImageConnections
):
    """How sources are found and measured."""

    threshold = pex_config.RangeField[float](
        doc="Signal-to-noise ratio of a detection", default=5.0, min=1.0
    )
    skySources = pex_config.RangeField[int](doc="Empty places to measure", default=100, min=0)

    def options(self) -> Options:
        """Return the options for the numerics."""
        return Options(threshold=self.threshold, sky_sources=self.skySources)


class ReprocessVisitImageTask(pipe_base.PipelineTask):
    """Detect and measure with the final calibration."""

    ConfigClass = ReprocessVisitImageConfig
    _DefaultName = "reprocessVisitImage"

    def runQuantum(self, butlerQC: Any, inputRefs: Any, outputRefs: Any) -> None:  # noqa: N802
        """Run with the row of this detector."""
        inputs = butlerQC.get(inputRefs)
        named = butlerQC.quantum.dataId
        summary = inputs.pop("visitSummary")
        mine = np.flatnonzero(np.asarray(summary["detector"]) == named["detector"])
        if not mine.size:
            raise pipe_base.NoWorkFound("The visit's summary has no row for this detector.")
        seed = int(source_ids(named["visit"], named["detector"], 1)[0]) + 1
        done = self.run(row=summary[int(mine[0])], seed=seed, **inputs)
        butlerQC.put(done, outputRefs)

    def run(self, exposure: Exposure, row: Any, stars: Table, seed: int) -> pipe_base.Struct:
        """Return the final image and its sources."""
        done = reprocess(exposure, row, stars, self.config.options(), seed)
        return pipe_base.Struct(visitImage=done.exposure, sources=done.sources)
