"""`assay simulate`: makes data whose truth is known."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Level(StrEnum):
    """What is simulated."""

    CATALOG = "catalog"


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
    if form is Format.JSON:
        typer.echo(json.dumps({**made.manifest, "directory": str(directory)}, sort_keys=True))
        return
    for name, path in made.products.items():
        rows = made.manifest["files"][path.name]["rows"]
        typer.echo(f"{rows:>9,} rows  {name:<15} {path}")
    typer.echo(f"{level.value} level, preset {preset.value}, seed {seed}")
