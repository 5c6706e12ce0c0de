"""`assay demo`: the whole way of the data on a simulated release, in a minute."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skyassay.verify.commands.shared import progress_bar
from skyassay.verify.commands.simulate import PresetName

if TYPE_CHECKING:
    from skyassay.verify.campaign import Demo


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(demo)


def demo(
    preset: Annotated[PresetName, typer.Option(help="How much is simulated.")] = PresetName.SMALL,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same data.")] = 1,
    out: Annotated[Path, typer.Option(help="Directory for everything it makes.")] = Path("demo"),
    serve: Annotated[bool, typer.Option("--serve", help="Open the dashboard at the end.")] = False,
) -> None:
    """Simulate, measure, judge and report; print the requirement table. Exits 0 when it ran."""
    from skyassay.verify.campaign import demonstrate
    from skyassay.verify.report.table import to_table
    from skyassay.verify.report.terminal import colours, width

    out.mkdir(parents=True, exist_ok=True)
    with progress_bar("measuring") as progress:
        made = demonstrate(preset.value, seed, out, say=_step, progress=progress)
    sys.stdout.write(to_table(made.report, width=width(), colour=colours()))
    sys.stdout.write(_closing(made))
    if serve:
        from skyassay.verify.cli import build_app

        build_app()(["dashboard", "--store", str(made.store)], standalone_mode=False)


def _step(line: str) -> None:
    sys.stderr.write(line + "\n")


def _closing(made: Demo) -> str:
    """Say how the verdicts compare with what the simulator expects, and where things are."""
    right = [c for c, (got, wanted) in made.as_expected.items() if got in wanted]
    wrong = [
        f"  {criterion}: {got}, expected {' or '.join(wanted)}"
        for criterion, (got, wanted) in made.as_expected.items()
        if got not in wanted
    ]
    lines = [
        "",
        f"{len(right)} of {len(made.as_expected)} value criteria are decided as the simulator "
        "expects." + (" The others:" if wrong else ""),
        *wrong,
        f"Report:    {made.page}",
        f"Dashboard: assay dashboard --store {made.store}",
    ]
    return "\n".join(lines) + "\n"
