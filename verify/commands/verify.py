"""`assay verify`: the verdicts of a run, and an exit code that says them."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from skyassay.verify.commands.shared import (
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
from skyassay.verify.errors import VerifyError
from skyassay.verify.status import exit_code

if TYPE_CHECKING:
    from skyassay.metrics.contract import Measurement
    from skyassay.requirements_map import RequirementSet
    from skyassay.verify.judging import Judgement
    from skyassay.verify.measuring import Request
    from skyassay.verify.records import Finding, Run, Verdict

LEVELS = ("binding", "all")
#: `--recipe` for every recipe side by side.
ALL = "all"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("verify")(verify)


def verify(
    run: Annotated[str | None, typer.Option(help="Run id; the run stored last if none.")] = None,
    store: Annotated[
        str | None, typer.Option(help="A URL or SQLite file; none with --table keeps nothing.")
    ] = None,
    table: Annotated[
        list[str] | None, typer.Option(help="NAME=PATH: measures these first; may be repeated.")
    ] = None,
    repo: Annotated[
        str | None, typer.Option(help="Measures this Butler repository first: folder or URL.")
    ] = None,
    collection: Annotated[str | None, typer.Option(help="Of --repo: what is measured.")] = None,
    truth: Annotated[
        str | None,
        typer.Option(help="Of --repo: collection of truth tables; none for none."),
    ] = None,
    metric: Annotated[
        list[str] | None, typer.Option(help="Only criteria of this metric; may be repeated.")
    ] = None,
    recipe: Annotated[
        str | None, typer.Option(help="A recipe's name, or all: verdicts side by side.")
    ] = None,
    level: Annotated[str, typer.Option(help="binding or all.")] = "binding",
    output_format: Annotated[str, typer.Option("--format", help="table, json or csv.")] = "table",
    every: Annotated[
        bool,
        typer.Option("--all", help="Show and count every criterion, measured or not."),
    ] = False,
    contract: Annotated[
        bool, typer.Option(help="Check the tables against their products' contracts first.")
    ] = True,
    workers: Annotated[
        int | None, typer.Option(help="Worker processes, with --table; one if none.")
    ] = None,
    executor: Annotated[
        str | None, typer.Option(help="With --table: serial, processes or dask.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="With --table: a Dask scheduler, as tcp://HOST:8786.")
    ] = None,
    task_timeout: Annotated[
        float | None, typer.Option(help="With --table: seconds one partition may take.")
    ] = None,
    resume: Annotated[
        str | None, typer.Option(help="With --table: folder of checkpoints of a killed run.")
    ] = None,
    subject: Annotated[str | None, typer.Option(help="Whose data, with --table.")] = None,
    evidence_level: Annotated[str | None, typer.Option(help="With --table.")] = None,
) -> int:
    """Judge a run by the requirements.

    Exit code: 0 pass, 1 failed, 2 inconclusive, 3 could not evaluate, 4 wrong usage.
    Criteria of metrics that were measured count, at their binding level; --all counts all.
    """
    from skyassay.requirements_map import load

    known_format(output_format)
    if level not in LEVELS:
        raise VerifyError(
            f"There is no choice of levels {level!r}.",
            code="unknown_level",
            hint="Choose binding or all.",
            exit_code=4,
        )
    requirements = load()
    keep = store or default_store()
    if table or repo:
        request = replace(
            _request(metric, recipe, workers, run, subject, evidence_level),
            executor=executor,
            scheduler=scheduler,
            task_timeout=task_timeout,
            resume=resume,
        )
        inputs = Inputs(table_paths(table or ()), repo, collection, truth)
        made = measure_and_keep(inputs, request, requirements, keep, contract=contract)
        found = _Judged(made.run, made.judgement, made.findings, _metrics(made.measurements))
    else:
        found = _again(run, keep, requirements)
    found = replace(found, judgement=_only(found.judgement, recipe))
    asked = set(metric) if metric else found.metrics
    shown = _shown(found.judgement, asked, level, every=every)
    _print(found, shown, output_format, every=every)
    return exit_code(found.judgement.deciding(asked, everything=every))


@dataclass(frozen=True)
class _Judged:
    """A run, what is known about it, and the metrics that were tried."""

    run: Run
    judgement: Judgement
    findings: tuple[Finding, ...]
    metrics: set[str]


def _request(
    metric: list[str] | None,
    recipe: str | None,
    workers: int | None,
    run: str | None,
    subject: str | None,
    evidence_level: str | None,
) -> Request:
    from skyassay.verify.measuring import Request

    return Request(
        metrics=tuple(metric or ()),
        recipe=recipe,
        workers=workers,
        run_id=run,
        subject=subject,
        evidence_level=evidence_level,
        command=command_line(),
    )


def _metrics(measurements: Sequence[Measurement]) -> set[str]:
    return {m.metric for m in measurements}


def _again(run_id: str | None, url: str, requirements: RequirementSet) -> _Judged:
    """Judge a stored run by today's requirements; keep verdicts that are new."""
    from skyassay.verify.judging import judge_recipes
    from skyassay.verify.store import open_store

    with open_store(url) as reader:
        run = reader.run(run_id) if run_id else reader.latest()
        measurements = reader.measurements(run.id)
        known = {_key(v) for v in reader.verdicts(run.id, ALL)}
        findings = tuple(reader.findings(run.id))
    judgement = judge_recipes(requirements, measurements, run)
    new = [v for v in judgement.all if _key(v) not in known]
    if new:
        with open_store(url, write=True) as writer:
            writer.add_run(run, verdicts=new)
    return _Judged(run, judgement, findings, _metrics(measurements))


def _key(v: Verdict) -> tuple[str | None, ...]:
    """Return what makes a verdict a new one: another text of the criterion, other evidence."""
    return v.criterion, v.level, v.recipe, v.fingerprint, v.evidence


def _only(judgement: Judgement, recipe: str | None) -> Judgement:
    """Keep the recipe that was asked for; without one, those of record if there are any."""
    if recipe == ALL:
        return judgement
    names = judgement.by_recipe()
    if recipe is None:
        recorded = any(v.recipe for v in judgement.record)
        return replace(judgement, others={}) if recorded else judgement
    if recipe not in names:
        raise VerifyError(
            f"The run has nothing measured by recipe {recipe!r}.",
            code="unknown_recipe",
            hint="It has " + (", ".join(names) or "nothing measured"),
            exit_code=4,
        )
    if recipe in judgement.others:
        unmeasured = tuple(v for v in judgement.record if v.recipe is None)
        return replace(judgement, record=unmeasured, others={recipe: judgement.others[recipe]})
    return replace(judgement, others={})


def _shown(
    judgement: Judgement, asked: set[str], level: str, *, every: bool
) -> dict[str, list[Verdict]]:
    """Return recipe -> the verdicts to show."""
    groups = {name: list(found) for name, found in judgement.by_recipe().items()}
    if every:
        rest = [v for v in judgement.record if v.recipe is None]
        groups.setdefault("srd", []).extend(rest)
    return {
        name: [v for v in found if (level == ALL or v.binding) and (every or v.metric in asked)]
        for name, found in groups.items()
    }


def _print(
    found: _Judged, shown: dict[str, list[Verdict]], output_format: str, *, every: bool
) -> None:
    from rich.text import Text

    from skyassay.verify.side_by_side import recipe_grid
    from skyassay.verify.tabular import WIDE, show, verdict_grid

    run = found.run
    flat = [v for group in shown.values() for v in group]
    if output_format == "json":
        from skyassay.verify.jsonio import pretty, verdicts_document

        sys.stdout.write(pretty(verdicts_document(run, flat)) + "\n")
        return
    if output_format == "csv":
        from skyassay.verify.csvio import verdicts_csv

        sys.stdout.write(verdicts_csv(flat))
        return
    console = terminal()
    print_head(console, run)
    if len(shown) > 1:
        show(recipe_grid(shown, console.width), console)
    else:
        show(verdict_grid(flat, short=console.width < WIDE), console)
    print_findings(console, found.findings)
    counts = Counter(v.status for v in flat)
    text = ", ".join(f"{n} {status}" for status, n in counts.most_common()) or "nothing judged"
    others = sum(v.recipe is None and v.binding for v in found.judgement.record)
    if others and not every:
        text += f"; {others} further criteria were not measured (--all shows them)"
    console.print(Text(text, style="bold"))
