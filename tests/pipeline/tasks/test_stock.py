"""The stock commands of the Rubin middleware on our repository and our pipeline."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy.time import Time
from lsst.daf.butler import Butler

from skyassay.pipeline import pipelines
from skyassay.pipeline.processing import CALIB_RUNS
from skyassay.pipeline.repository import names
from skyassay.pipeline.repository.certify import certify
from skyassay.pipeline.repository.ingest import ingest

PROGRAMS = Path(sys.executable).parent
TASKS = ("isr", "calibrateImage", "standardizeSingleVisitStar")


def stock(*command: str) -> str:
    """Run a program of the environment and return what it prints."""
    done = subprocess.run(
        [str(PROGRAMS / command[0]), *command[1:]],
        capture_output=True,
        text=True,
        timeout=300,
        env=os.environ | {"COLUMNS": "200"},
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(("name", "rows"), [("source", 2), ("visit_image", 6), ("visit_table", 1)])
def test_stock_butler_lists_the_products(survey, name, rows):
    printed = stock(
        "butler", "query-datasets", str(survey.repo), name, "--collections", names.OUTPUT
    )
    found = [line.split() for line in printed.splitlines() if line.split()[:1] == [name]]
    assert len(found) == rows
    assert all("SimCam" in line for line in found)


@pytest.mark.slow
def test_stock_pipetask_makes_the_same_tables(survey, copied, calibrate, tmp_path):
    """One detector of one visit: equal to the last bit."""
    mine = copied(tmp_path)
    ingest(mine.repo, mine.data)
    calibrate(mine)
    with Butler.from_config(str(mine.repo), writeable=True) as butler:
        certify(butler, CALIB_RUNS, Time(61000.5, format="mjd", scale="tai"))
    where = {"instrument": "SimCam", "visit": survey.visits[0], "detector": 1}
    stock(
        "pipetask", "run", "-b", str(mine.repo),
        "-i", names.DEFAULTS, "-o", "u/stock", "--register-dataset-types",
        "-p", f"{Path(pipelines.__file__).with_name('DRP.yaml')}#{','.join(TASKS)}",
        "-d", " AND ".join(f"{k} = {v!r}" for k, v in where.items()),
    )  # fmt: skip
    with mine.butler("u/stock") as theirs, survey.butler() as ours:
        for name in ("single_visit_star_detector", "single_visit_psf_star"):
            one, two = theirs.get(name, where), ours.get(name, where)
            assert one.colnames == two.colnames and len(one) == len(two) > 20
            for column in one.colnames:
                np.testing.assert_array_equal(np.asarray(one[column]), np.asarray(two[column]))
                assert one[column].dtype == two[column].dtype
        images = [b.get("preliminary_visit_image", where) for b in (theirs, ours)]
        for plane in ("image", "mask", "variance"):
            np.testing.assert_array_equal(*(getattr(i, plane) for i in images))
