"""`associateApdb`: from sources of a difference image to the prompt database and alerts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import lsst.pex.config as pex_config
import lsst.pipe.base as pipe_base
from astropy.table import Table
from lsst.pipe.base import connectionTypes as cT

from skyassay.pipeline.images.exposure import Exposure
from skyassay.pipeline.prompt.associate import Associated, associate_image
from skyassay.pipeline.prompt.database import open_database
from skyassay.pipeline.prompt.errors import PromptError
from skyassay.pipeline.prompt.image import ImageInput
from skyassay.pipeline.prompt.options import Options
from skyassay.pipeline.prompt.packaging import alert_packets
from skyassay.pipeline.tasks.common import DETECTOR, IMAGE, table_input, table_output
from skyassay.pipeline.tasks.writing import finished


def _image(name: str, doc: str) -> Any:
    return cT.Input(name=name, doc=doc, storageClass=IMAGE, dimensions=DETECTOR)


class AssociateApdbConnections(pipe_base.PipelineTaskConnections, dimensions=DETECTOR):
    """What `associateApdb` reads and writes."""

    sources = table_input("dia_source_detector", "Sources of the difference image", DETECTOR)
    ephemerides = table_input("preloaded_ss_object", "Known objects expected there", DETECTOR)
    difference = _image("difference_image", "Difference image")
    science = _image("preliminary_visit_image", "Image with its calibration")
    template = _image("template_detector", "Template on the image's pixels")
    associated = table_output("dia_source_apdb", "Sources with the ids of objects", DETECTOR)
    objects = table_output("dia_object_apdb", "Objects as this image left them", DETECTOR)
    forced = table_output("dia_forced_source_apdb", "Fluxes at known objects", DETECTOR)
    ssSources = table_output("ss_source_detector", "Sources of Solar System objects", DETECTOR)
    packets = cT.Output(
        name="alert_packets",
        doc="Alerts, an Avro object container",
        storageClass="AlertPackets",
        dimensions=DETECTOR,
    )

    def __init__(self, *, config: Any = None) -> None:
        super().__init__(config=config)
        if not config.doPackageAlerts:
            del self.template
            del self.packets


class AssociateApdbConfig(
    pipe_base.PipelineTaskConfig, pipelineConnections=AssociateApdbConnections
):
    """Which database, and how sources are associated."""

    apdb = pex_config.Field[str](doc="Configuration file of the prompt database", default="")
    maxDistArcSeconds = pex_config.RangeField[float](
        doc="Largest distance of a source from its object, arcsec", default=1.0, min=0.0, max=10.0
    )
    minReliability = pex_config.RangeField[float](
        doc="Sources below it make no new object", default=None, optional=True, min=0.0, max=1.0
    )
    laterImages = pex_config.ChoiceField[str](
        doc="What to do where a later image of the place was stored before",
        default="record",
        allowed={"record": "Go on, and say so in the metadata", "refuse": "Fail"},
    )
    doPackageAlerts = pex_config.Field[bool](doc="Make alert packets", default=True)

    def options(self) -> Options:
        """Return the options for the numerics."""
        return replace(
            Options(),
            radius=self.maxDistArcSeconds,
            min_reliability=self.minReliability,
            later=self.laterImages,
        )


class AssociateApdbTask(pipe_base.PipelineTask):
    """Associate, measure at known objects, store, and write alerts.

    Images of one detector must be run in the order of time, and by one process at a time where
    the database is SQLite. An image that was stored by an attempt which did not end is not
    stored again: its outputs are made from what is stored.
    """

    ConfigClass = AssociateApdbConfig
    _DefaultName = "associateApdb"

    def runQuantum(self, butlerQC: Any, inputRefs: Any, outputRefs: Any) -> None:  # noqa: N802
        """Run with the ids of the image."""
        named = butlerQC.quantum.dataId
        inputs = butlerQC.get(inputRefs)
        done = self.run(visit=named["visit"], detector=named["detector"], **inputs)
        butlerQC.put(done, outputRefs)

    def run(
        self,
        visit: int,
        detector: int,
        sources: Table,
        ephemerides: Table,
        difference: Exposure,
        science: Exposure,
        template: Exposure | None = None,
    ) -> pipe_base.Struct:
        """Return the tables that are stored and the alerts."""
        image = ImageInput(visit, detector, sources, ephemerides, difference, science)
        found = associate_image(open_database(self._where()), image, self.config.options())
        for name, value in {**found.counts, "processedMjdTai": found.processed}.items():
            self.metadata[name] = value
        done = pipe_base.Struct(
            associated=finished(found.sources.to_table()),
            objects=finished(found.objects.to_table()),
            forced=finished(found.forced.to_table()),
            ssSources=finished(found.ss_sources),
        )
        if self.config.doPackageAlerts:
            done.packets = self._packets(found, image, template)
        return done

    def _packets(self, found: Associated, image: ImageInput, template: Exposure | None) -> bytes:
        """Return the container of alerts."""
        packets = alert_packets(
            found,
            image.ephemerides,
            difference=image.difference,
            science=image.science,
            template=template,
        )
        self.metadata["alerts"] = len(packets)
        return packets.container()

    def _where(self) -> str:
        """Return the configuration file of the database."""
        where = str(self.config.apdb)
        if not where:
            raise PromptError(
                "No prompt database is named.",
                code="no_database",
                hint="Set associateApdb:apdb to its configuration file.",
                exit_code=4,
            )
        return where
