"""`assembleTemplateCoadd`: what a patch of the sky looked like in earlier visits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import lsst.pex.config as pex_config
import lsst.pipe.base as pipe_base
from lsst.pipe.base import connectionTypes as cT

from skyassay.pipeline.astrometry.wcs import SkyWcs
from skyassay.pipeline.coadd.build import coadd
from skyassay.pipeline.coadd.errors import CoaddError
from skyassay.pipeline.coadd.patches import patch_box, tract_wcs
from skyassay.pipeline.coadd.select import Choice, best_seeing
from skyassay.pipeline.coadd.warp import Box, around, footprint
from skyassay.pipeline.images.exposure import Exposure
from skyassay.pipeline.repository.skymap import SkyMap
from skyassay.pipeline.tasks.common import DETECTOR, IMAGE

PATCH = ("skymap", "tract", "patch", "band")


class AssembleTemplateCoaddConnections(pipe_base.PipelineTaskConnections, dimensions=PATCH):
    """What `assembleTemplateCoadd` reads and writes."""

    visitImages = cT.Input(
        name="visit_image",
        doc="Final images of the visits",
        storageClass=IMAGE,
        dimensions=DETECTOR,
        multiple=True,
        deferLoad=True,
    )
    skyMap = cT.Input(
        name="skyMap",
        doc="Tracts and patches",
        storageClass="StructuredDataDict",
        dimensions=("skymap",),
    )
    templateCoadd = cT.Output(
        name="template_coadd", doc="Mean of the visits, nJy", storageClass=IMAGE, dimensions=PATCH
    )


class AssembleTemplateCoaddConfig(
    pipe_base.PipelineTaskConfig, pipelineConnections=AssembleTemplateCoaddConnections
):
    """Which visits are taken."""

    quantile = pex_config.RangeField[float](
        doc="Share of the visits that is taken, those with the best seeing",
        default=Choice.quantile, min=0.0, max=1.0, inclusiveMax=True,
    )  # fmt: skip
    leastVisits = pex_config.RangeField[int](
        doc="At least so many visits, as far as there are any", default=Choice.least, min=1
    )
    mostVisits = pex_config.RangeField[int](
        doc="At most so many visits", default=Choice.most, min=1
    )

    def choice(self) -> Choice:
        """Return the choice for the numerics."""
        return Choice(self.quantile, self.leastVisits, self.mostVisits)


class AssembleTemplateCoaddTask(pipe_base.PipelineTask):
    """Average the visits with the best seeing on one patch."""

    ConfigClass = AssembleTemplateCoaddConfig
    _DefaultName = "assembleTemplateCoadd"

    def runQuantum(self, butlerQC: Any, inputRefs: Any, outputRefs: Any) -> None:  # noqa: N802
        """Run for the patch of the quantum."""
        inputs = butlerQC.get(inputRefs)
        where = butlerQC.quantum.dataId
        made = self.run(tract=int(where["tract"]), patch=int(where["patch"]), **inputs)
        butlerQC.put(made, outputRefs)

    def run(
        self, visitImages: Sequence[Any], skyMap: dict[str, Any], tract: int, patch: int
    ) -> pipe_base.Struct:
        """Return the coadd of a patch.

        Raises
        ------
        NoWorkFound
            Where no visit has a pixel on the patch.
        """
        sky = SkyMap.from_dict(skyMap)
        wcs, box = tract_wcs(sky, tract), patch_box(sky, patch)
        ordered = sorted(visitImages, key=_data_id)
        boxes = [_reached(h, wcs, box) for h in ordered]
        near = [h for h, reached in zip(ordered, boxes, strict=True) if reached is not None]
        chosen = set(best_seeing(_seeing(near), self.config.choice()))
        taken = [h for h in near if _data_id(h)[0] in chosen]
        try:
            # Only what some image reaches: patches are larger than detectors.
            made = coadd(_loaded(taken), wcs, around([b for b in boxes if b is not None]) or box)
        except CoaddError as error:
            if error.code != "no_overlap":
                raise
            raise pipe_base.NoWorkFound(str(error)) from error
        return pipe_base.Struct(templateCoadd=made)


def _data_id(handle: Any) -> tuple[int, int]:
    return (int(handle.dataId["visit"]), int(handle.dataId["detector"]))


def _reached(handle: Any, wcs: SkyWcs, box: Box) -> Box | None:
    """Return the part of the box that an image reaches."""
    own = handle.get(component="wcs")
    if own is None:
        return None
    reached = footprint(own, (own.size[1], own.size[0]), wcs)
    return reached.meet(box) if reached is not None else None


def _seeing(handles: Sequence[Any]) -> dict[int, float]:
    """Return the mean width of the PSF of every visit's detectors, pixel."""
    widths: dict[int, list[float]] = {}
    for handle in handles:
        width = float(handle.get(component="summaryStats").get("psfSigma", float("nan")))
        widths.setdefault(_data_id(handle)[0], []).append(width)
    return {visit: sum(found) / len(found) for visit, found in widths.items()}


def _loaded(handles: Sequence[Any]) -> Iterator[Exposure]:
    """Yield the images, one at a time in memory."""
    for handle in handles:
        yield handle.get()
