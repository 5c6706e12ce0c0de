"""`assay simulate`: makes data whose truth is known."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skyassay.verify.errors import VerifyError

if TYPE_CHECKING:
    from skyassay.verify.campaign import Release

PIXELS_SCHEMA = "skyassay.simulated_frames/1"


class Level(StrEnum):
    """What is simulated."""

    CATALOG = "catalog"
    PIXELS = "pixels"


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
    group.command("night")(night)
    group.command("release")(release)
    group.command("survey")(survey)
    app.add_typer(group, name="simulate")


_Repo = Annotated[
    Path | None, typer.Option(help="Pixels: Butler repository that the frames are entered into.")
]
_Bands = Annotated[str, typer.Option(help="Pixels: filters, as ri.")]
_Workers = Annotated[int, typer.Option(min=1, help="Pixels: processes.")]


def night(
    repo: _Repo = None,
    preset: Annotated[PresetName, typer.Option(help="How large.")] = PresetName.SMALL,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 1,
    visits: Annotated[
        int | None,
        typer.Option(min=1, help="Per band; 1, or the preset's after a release, if none."),
    ] = None,
    bands: _Bands = "ri",
    workers: _Workers = 2,
    out: Annotated[
        Path | None, typer.Option(help="Directory; ./simulated/night-PRESET-SEED if not given.")
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace another release in --out.")] = False,
    after_release: Annotated[
        bool,
        typer.Option(
            "--after-release",
            help="The night after the release of this preset and seed in --repo: the sky has "
            "changed. Also draws the visits with injected sources.",
        ),
    ] = False,
    form: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TEXT,
) -> None:
    """Simulate few visits of raw frames with calibration frames and truth, in a repository.

    With --after-release there are no calibration frames: those of the release hold.
    """
    directory = out or Path("simulated") / f"night-{preset.value}-{seed}"
    number = visits if visits is not None or after_release else 1
    wanted = _Frames(preset.value, seed, directory, bands, number, workers, overwrite)
    _pixels(wanted, repo, form, after=after_release)


def release(
    level: Annotated[Level, typer.Option(help="What is simulated.")] = Level.CATALOG,
    preset: Annotated[PresetName, typer.Option(help="How much of it.")] = PresetName.SMALL,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 1,
    repo: _Repo = None,
    visits: Annotated[
        int | None, typer.Option(min=1, help="Pixels: per band; the preset's if none.")
    ] = None,
    bands: _Bands = "ri",
    workers: _Workers = 2,
    out: Annotated[
        Path | None, typer.Option(help="Directory; ./simulated/PRESET-SEED where not given.")
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace another release in --out.")] = False,
    form: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TEXT,
) -> None:
    """Simulate a data release: nights of visits, as tables or as raw frames, with the truth."""
    from skyassay.verify.campaign import simulate

    if level is Level.PIXELS:
        directory = out or Path("simulated") / f"pixels-{preset.value}-{seed}"
        wanted = _Frames(preset.value, seed, directory, bands, visits, workers, overwrite)
        _pixels(wanted, repo, form)
        return
    if repo is not None:
        raise VerifyError(
            "A release of tables is not entered into a repository.",
            code="repo_without_pixels",
            hint="Add --level pixels, or leave --repo away.",
            exit_code=4,
        )
    directory = out or Path("simulated") / f"{preset.value}-{seed}"
    made = simulate(preset.value, seed, directory, overwrite=overwrite)
    _print(made, directory, form)
    if form is Format.TEXT:
        typer.echo(f"{level.value} level, preset {preset.value}, seed {seed}")


@dataclass(frozen=True)
class _Frames:
    """Which raw frames are simulated."""

    preset: str
    seed: int
    directory: Path
    bands: str
    visits: int | None
    workers: int
    overwrite: bool


def _pixels(wanted: _Frames, repo: Path | None, form: Format, *, after: bool = False) -> None:
    """Simulate raw frames, enter them, and say what was entered and what was refused."""
    from skyassay.verify.campaign import simulate_night, simulate_pixels

    if repo is None:
        raise VerifyError(
            "Raw frames are entered into a repository, and none was named.",
            code="no_repo",
            hint="Add --repo REPO: a Butler repository, or where to make one.",
            exit_code=4,
        )
    with _frames_bar() as progress:
        made, entered = (simulate_night if after else simulate_pixels)(
            wanted.preset,
            wanted.seed,
            wanted.directory,
            repo,
            bands=tuple(wanted.bands),
            visits_per_band=wanted.visits,
            workers=wanted.workers,
            overwrite=wanted.overwrite,
            progress=progress,
        )
    if form is Format.JSON:
        document = {
            "schema": PIXELS_SCHEMA,
            "preset": wanted.preset,
            "seed": wanted.seed,
            "directory": str(wanted.directory),
            "repo": str(repo),
            "frames": len(made.raws),
            "ingested": asdict(entered),
        }
        typer.echo(json.dumps(document, sort_keys=True))
        return
    typer.echo(f"{len(made.raws):>9,} frames  {wanted.directory}")
    typer.echo(
        f"{entered.raws:>9,} entered in {repo} ({entered.exposures} exposures, {entered.known} "
        f"known before), {entered.references:,} reference stars, {len(entered.truth)} truth tables"
    )
    for refused in entered.refused:
        typer.echo(f"refused: {refused.reason} [{refused.code}]")
    typer.echo(f"pixels level, preset {wanted.preset}, seed {wanted.seed}")


@contextmanager
def _frames_bar() -> Iterator[Callable[[int, int], None] | None]:
    """Show frames made, on a terminal only."""
    from skyassay.verify.commands.shared import progress_bar

    with progress_bar("frames") as progress:
        yield None if progress is None else lambda done, _all: progress(done)


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
