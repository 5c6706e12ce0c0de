"""What goes wrong costs what depends on it, is named, and a rerun completes it."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from lsst.daf.butler import CollectionType

from skyassay.pipeline.execution.report import RunReport
from skyassay.pipeline.instrument.raw import read_header
from skyassay.pipeline.processing import process
from skyassay.pipeline.repository import names
from skyassay.pipeline.repository.ingest import Ingested, ingest

#: Detector -> what is done to its frame; in visit 0 but for the last.
CORRUPT, HEADER, STARLESS, SATURATED = (0, 0), (0, 1), (1, 0), (1, 1)
SOUND = 2


def stray_files(survey, collection="SimCam/runs/*") -> set[str]:
    """Return the files of all runs that the repository does not know."""
    with survey.butler() as butler:
        ours = [
            run
            for run in butler.collections.query(collection, CollectionType.RUN)
            if (survey.repo / run).is_dir()
        ]
        known = {
            butler.getURI(ref).ospath
            for run in ours
            for ref in butler.query_all_datasets(run, limit=None)
        }
    files = {str(p) for run in ours for p in (survey.repo / run).rglob("*") if p.is_file()}
    assert known <= files
    return files - known


def all_readable(survey, *types: str) -> int:
    """Read every dataset of these types; return how many there are."""
    count = 0
    with survey.butler() as butler:
        for name in types:
            refs = butler.query_datasets(name, limit=None, explain=False)
            count += len([butler.get(ref) for ref in refs])
    return count


def truncate(path: Path) -> None:
    """Cut a file short, as a broken transfer does."""
    half = path.read_bytes()[: path.stat().st_size // 2]
    path.unlink()  # a link to the sound one
    path.write_bytes(half)


def starless(frame):
    """Replace the sky by its median and noise; the overscan stays."""
    rng = np.random.default_rng(1)
    amps = frame.amps.copy()
    for amp in amps:
        middle = np.median(amp[:-8, 4:-32])
        sky = rng.normal(middle, 12.0, amp[:-8, 4:-32].shape)
        amp[:-8, 4:-32] = np.clip(sky, 0, 65535).astype(np.uint16)
    return replace(frame, amps=amps)


def saturated(frame):
    """Fill every pixel to the top of the converter."""
    amps = frame.amps.copy()
    amps[:, :-8, 4:-32] = 65535
    return replace(frame, amps=amps)


def moved(frame):
    """Say that the telescope looked where it cannot."""
    return replace(frame, header={**frame.header, "DEC": 500.0})


@dataclass(frozen=True)
class Night:
    """A night with damaged frames, and what became of it."""

    survey: object
    entered: Ingested
    first: RunReport
    files: set[str]
    again: Ingested
    second: RunReport


@pytest.fixture(scope="module")
def night(survey, copied, calibrate, tmp_path_factory) -> Night:
    """Process a release with four bad frames, mend them, process again."""
    mine = copied(tmp_path_factory.mktemp("night"))
    visits = survey.visits
    path = {place: mine.frame(visits[place[0]], place[1]) for place in
            (CORRUPT, HEADER, STARLESS, SATURATED)}  # fmt: skip
    truncate(path[CORRUPT])
    mine.replace(path[HEADER], moved)
    mine.replace(path[STARLESS], starless)
    mine.replace(path[SATURATED], saturated)
    entered = ingest(mine.repo, mine.data)
    calibrate(mine)
    first = process(mine.repo, "release", workers=0)
    files = stray_files(mine)
    with mine.butler() as butler:
        before = butler.get("visit_detector_table", instrument="SimCam")
    assert sorted(before["detector"]) == [SOUND, SOUND]
    for place, file in path.items():
        file.unlink()
        os.link(survey.frame(visits[place[0]], place[1]), file)
    again = ingest(mine.repo, mine.data)
    second = process(mine.repo, "release", workers=0)
    return Night(mine, entered, first, files, again, second)


def test_a_frame_with_a_wrong_header_is_refused_by_name(night, survey):
    (refused,) = night.entered.refused
    assert refused.code == "bad_header"
    assert refused.file == survey.frame(survey.visits[0], HEADER[1]).name in refused.reason
    assert night.entered.raws == 71


@pytest.mark.parametrize(
    ("place", "task", "code"),
    [
        (CORRUPT, "isr", "unreadable_raw"),
        (STARLESS, "calibrateImage", "no_psf_stars"),
        (SATURATED, "calibrateImage", "all_saturated"),
    ],
)
def test_what_failed_is_named(night, survey, place, task, code):
    visit = survey.visits[place[0]]
    with night.survey.butler() as butler:
        table = butler.get("quantum_summary", instrument="SimCam", collections=night.first.run)
    row = table[(table["visit"] == visit) & (table["detector"] == place[1])]
    (failed,) = row[row["status"] == "FAILED"]
    assert (failed["label"], failed["code"]) == (task, code)
    assert len(failed["error"]) > 20 and "\n" not in failed["error"]
    assert set(row["code"][row["status"] == "SKIPPED"]) == {"UPSTREAM_FAILED"}
    (line,) = [
        line
        for line in night.first.statement().splitlines()
        if str(visit) in line and f"detector {place[1]}," in line.replace(")", ",")
    ]
    assert line.startswith(task) and code in line


def test_the_rest_goes_on(night):
    assert len(night.first.failures) == 3 and not night.first.complete
    good = {(o.label, o.data_id.get("detector")) for o in night.first.outcomes if o.status.is_good}
    assert {"makeVisitTable", "associateAnalysisSource", "consolidateSource"} <= {
        label for label, _ in good
    }
    assert night.files == set()


def test_a_rerun_completes_the_night(night, survey):
    """Also with the frame that was not there before: tables of all visits get its rows."""
    assert (night.again.raws, night.again.refused) == (2, ())
    assert night.second.complete, night.second.statement()
    assert stray_files(night.survey) == set()
    with night.survey.butler() as mine, survey.butler() as other:
        for name in ("visit_table", "visit_detector_table"):
            one, two = (b.get(name, instrument="SimCam") for b in (mine, other))
            for column in two.colnames:
                np.testing.assert_array_equal(np.asarray(one[column]), np.asarray(two[column]))
        for visit in survey.visits:
            one, two = (b.get("source", instrument="SimCam", visit=visit) for b in (mine, other))
            for column in two.colnames:
                np.testing.assert_array_equal(np.asarray(one[column]), np.asarray(two[column]))


def one_image(survey) -> dict[str, str]:
    """Return the options of a run on one detector of one visit."""
    return {"where": f"visit = {survey.visits[0]} AND detector = 1"}


def test_a_missing_flat_is_named_and_made_up_for(survey, copied, calibrate, tmp_path):
    mine = copied(tmp_path)
    aside = tmp_path / "aside"
    aside.mkdir()
    for path in sorted(mine.data.glob("raw/*/*_001.fits")):
        if read_header(path)["REASON"] == "flat":
            shutil.move(path, aside / path.name)
            home = path.parent
    assert ingest(mine.repo, mine.data).refused == ()
    calibrate(mine, without=("flat", "cpFlat"))
    first = process(mine.repo, "prompt", workers=0, **one_image(survey))
    (failed,) = first.failures
    assert (failed.label, failed.code) == ("isr", "missing_flat")
    assert failed.data_id["detector"] == 1 and failed.data_id["exposure"] == survey.visits[0]
    assert "There is no flat" in first.statement()
    for path in aside.iterdir():
        shutil.move(path, home / path.name)
    ingest(mine.repo, mine.data)
    second = process(mine.repo, "prompt", workers=0, **one_image(survey))
    assert second.complete, second.statement()
    with mine.butler("SimCam/runs/prompt") as butler:
        assert len(butler.query_datasets("preliminary_visit_image")) == 1
        # The bad pixels are looked for again in the flat, and take the place of the old ones.
        where = {"instrument": "SimCam", "detector": 1}
        runs = butler.collections.query("SimCam/calib/runs/*")
        valid = butler.registry.queryDatasets(
            "defects", collections=names.CALIB, dataId=where, findFirst=False
        )
        assert [ref.run for ref in valid] == [max(runs)]


@pytest.fixture
def limit() -> Callable[[int], None]:
    """Return what limits the size of a file; the limit is lifted at the end."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def set_to(size: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))

    yield set_to
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.slow
def test_a_full_disk_is_named_and_leaves_nothing_half_written(
    survey, copied, calibrate, tmp_path, limit
):
    """A file may not become as large as an image is, but tables and the registry fit."""
    mine = copied(tmp_path)
    ingest(mine.repo, mine.data)
    calibrate(mine)
    with survey.butler() as butler:
        image = butler.query_datasets("preliminary_visit_image")[0]
        size = Path(butler.getURI(image).ospath).stat().st_size
    registry = (mine.repo / "gen3.sqlite3").stat().st_size
    if registry > 0.7 * size:
        pytest.skip(f"the registry ({registry} bytes) is as large as an image ({size})")
    limit(size * 9 // 10)
    first = process(mine.repo, "prompt", workers=0, **one_image(survey))
    limit(resource.RLIM_INFINITY)
    assert {o.code for o in first.failures} == {"DISK_FULL"}, first.statement()
    assert "DISK_FULL" in first.statement()
    assert stray_files(mine) == set()
    assert not list(mine.repo.rglob("*.part"))
    second = process(mine.repo, "prompt", workers=0, **one_image(survey))
    assert second.complete, second.statement()
    assert stray_files(mine) == set()


SCRIPT = """
import sys
from skyassay.pipeline.instrument.raw import read_header
from skyassay.pipeline.processing import process
if __name__ == "__main__":
    report = process(
        sys.argv[1], "release", workers=int(sys.argv[2]),
        progress=lambda outcome, done, of: print(done, of, flush=True),
    )
    print(report.statement())
"""


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
def test_a_run_told_to_end_keeps_what_is_finished(survey, copied, calibrate, tmp_path, workers):
    mine = copied(tmp_path)
    ingest(mine.repo, mine.data)
    calibrate(mine)
    script = tmp_path / "driver.py"
    script.write_text(SCRIPT)
    with subprocess.Popen(
        [sys.executable, str(script), str(mine.repo), str(workers)],
        stdout=subprocess.PIPE,
        text=True,
    ) as driver:
        for _ in range(4):
            assert driver.stdout.readline()
        driver.send_signal(signal.SIGTERM)
        out, _ = driver.communicate(timeout=120)
    assert driver.returncode == 0 and "Stopped by SIGTERM" in out
    assert all_readable(mine, "preliminary_visit_image", "single_visit_star_detector") >= 1
    second = process(mine.repo, "release", workers=0)
    assert second.complete and second.counts["EXISTING"] >= 3
    assert stray_files(mine) == set()
    with mine.butler() as one, survey.butler() as two:
        tables = [b.get("visit_detector_table", instrument="SimCam") for b in (one, two)]
    for column in tables[0].colnames:
        np.testing.assert_array_equal(*(np.asarray(t[column]) for t in tables))
