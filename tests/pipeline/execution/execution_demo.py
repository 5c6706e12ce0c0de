"""An instrument, a repository and a few tasks that do next to nothing, one way or another.

Workers import this module by name: the folder is on their PYTHONPATH.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import astropy.table
import lsst.pex.config as pex_config
import lsst.pipe.base as pipe_base
import numpy as np
from astropy.time import Time, TimeDelta
from lsst.daf.butler import Butler, DatasetType, FormatterV2, Timespan
from lsst.pipe.base import connectionTypes
from lsst.sphgeom import ConvexPolygon, LonLat, UnitVector3d

from skyassay.pipeline.execution.run import run_pipeline

INSTRUMENT, RAW = "DemoCam", "DemoCam/raw"
DETECTOR = ("instrument", "visit", "detector")
DAY = 20260101


class TaskError(Exception):
    """An error with a reason code."""

    code = "DEMO_FAILED"


def square(centre: float, half: float) -> ConvexPolygon:
    """Return a square on the equator, in degrees."""
    corners = [(centre - half, -half), (centre + half, -half), (centre + half, half)]
    corners += [(centre - half, half)]
    return ConvexPolygon([UnitVector3d(LonLat.fromDegrees(*corner)) for corner in corners])


def make_repository(root: Path, visits: int, detectors: int) -> None:
    """Make a repository with an array for each visit and detector."""
    Butler.makeRepo(str(root))
    begin = Time("2026-01-01T12:00:00", scale="tai")
    length = TimeDelta(30.0, format="sec", scale="tai")
    with Butler.from_config(str(root), writeable=True, run=RAW) as butler:
        sync = butler.registry.syncDimensionData
        one = {"instrument": INSTRUMENT}
        sync(
            "instrument",
            {"name": INSTRUMENT, "class_name": "none", "detector_max": 1000, "visit_max": 2**40}
            | {"exposure_max": 2**40, "visit_system": 0},
        )
        sync("physical_filter", one | {"name": "r_demo", "band": "r"})
        for i in range(detectors):
            sync("detector", one | {"id": i, "full_name": f"D{i}", "purpose": "SCIENCE"})
        sync("day_obs", one | {"id": DAY, "timespan": Timespan(begin, begin + 2880 * length)})
        raw = DatasetType("demo_raw", DETECTOR, "NumpyArray", universe=butler.dimensions)
        butler.registry.registerDatasetType(raw)
        for visit in range(1, visits + 1):
            sync(
                "visit",
                one
                | {"id": visit, "name": f"v{visit}", "physical_filter": "r_demo", "day_obs": DAY}
                | {"seq_num": visit, "exposure_time": 30.0}
                | {"timespan": Timespan(begin + visit * length, begin + (visit + 1) * length)}
                | {"region": square(visit, 0.5)},
            )
            for i in range(detectors):
                ids = {"visit": visit, "detector": i, "region": square(visit, 0.1)}
                sync("visit_detector_region", one | ids)
                array = np.arange(16.0) + 100 * visit + i
                butler.put(array, raw, instrument=INSTRUMENT, visit=visit, detector=i)


def first_time(flag: str) -> bool:
    """Return whether no process was here before; an empty name: always."""
    try:
        return not flag or Path(flag).open("x").close() is None
    except FileExistsError:
        return False


class FullDiskFormatter(FormatterV2):
    """Write half of an array; the other half meets a full disk while a file is there."""

    default_extension = ".npy"
    can_read_from_local_file = True

    def write_local_file(self, in_memory_dataset, uri):
        np.save(uri.ospath, in_memory_dataset)
        if Path(os.environ["EXECUTION_DEMO_FULL"]).exists():
            os.truncate(uri.ospath, Path(uri.ospath).stat().st_size // 2)
            with Path("/dev/full").open("wb", buffering=0) as stream:
                stream.write(b"the other half")

    def read_from_local_file(self, path, component=None, expected_size=-1):
        return np.load(path)


class CleanConnections(pipe_base.PipelineTaskConnections, dimensions=DETECTOR):
    raw = connectionTypes.Input(
        doc="Raw", name="demo_raw", storageClass="NumpyArray", dimensions=DETECTOR
    )
    clean = connectionTypes.Output(
        doc="Clean", name="demo_clean", storageClass="NumpyArray", dimensions=DETECTOR
    )
    extra = connectionTypes.Output(
        doc="Sum", name="demo_extra", storageClass="StructuredDataDict", dimensions=DETECTOR
    )


class CleanConfig(pipe_base.PipelineTaskConfig, pipelineConnections=CleanConnections):
    way = pex_config.ChoiceField[str](
        doc="What happens on a chosen detector",
        default="raise",
        allowed={name: name for name in ("raise", "no_work", "kill", "memory")},
    )
    on = pex_config.ListField[int](doc="Detectors where it happens", default=[])
    flag = pex_config.Field[str](doc="It happens while this file is not there", default="")
    sleep = pex_config.Field[float](doc="Pretend to work this long (s)", default=0.0)


class CleanTask(pipe_base.PipelineTask):
    """Subtract the median, or fail as told."""

    ConfigClass = CleanConfig
    _DefaultName = "clean"

    def runQuantum(self, butlerQC, inputRefs, outputRefs):  # noqa: N802
        raw = butlerQC.get(inputRefs.raw)
        time.sleep(self.config.sleep)
        butlerQC.put({"sum": float(raw.sum())}, outputRefs.extra)
        detector = butlerQC.quantum.dataId["detector"]
        if detector in self.config.on and first_time(self.config.flag):
            self.happen(detector)
        butlerQC.put(raw - np.median(raw), outputRefs.clean)

    def happen(self, detector: int) -> None:
        match self.config.way:
            case "raise":
                raise TaskError(f"Detector {detector}\nwill not do.")
            case "no_work":
                raise pipe_base.NoWorkFound("nothing to do")
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "memory":
                np.ones(40_000_000).sum()


class DetectConnections(pipe_base.PipelineTaskConnections, dimensions=DETECTOR):
    clean = connectionTypes.Input(
        doc="Clean", name="demo_clean", storageClass="NumpyArray", dimensions=DETECTOR
    )
    stars = connectionTypes.Output(
        doc="Stars", name="demo_stars", storageClass="ArrowAstropy", dimensions=DETECTOR
    )


class DetectConfig(pipe_base.PipelineTaskConfig, pipelineConnections=DetectConnections):
    flag = pex_config.Field[str](doc="Raise while this file is not there", default="none")


class DetectTask(pipe_base.PipelineTask):
    """List what is bright."""

    ConfigClass = DetectConfig
    _DefaultName = "detect"

    def run(self, clean):
        if self.config.flag != "none" and first_time(self.config.flag):
            raise TaskError("Once.")
        (x,) = np.nonzero(clean > 2)
        return pipe_base.Struct(stars=astropy.table.Table({"x": x, "flux": clean[x]}))


class SummaryConnections(pipe_base.PipelineTaskConnections, dimensions=("instrument", "visit")):
    stars = connectionTypes.Input(
        doc="Stars of all detectors",
        name="demo_stars",
        storageClass="ArrowAstropy",
        dimensions=DETECTOR,
        multiple=True,
        deferLoad=True,
        minimum=2,
    )
    summary = connectionTypes.Output(
        doc="A row for each detector",
        name="demo_summary",
        storageClass="ArrowAstropy",
        dimensions=("instrument", "visit"),
    )


class SummaryConfig(pipe_base.PipelineTaskConfig, pipelineConnections=SummaryConnections):
    pass


class SummaryTask(pipe_base.PipelineTask):
    """Gather the detectors of a visit."""

    ConfigClass = SummaryConfig
    _DefaultName = "summary"

    def run(self, stars):
        rows = sorted((h.dataId["detector"], len(h.get())) for h in stars)
        table = astropy.table.Table(rows=rows, names=["detector", "n"])
        return pipe_base.Struct(summary=table)


def make_pipeline(detect_flag: str = "none", **clean) -> pipe_base.Pipeline:
    """Return clean, detect, summary; keywords configure clean."""
    pipeline = pipe_base.Pipeline("demonstration")
    for task, label in ((CleanTask, "clean"), (DetectTask, "detect"), (SummaryTask, "summary")):
        pipeline.addTask(task, label)
    pipeline.addConfigOverride("detect", "flag", detect_flag)
    for name, value in clean.items():
        pipeline.addConfigOverride("clean", name, value)
    return pipeline


def labels(*wanted: str) -> pipe_base.LabelSpecifier:
    return pipe_base.LabelSpecifier(labels=set(wanted))


def run_here(repo, pipeline, output="u/out", **options):
    options = {"workers": 0, **options}
    return run_pipeline(repo, pipeline, inputs=["DemoCam/raw"], output=output, **options)


def names(repo, dataset_type, collection="u/out"):
    """Return the data IDs of what is registered, after reading each."""
    with Butler.from_config(str(repo), collections=collection) as butler:
        refs = butler.query_datasets(dataset_type, explain=False)
        for ref in refs:
            butler.get(ref)
        return sorted(tuple(ref.dataId.required.values())[1:] for ref in refs)


def stray_files(repo, collection="u/out"):
    """Return the files of a chain's runs that the repository does not know."""
    with Butler.from_config(str(repo)) as butler:
        runs = [
            r for r in butler.collections.query(collection, flatten_chains=True) if "raw" not in r
        ]
        known = {
            butler.getURI(ref).ospath
            for one in runs
            for ref in butler.query_all_datasets(one, limit=None)
        }
    files = {str(p) for one in runs for p in (repo / one).rglob("*") if p.is_file()}
    assert known <= files
    return files - known
