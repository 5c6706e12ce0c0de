"""`detectAndMeasureDiaSource`, `standardizeDiaSource`, `consolidateVisitDiaSource`."""

from __future__ import annotations

from typing import Any

import lsst.pex.config as pex_config
import lsst.pipe.base as pipe_base
from astropy.table import Table
from lsst.pipe.base import connectionTypes as cT

from skyassay.pipeline.dia.measure import measure_dia
from skyassay.pipeline.dia.options import Options
from skyassay.pipeline.dia.quality import quality_row
from skyassay.pipeline.dia.standardize import Exposed, standardize_dia
from skyassay.pipeline.images.exposure import Exposure
from skyassay.pipeline.tables.ids import source_ids
from skyassay.pipeline.tables.standardize import Origin
from skyassay.pipeline.tasks.common import (
    DETECTOR,
    IMAGE,
    VISIT,
    origin,
    stacked,
    table_input,
    table_output,
)
from skyassay.pipeline.tasks.writing import finished


def _image(name: str, doc: str) -> Any:
    return cT.Input(name=name, doc=doc, storageClass=IMAGE, dimensions=DETECTOR)


def _origin(quantum: Any) -> Origin:
    named = quantum.dataId
    return origin(named["visit"], named["detector"], named["physical_filter"])


class DetectAndMeasureConnections(pipe_base.PipelineTaskConnections, dimensions=DETECTOR):
    """What `detectAndMeasureDiaSource` reads and writes."""

    science = _image("preliminary_visit_image", "Image with its calibration")
    matchedTemplate = _image("template_matched", "Template matched to the image")
    difference = _image("difference_image_predetection", "Image minus template")
    diaSources = table_output("dia_source_unfiltered", "What has changed, in pixels", DETECTOR)
    subtractedMeasuredExposure = cT.Output(
        name="difference_image",
        doc="Difference image with the planes of detection",
        storageClass=IMAGE,
        dimensions=DETECTOR,
    )
    quality = table_output("difference_quality_detector", "How good the image is", DETECTOR)


class DetectAndMeasureConfig(
    pipe_base.PipelineTaskConfig, pipelineConnections=DetectAndMeasureConnections
):
    """How changes are found and measured."""

    threshold = pex_config.RangeField[float](
        doc="Signal-to-noise ratio of a detection", default=5.0, min=1.0
    )
    skySources = pex_config.RangeField[int](doc="Empty places to measure", default=100, min=0)
    streakThreshold = pex_config.RangeField[float](
        doc="Significance of a line that is a streak", default=7.0, min=5.0
    )

    def options(self) -> Options:
        """Return the options for the numerics."""
        return Options(
            threshold=self.threshold,
            sky_sources=self.skySources,
            streak_snr=self.streakThreshold,
        )


class DetectAndMeasureTask(pipe_base.PipelineTask):
    """Find and measure what has changed on one detector."""

    ConfigClass = DetectAndMeasureConfig
    _DefaultName = "detectAndMeasureDiaSource"

    def runQuantum(self, butlerQC: Any, inputRefs: Any, outputRefs: Any) -> None:  # noqa: N802
        """Run with the ids of the image, which are the seed too."""
        inputs = butlerQC.get(inputRefs)
        butlerQC.put(self.run(whose=_origin(butlerQC.quantum), **inputs), outputRefs)

    def run(
        self, science: Exposure, matchedTemplate: Exposure, difference: Exposure, whose: Origin
    ) -> pipe_base.Struct:
        """Return sources, image and quality.

        Parameters
        ----------
        science, matchedTemplate, difference : Exposure
            See `measure_dia`; the summary of the difference image holds what the subtraction
            says of its quality.
        whose : Origin
        """
        seed = int(source_ids(whose.visit, whose.detector, 1)[0])
        done = measure_dia(difference, science, matchedTemplate, self.config.options(), seed)
        table = done.table
        table.add_column(source_ids(whose.visit, whose.detector, len(table)), 0, "diaSourceId")
        return pipe_base.Struct(
            diaSources=table,
            subtractedMeasuredExposure=done.exposure,
            quality=quality_row(difference.summary, done.quality, whose),
        )


class StandardizeDiaSourceConnections(pipe_base.PipelineTaskConnections, dimensions=DETECTOR):
    """What is measured in pixels and electrons, its reliability, and its image."""

    measured = table_input("dia_source_unfiltered", "What has changed, in pixels", DETECTOR)
    reliability = table_input("dia_source_reliability", "How sure they are real", DETECTOR)
    wcs = cT.Input(
        name="difference_image.wcs",
        doc="World coordinates",
        storageClass="SimWcs",
        dimensions=DETECTOR,
    )
    calib = cT.Input(
        name="difference_image.photoCalib",
        doc="Zero point",
        storageClass="SimPhotoCalib",
        dimensions=DETECTOR,
    )
    info = cT.Input(
        name="difference_image.visitInfo",
        doc="When the image was taken",
        storageClass="StructuredDataDict",
        dimensions=DETECTOR,
    )
    table = table_output("dia_source_detector", "Sources in nJy and degrees", DETECTOR)


class StandardizeDiaSourceConfig(
    pipe_base.PipelineTaskConfig, pipelineConnections=StandardizeDiaSourceConnections
):
    """Nothing to choose."""


class StandardizeDiaSourceTask(pipe_base.PipelineTask):
    """Make the public columns of `dia_source`."""

    ConfigClass = StandardizeDiaSourceConfig
    _DefaultName = "standardizeDiaSource"

    def runQuantum(self, butlerQC: Any, inputRefs: Any, outputRefs: Any) -> None:  # noqa: N802
        """Run with the ids of the image."""
        inputs = butlerQC.get(inputRefs)
        butlerQC.put(self.run(whose=_origin(butlerQC.quantum), **inputs), outputRefs)

    def run(
        self, measured: Table, reliability: Table, wcs: Any, calib: Any, info: Any, whose: Origin
    ) -> pipe_base.Struct:
        """Return the public table."""
        exposed = Exposed(float(info["expMidptMJD"]), float(info["expTime"]))
        table = standardize_dia(measured, reliability, wcs, calib, whose, exposed)
        return pipe_base.Struct(table=finished(table))


class ConsolidateVisitDiaSourceConnections(pipe_base.PipelineTaskConnections, dimensions=VISIT):
    """Tables of the detectors of a visit."""

    tables = table_input(
        "dia_source_detector", "Tables of detectors", DETECTOR, multiple=True, deferLoad=True
    )
    whole = table_output("dia_source_visit", "Sources of the visit", VISIT)


class ConsolidateVisitDiaSourceConfig(
    pipe_base.PipelineTaskConfig, pipelineConnections=ConsolidateVisitDiaSourceConnections
):
    """Nothing to choose."""


class ConsolidateVisitDiaSourceTask(pipe_base.PipelineTask):
    """Put the sources of a visit's detectors one below the other."""

    ConfigClass = ConsolidateVisitDiaSourceConfig
    _DefaultName = "consolidateVisitDiaSource"

    def run(self, tables: Any) -> pipe_base.Struct:
        """Return the table of the visit."""
        return pipe_base.Struct(whole=finished(stacked([t.get() for t in tables], "diaSourceId")))
