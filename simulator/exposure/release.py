"""A simulated release in pixels: raw frames, what an observatory says of them, and the truth."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.instrument.layouts import camera
from skyassay.pipeline.products.io import write_table
from skyassay.simulator.cadence import NIGHT_FACTOR, Cadence
from skyassay.simulator.camera.lamps import calibration_plan
from skyassay.simulator.camera.terms import CameraTerms
from skyassay.simulator.clock import ClockTerms, true_midpoints
from skyassay.simulator.errors import SimulatorError
from skyassay.simulator.exposure.field import PixelSky, field_truth
from skyassay.simulator.exposure.frames import FrameMaker, Made, Observatory, StreakTerms
from skyassay.simulator.exposure.log import observation_log
from skyassay.simulator.exposure.plan import (
    Frame,
    calibration_frames,
    science_frames,
    science_plan,
)
from skyassay.simulator.exposure.reference import reference_catalogue
from skyassay.simulator.manifest import (
    SCHEMA,
    file_entry,
    plain,
    prepared,
    versions,
    write_manifest,
)
from skyassay.simulator.optics.terms import OpticsTerms
from skyassay.simulator.presets import preset

Table = dict[str, NDArray[Any]]
#: Called with the frames made and all frames.
Progress = Callable[[int, int], None]
#: Frames that a process is given at a time.
_CHUNK = 8
#: Columns of the plan that are not the truth's.
_PLAN_ONLY = frozenset({"hourAngle", "latitude"})


@dataclass(frozen=True)
class PixelPreset:
    """Size of a survey in pixels.

    Attributes
    ----------
    layout : str
    visits_per_band, nights : int
    sky : PixelSky
    """

    layout: str
    visits_per_band: int
    nights: int
    sky: PixelSky = PixelSky()  # noqa: RUF009 - frozen


PIXEL_PRESETS: Mapping[str, PixelPreset] = {
    # Small detectors need more stars for a PSF and a zero point each.
    "tiny": PixelPreset("tiny", 3, 3, PixelSky(stars=40_000.0)),
    "small": PixelPreset("small", 7, 7),
}


@dataclass(frozen=True)
class PixelTerms:
    """Everything that makes the simulated observatory imperfect."""

    optics: OpticsTerms = OpticsTerms()  # noqa: RUF009 - frozen
    camera: CameraTerms = CameraTerms()  # noqa: RUF009 - frozen
    streaks: StreakTerms = StreakTerms()  # noqa: RUF009 - frozen
    clock: ClockTerms = ClockTerms()  # noqa: RUF009 - frozen


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
    size, cadence = _sized(preset_name, layout, bands, visits_per_band, fields)
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
    made = list(_all_made(observatory, frames, directory, workers, progress))
    plan["trueMidptMJD"] = true_midpoints(said, terms.clock, seed)
    tables = {
        "observations": ("observation_log", observation_log(frames, plan, said, nominal)),
        "reference/reference_star": ("reference_star", reference_catalogue(star, seed)),
        "truth/truth_star": ("truth_star", star),
        "truth/truth_galaxy": ("truth_galaxy", galaxy),
        "truth/truth_visit": (
            "truth_visit",
            {n: c for n, c in plan.items() if n not in _PLAN_ONLY},
        ),
        "truth/truth_source": ("truth_source", _joined([m.source for m in made])),
        "truth/truth_visit_detector": (
            "truth_visit_detector",
            _joined([m.visit_detector for m in made]),
        ),
    }
    return _written(directory, head, made, tables)


def _sized(
    preset_name: str,
    layout: str | None,
    bands: Sequence[str],
    visits_per_band: int | None,
    fields: tuple[tuple[float, float], ...] | None,
) -> tuple[PixelPreset, Cadence]:
    """Return the size of the survey and its cadence."""
    cadence = preset(preset_name).cadence
    if preset_name not in PIXEL_PRESETS:
        raise SimulatorError(
            f"Preset {preset_name!r} has no pixels.",
            code="no_pixels",
            hint=f"Presets with pixels: {', '.join(PIXEL_PRESETS)}.",
            exit_code=4,
        )
    unknown = [b for b in bands if b not in cadence.bands]
    if unknown or not bands:
        raise SimulatorError(
            f"There is no band {unknown[0]!r}." if unknown else "No band was given.",
            code="unknown_band",
            hint=f"Bands: {', '.join(cadence.bands)}.",
            exit_code=4,
        )
    size = PIXEL_PRESETS[preset_name]
    size = replace(size, layout=layout or size.layout)
    return size, replace(
        cadence,
        bands=tuple(bands),
        visits_per_band=size.visits_per_band if visits_per_band is None else visits_per_band,
        nights=size.nights,
        fields=fields or cadence.fields,
    )


#: The maker of a worker process.
_worker: list[FrameMaker] = []
Job = tuple[Frame, int]


def _begin(observatory: Observatory, directory: Path) -> None:
    _worker[:] = [FrameMaker(observatory, directory)]


def _make(job: Job) -> Made:
    return _worker[0].make(*job)


def _all_made(
    observatory: Observatory,
    frames: list[Frame],
    directory: Path,
    workers: int,
    progress: Progress | None,
) -> Iterator[Made]:
    """Make all frames, and return them in the order of exposures and detectors."""
    detectors = [d.id for d in observatory.camera.detectors]
    # Detector by detector: a process keeps the one that it has.
    jobs: list[Job] = [(frame, d) for d in detectors for frame in frames]
    found: list[Made] = []
    for made in _mapped(observatory, jobs, directory, workers):
        found.append(made)
        if progress is not None:
            progress(len(found), len(jobs))
    for k in range(len(frames)):
        for d in range(len(detectors)):
            yield found[d * len(frames) + k]


def _mapped(
    observatory: Observatory, jobs: list[Job], directory: Path, workers: int
) -> Iterator[Made]:
    if workers <= 1:
        maker = FrameMaker(observatory, directory)
        yield from (maker.make(*job) for job in jobs)
        return
    # A fresh process: nothing of this one, its threads least of all, decides a frame.
    with ProcessPoolExecutor(
        workers, get_context("spawn"), initializer=_begin, initargs=(observatory, directory)
    ) as pool:
        try:
            yield from pool.map(_make, jobs, chunksize=_CHUNK)
        except BrokenProcessPool as error:
            raise SimulatorError(
                "A process that makes frames has died.",
                code="worker_died",
                hint="Often it is memory: give fewer --workers.",
            ) from error


def _joined(tables: list[Table | None]) -> Table:
    kept = [t for t in tables if t is not None]
    return {n: np.concatenate([t[n] for t in kept]) for n in kept[0]}


def _written(
    directory: Path,
    head: Mapping[str, Any],
    made: list[Made],
    tables: Mapping[str, tuple[str, Table]],
) -> PixelRelease:
    """Write the tables and, last, the manifest; frames of another release go."""
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
    for path in (directory / "raw").glob("*/*.fits"):
        if path.relative_to(directory).as_posix() not in files:
            path.unlink()
    manifest = json.loads(json.dumps(dict(head))) | {"files": files}
    write_manifest(directory, manifest)
    return PixelRelease(directory, tuple(directory / m.path for m in made), products, manifest)
