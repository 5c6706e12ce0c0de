"""`analyzeImageQuality`: crosstalk residuals, ghosts and content of the final images."""

from __future__ import annotations

from typing import Any

import lsst.pex.config as pex_config
import lsst.pipe.base as pipe_base
import numpy as np
from astropy.table import Table
from lsst.pipe.base import connectionTypes as cT

from skyassay.pipeline.images.exposure import Exposure
from skyassay.pipeline.instrument.filters import FILTERS
from skyassay.pipeline.instrument.layouts import camera
from skyassay.pipeline.quality.crosstalk import Choice
from skyassay.pipeline.quality.ghosts import GhostChoice
from skyassay.pipeline.quality.image import ImageQuality, analyze
from skyassay.pipeline.tables.standardize import conform
from skyassay.pipeline.tasks.common import DETECTOR, IMAGE, table_input, table_output


class AnalyzeImageQualityConnections(pipe_base.PipelineTaskConnections, dimensions=DETECTOR):
    """What `analyzeImageQuality` reads and writes."""

    exposure = cT.Input(
        name="visit_image",
        doc="Image with its final calibration",
        storageClass=IMAGE,
        dimensions=DETECTOR,
    )
    background = table_input(
        "preliminary_visit_image_background", "Background that was subtracted", DETECTOR
    )
    sources = table_input("source_detector", "Sources of the detector", DETECTOR)
    crosstalk = table_output(
        "crosstalk_residual_detector", "Fluxes where bright stars would echo", DETECTOR
    )
    ghosts = table_output("ghost_area_detector", "Area with steep gradients", DETECTOR)
    content = table_output("visit_image_content_detector", "What the image holds", DETECTOR)


class AnalyzeImageQualityConfig(
    pipe_base.PipelineTaskConfig, pipelineConnections=AnalyzeImageQualityConnections
):
    """Which stars are bright, and what gradient is steep."""

    brightest = pex_config.RangeField[int](
        doc="At most so many bright stars per detector", default=30, min=1
    )
    minSignificance = pex_config.RangeField[float](
        doc="Flux of a bright star over the error of a faint one's", default=2000.0, min=1.0
    )
    gradient = pex_config.RangeField[float](
        doc="Change over 1 arcsec in units of the sky noise", default=1.0 / 3.0, min=0.0
    )
    smoothing = pex_config.RangeField[float](
        doc="Window in which the gradient is fitted, arcsec", default=0.8, min=0.1
    )

    def choices(self) -> tuple[Choice, GhostChoice]:
        """Return the options for the numerics."""
        return (
            Choice(brightest=self.brightest, min_significance=self.minSignificance),
            GhostChoice(threshold=self.gradient, smoothing=self.smoothing),
        )


class AnalyzeImageQualityTask(pipe_base.PipelineTask):
    """Look at the final image of a detector."""

    ConfigClass = AnalyzeImageQualityConfig
    _DefaultName = "analyzeImageQuality"

    def run(self, exposure: Exposure, background: Table, sources: Table) -> pipe_base.Struct:
        """Return one table per product."""
        header = exposure.metadata
        nominal = camera(str(header["LAYOUT"]))
        place = np.asarray(sources["detect_isPrimary"]) & ~np.asarray(sources["sky_source"])
        found: ImageQuality = analyze(
            exposure,
            {name: np.asarray(sources[name])[place] for name in ("x", "y")},
            nominal[int(header["DETECTOR"])].amplifiers,
            nominal.pixel_scale,
            np.asarray(background["level"]),
            self.config.choices(),
        )
        image = (int(header["EXPID"]), int(header["DETECTOR"]), FILTERS[str(header["FILTER"])])
        return pipe_base.Struct(
            crosstalk=_table("crosstalk_residual", found.crosstalk, *image),
            ghosts=_table("ghost_area", found.ghosts, *image),
            content=_table("visit_image_content", found.content, *image),
        )


def _table(product: str, columns: dict[str, Any], visit: int, detector: int, band: str) -> Table:
    """Return a product's rows of one image, with its types and units."""
    rows = len(next(iter(columns.values())))
    named = {"visit": visit, "detector": detector, "band": band}
    return conform(Table({**{k: np.full(rows, v) for k, v in named.items()}, **columns}), product)
