"""`assay campaign`: the slow proofs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeGuard

import typer

from skyassay.verify.commands import campaign_night


class Format(StrEnum):
    """How the result is printed."""

    MARKDOWN = "markdown"
    JSON = "json"


class Part(StrEnum):
    """What is compared with the truth."""

    RELEASE = "release"
    NIGHT = "night"


def register(app: typer.Typer) -> None:
    """Add the `campaign` commands to the application."""
    group = typer.Typer(
        help="The slow proofs: do the intervals hold, does the pipeline find the truth?",
        no_args_is_help=True,
    )
    group.callback()(_root)
    group.command("coverage")(coverage)
    group.command("closure")(closure)
    group.command("twin")(twin)
    group.command("faults")(faults)
    campaign_night.register(group)
    app.add_typer(group, name="campaign")


def _root() -> None:
    """Run the slow proofs."""


def coverage(
    seeds: Annotated[int, typer.Option(min=1, help="Samples per row of the table.")] = 400,
    metric: Annotated[list[str] | None, typer.Option(help="Metric id; all when none.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    form: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.MARKDOWN,
    output: Annotated[Path | None, typer.Option(help="Write the Markdown table here too.")] = None,
    certify: Annotated[Path | None, typer.Option(help="Write the certification file here.")] = None,
    rows: Annotated[
        Path | None,
        typer.Option(help="Keep the rows in this file: those of metrics not run now stay."),
    ] = None,
) -> None:
    """Measure coverage and false acceptance of every interval on data of known truth.

    Exits 0 when every metric is certified, 1 when one is not.
    """
    from skyassay.requirements_map import load
    from skyassay.verify.campaign import simulated_metrics
    from skyassay.verify.coverage import judge_campaign, make_plan, run_campaign
    from skyassay.verify.coverage.table import kept_counts, to_certification, to_json, to_markdown

    requirements = load()
    wanted = metric or simulated_metrics()
    cells = make_plan(wanted, requirements)
    kept = kept_counts(rows.read_text("utf-8"), seeds, set(wanted)) if _there(rows) else {}
    with _progress() as progress:
        counts = {**kept, **run_campaign(cells, seeds, workers, progress)}
    outcome = judge_campaign(dict(sorted(counts.items(), key=lambda c: c[0].metric)), seeds)
    if rows:
        rows.write_text(to_json(outcome), "utf-8")
    if output:
        output.write_text(to_markdown(outcome), "utf-8")
    if certify:
        certify.write_text(to_certification(outcome), "utf-8")
    typer.echo(to_json(outcome) if form is Format.JSON else to_markdown(outcome), nl=False)
    if any(outcome.problems.values()):
        raise typer.Exit(1)


def faults(
    fault: Annotated[list[str] | None, typer.Option(help="Fault; all when none.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Seeds per dose.")] = 4,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    form: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.MARKDOWN,
    output: Annotated[Path | None, typer.Option(help="Write the Markdown table here too.")] = None,
    rows: Annotated[Path | None, typer.Option(help="Write all that was found here, JSON.")] = None,
) -> None:
    """Try declared faults at growing doses: each flips its criteria and no others.

    Exits 0 when all is as declared, 1 when something is not.
    """
    from skyassay.verify.campaign.faults import run_faults
    from skyassay.verify.faults.page import to_json, to_markdown

    with _progress() as progress:
        found, trials = run_faults(
            fault or (), range(1, seeds + 1), workers=workers, progress=progress
        )
    text = to_markdown(found, seeds)
    if output:
        output.write_text(text, "utf-8")
    if rows:
        rows.write_text(to_json(found, trials), "utf-8")
    typer.echo(to_json(found, trials) if form is Format.JSON else text, nl=False)
    if not all(response.holds for response in found):
        raise typer.Exit(1)


def closure(
    repo: Annotated[
        str | None, typer.Option(help="A Butler repository, folder or URL, of a simulation.")
    ] = None,
    collection: Annotated[str | None, typer.Option(help="Of --repo: what was processed.")] = None,
    truth: Annotated[
        str | None, typer.Option(help="Of --repo: collection of the truth tables.")
    ] = None,
    table: Annotated[
        list[str] | None, typer.Option(help="NAME=PATH instead of --repo; may be repeated.")
    ] = None,
    part: Annotated[
        list[Part] | None,
        typer.Option(help="release, or night: differences. All that is there when none."),
    ] = None,
    band: Annotated[list[str] | None, typer.Option(help="Bands; r and i when none.")] = None,
    form: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.MARKDOWN,
    plots: Annotated[
        Path | None,
        typer.Option(help="Write page, numbers and (with Chromium) a picture in this folder."),
    ] = None,
) -> None:
    """Compare what the pipeline measured with what was simulated, of a release or of a night.

    Exits 0 when everything holds, 1 when something does not, 3 when something could not be
    measured.
    """
    from skyassay.verify.closure import page
    from skyassay.verify.closure.run import BANDS
    from skyassay.verify.closure.tables import Part as Known
    from skyassay.verify.closure.tables import close_source
    from skyassay.verify.commands.shared import Inputs, table_paths

    inputs = Inputs(table_paths(table or ()), repo, collection, truth)
    parts = tuple(Known(one.value) for one in part or ())
    found = close_source(inputs.open(), tuple(band or BANDS), parts)
    typer.echo(page.to_json(found) if form is Format.JSON else page.to_markdown(found), nl=False)
    if plots:
        for path in page.write(found, plots, "Truth closure"):
            typer.echo(f"Written: {path}", err=True)
    code = {"PASS": 0, "FAIL": 1}.get(found.status, 3)
    if code:
        raise typer.Exit(code)


def twin(
    release: Annotated[
        Path, typer.Option("--twin", help="Folder of tables that `assay simulate release` wrote.")
    ],
    repo: Annotated[
        str | None, typer.Option(help="A Butler repository, folder or URL, of a simulation.")
    ] = None,
    collection: Annotated[str | None, typer.Option(help="Of --repo: what was processed.")] = None,
    truth: Annotated[
        str | None, typer.Option(help="Of --repo: collection of the truth tables.")
    ] = None,
    table: Annotated[
        list[str] | None,
        typer.Option(help="NAME=PATH of the pixels instead of --repo; may be repeated."),
    ] = None,
    band: Annotated[list[str] | None, typer.Option(help="Bands; r and i when none.")] = None,
    form: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.MARKDOWN,
) -> None:
    """Fit the twin's error terms to measured pixels and to a twin, and compare them.

    Exits 0 when no term of the twin is smaller than that of the pixels, 1 when one is, 3 when
    none is but something could not be measured.
    """
    from skyassay.verify.closure import twin as made
    from skyassay.verify.commands.shared import Inputs, table_paths

    pixels = made.read(Inputs(table_paths(table or ()), repo, collection, truth).open())
    other = made.read(Inputs(made.tables_in(release)).open())
    found = made.agree(pixels, other, tuple(band or made.BANDS))
    typer.echo(made.to_json(found) if form is Format.JSON else made.to_markdown(found), nl=False)
    code = {"PASS": 0, "FAIL": 1}.get(found.status, 3)
    if code:
        raise typer.Exit(code)


def _there(path: Path | None) -> TypeGuard[Path]:
    return path is not None and path.exists()


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None] | None]:
    """Show how far the campaign is, on a terminal only."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("coverage campaign", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
