"""Processes a repository: calibration products first, then templates, nights or a release."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import as_file, files
from pathlib import Path
from typing import Literal

from astropy.time import Time
from lsst.daf.butler import Butler

from skyassay.pipeline.execution.graph import read_pipeline
from skyassay.pipeline.execution.outcome import Outcome
from skyassay.pipeline.execution.report import RunReport
from skyassay.pipeline.execution.run import run_pipeline
from skyassay.pipeline.prompt.database import default_config, ensure_database
from skyassay.pipeline.repository import names
from skyassay.pipeline.repository.certify import certify
from skyassay.pipeline.repository.chains import own_runs
from skyassay.pipeline.repository.create import is_repository
from skyassay.pipeline.repository.errors import RepositoryError

Kind = Literal["prompt", "release", "template", "injected"]
_LAMPS = "exposure.observation_type IN ('bias', 'dark', 'flat', 'spot')"
_SKY = "exposure.observation_type = 'science'"
_STARS = "single_visit_star_unstandardized"
#: What only the next task of the same detector reads.
_IN_MEMORY = (
    "post_isr_image",
    _STARS,
    "source_unstandardized",
    "difference_image_predetection",
    "dia_source_unfiltered",
)
CALIB_RUNS = f"{names.CALIB}/runs"
ASSOCIATE = "associateApdb"


@dataclass(frozen=True)
class Stage:
    """A part of a pipeline that is run as one graph.

    Attributes
    ----------
    pipeline : str
        File, with ``#labels`` where it is a part.
    output : str
        Chain that the results go to.
    before : tuple of str
        Collections that are looked at before the common ones, those of them that exist.
    where : str
        What data are asked for.
    constraint : str
        Dataset type whose presence alone decides what there is to do; without it, all inputs
        must be there.
    ordered : bool
        Visits one after the other in one process: each finds what those before it left.
    kept : tuple of str
        Dataset types that are written although only the next task reads them.
    common : tuple of str
        Collections that every stage looks at last; injected frames look at no others' frames.
    """

    pipeline: str
    output: str
    before: tuple[str, ...] = ()
    where: str = _SKY
    constraint: str = ""
    ordered: bool = False
    kept: tuple[str, ...] = ()
    common: tuple[str, ...] = (names.DEFAULTS,)


_SKYMAP = f"skymap = '{names.SKYMAP}'"
_FRAMES = "singleFrame"
_NIGHT = f"{_SKY} AND {_SKYMAP}"
STAGES: Mapping[Kind, tuple[Stage, ...]] = {
    "release": (Stage("DRP.yaml", names.OUTPUT),),
    "template": (Stage("template.yaml", names.TEMPLATES, (names.OUTPUT,), _SKYMAP),),
    "prompt": (
        Stage(
            f"prompt.yaml#{_FRAMES},difference",
            names.PROMPT,
            (names.TEMPLATES, names.ORBITS),
            _NIGHT,
            "raw",
        ),
        Stage("prompt.yaml#associateApdb", names.PROMPT, where="", ordered=True),
    ),
    "injected": (
        Stage(
            "injected.yaml",
            names.INJECTED,
            (names.INJECTED_RAW, names.TEMPLATES),
            _NIGHT,
            "raw",
            common=(names.CALIB, names.REFERENCES, names.SKYMAPS),
        ),
    ),
}
#: Of a night without templates: images and their tables, no differences and no alerts. What
#: differences are made from is kept: templates may come later.
NO_TEMPLATES = (Stage(f"prompt.yaml#{_FRAMES}", names.PROMPT, kept=(_STARS,)),)


Progress = Callable[[Outcome, int, int], None]


@dataclass(frozen=True)
class Running:
    """How quanta are run; see `process`."""

    workers: int
    scheduler: str | None
    progress: Progress | None


def process(
    repo: str | Path,
    kind: Kind,
    *,
    output: str | None = None,
    where: str = "",
    workers: int = 2,
    scheduler: str | None = None,
    progress: Progress | None = None,
    apdb: str | None = None,
) -> RunReport:
    """Run a pipeline over the science frames of a repository.

    Calibration products that are not there yet are built from the repository's lamp frames and
    certified first. Prompt processing ends with the images of a night where there are no
    templates to subtract; else the visits' detections are entered into the prompt database in
    the order of their times.

    Parameters
    ----------
    repo : path-like
    kind : {"release", "template", "prompt", "injected"}
        ``template``: coadds of the release's images; ``injected``: a night's frames with
        injected sources, up to their detections.
    output : str, optional
        Chain that the outputs go to.
    where : str
        Butler expression that selects science frames.
    workers : int
        Processes; 0 runs everything in this one.
    scheduler : str, optional
        Address of a Dask scheduler to use instead.
    progress : callable, optional
        Called with each outcome, the number of quanta done, and that of all to do.
    apdb : str, optional
        URL of a PostgreSQL database for the night's detections; a file in the repository's
        folder where not given.

    Returns
    -------
    RunReport
        Of the pipeline; the outcomes of building calibrations stand before its own.

    Raises
    ------
    RepositoryError
        ``not_a_repository`` (exit code 4).
    ExecutionError
        As `run_pipeline`.
    """
    running = Running(workers, scheduler, progress)
    if not is_repository(repo):
        raise RepositoryError(
            f"{Path(repo).name} is not a Butler repository.",
            code="not_a_repository",
            hint="Make one: assay simulate release --level pixels --repo REPO.",
            exit_code=4,
        )
    before = _calibrate(repo, running)
    if before is not None and before.stopped:
        return before
    reports = [] if before is None else [before]
    for stage in _stages(repo, kind):
        stage = replace(stage, output=output or stage.output)
        reports.append(_run(repo, stage, where, running, apdb))
        if reports[-1].stopped:
            break
    return joined(reports)


def _stages(repo: str | Path, kind: Kind) -> tuple[Stage, ...]:
    """Return what is to be run; without templates a night has images only."""
    with Butler.from_config(str(repo)) as butler:
        there = names.TEMPLATES in set(butler.collections.query("*"))
    return NO_TEMPLATES if kind == "prompt" and not there else STAGES[kind]


def joined(reports: Sequence[RunReport]) -> RunReport:
    """Return the reports of one run after the other as one, with the last one's names."""
    return replace(
        reports[-1],
        outcomes=tuple(outcome for report in reports for outcome in report.outcomes),
        timings={k: sum(r.timings.get(k, 0.0) for r in reports) for k in reports[-1].timings},
        registered=sum(r.registered for r in reports),
        recovered=sum(r.recovered for r in reports),
    )


def _run(
    repo: str | Path, stage: Stage, where: str, running: Running, apdb: str | None = None
) -> RunReport:
    """Run one stage."""
    name, _, labels = stage.pipeline.partition("#")
    with Butler.from_config(str(repo)) as butler:
        before = [run for name in stage.before for run in own_runs(butler, name)]
    selection = " AND ".join(filter(None, ("instrument = 'SimCam'", stage.where, where)))
    with as_file(files("skyassay.pipeline.pipelines") / name) as path:
        pipeline = read_pipeline(f"{path}#{labels}" if labels else path)
        if ASSOCIATE in pipeline.task_labels:
            where_to = ensure_database(default_config(repo), apdb)
            pipeline.addConfigOverride(ASSOCIATE, "apdb", str(where_to))
        return run_pipeline(
            repo,
            pipeline,
            inputs=[*before, *stage.common],
            output=stage.output,
            where=selection,
            workers=0 if stage.ordered else running.workers,
            in_memory=tuple(name for name in _IN_MEMORY if name not in stage.kept),
            scheduler=None if stage.ordered else running.scheduler,
            progress=running.progress,
            constraint=stage.constraint,
        )


def _calibrate(repo: str | Path, running: Running) -> RunReport | None:
    """Build and certify the calibration products that are missing; None without lamp frames."""
    with Butler.from_config(str(repo)) as butler:
        begin = _first_lamp(butler)
    if begin is None:
        return None
    report = _run(repo, Stage("calibration.yaml", CALIB_RUNS, where=_LAMPS), "", running)
    if not report.stopped:
        with Butler.from_config(str(repo), writeable=True) as butler:
            certify(butler, CALIB_RUNS, begin)
    return report


def _first_lamp(butler: Butler) -> Time | None:
    """Return the noon before the first lamp frame; None where there is no such frame."""
    records = butler.query_dimension_records(
        "exposure", where=f"instrument = 'SimCam' AND {_LAMPS}", explain=False, limit=None
    )
    if not records:
        return None
    first = min(record.timespan.begin.tai.mjd for record in records)
    # Observing days change at 12 h.
    return Time(int(first - 0.5) + 0.5, format="mjd", scale="tai")
