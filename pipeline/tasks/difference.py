"""`buildTemplate` and `subtractImages`: what has changed since the template."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import lsst.pex.config as pex_config
import lsst.pipe.base as pipe_base
from astropy.table import Table
from lsst.pipe.base import connectionTypes as cT

from skyassay.pipeline.astrometry.wcs import SkyWcs
from skyassay.pipeline.difference.errors import DifferenceError
from skyassay.pipeline.difference.options import Options
from skyassay.pipeline.difference.subtract import subtract
from skyassay.pipeline.difference.template import build_template
from skyassay.pipeline.images.exposure import Exposure
from skyassay.pipeline.tasks.coadd import PATCH
from skyassay.pipeline.tasks.common import DETECTOR, IMAGE, table_input


class BuildTemplateConnections(pipe_base.PipelineTaskConnections, dimensions=(*DETECTOR, "skymap")):
    """What `buildTemplate` reads and writes."""

    bbox = cT.Input(
        name="preliminary_visit_image.bbox",
        doc="Box of the science image",
        storageClass="StructuredDataDict",
        dimensions=DETECTOR,
    )
    wcs = cT.Input(
        name="preliminary_visit_image.wcs",
        doc="WCS of the science image",
        storageClass="SimWcs",
        dimensions=DETECTOR,
    )
    coaddExposures = cT.Input(
        name="template_coadd",
        doc="Templates of the patches",
        storageClass=IMAGE,
        dimensions=PATCH,
        multiple=True,
        deferLoad=True,
    )
    template = cT.Output(
        name="template_detector",
        doc="Template on the pixels of the science image, nJy",
        storageClass=IMAGE,
        dimensions=DETECTOR,
    )


class BuildTemplateConfig(
    pipe_base.PipelineTaskConfig, pipelineConnections=BuildTemplateConnections
):
    """What a template must cover."""

    leastCoverage = pex_config.RangeField[float](
        doc="Share of the image that the template must cover", default=0.2, min=0.0, max=1.0
    )


class BuildTemplateTask(pipe_base.PipelineTask):
    """Resample the templates of the patches onto a science image."""

    ConfigClass = BuildTemplateConfig
    _DefaultName = "buildTemplate"

    def run(
        self, bbox: dict[str, int], wcs: SkyWcs, coaddExposures: Sequence[Any]
    ) -> pipe_base.Struct:
        """Return the template.

        Raises
        ------
        NoWorkFound
            Where too little of the image is covered.
        """
        shape = (bbox["y1"] - bbox["y0"], bbox["x1"] - bbox["x0"])
        ordered = sorted(coaddExposures, key=_place)
        patches = [handle.get() for handle in ordered]
        try:
            made = build_template(patches, wcs, shape, least=self.config.leastCoverage)
        except DifferenceError as error:
            if error.code != "no_template":
                raise
            raise pipe_base.NoWorkFound(str(error)) from error
        return pipe_base.Struct(template=made)


def _place(handle: Any) -> tuple[int, int]:
    return (int(handle.dataId["tract"]), int(handle.dataId["patch"]))


class SubtractImagesConnections(pipe_base.PipelineTaskConnections, dimensions=DETECTOR):
    """What `subtractImages` reads and writes."""

    science = cT.Input(
        name="preliminary_visit_image",
        doc="Calibrated image",
        storageClass=IMAGE,
        dimensions=DETECTOR,
    )
    template = cT.Input(
        name="template_detector",
        doc="Template on its pixels",
        storageClass=IMAGE,
        dimensions=DETECTOR,
    )
    sources = table_input("single_visit_star_unstandardized", "Sources in pixels", DETECTOR)
    difference = cT.Output(
        name="difference_image_predetection",
        doc="Science image minus template, electrons",
        storageClass=IMAGE,
        dimensions=DETECTOR,
    )
    matchedTemplate = cT.Output(
        name="template_matched",
        doc="Template with the PSF and scale of the science image, electrons",
        storageClass=IMAGE,
        dimensions=DETECTOR,
    )
    psfMatchingKernel = cT.Output(
        name="difference_kernel",
        doc="Matching kernel",
        storageClass="StructuredDataDict",
        dimensions=DETECTOR,
    )


class SubtractImagesConfig(
    pipe_base.PipelineTaskConfig, pipelineConnections=SubtractImagesConnections
):
    """How the PSFs are matched."""

    mode = pex_config.ChoiceField[str](
        doc="Which image is convolved",
        default=Options.mode,
        allowed={"auto": "the sharper one", "template": "the template", "science": "the image"},
    )
    spatialOrder = pex_config.RangeField[int](
        doc="Order of the kernel over the detector", default=Options.order, min=0, max=2,
        inclusiveMax=True,
    )  # fmt: skip
    leastStars = pex_config.RangeField[int](
        doc="Fewer stars are an error", default=Options.least_stars, min=1
    )
    leastSnr = pex_config.RangeField[float](
        doc="Signal-to-noise ratio of the stars", default=Options.least_snr, min=1.0
    )
    doDecorrelation = pex_config.Field[bool](doc="Whiten the noise", default=Options.decorrelate)

    def options(self) -> Options:
        """Return the options for the numerics."""
        return Options(
            mode=self.mode,
            order=self.spatialOrder,
            least_stars=self.leastStars,
            least_snr=self.leastSnr,
            decorrelate=self.doDecorrelation,
        )


class SubtractImagesTask(pipe_base.PipelineTask):
    """Subtract the template with a matching kernel."""

    ConfigClass = SubtractImagesConfig
    _DefaultName = "subtractImages"

    def run(self, science: Exposure, template: Exposure, sources: Table) -> pipe_base.Struct:
        """Return the difference, the matched template and the kernel."""
        done = subtract(science, template, sources, self.config.options())
        # The numbers about the subtraction travel with the image to its measurement.
        difference = done.difference.with_(summary={**done.difference.summary, **done.quality})
        return pipe_base.Struct(
            difference=difference,
            matchedTemplate=done.matched_template,
            psfMatchingKernel=done.kernel.to_dict(),
        )
