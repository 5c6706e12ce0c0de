"""Making data: what the simulator and the pipeline do for us."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skyassay.pipeline.execution.report import RunReport
    from skyassay.pipeline.processing import Kind
    from skyassay.pipeline.repository.ingest import Ingested
    from skyassay.simulator.exposure.release import PixelRelease
    from skyassay.simulator.release import Release


def simulate(preset: str, seed: int, out_dir: Path, *, overwrite: bool = False) -> Release:
    """Simulate a release at catalog level and write its products.

    Parameters
    ----------
    preset : str
        ``tiny``, ``small`` or ``medium``.
    seed : int
        The same seed gives the same bytes.
    out_dir : Path
    overwrite : bool
        Replace another release in `out_dir`.

    Returns
    -------
    skyassay.simulator.release.Release
        Where each product is, and the manifest.

    Raises
    ------
    skyassay.simulator.errors.SimulatorError
    """
    from skyassay.simulator.release import simulate_release

    return simulate_release(preset, seed, out_dir, overwrite=overwrite)


def simulate_pixels(
    preset: str,
    seed: int,
    out_dir: Path,
    repo: Path,
    *,
    bands: Sequence[str] = ("r", "i"),
    visits_per_band: int | None = None,
    workers: int = 2,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[PixelRelease, Ingested]:
    """Simulate raw frames and enter them, the reference stars and the truth in a repository.

    Parameters
    ----------
    preset : str
        ``tiny`` or ``small``.
    seed : int
        The same seed gives the same bytes.
    out_dir : Path
        The frames stay here; the repository refers to them.
    repo : Path
        A Butler repository; made where there is none.
    bands : sequence of str
    visits_per_band : int, optional
        The preset's where not given.
    workers : int
    overwrite : bool
        Replace another release in `out_dir`.
    progress : callable, optional
        Told the frames made and those of the release.

    Raises
    ------
    SimulatorError, RepositoryError
    """
    from skyassay.pipeline.repository.ingest import ingest
    from skyassay.simulator.exposure.release import simulate_frames

    made = simulate_frames(
        preset,
        seed,
        out_dir,
        bands=bands,
        visits_per_band=visits_per_band,
        workers=workers,
        overwrite=overwrite,
        progress=progress,
    )
    return made, ingest(repo, out_dir)


def simulate_night(
    preset: str,
    seed: int,
    out_dir: Path,
    repo: Path,
    *,
    bands: Sequence[str] = ("r", "i"),
    visits_per_band: int | None = None,
    workers: int = 2,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[PixelRelease, Ingested]:
    """Simulate the night after a release, with and without injected sources, and enter both.

    Parameters
    ----------
    preset : str
        ``tiny``, ``small`` or ``medium``.
    seed : int
        That of the release.
    out_dir : Path
        The frames stay here; the repository refers to them.
    repo : Path
        The Butler repository of the release.
    bands : sequence of str
    visits_per_band : int, optional
        The preset's where not given.
    workers : int
    overwrite : bool
        Replace another night in `out_dir`.
    progress : callable, optional
        Told the frames made and those of the night.

    Raises
    ------
    SimulatorError, RepositoryError
    """
    from skyassay.pipeline.repository import names
    from skyassay.pipeline.repository.ingest import ingest
    from skyassay.simulator.changing import release

    made = release.simulate_night(
        preset,
        seed,
        out_dir,
        bands=bands,
        visits_per_band=visits_per_band,
        workers=workers,
        overwrite=overwrite,
        progress=progress,
    )
    entered = ingest(repo, out_dir, truth_run=names.TRUTH_NIGHT)
    ingest(repo, out_dir / "injected", raw_run=names.INJECTED_RAW, truth_run=names.TRUTH_NIGHT)
    return made, entered


def process(
    repo: str,
    kind: Kind,
    *,
    output: str | None = None,
    where: str = "",
    workers: int = 2,
    scheduler: str | None = None,
    progress: Callable[[Any, int, int], None] | None = None,
    apdb: str | None = None,
) -> RunReport:
    """Run a pipeline over a repository's raw frames.

    Parameters
    ----------
    repo : str
    kind : {"release", "template", "prompt", "injected"}
    output : str, optional
        Chain of the outputs.
    where : str
        Butler expression that selects science frames.
    workers : int
    scheduler : str, optional
        Address of a Dask scheduler.
    progress : callable, optional
        Told each outcome, the quanta done and all of them.
    apdb : str, optional
        URL of a PostgreSQL prompt database; a file of the repository where not given.

    Raises
    ------
    RepositoryError, ExecutionError
    """
    from skyassay.pipeline import processing

    return processing.process(
        repo,
        kind,
        output=output,
        where=where,
        workers=workers,
        scheduler=scheduler,
        progress=progress,
        apdb=apdb,
    )


def simulate_survey(
    years: float,
    seed: int,
    out_dir: Path,
    *,
    overwrite: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Release:
    """Simulate a survey at the level of its visits and write its tables.

    Parameters
    ----------
    years : float
    seed : int
        The same seed gives the same bytes.
    out_dir : Path
    overwrite : bool
        Replace another release in `out_dir`.
    progress : callable, optional
        Told the nights done so far.

    Raises
    ------
    skyassay.simulator.errors.SimulatorError
    """
    from skyassay.simulator.survey import release

    return release.simulate_survey(years, seed, out_dir, overwrite=overwrite, progress=progress)
