"""`assay plan`: how much data would decide each requirement."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, fields
from io import StringIO
from typing import TYPE_CHECKING, Annotated

import typer

from skyassay.verify.commands.shared import default_store, known_format

if TYPE_CHECKING:
    from skyassay.verify.planning import Plan

SCHEMA = "skyassay.plan/1"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("plan")(plan_command)


def plan_command(
    run: Annotated[str | None, typer.Option(help="Run id; the last one unless said.")] = None,
    store: Annotated[
        str | None, typer.Option("--store", "--url", help="Evidence store; 'none' for no run.")
    ] = None,
    power: Annotated[float, typer.Option(help="Chance that the verdict is decided.")] = 0.9,
    requirement: Annotated[
        list[str] | None, typer.Option(help="Requirement id; all when none.")
    ] = None,
    undecided: Annotated[
        bool, typer.Option("--undecided", help="Only what needs more than there is.")
    ] = False,
    form: Annotated[str, typer.Option("--format", help="table, json or csv.")] = "table",
) -> None:
    """Say how many visits, nights, cells or trials would decide each requirement.

    Measured quantities are scaled from a run in the store; shares of trials get the exact
    binomial sizes, with the number that passes without one failure.
    """
    from skyassay.requirements_map import load
    from skyassay.verify.commands.shared import NO_STORE
    from skyassay.verify.planning import plan
    from skyassay.verify.store import open_store

    known_format(form)
    where, requirements = store or default_store(), load()
    verdicts, measurements = [], []
    if where != NO_STORE:
        with open_store(where) as opened:
            chosen = opened.run(run) if run else opened.latest()
            verdicts = list(opened.verdicts(chosen.id))
            measurements = list(opened.measurements(chosen.id))
    plans = plan(requirements, verdicts, measurements, power)
    if requirement:
        plans = [p for p in plans if p.criterion.split("/")[0] in requirement]
    if undecided:
        plans = [p for p in plans if p.now is None or p.needed is None or p.needed > p.now]
    sys.stdout.write(_written(plans, form, power))


def _written(plans: list[Plan], form: str, power: float) -> str:
    if form == "json":
        document = {"schema": SCHEMA, "power": power, "plans": [asdict(p) for p in plans]}
        return json.dumps(document, indent=1, allow_nan=False) + "\n"
    if form == "csv":
        from skyassay.verify.csvio import records_csv
        from skyassay.verify.planning import Plan

        names = [field.name for field in fields(Plan)]
        return records_csv(names, [asdict(p) for p in plans])
    return _table(plans, power)


def _table(plans: list[Plan], power: float) -> str:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from skyassay.verify.report.digits import limit_text, plain
    from skyassay.verify.report.terminal import colours, width

    table = Table(title=f"What would decide, with a chance of {power:.0%}", title_justify="left")
    for name in ("criterion", "value", "limit", "now", "needed", "no failure in", "note"):
        table.add_column(name, overflow="fold")
    for p in plans:
        name = " ".join(part for part in (p.criterion, p.band, p.component) if part)
        now = f"{p.now} {p.counted}" if p.now is not None else ""
        decided = f"{p.needed} ({p.decided})" if p.needed is not None else ""
        exact = f"{p.zero_failures} trials" if p.zero_failures else ""
        if p.with_half:
            exact += f"; {p.with_half} at half the rate"
        cells = (
            name,
            "" if p.value is None else f"{plain(p.value)} {p.unit}".strip(),
            limit_text(p.op, p.limit, p.unit),
            now,
            decided,
            exact,
            p.note,
        )
        table.add_row(*(Text(cell) for cell in cells))
    out = StringIO()
    Console(file=out, width=width(), force_terminal=colours(), no_color=not colours()).print(table)
    return out.getvalue()
