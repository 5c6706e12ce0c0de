"""`assay simulate`: makes data whose truth is known."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from skyassay.verify.campaign import Release


class Level(StrEnum):
    """What is simulated."""

    CATALOG = "catalog"


class SurveyLevel(StrEnum):
    """What of a survey is simulated."""

    VISITS = "visits"


class PresetName(StrEnum):
    """How much is simulated."""

    TINY = "tiny"
    SMALL = "small"
    MEDIUM = "medium"


class Format(StrEnum):
    """How the answer is printed."""

    TEXT = "text"
    JSON = "json"


def register(app: typer.Typer) -> None:
    """Add the `simulate` commands to the application."""
    group = typer.Typer(help="Make data whose truth is known.", no_args_is_help=True)
    group.command("release")(release)
    group.command("survey")(survey)
    app.add_typer(group, name="simulate")


def release(
    level: Annotated[Level, typer.Option(help="What is simulated.")] = Level.CATALOG,
    preset: Annotated[PresetName, typer.Option(help="How much of it.")] = PresetName.SMALL,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 1,
    out: Annotated[
        Path | None, typer.Option(help="Directory; ./simulated/PRESET-SEED where not given.")
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace another release in --out.")] = False,
    form: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TEXT,
) -> None:
    """Simulate a data release: several nights of visits in six bands, with truth tables."""
    from skyassay.verify.campaign import simulate

    directory = out or Path("simulated") / f"{preset.value}-{seed}"
    made = simulate(preset.value, seed, directory, overwrite=overwrite)
    _print(made, directory, form)
    if form is Format.TEXT:
        typer.echo(f"{level.value} level, preset {preset.value}, seed {seed}")


def survey(
    years: Annotated[float, typer.Option(help="How long it lasts.")] = 10.0,
    level: Annotated[SurveyLevel, typer.Option(help="What is simulated.")] = SurveyLevel.VISITS,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 1,
    out: Annotated[
        Path | None, typer.Option(help="Directory; ./simulated/survey-SEED where not given.")
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace another release in --out.")] = False,
    form: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TEXT,
) -> None:
    """Simulate a survey: a table of all its visits with their conditions, and the truth."""
    from skyassay.verify.campaign import simulate_survey
    from skyassay.verify.commands.shared import progress_bar

    directory = out or Path("simulated") / f"survey-{seed}"
    with progress_bar("nights") as progress:
        made = simulate_survey(years, seed, directory, overwrite=overwrite, progress=progress)
    _print(made, directory, form)
    if form is Format.TEXT:
        typer.echo(f"{level.value} level, {years:g} years, seed {seed}")


def _print(made: Release, directory: Path, form: Format) -> None:
    """Print what was written and where."""
    if form is Format.JSON:
        typer.echo(json.dumps({**made.manifest, "directory": str(directory)}, sort_keys=True))
        return
    for name, path in made.products.items():
        rows = made.manifest["files"][path.name]["rows"]
        typer.echo(f"{rows:>9,} rows  {name:<15} {path}")
