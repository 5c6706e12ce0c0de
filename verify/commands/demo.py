"""`assay demo`: the whole way of the data on a simulated release, in a few minutes."""

from __future__ import annotations

import shlex
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
    images: Annotated[
        bool,
        typer.Option("--images/--no-images", help="Raw frames and the pipeline too."),
    ] = True,
    night: Annotated[
        bool, typer.Option("--night/--no-night", help="After the images, a night with alerts.")
    ] = True,
    serve: Annotated[bool, typer.Option("--serve", help="Open the dashboard at the end.")] = False,
) -> None:
    """Simulate, process, measure, judge and report; print what came out.

    Three runs: a release of tables whose truth is known in six bands; raw frames in two, which
    go through the whole pipeline; and the night after them, up to its alerts. Exits 0 when it
    ran.
    """
    from skyassay.verify.campaign import demonstrate, demonstrate_night, demonstrate_pixels
    from skyassay.verify.report.terminal import colours, width

    out.mkdir(parents=True, exist_ok=True)
    made: list[Demo] = []
    wanted = [demonstrate, *([demonstrate_pixels] if images else [])]
    for run in [*wanted, *([demonstrate_night] if images and night else [])]:
        with progress_bar("measuring") as progress:
            made.append(run(preset.value, seed, out, say=_step, progress=progress))
    for one in made:
        sys.stdout.write(_shown(one, width(), colour=colours()))
    sys.stdout.write(_where(made[0]))
    if serve:
        from skyassay.verify.cli import build_app

        build_app()(["dashboard", "--store", str(made[0].store)], standalone_mode=False)


def _step(line: str) -> None:
    sys.stderr.write(line + "\n")


def _shown(made: Demo, columns: int, *, colour: bool = False) -> str:
    """Return what must be seen of a run, and the command that shows the rest."""
    from skyassay.verify.report.table import to_digest

    words = ["assay", "report", "release", "--store", str(made.store), "--run", made.report.run.id]
    more = shlex.join(words)
    return to_digest(made.report, more=more, width=columns, colour=colour) + _closing(made)


def _closing(made: Demo) -> str:
    """Say how the verdicts compare with what the simulator expects, and where things are."""
    right = [c for c, (got, wanted) in made.as_expected.items() if got in wanted]
    wrong = [
        f"  {criterion}: {got}, expected {' or '.join(wanted)}"
        for criterion, (got, wanted) in made.as_expected.items()
        if got not in wanted
    ]
    lines = []
    if made.as_expected:
        lines += [
            f"{len(right)} of {len(made.as_expected)} value criteria are decided as the simulator "
            "expects." + (" The others:" if wrong else ""),
            *wrong,
        ]
    return "\n".join([*lines, f"Report:    {made.page}", ""]) + "\n"


def _where(made: Demo) -> str:
    """Say how to look at all runs."""
    return f"Dashboard: assay dashboard --store {made.store}\n"
