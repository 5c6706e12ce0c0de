"""`calibrateImage`: background, PSF, sources, world coordinates and zero point of one detector."""

from __future__ import annotations

from typing import Any

import lsst.pex.config as pex_config
import lsst.pipe.base as pipe_base
import numpy as np
from astropy.table import Table, vstack
from lsst.pipe.base import connectionTypes as cT

from skyassay.pipeline.background.model import Background
from skyassay.pipeline.images.exposure import Exposure
from skyassay.pipeline.instrument.layouts import camera
from skyassay.pipeline.measurement.options import Options
from skyassay.pipeline.single_visit import calibrate
from skyassay.pipeline.tables.ids import source_ids
from skyassay.pipeline.tasks.common import DETECTOR, IMAGE, TABLE, table_output


class CalibrateImageConnections(pipe_base.PipelineTaskConnections, dimensions=DETECTOR):
    """What `calibrateImage` reads and writes."""

    exposures = cT.Input(
        name="post_isr_image",
        doc="Image in electrons",
        storageClass=IMAGE,
        dimensions=("instrument", "exposure", "detector"),
        multiple=True,
    )
    references = cT.PrerequisiteInput(
        name="skyassay_reference",
        doc="Reference stars",
        storageClass=TABLE,
        dimensions=("skypix",),
        multiple=True,
        deferLoad=True,
        minimum=0,
    )
    exposure = cT.Output(
        name="preliminary_visit_image",
        doc="Image without background, with PSF, WCS and zero point",
        storageClass=IMAGE,
        dimensions=DETECTOR,
    )
    background = cT.Output(
        name="preliminary_visit_image_background",
        doc="What was subtracted, electrons: levels of a coarse mesh",
        storageClass=TABLE,
        dimensions=DETECTOR,
    )
    stars = table_output("single_visit_star_unstandardized", "Sources in pixels", DETECTOR)
    psf_stars = table_output("single_visit_psf_star", "Candidates for the PSF", DETECTOR)


class CalibrateImageConfig(
    pipe_base.PipelineTaskConfig, pipelineConnections=CalibrateImageConnections
):
    """How sources are found and measured."""

    threshold = pex_config.RangeField[float](
        doc="Signal-to-noise ratio of a detection", default=5.0, min=1.0
    )
    mesh = pex_config.RangeField[int](doc="Side of a background cell, pixels", default=128, min=16)
    skySources = pex_config.RangeField[int](doc="Empty places to measure", default=100, min=0)

    def options(self) -> Options:
        """Return the options for the numerics."""
        return Options(threshold=self.threshold, mesh=self.mesh, sky_sources=self.skySources)


class CalibrateImageTask(pipe_base.PipelineTask):
    """Calibrate the image of one detector."""

    ConfigClass = CalibrateImageConfig
    _DefaultName = "calibrateImage"

    def runQuantum(self, butlerQC: Any, inputRefs: Any, outputRefs: Any) -> None:  # noqa: N802
        """Run with the ids of the image as seed."""
        inputs = butlerQC.get(inputRefs)
        named = butlerQC.quantum.dataId
        seed = int(source_ids(named["visit"], named["detector"], 1)[0])
        butlerQC.put(self.run(seed=seed, **inputs), outputRefs)

    def run(self, exposures: list[Exposure], references: Any, seed: int) -> pipe_base.Struct:
        """Return image, background and sources.

        Parameters
        ----------
        exposures : list of Exposure
            The one exposure of the visit.
        references : list of handles
            Shards of reference stars.
        seed : int
            Of what is drawn at random: reserved stars, empty places.
        """
        exposure = exposures[0]
        done = calibrate(
            exposure,
            camera(str(exposure.metadata["LAYOUT"])),
            _catalog(references),
            self.config.options(),
            seed,
        )
        return pipe_base.Struct(
            exposure=done.exposure,
            background=_mesh(done.background),
            stars=done.sources,
            psf_stars=done.stars,
        )


def _catalog(references: Any) -> Table:
    """Return the reference stars of all shards; an empty catalogue where there is none."""
    shards = [handle.get() for handle in references]
    if not shards:
        return Table({name: np.zeros(0) for name in ("id", "coord_ra", "coord_dec")})
    return vstack(shards, metadata_conflicts="silent")


def _mesh(background: Background) -> Table:
    """Return the nodes of the mesh: pixels, level and noise in electrons."""
    y, x = np.meshgrid(background.nodes_y, background.nodes_x, indexing="ij")
    columns = {"x": x, "y": y, "level": background.level, "noise": background.noise}
    return Table({name: values.ravel() for name, values in columns.items()})
