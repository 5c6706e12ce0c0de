"""A simulated release in pixels: raw frames, what an observatory says of them, and the truth."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.instrument.layouts import camera
from skyassay.pipeline.products.io import write_table
from skyassay.simulator.cadence import NIGHT_FACTOR
from skyassay.simulator.camera.lamps import calibration_plan
from skyassay.simulator.clock import true_midpoints
from skyassay.simulator.exposure.field import PixelSky, field_truth
from skyassay.simulator.exposure.frames import FrameMaker, Made, Observatory
from skyassay.simulator.exposure.log import observation_log
from skyassay.simulator.exposure.plan import calibration_frames, science_frames, science_plan
from skyassay.simulator.exposure.processes import Progress, all_made
from skyassay.simulator.exposure.reference import reference_catalogue
from skyassay.simulator.exposure.sizes import PixelTerms, sized
from skyassay.simulator.manifest import (
    SCHEMA,
    file_entry,
    plain,
    prepared,
    versions,
    write_manifest,
)

Table = dict[str, NDArray[Any]]
#: Columns of the plan that are not the truth's.
_PLAN_ONLY = frozenset({"hourAngle", "latitude"})


@dataclass(frozen=True)
class PixelRelease:
    """Simulated raw frames on disk.

    Attributes
    ----------
    directory : Path
    raws : tuple of Path
        Raw frames, by exposure and detector.
    products : mapping
        Product name -> Parquet file.
    manifest : mapping
        As written to ``manifest.json``.
    """

    directory: Path
    raws: tuple[Path, ...]
    products: Mapping[str, Path]
    manifest: Mapping[str, Any]


def simulate_frames(
    preset_name: str,
    seed: int,
    out_dir: str | Path,
    *,
    layout: str | None = None,
    bands: Sequence[str] = ("r", "i"),
    visits_per_band: int | None = None,
    workers: int = 2,
    overwrite: bool = False,
    calibrations: bool = True,
    progress: Progress | None = None,
    terms: PixelTerms | None = None,
    sky: PixelSky | None = None,
    fields: tuple[tuple[float, float], ...] | None = None,
) -> PixelRelease:
    """Simulate raw frames and write them.

    Parameters
    ----------
    preset_name : str
        ``tiny`` or ``small``.
    seed : int
        The same seed gives the same bytes, for any number of workers.
    out_dir : path-like
        Made if it is not there.
    layout : str, optional
        Of the camera; the preset's where not given.
    bands : sequence of str
    visits_per_band : int, optional
        The preset's where not given.
    workers : int
        Processes; with 1 this one does it all.
    overwrite : bool
        Replace another release in `out_dir`.
    calibrations : bool
        Also make calibration frames.
    progress : callable, optional
        Called with the numbers of frames made and of all frames.
    terms : PixelTerms, optional
        Sizes of the observatory's imperfections.
    sky : PixelSky, optional
        What is on the sky; the preset's where not given.
    fields : tuple of (ra, dec), optional
        Degrees; the preset's where not given.

    Raises
    ------
    SimulatorError
        ``unknown_preset``, ``no_pixels``, ``unknown_band``, ``bad_seed``, ``release_exists``,
        ``not_writable``, ``worker_died``.
    InstrumentError
        ``unknown_layout``.
    """
    size, cadence = sized(preset_name, layout, bands, visits_per_band, fields)
    size = replace(size, sky=sky or size.sky)
    terms = terms or PixelTerms()
    head = plain(
        {
            "schema": SCHEMA,
            "level": "pixels",
            "preset": preset_name,
            "seed": seed,
            "layout": size.layout,
            "sky": asdict(size.sky),
            "cadence": asdict(cadence),
            "calibrations": asdict(calibration_plan(preset_name)) if calibrations else None,
            "model": asdict(terms),
            "versions": versions() | {"numba": version("numba"), "astropy": version("astropy")},
        }
    )
    plan, said = science_plan(cadence, terms.optics, seed)
    nominal = camera(size.layout)
    star, galaxy = field_truth(
        size.sky, nominal, cadence.fields, cadence.rotation, cadence.start, seed
    )
    directory = prepared(Path(out_dir), head, overwrite=overwrite)
    _clear(directory)
    observatory = Observatory(
        nominal,
        seed,
        star,
        galaxy,
        {int(v): {n: plan[n][k].item() for n in plan} for k, v in enumerate(plan["visit"])},
        {int(v): float(s) for v, s in zip(said["visit"], said["atmosphericSeeing"], strict=True)},
        terms.optics,
        terms.camera,
        terms.streaks,
    )
    frames = science_frames(plan)
    if calibrations:
        day = int(plan["visit"].min()) // NIGHT_FACTOR
        frames = (
            calibration_frames(calibration_plan(preset_name), cadence.bands, day, cadence.start)
            + frames
        )
    made = list(all_made(observatory, frames, directory, workers, progress))
    tables = {
        "observations": ("observation_log", observation_log(frames, plan, said, nominal)),
        "reference/reference_star": ("reference_star", reference_catalogue(star, seed)),
        "truth/truth_star": ("truth_star", star),
        "truth/truth_galaxy": ("truth_galaxy", galaxy),
        "truth/truth_visit": ("truth_visit", _truth_visit(plan, terms, said, observatory)),
        "truth/truth_source": ("truth_source", _joined([m.source for m in made])),
        "truth/truth_visit_detector": (
            "truth_visit_detector",
            _joined([m.visit_detector for m in made]),
        ),
    }
    return _written(directory, head, made, tables)


def _joined(tables: list[Table | None]) -> Table:
    kept = [t for t in tables if t is not None]
    return {n: np.concatenate([t[n] for t in kept]) for n in kept[0]}


def _clear(directory: Path) -> None:
    """Remove the frames of an earlier run: they may be another survey's, or half of one."""
    for path in (*directory.glob("raw/*/*.fits"), *directory.glob("raw/*/.*.part")):
        path.unlink()


def _truth_visit(plan: Table, terms: PixelTerms, said: Table, observatory: Observatory) -> Table:
    """Return `truth_visit`: where the telescope looked, and when, by perfect instruments."""
    true = {n: c for n, c in plan.items() if n not in _PLAN_ONLY}
    maker = FrameMaker(observatory, Path())
    pointings = [maker.visit(int(v)).map.pointing for v in plan["visit"]]
    for name in ("ra", "dec", "rotation"):
        true[name] = np.array([getattr(p, name) for p in pointings])
    true["trueMidptMJD"] = true_midpoints(said, terms.clock, observatory.seed)
    return true


def _written(
    directory: Path,
    head: Mapping[str, Any],
    made: list[Made],
    tables: Mapping[str, tuple[str, Table]],
) -> PixelRelease:
    """Write the tables and, last, the manifest."""
    products: dict[str, Path] = {}
    files: dict[str, Any] = {}
    for name, (product, table) in tables.items():
        path = directory / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        products[product] = write_table(path, product, table)
        rows = int(next(iter(table.values())).size)
        files[f"{name}.parquet"] = file_entry(path, product, rows)
    for one in made:
        files[one.path] = {"product": "raw", "bytes": one.size, "sha256": one.sha256}
    manifest = json.loads(json.dumps(dict(head))) | {"files": files}
    write_manifest(directory, manifest)
    return PixelRelease(directory, tuple(directory / m.path for m in made), products, manifest)
