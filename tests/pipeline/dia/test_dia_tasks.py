"""The tasks one after the other, as the pipeline runs them."""

from __future__ import annotations

import numpy as np
import pytest
from lsst.daf.butler.formatters.parquet import arrow_to_astropy, astropy_to_arrow
from lsst.pipe.base import InMemoryDatasetHandle

from skyassay.pipeline.astrometry.wcs import SkyWcs
from skyassay.pipeline.images.exposure import PhotoCalib
from skyassay.pipeline.reliability.model import shipped
from skyassay.pipeline.tables.ids import source_ids
from skyassay.pipeline.tables.standardize import Origin
from skyassay.pipeline.tasks.dia import (
    ConsolidateVisitDiaSourceTask,
    DetectAndMeasureTask,
    StandardizeDiaSourceTask,
)
from skyassay.pipeline.tasks.reliability import ComputeReliabilityTask

INFO = {"expMidptMJD": 61000.25, "expTime": 30.0}


def stored(table):
    """Return a table as a repository gives it back."""
    return arrow_to_astropy(astropy_to_arrow(table))


def processed(images, detector):
    """Return measurements, public table and quality of one detector."""
    whose = Origin(2026010100003, detector, "r", "r_sim")
    difference, science, template = images
    difference = difference.with_(summary={"pullStd": 1.01, "nPixel": 60_000.0})
    done = DetectAndMeasureTask().run(science, template, difference, whose)
    measured = stored(done.diaSources)
    reliability = stored(ComputeReliabilityTask().run(measured).classifications)
    zero = np.zeros((4, 4))
    cd = 0.2 / 3600.0 * np.array([[-1.0, 0.0], [0.0, 1.0]])
    wcs = SkyWcs((150.0, 2.0), (128.0, 128.0), cd, zero, zero, (256, 256))
    made = StandardizeDiaSourceTask().run(
        measured, reliability, wcs, PhotoCalib(31.0, 0.01), INFO, whose
    )
    return measured, made.table, stored(done.quality)


@pytest.fixture(scope="module")
def visit(scene):
    """A detector with two changes, and one where nothing changed."""
    full = scene((256, 256), seed=3).add([60.0, 200.0], [60.0, 90.0], [9e3, 5e3])
    return processed(full.images(), 20), processed(scene((256, 256), seed=44).images(), 21)


def test_sources_have_ids_reliability_and_times(visit):
    measured, table, _ = visit[0]
    assert list(table["diaSourceId"]) == list(source_ids(2026010100003, 20, len(measured)))
    assert (np.asarray(table["reliability"]) > 0.5).sum() == 2
    assert set(table["reliabilityVersion"]) == {shipped().version}
    assert (np.asarray(table["midpointMjdTai"]) == 61000.25).all()


def test_quality_is_of_the_subtraction_and_of_the_measurement(visit):
    row = visit[0][2]
    assert (row["pullStd"][0], row["nPixel"][0]) == (1.01, 60_000)
    assert row["nPositive"][0] == 2
    assert row["threshold"][0] == 5.0
    assert np.ma.is_masked(row["kernelSum"][0])


def test_detectors_become_a_visit(visit):
    tables = [stored(part[1]) for part in visit]
    assert len(tables[1]) == 0
    handles = [InMemoryDatasetHandle(t) for t in tables[::-1]]
    whole = ConsolidateVisitDiaSourceTask().run(handles).whole
    assert len(whole) == len(tables[0])
    assert whole.colnames == tables[0].colnames
    assert (np.diff(np.asarray(whole["diaSourceId"])) > 0).all()
