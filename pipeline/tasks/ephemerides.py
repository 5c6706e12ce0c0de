"""`generateEphemerides`: known Solar System objects in an image."""

from __future__ import annotations

from typing import Any

import lsst.pex.config as pex_config
import lsst.pipe.base as pipe_base
from astropy.table import Table
from lsst.pipe.base import connectionTypes as cT

from skyassay.pipeline.prompt.ephemerides import objects_in_image
from skyassay.pipeline.tasks.common import DETECTOR, table_input, table_output


class GenerateEphemeridesConnections(pipe_base.PipelineTaskConnections, dimensions=DETECTOR):
    """What `generateEphemerides` reads and writes."""

    orbits = table_input("mpcorb", "Known orbits", ("instrument",))
    wcs = cT.Input(
        name="preliminary_visit_image.wcs",
        doc="World coordinates",
        storageClass="SimWcs",
        dimensions=DETECTOR,
    )
    visitInfo = cT.Input(
        name="preliminary_visit_image.visitInfo",
        doc="When it was taken",
        storageClass="StructuredDataDict",
        dimensions=DETECTOR,
    )
    objects = table_output("preloaded_ss_object", "Objects expected in the image", DETECTOR)


class GenerateEphemeridesConfig(
    pipe_base.PipelineTaskConfig, pipelineConnections=GenerateEphemeridesConnections
):
    """How far around the image objects are taken."""

    pad = pex_config.RangeField[float](doc="Margin, pixel", default=10.0, min=0.0)


class GenerateEphemeridesTask(pipe_base.PipelineTask):
    """Predict where known objects are."""

    ConfigClass = GenerateEphemeridesConfig
    _DefaultName = "generateEphemerides"

    def run(self, orbits: Table, wcs: Any, visitInfo: Any) -> pipe_base.Struct:
        """Return the objects expected in the image."""
        columns, rows = wcs.size
        found = objects_in_image(
            orbits, wcs, (rows, columns), float(visitInfo["expMidptMJD"]), self.config.pad
        )
        return pipe_base.Struct(objects=found)
