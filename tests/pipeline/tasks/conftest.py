"""A small simulated survey, processed once for all processes of a test session."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest
from lsst.daf.butler import Butler, CollectionType

from skyassay.pipeline.instrument.layouts import camera
from skyassay.pipeline.instrument.raw import RawFrame, read_raw
from skyassay.pipeline.processing import CALIB_RUNS, process
from skyassay.pipeline.repository import names
from skyassay.pipeline.repository.ingest import ingest
from skyassay.simulator.exposure.release import simulate_frames

SEED, BAND, VISITS = 7, "r", 2


@dataclass(frozen=True)
class Survey:
    """Raw frames and the repository they were entered into.

    The repository refers to the frames by name: replace a file, and it reads another one.
    """

    root: Path

    @property
    def data(self) -> Path:
        """What the simulator wrote."""
        return self.root / "data"

    @property
    def repo(self) -> Path:
        """Butler repository; the products of a release are in its default chain."""
        return self.root / "repo"

    @cached_property
    def visits(self) -> tuple[int, ...]:
        """Numbers of the visits."""
        with self.butler() as butler:
            return tuple(sorted(r.id for r in butler.query_dimension_records("visit")))

    def butler(self, collections: str = names.OUTPUT) -> Butler:
        """Open the repository to read."""
        return Butler.from_config(str(self.repo), collections=collections)

    def frame(self, visit: int, detector: int) -> Path:
        """Return the file of a raw frame."""
        night, number = divmod(visit, 100_000)
        return self.data / "raw" / f"{night}" / f"SC_{night}_{number:05d}_{detector:03d}.fits"

    def replace(self, path: Path, change: Callable[[RawFrame], RawFrame]) -> None:
        """Write another frame in the place of one; links to the old one keep it."""
        frame = change(read_raw(path))
        frame.write(path, camera("tiny")[int(frame.header["DETECTOR"])])


def _linked(source: str, target: str) -> str:
    """Link a frame, copy everything else; frames are replaced, never written into."""
    if source.endswith(".fits"):
        os.link(source, target)
        return target
    return shutil.copy2(source, target)


@pytest.fixture(scope="session")
def survey(tmp_path_factory) -> Survey:
    """Return the survey, to look at: nobody may change it."""
    base = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        base = base.parent
    made = Survey(base / "survey-of-pixels")
    with (base / "survey-of-pixels.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (made.root / "done").exists():
            # What a killed process of this session has left.
            shutil.rmtree(made.root, ignore_errors=True)
            simulate_frames(
                "tiny", SEED, made.data, bands=(BAND,), visits_per_band=VISITS, workers=1
            )
            ingest(made.repo, made.data)
            report = process(made.repo, "release", workers=0)
            assert report.complete, report.statement()
            (made.root / "done").touch()
    return made


@pytest.fixture(scope="session")
def copied(survey) -> Callable[..., Survey]:
    """Return what makes a copy of the frames, references and truth, not yet in a repository."""

    def copy(root: Path) -> Survey:
        shutil.copytree(survey.data, root / "data", copy_function=_linked)
        return Survey(root)

    return copy


@pytest.fixture(scope="session")
def calibrate(survey) -> Callable[..., None]:
    """Return what gives a repository the calibration products of the survey, and their tasks'."""

    def take(other: Survey, without: Collection[str] = ()) -> None:
        with survey.butler() as known, Butler.from_config(str(other.repo), writeable=True) as new:
            (made,) = known.collections.query(f"{CALIB_RUNS}/*")
            refs = known.query_all_datasets(made, limit=None)
            wanted = [r for r in refs if r.datasetType.name.split("_")[0] not in without]
            new.transfer_from(known, wanted, transfer="copy", register_dataset_types=True)
            new.collections.register(CALIB_RUNS, CollectionType.CHAINED)
            new.collections.redefine_chain(CALIB_RUNS, [made])

    return take
