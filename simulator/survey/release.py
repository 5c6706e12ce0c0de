"""Writes a simulated survey: its visits, their truth, the night log, and a manifest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.products.io import write_chunks, write_table
from skyassay.simulator.errors import SimulatorError
from skyassay.simulator.image_quality import ImageQuality
from skyassay.simulator.manifest import (
    SCHEMA,
    file_entry,
    plain,
    prepared,
    versions,
    write_manifest,
)
from skyassay.simulator.presets import SURVEY
from skyassay.simulator.random import rng
from skyassay.simulator.release import Release
from skyassay.simulator.survey.log import night_log
from skyassay.simulator.survey.observing import observed, visit_ids
from skyassay.simulator.survey.scheduler import Strategy, schedule

Table = dict[str, NDArray[Any]]
DAYS_PER_YEAR = 365.25
#: Visits written at once, about: whole nights, some 100 MB of columns.
_CHUNK = 200_000
_MOST_YEARS = 20.0


@dataclass(frozen=True)
class Survey:
    """A survey: how it is observed, and the errors of what it says of its visits."""

    strategy: Strategy = field(default_factory=Strategy)
    images: ImageQuality = field(default_factory=ImageQuality)


def years(number: float) -> Survey:
    """Return the nominal survey of so many years.

    Raises
    ------
    SimulatorError
        ``bad_years`` for less than a night or more than 20 years.
    """
    nights = round(number * DAYS_PER_YEAR) if np.isfinite(number) else 0
    if not 1 <= nights <= _MOST_YEARS * DAYS_PER_YEAR:
        raise SimulatorError(
            f"A survey of {number:g} years cannot be simulated.",
            code="bad_years",
            hint="Give a number of years from 0.003 (one night) to 20.",
            exit_code=4,
        )
    return Survey(Strategy(nights=nights))


def plan(survey: Survey, seed: int, progress: Callable[[int], None] | None = None) -> Table:
    """Return every visit of a survey as `schedule` plans it.

    Parameters
    ----------
    survey : Survey
    seed : int
    progress : callable, optional
        Told the nights done so far.

    Raises
    ------
    SimulatorError
        ``no_visits`` when the dome was closed all the time; ``bad_seed``.
    """
    nights: list[Table] = []
    for made in schedule(survey.strategy, seed):
        nights.append(made)
        if progress is not None:
            progress(int(made["night"][0]) + 1)
    if not nights:
        raise SimulatorError(
            "No visit was made: the dome stayed closed.",
            code="no_visits",
            hint="Give more years or another seed.",
            exit_code=4,
        )
    return {name: np.concatenate([n[name] for n in nights]) for name in nights[0]}


def survey_chunks(survey: Survey, planned: Table, seed: int) -> Iterator[tuple[Table, Table]]:
    """Yield (`truth_visit`, `visit_table`) of whole nights, in order."""
    strategy = survey.strategy
    for part in _parts(planned["night"]):
        here = {name: column[part] for name, column in planned.items()}
        yield observed(here, strategy.start, strategy.site, survey.images, seed)


def _parts(night: NDArray[np.int64]) -> Iterator[slice]:
    """Yield slices of whole nights."""
    edges = np.r_[np.flatnonzero(np.diff(night)) + 1, len(night)]
    start = 0
    while start < len(night):
        stop = int(edges[min(np.searchsorted(edges, start + _CHUNK), len(edges) - 1)])
        yield slice(start, stop)
        start = stop


def simulate_survey(
    number: float,
    seed: int,
    out_dir: str | Path,
    *,
    overwrite: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Release:
    """Simulate a survey at the level of its visits and write it.

    Parameters
    ----------
    number : float
        Years.
    seed : int
        The same seed gives the same bytes; a shorter survey is the beginning of a longer one.
    out_dir : path-like
        Made if it is not there.
    overwrite : bool
        Replace another release in `out_dir`.
    progress : callable, optional
        Told the nights done so far.

    Returns
    -------
    Release

    Raises
    ------
    SimulatorError
        ``bad_years``, ``bad_seed``, ``release_exists``, ``not_writable``.
    """
    survey = years(number)
    rng(seed, "survey")  # a bad seed is refused before anything is written
    head = plain(
        {
            "schema": SCHEMA,
            "level": "visits",
            "preset": SURVEY.name,
            "seed": seed,
            "years": float(number),
            "model": asdict(survey),
            "versions": versions(),
        }
    )
    directory = prepared(Path(out_dir), head, overwrite=overwrite)
    planned = plan(survey, seed, progress)
    paths = {n: directory / f"{n}.parquet" for n in ("visit_table", "truth_visit", "night_log")}
    ids = visit_ids(planned["night"], survey.strategy.start)
    # The conditions are made twice: cheaper than to hold them.
    for which, name in enumerate(("truth_visit", "visit_table")):
        chunks = (made[which] for made in survey_chunks(survey, planned, seed))
        write_chunks(paths[name], name, chunks)
    write_table(paths["night_log"], "night_log", night_log(planned, ids, seed))
    rows = {"night_log": len(np.unique(planned["night"]))}
    files = {
        path.name: file_entry(path, name, rows.get(name, len(ids))) for name, path in paths.items()
    }
    manifest = head | {"files": files}
    write_manifest(directory, manifest)
    return Release(directory, paths, manifest)
