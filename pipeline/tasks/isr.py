"""`isr`: from raw frames to images in electrons."""

from __future__ import annotations

from typing import Any

import lsst.pex.config as pex_config
import lsst.pipe.base as pipe_base
from lsst.pipe.base import connectionTypes as cT

from skyassay.pipeline.images.exposure import Exposure
from skyassay.pipeline.instrument.layouts import camera
from skyassay.pipeline.instrument.raw import RawFrame
from skyassay.pipeline.isr.calibrations import Calibrations
from skyassay.pipeline.isr.run import IsrConfig as Steps
from skyassay.pipeline.isr.run import remove_signature

_DETECTOR = ("instrument", "detector")


def calibration(name: str, storage: str, *more: str) -> Any:
    """Return the connection of a calibration product.

    Nothing is required here: one that is missing stops only the images that need it, with a
    reason, and not the making of the graph.
    """
    return cT.PrerequisiteInput(
        name=name,
        doc=f"{name} valid at the time of the exposure",
        storageClass=storage,
        dimensions=(*_DETECTOR, *more),
        isCalibration=True,
        minimum=0,
    )


class IsrConnections(
    pipe_base.PipelineTaskConnections, dimensions=("instrument", "exposure", "detector")
):
    """What `isr` reads and writes."""

    ccdExposure = cT.Input(
        name="raw",
        doc="Frame as the camera wrote it",
        storageClass="SimRaw",
        dimensions=("instrument", "exposure", "detector"),
        deferLoad=True,
    )
    bias = calibration("bias", "SimExposure")
    dark = calibration("dark", "SimExposure")
    flat = calibration("flat", "SimExposure", "physical_filter")
    defects = calibration("defects", "ArrowAstropy")
    ptc = calibration("ptc", "ArrowAstropy")
    linearizer = calibration("linearizer", "ArrowAstropy")
    crosstalk = calibration("crosstalk", "ArrowAstropy")
    outputExposure = cT.Output(
        name="post_isr_image",
        doc="Image in electrons with mask and variance",
        storageClass="SimExposure",
        dimensions=("instrument", "exposure", "detector"),
    )


class IsrConfig(pipe_base.PipelineTaskConfig, pipelineConnections=IsrConnections):
    """Which steps are done."""

    doCosmicRays = pex_config.Field[bool](doc="Find and fill cosmic rays?", default=True)
    doInterpolate = pex_config.Field[bool](doc="Fill defects from their neighbours?", default=True)

    def steps(self) -> Steps:
        """Return the steps for `remove_signature`."""
        return Steps(cosmic_rays=self.doCosmicRays, interpolate=self.doInterpolate)


class IsrTask(pipe_base.PipelineTask):
    """Remove the signature of the instrument."""

    ConfigClass = IsrConfig
    _DefaultName = "isr"

    def run(self, ccdExposure: Any, **calibs: Any) -> pipe_base.Struct:
        """Return the calibrated image.

        Parameters
        ----------
        ccdExposure : DeferredDatasetHandle
            Of a raw frame.
        **calibs
            The calibration products that were found.

        Raises
        ------
        InstrumentError, IsrError
            Where the frame cannot be read or a calibration is missing.
        """
        raw: RawFrame = ccdExposure.get()
        header = raw.header
        detector = camera(str(header["LAYOUT"]))[int(header["DETECTOR"])]
        done = remove_signature(raw, detector, Calibrations(**calibs), self.config.steps())
        self.metadata["isr"] = {k: v for k, v in done.metadata.items() if v is not None}
        image = Exposure(done.image, done.mask, done.variance, dict(header))
        return pipe_base.Struct(outputExposure=image)
