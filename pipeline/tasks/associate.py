"""`associateIsolatedStar` and `associateAnalysisSource`: the same star in many visits."""

from __future__ import annotations

from typing import Any

import lsst.pipe.base as pipe_base
import numpy as np
from astropy.table import Table, vstack
from lsst.pipe.base import connectionTypes as cT

from skyassay.pipeline.association.isolated import isolated_stars
from skyassay.pipeline.association.sources import matched_sources
from skyassay.pipeline.repository.skymap import SkyMap
from skyassay.pipeline.single_visit import unspoilt
from skyassay.pipeline.tables.standardize import conform
from skyassay.pipeline.tasks.common import TRACT, VISIT, table_input, table_output

#: What association needs of the visits' tables: the rest is not read.
_COLUMNS = [
    "sourceId", "visit", "detector", "band", "coord_ra", "coord_dec", "x", "psfFlux", "psfFluxErr",
    "extendedness", "detect_isPrimary", "pixelFlags_saturated", "pixelFlags_bad", "pixelFlags_cr",
    "pixelFlags_edge", "pixelFlags_nodata", "centroid_flag", "psfFlux_flag", "sky_source",
]  # fmt: skip


class AssociateIsolatedStarConnections(pipe_base.PipelineTaskConnections, dimensions=TRACT):
    """The visits that overlap a tract."""

    tables = table_input(
        "single_visit_star", "Sources of visits", VISIT, multiple=True, deferLoad=True
    )
    skyMap = cT.Input(
        name="skyMap",
        doc="Tracts and patches",
        storageClass="StructuredDataDict",
        dimensions=("skymap",),
    )
    stars = table_output("isolated_star", "Isolated stars", TRACT)
    sources = table_output("isolated_star_association", "Which source is which star", TRACT)


class AssociateIsolatedStarConfig(
    pipe_base.PipelineTaskConfig, pipelineConnections=AssociateIsolatedStarConnections
):
    """Nothing to choose."""


class AssociateIsolatedStarTask(pipe_base.PipelineTask):
    """Find isolated stars in the visits of a tract."""

    ConfigClass = AssociateIsolatedStarConfig
    _DefaultName = "associateIsolatedStar"

    def runQuantum(self, butlerQC: Any, inputRefs: Any, outputRefs: Any) -> None:  # noqa: N802
        """Run for the tract of the quantum."""
        inputs = butlerQC.get(inputRefs)
        tract = int(butlerQC.quantum.dataId["tract"])
        butlerQC.put(self.run(tract=tract, **inputs), outputRefs)

    def run(self, tables: Any, skyMap: dict[str, Any], tract: int) -> pipe_base.Struct:
        """Return stars and their sources; a star belongs to the nearest tract."""
        parts = [handle.get(parameters={"columns": _COLUMNS}) for handle in tables]
        whole = vstack(parts, metadata_conflicts="silent")
        usable = whole[unspoilt(whole)]
        found = isolated_stars({name: np.asarray(usable[name]) for name in usable.colnames})
        where = SkyMap.from_dict(skyMap).tract_of(found.stars["ra"], found.stars["dec"])
        mine = found.select(where == tract)
        return pipe_base.Struct(stars=Table(mine.stars), sources=Table(mine.sources))


class AssociateAnalysisSourceConnections(pipe_base.PipelineTaskConnections, dimensions=TRACT):
    """The final sources of the visits that overlap a tract."""

    tables = table_input("source", "Sources of visits", VISIT, multiple=True, deferLoad=True)
    stars = table_input("isolated_star", "Isolated stars", TRACT)
    visits = table_input("visit_table", "One row per visit", ("instrument",))
    matched = table_output("matched_source", "Sources of isolated stars", TRACT)


class AssociateAnalysisSourceConfig(
    pipe_base.PipelineTaskConfig, pipelineConnections=AssociateAnalysisSourceConnections
):
    """Nothing to choose."""


class AssociateAnalysisSourceTask(pipe_base.PipelineTask):
    """Find the isolated stars among the final sources."""

    ConfigClass = AssociateAnalysisSourceConfig
    _DefaultName = "associateAnalysisSource"

    def run(self, tables: Any, stars: Table, visits: Table) -> pipe_base.Struct:
        """Return the product `matched_source`."""
        whole = vstack([handle.get() for handle in tables], metadata_conflicts="silent")
        found = matched_sources(
            {name: np.asarray(whole[name]) for name in whole.colnames},
            {name: np.asarray(stars[name]) for name in stars.colnames},
        )
        order = np.argsort(np.asarray(visits["visit"]))
        place = order[np.searchsorted(np.asarray(visits["visit"])[order], found["visit"])]
        found["expMidptMJD"] = np.asarray(visits["expMidptMJD"])[place]
        # `coord_ra`, `coord_dec` are the same.
        for name in ("ra", "dec"):
            found.pop(name, None)
        return pipe_base.Struct(matched=conform(Table(found), "matched_source"))
