"""`assay process`: raw frames in a Butler repository to images and catalogs."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skyassay.verify.commands.simulate import Format
from skyassay.verify.errors import VerifyError

if TYPE_CHECKING:
    from rich.table import Table

    from skyassay.verify.campaign import Kind, RunReport

SCHEMA = "skyassay.processing/1"
#: Failures that are named; the dataset quantum_summary has them all.
SHOWN = 20
#: Words of `skyassay.pipeline.execution.outcome.Status`.
FAILED, NOT_RUN = ("FAILED", "LOST"), "SKIPPED"
_BYTES = 2.0**20

_Repo = Annotated[str, typer.Option(help="Butler repository with raw frames.")]
_Output = Annotated[
    str | None,
    typer.Option("--output", "--collection", help="Chain that the outputs go to."),
]
_Where = Annotated[str, typer.Option(help="Butler expression that selects science frames.")]
_Workers = Annotated[int, typer.Option(min=0, help="Processes; 0 does it all in this one.")]
_Scheduler = Annotated[
    str | None, typer.Option(help="Address of a Dask scheduler, as tcp://HOST:8786.")
]
_Form = Annotated[Format, typer.Option("--format", help="How to print.")]


def register(app: typer.Typer) -> None:
    """Add the `process` commands."""
    group = typer.Typer(help="Make images and catalogs of raw frames.", no_args_is_help=True)
    group.command("release")(release)
    group.command("template")(template)
    group.command("prompt")(prompt)
    group.command("injected")(injected)
    group.command("alerts")(alerts)
    app.add_typer(group, name="process")


def prompt(
    repo: _Repo,
    output: _Output = None,
    where: _Where = "",
    workers: _Workers = 2,
    scheduler: _Scheduler = None,
    apdb: Annotated[
        str | None, typer.Option(help="URL of a PostgreSQL prompt database; a file if none.")
    ] = None,
    form: _Form = Format.TEXT,
) -> int:
    """Process visits each by itself, up to alerts where there are templates.

    Exit code: 0 when all ran, 3 when something did not.
    """
    return _process("prompt", repo, output, where, workers, scheduler, form, apdb)


def template(
    repo: _Repo,
    output: _Output = None,
    where: _Where = "",
    workers: _Workers = 2,
    scheduler: _Scheduler = None,
    form: _Form = Format.TEXT,
) -> int:
    """Average the release's images into templates. Exit code: 0 when all ran, 3 when not."""
    return _process("template", repo, output, where, workers, scheduler, form)


def injected(
    repo: _Repo,
    output: _Output = None,
    where: _Where = "",
    workers: _Workers = 2,
    scheduler: _Scheduler = None,
    form: _Form = Format.TEXT,
) -> int:
    """Process frames with injected sources, up to their detections. Exit code: 0 or 3."""
    return _process("injected", repo, output, where, workers, scheduler, form)


def release(
    repo: _Repo,
    output: _Output = None,
    where: _Where = "",
    workers: _Workers = 2,
    scheduler: _Scheduler = None,
    form: _Form = Format.TEXT,
) -> int:
    """Process all visits together. Exit code: 0 when all ran, 3 when something did not.

    What is finished already is left as it is; calibrations are built where there are none.
    """
    return _process("release", repo, output, where, workers, scheduler, form)


def alerts(
    repo: _Repo,
    night: Annotated[int, typer.Option(help="Day of observation, yyyymmdd.")],
    out: Annotated[Path, typer.Option(help="Folder of delivery log, archive and streams.")],
    collection: Annotated[
        str | None, typer.Option(help="Chain of the prompt processing; the usual one if none.")
    ] = None,
    kafka: Annotated[
        str | None, typer.Option(help="Kafka bootstrap servers, HOST:PORT; files if none.")
    ] = None,
    filters: Annotated[
        list[str] | None,
        typer.Option("--filter", help="NAME=EXPRESSION of a user's stream; may be repeated."),
    ] = None,
) -> int:
    """Send the alerts of a night, and enter its tables into the repository.

    Only what is not acknowledged is sent. Exit code: 0 when every alert is, 3 when one is not.
    """
    from skyassay.verify.campaign import send_alerts

    named = dict(_filter(text) for text in filters or ())
    report = send_alerts(repo, night, out, prompt=collection, kafka=kafka, filters=named)
    sys.stdout.write(f"{report.statement()}\n")
    for stream, (asked, got) in report.streams.items():
        sys.stdout.write(f"{stream:>24} {got:>9,} of {asked:,}\n")
    return 0 if report.complete else 3


def _filter(text: str) -> tuple[str, str]:
    name, equals, expression = text.partition("=")
    if not equals or not name or not expression:
        raise VerifyError(
            f"{text!r} is no filter.",
            code="bad_filter",
            hint='Write NAME=EXPRESSION, as bright="diaSource.snr > 20".',
            exit_code=4,
        )
    return name, expression


def _process(
    kind: Kind,
    repo: str,
    output: str | None,
    where: str,
    workers: int,
    scheduler: str | None,
    form: Format,
    apdb: str | None = None,
) -> int:
    from skyassay.verify.campaign import process

    with quanta_bar() as progress:
        report = process(
            repo,
            kind,
            output=output,
            where=where,
            workers=workers,
            scheduler=scheduler,
            progress=progress,
            apdb=apdb,
        )
    if form is Format.JSON:
        sys.stdout.write(json.dumps(document(report), sort_keys=True) + "\n")
    else:
        _print(report)
    return 0 if report.complete and not report.stopped else 3


def document(report: RunReport) -> dict[str, Any]:
    """Return the JSON document of a run."""
    return {
        "schema": SCHEMA,
        "run": report.run,
        "output": report.output,
        "counts": report.counts,
        "complete": report.complete,
        "stopped": report.stopped or None,
        "registered": report.registered,
        "timings": dict(report.timings),
        "tasks": [
            {
                "task": label,
                "quanta": len(found),
                "done": sum(o.status.is_good for o in found),
                "failed": sum(o.status.value in FAILED for o in found),
                "not_run": sum(o.status.value == NOT_RUN for o in found),
                "seconds": sum(o.seconds for o in found if o.seconds is not None),
                "memory": max((o.memory for o in found if o.memory is not None), default=None),
            }
            for label, found in by_task(report.outcomes).items()
        ],
        "failures": [
            {"quantum": o.name, "status": o.status.value, "code": o.code, "error": o.error}
            for o in report.failures
        ],
    }


def by_task(outcomes: Sequence[Any]) -> dict[str, list[Any]]:
    """Return task label -> its outcomes, in the order in which the tasks first appear."""
    found: dict[str, list[Any]] = {}
    for outcome in outcomes:
        found.setdefault(outcome.label, []).append(outcome)
    return found


def _print(report: RunReport) -> None:
    """Print a table of tasks and, below, what failed and what was not run for it."""
    from rich.text import Text

    from skyassay.verify.commands.shared import terminal

    console = terminal()
    console.print(_table(report))
    lines = [f"{o.name}: {o.error or o.status.value} [{o.code}]" for o in report.failures[:SHOWN]]
    if len(report.failures) > SHOWN:
        lines.append(f"and {len(report.failures) - SHOWN} more: see quantum_summary")
    skipped = Counter(o.label for o in report.outcomes if o.status.value == NOT_RUN)
    if skipped:
        said = ", ".join(f"{n} {label}" for label, n in skipped.items())
        lines.append(f"Not run for what failed before or was stopped: {said}.")
    partial = sum(o.incomplete and o.status.is_good for o in report.outcomes)
    if partial:
        lines.append(f"{partial} quanta ran without inputs that failed; a rerun repeats them.")
    if report.stopped:
        lines.append(f"Stopped by {report.stopped}: a rerun does the rest.")
    lines.append(
        f"{report.registered} datasets in {report.run or report.output}."
        if report.run
        else f"Nothing was left to do in {report.output}."
    )
    for line in lines:
        console.print(Text(line))


def _table(report: RunReport) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("Task", no_wrap=True)
    for name in ("Quanta", "Done", "Failed", "Not run", "Seconds", "Median s", "Peak MiB"):
        table.add_column(name, justify="right", no_wrap=True)
    for label, found in by_task(report.outcomes).items():
        times = [o.seconds for o in found if o.seconds is not None]
        peaks = [o.memory for o in found if o.memory is not None]
        table.add_row(
            label,
            str(len(found)),
            str(sum(o.status.is_good for o in found)),
            str(sum(o.status.value in FAILED for o in found)),
            str(sum(o.status.value == NOT_RUN for o in found)),
            f"{sum(times):.1f}" if times else "—",
            f"{median(times):.2f}" if times else "—",
            f"{max(peaks) / _BYTES:.0f}" if peaks else "—",
        )
    return table


@contextmanager
def quanta_bar() -> Iterator[Callable[[Any, int, int], None] | None]:
    """Show quanta done, on a terminal only."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("quanta", total=None)
        yield lambda outcome, done, total: bar.update(
            task, description=outcome.label, completed=done, total=total
        )
