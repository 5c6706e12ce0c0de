"""`assay measure`: metrics over tables; the verdicts beside them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skyassay.verify.commands.shared import (
    NO_STORE,
    Inputs,
    command_line,
    default_store,
    known_format,
    measure_and_keep,
    print_findings,
    print_head,
    table_paths,
    terminal,
)

if TYPE_CHECKING:
    from skyassay.verify.measuring import Measured


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("measure")(measure)


def measure(
    table: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=PATH: a product and its Parquet, FITS or ECSV; alerts=PATH: alert "
            "packets. May be repeated."
        ),
    ] = None,
    repo: Annotated[
        str | None, typer.Option(help="Instead of tables: a Butler repository, folder or URL.")
    ] = None,
    collection: Annotated[str | None, typer.Option(help="Of --repo: what is measured.")] = None,
    truth: Annotated[
        str | None,
        typer.Option(help="Of --repo: collection of truth tables; none for none."),
    ] = None,
    metric: Annotated[
        list[str] | None, typer.Option(help="Metric id; may be repeated. Every metric if none.")
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(help="srd, faro, validate_drp, analysis_tools, or all: side by side."),
    ] = None,
    output_format: Annotated[str, typer.Option("--format", help="table, json or csv.")] = "table",
    store: Annotated[
        str | None,
        typer.Option(help="Where results are kept: a URL or SQLite file; none keeps nothing."),
    ] = None,
    run: Annotated[str | None, typer.Option(help="Run id; made from the content if none.")] = None,
    contract: Annotated[
        bool, typer.Option(help="Check the tables against their products' contracts first.")
    ] = True,
    workers: Annotated[
        int | None, typer.Option(help="Worker processes; one if none, two on Dask.")
    ] = None,
    executor: Annotated[
        str | None,
        typer.Option(help="serial, processes or dask; by --workers and --scheduler if none."),
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler, as tcp://HOST:8786.")
    ] = None,
    task_timeout: Annotated[
        float | None, typer.Option(help="Seconds one partition may take; no limit if none.")
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option(help="Folder of checkpoints: what a killed run folded is not folded again."),
    ] = None,
    partitions: Annotated[
        int | None, typer.Option(help="Parts the data are read in; chosen by size if none.")
    ] = None,
    subject: Annotated[str | None, typer.Option(help="Whose data these are.")] = None,
    evidence_level: Annotated[
        str | None,
        typer.Option(help="pixels, catalog-twin, visit-table, packet-load, real or record."),
    ] = None,
) -> int:
    """Measure tables, or a collection of a Butler repository.

    Exit code: 0 when something was measured, 3 when nothing was, 4 wrong usage.
    """
    from skyassay.requirements_map import load
    from skyassay.verify.measuring import Request

    known_format(output_format)
    request = Request(
        metrics=tuple(metric or ()),
        recipe=recipe,
        workers=workers,
        executor=executor,
        scheduler=scheduler,
        task_timeout=task_timeout,
        resume=resume,
        run_id=run,
        subject=subject,
        evidence_level=evidence_level,
        partitions=partitions,
        command=command_line(),
    )
    keep = store or default_store()
    inputs = Inputs(table_paths(table or ()), repo, collection, truth)
    made = measure_and_keep(inputs, request, load(), keep, contract=contract)
    if output_format == "json":
        from skyassay.verify.jsonio import pretty

        sys.stdout.write(pretty(document(made)) + "\n")
    else:
        _print(made, output_format, keep)
    return 0 if any(m.status == "MEASURED" for m in made.measurements) else 3


def document(made: Measured) -> dict[str, Any]:
    """Return the JSON document of a run: measurements, verdicts on them, findings."""
    from dataclasses import asdict

    from skyassay.verify.jsonio import measurements_document, verdict_to_json

    judged = [v for v in made.judgement.all if v.recipe is not None]
    return {
        **measurements_document(made.run, made.measurements),
        "verdicts": [verdict_to_json(v) for v in judged],
        "findings": [asdict(f) for f in made.findings],
        "state_digests": dict(made.digests),
    }


def _print(made: Measured, output_format: str, store: str) -> None:
    from rich.text import Text

    from skyassay.verify.side_by_side import recipe_grid
    from skyassay.verify.tabular import measurement_grid, show

    if output_format == "csv":
        from skyassay.verify.csvio import measurements_csv

        sys.stdout.write(measurements_csv(made.measurements))
        return
    by_recipe = made.judgement.by_recipe()
    console = terminal()
    run = made.run
    print_head(console, run)
    if len(by_recipe) > 1:
        binding = {name: [v for v in found if v.binding] for name, found in by_recipe.items()}
        show(recipe_grid(binding, console.width, measured=True), console)
    else:
        show(measurement_grid(made.measurements, by_recipe, console.width), console)
    print_findings(console, made.findings)
    kept = "Nothing was kept." if store == NO_STORE else f"Kept in {store} as {run.id}."
    console.print(Text(kept))
