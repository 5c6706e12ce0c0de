"""Processes a repository: calibration products first, then nights or a release."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.resources import as_file, files
from pathlib import Path
from typing import Literal

from astropy.time import Time
from lsst.daf.butler import Butler

from skyassay.pipeline.execution.outcome import Outcome
from skyassay.pipeline.execution.report import RunReport
from skyassay.pipeline.execution.run import run_pipeline
from skyassay.pipeline.repository import names
from skyassay.pipeline.repository.certify import certify
from skyassay.pipeline.repository.create import is_repository
from skyassay.pipeline.repository.errors import RepositoryError

Kind = Literal["prompt", "release"]
_PIPELINES = {"prompt": "prompt.yaml", "release": "DRP.yaml"}
_OUTPUTS = {"prompt": names.PROMPT, "release": names.OUTPUT}
_LAMPS = "exposure.observation_type IN ('bias', 'dark', 'flat', 'spot')"
_SKY = "exposure.observation_type = 'science'"
#: What only the next task of the same detector reads.
_IN_MEMORY = ("post_isr_image", "single_visit_star_unstandardized", "source_unstandardized")
CALIB_RUNS = f"{names.CALIB}/runs"


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
) -> RunReport:
    """Run the prompt or the release pipeline over the science frames of a repository.

    Calibration products that are not there yet are built from the repository's lamp frames and
    certified first.

    Parameters
    ----------
    repo : path-like
    kind : {"prompt", "release"}
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
    selection = " AND ".join(filter(None, ("instrument = 'SimCam'", _SKY, where)))
    report = _run(repo, _PIPELINES[kind], output or _OUTPUTS[kind], selection, running)
    if before is None:
        return report
    return replace(report, outcomes=(*before.outcomes, *report.outcomes))


def _run(repo: str | Path, name: str, output: str, where: str, running: Running) -> RunReport:
    """Run one of our pipelines."""
    with as_file(files("skyassay.pipeline.pipelines") / name) as path:
        return run_pipeline(
            repo,
            path,
            inputs=[names.DEFAULTS],
            output=output,
            where=where,
            workers=running.workers,
            in_memory=_IN_MEMORY,
            scheduler=running.scheduler,
            progress=running.progress,
        )


def _calibrate(repo: str | Path, running: Running) -> RunReport | None:
    """Build and certify the calibration products that are missing; None without lamp frames."""
    with Butler.from_config(str(repo)) as butler:
        begin = _first_lamp(butler)
    if begin is None:
        return None
    selection = f"instrument = 'SimCam' AND {_LAMPS}"
    report = _run(repo, "calibration.yaml", CALIB_RUNS, selection, running)
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
