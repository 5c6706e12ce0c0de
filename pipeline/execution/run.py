"""Running a pipeline: the one call that the command line and the tests make."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lsst.daf.butler import Butler
from lsst.daf.butler.registry import MissingCollectionError
from lsst.pipe.base import Pipeline
from lsst.resources import ResourcePath

from skyassay.pipeline.execution.driver import Limits
from skyassay.pipeline.execution.errors import ExecutionError, named
from skyassay.pipeline.execution.graph import (
    Request,
    build_graph,
    find_existing,
    prepare_run,
    read_pipeline,
)
from skyassay.pipeline.execution.recover import graph_path, recover, saved
from skyassay.pipeline.execution.report import RunReport
from skyassay.pipeline.execution.session import Options, Progress, Session, timed


def run_pipeline(
    repo: str | Path,
    pipeline: str | Path | Pipeline,
    *,
    inputs: Sequence[str],
    output: str,
    where: str = "",
    constraint: str = "",
    workers: int = 2,
    same: Sequence[str] = ("visit", "detector"),
    in_memory: Sequence[str] = (),
    missing: str = "drop",
    resume: bool = True,
    skip_existing: bool = True,
    progress: Progress | None = None,
    scheduler: str | None = None,
    limits: Limits | None = None,
    work_dir: Path | None = None,
) -> RunReport:
    """Run what is missing of a pipeline into a new RUN of a chain.

    A failure stops only what depends on it and is recorded in the dataset `quantum_summary`
    of the RUN; a job whose process dies is begun again; on SIGTERM and SIGINT no new job is
    begun and what is finished is entered into the repository. A rerun into the same chain
    does what is not finished, and again what ran without an input that had failed.

    Parameters
    ----------
    repo : str or Path
        Butler repository.
    pipeline : str, Path or Pipeline
        YAML file, `#labels` allowed, or the pipeline itself.
    inputs : sequence of str
        Input collections; what the chain holds already is looked at first.
    output : str
        CHAINED collection; made where it is not there. The RUN is `<output>/<time>`.
    where : str
        Butler expression that selects data IDs.
    constraint : str
        Dataset type whose presence alone decides what there is to do; without it a data ID
        needs all inputs that the pipeline does not make.
    workers : int
        Processes on this machine; 0: in this process.
    same : sequence of str
        Chains of quanta with equal values of these dimensions go to a worker as one job.
    in_memory : sequence of str
        Dataset types that pass from task to task in memory and are never written, where all
        that read one are in the job that makes it. Only for what no later run will read.
    missing : {"drop", "skip"}
        What to do with a quantum some of whose inputs failed: run it with the others where
        its connections allow that, or skip it.
    resume : bool
        Enter what a killed run into this chain had finished, and do not do it again.
    skip_existing : bool
        Leave out what is finished in the chain.
    progress : callable, optional
        Called with each outcome, the number of quanta done, and that of all to do.
    scheduler : str, optional
        Address of a Dask scheduler to use instead of processes of this machine; its workers
        need one thread each and the same files.
    limits : Limits, optional
        Attempts for a job whose process dies, and how long to wait for what.
    work_dir : Path, optional
        Folder that all workers can read, for the graph; `execution` in the repository
        otherwise.

    Returns
    -------
    RunReport
        Outcome of each quantum, counts, failures, timings.

    Raises
    ------
    ExecutionError
        `PIPELINE_UNREADABLE`, `GRAPH_NOT_BUILT`, `NOTHING_TO_DO` (no data match),
        `NO_DASK`, `NO_SCHEDULER`, `NO_WORKER`, `DISK_FULL`, `NOT_REGISTERED`,
        `GRAPH_NOT_WRITTEN`, `NO_WORK_FOLDER`, `BAD_OPTION`.
    """
    if missing not in ("drop", "skip"):
        raise ExecutionError(
            f"There is no way {missing!r} to treat missing inputs.",
            code="BAD_OPTION",
            hint="Use drop or skip.",
            exit_code=4,
        )
    options = Options(
        workers, scheduler, tuple(same), tuple(in_memory), missing, progress, limits or Limits()
    )
    root = ResourcePath(Butler.get_repo_uri(str(repo), return_label=True), forceAbsolute=True)
    folder = work_dir or work_folder(root)
    timings: dict[str, float] = {}
    with Butler.from_config(root, writeable=True) as butler:
        recovered = recover(butler, str(root), folder, output) if resume else 0
        request = Request(
            read_pipeline(pipeline),
            tuple(inputs),
            output,
            new_run(butler, output),
            where,
            constraint,
        )
        with timed(timings, "graph"):
            components = build_graph(
                butler, request, skip_existing=skip_existing, options=options.grouping
            )
            graph = components.assemble()
            existing = find_existing(butler, request, graph) if skip_existing else []
        if not len(graph) and not existing:
            raise ExecutionError(
                "No data match: the graph has no quanta.",
                code="NOTHING_TO_DO",
                hint="Look at the data selection and the input collections.",
            )
        if not len(graph):
            return RunReport(None, output, existing, timings, recovered=recovered)
        with timed(timings, "prepare"), named("The RUN could not be prepared", "NOT_REGISTERED"):
            prepare_run(butler, graph)
        with saved(components, graph_path(folder, request.run)) as path:
            session = Session(butler, str(root), path, graph, options, existing, timings)
            report = session.run(recovered)
            if not report.stopped:
                path.unlink()
    return report


def new_run(butler: Butler, output: str) -> str:
    """Return the name of a RUN that is not there: the chain and the time, UTC."""
    now = datetime.now(UTC)
    while True:
        name = f"{output}/{now:%Y%m%dT%H%M%SZ}"
        try:
            butler.collections.get_info(name)
        except MissingCollectionError:
            return name
        now += timedelta(seconds=1)


def work_folder(root: ResourcePath) -> Path:
    """Return the folder for graphs in a repository of this machine's files."""
    if not root.isLocal:
        raise ExecutionError(
            f"The repository {root} is not in this machine's files.",
            code="NO_WORK_FOLDER",
            hint="Name a folder that all workers can read as work_dir.",
            exit_code=4,
        )
    path = Path(root.ospath)
    return (path if path.is_dir() else path.parent) / "execution"
