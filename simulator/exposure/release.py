"""A simulated release in pixels: raw frames, what an observatory says of them, and the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path

from skyassay.pipeline.instrument.layouts import camera
from skyassay.simulator.cadence import NIGHT_FACTOR
from skyassay.simulator.camera.lamps import calibration_plan
from skyassay.simulator.exposure.field import PixelSky, field_truth
from skyassay.simulator.exposure.frames import Observatory
from skyassay.simulator.exposure.output import (
    PixelRelease,
    clear,
    observed,
    tables_of,
    written,
)
from skyassay.simulator.exposure.plan import calibration_frames, science_frames, science_plan
from skyassay.simulator.exposure.processes import Progress, all_made
from skyassay.simulator.exposure.reference import reference_catalogue
from skyassay.simulator.exposure.sizes import PixelTerms, sized
from skyassay.simulator.manifest import (
    SCHEMA,
    plain,
    prepared,
    versions,
)

__all__ = ["PixelRelease", "simulate_frames"]


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
    clear(directory, "raw")
    observatory = Observatory(**observed(size, terms, seed, (star, galaxy), (plan, said)))
    frames = science_frames(plan)
    if calibrations:
        day = int(plan["visit"].min()) // NIGHT_FACTOR
        frames = (
            calibration_frames(calibration_plan(preset_name), cadence.bands, day, cadence.start)
            + frames
        )
    made = list(all_made(observatory, frames, directory, workers, progress))
    tables = tables_of(observatory, frames, (plan, said), terms, made)
    tables |= {
        "reference/reference_star": ("reference_star", reference_catalogue(star, seed)),
        "truth/truth_star": ("truth_star", star),
        "truth/truth_galaxy": ("truth_galaxy", galaxy),
    }
    return written(directory, head, made, tables)
