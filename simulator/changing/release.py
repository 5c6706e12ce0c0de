"""A simulated night after a release: raw frames of a sky that has changed, and the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from skyassay.pipeline.instrument.layouts import camera
from skyassay.simulator.cadence import Cadence
from skyassay.simulator.changing.catalogue import Catalogue, catalogue
from skyassay.simulator.changing.maker import INJECTED, NightFrame, NightMade, NightObservatory
from skyassay.simulator.changing.night import night_order, night_size
from skyassay.simulator.changing.terms import ChangingSky
from skyassay.simulator.changing.truth import with_nulls
from skyassay.simulator.clock import true_midpoints
from skyassay.simulator.exposure.field import PixelSky, field_truth
from skyassay.simulator.exposure.frames import Made
from skyassay.simulator.exposure.output import (
    PixelRelease,
    clear,
    joined,
    observed,
    tables_of,
    written,
)
from skyassay.simulator.exposure.plan import Frame, science_frames, science_plan
from skyassay.simulator.exposure.processes import Progress, all_made
from skyassay.simulator.exposure.sizes import PixelPreset, PixelTerms, sized
from skyassay.simulator.manifest import SCHEMA, file_entry, plain, prepared, versions
from skyassay.simulator.solar_system.ephemeris_table import ephemeris_table

Table = dict[str, NDArray[Any]]
#: Orbits known before the night.
ORBITS = "orbits/mpcorb.parquet"
INJECTED_TRUTH = "truth/truth_injected_source"


def simulate_night(
    preset_name: str,
    seed: int,
    out_dir: str | Path,
    *,
    layout: str | None = None,
    bands: Sequence[str] = ("r", "i"),
    visits_per_band: int | None = None,
    injected: bool = True,
    workers: int = 2,
    overwrite: bool = False,
    progress: Progress | None = None,
    changing: ChangingSky | None = None,
    terms: PixelTerms | None = None,
    sky: PixelSky | None = None,
    fields: tuple[tuple[float, float], ...] | None = None,
) -> PixelRelease:
    """Simulate the night after a release of the same preset and seed, and write its frames.

    The release shows everything that changes at its reference brightness. The night's frames
    are in ``raw``; the same visits with injected sources and other noise in ``injected/raw``.
    There are no calibration frames: those of the release hold.

    Parameters
    ----------
    preset_name : str
        ``tiny``, ``small`` or ``medium``: of `night.NIGHTS`.
    seed : int
        That of the release. The same seed gives the same bytes, for any number of workers.
    out_dir : path-like
        Made if it is not there.
    layout : str, optional
        Of the camera; the preset's where not given.
    bands : sequence of str
    visits_per_band : int, optional
        The preset's where not given.
    injected : bool
        Also make the frames with injected sources.
    workers : int
        Processes; with 1 this one does it all.
    overwrite : bool
        Replace another release in `out_dir`.
    progress : callable, optional
        Called with the numbers of frames made and of all frames.
    changing : ChangingSky, optional
        How much changes.
    terms : PixelTerms, optional
        Sizes of the observatory's imperfections.
    sky : PixelSky, optional
        The static sky; the preset's where not given.
    fields : tuple of (ra, dec), optional
        Degrees; the preset's where not given.

    Raises
    ------
    SimulatorError
        ``unknown_night``, ``no_visits``, ``unknown_band``, ``bad_seed``, ``release_exists``,
        ``not_writable``, ``worker_died``.
    InstrumentError
        ``unknown_layout``.
    """
    night = night_size(preset_name, visits_per_band)
    size, cadence = sized(night.preset, layout, bands, None, fields)
    size = replace(size, sky=sky or size.sky)
    terms, changing = terms or PixelTerms(), changing or ChangingSky()
    head = plain(
        {
            "schema": SCHEMA,
            "level": "pixels",
            "preset": preset_name,
            "seed": seed,
            "layout": size.layout,
            "sky": asdict(size.sky),
            "cadence": asdict(cadence),
            "calibrations": None,
            "night": asdict(night) | {"injected": injected},
            "changing": asdict(changing),
            "model": asdict(terms),
            "versions": versions() | {"numba": version("numba"), "astropy": version("astropy")},
        }
    )
    visits = science_plan(cadence, terms.optics, seed, night_order(cadence, night))
    observatory, changes = _observatory(size, cadence, terms, changing, visits, seed)
    directory = prepared(Path(out_dir), head, overwrite=overwrite)
    for folder in ("raw", f"{INJECTED}/raw"):
        clear(directory, folder)
    (directory / f"{INJECTED_TRUTH}.parquet").unlink(missing_ok=True)
    frames = science_frames(visits[0])
    kinds = (False, True) if injected else (False,)
    copies: list[Frame] = [NightFrame(**vars(f), injected=kind) for f in frames for kind in kinds]
    made = list(all_made(observatory, copies, directory, workers, progress))
    tables = tables_of(observatory, frames, visits, terms, made)
    tables["truth/truth_dia_source"] = ("truth_dia_source", _changed(made, injected=False))
    if injected:
        tables[INJECTED_TRUTH] = ("truth_injected_source", _changed(made, injected=True))
    tables["truth/truth_ss_object"] = ("truth_ss_object", changes.mover)
    middles = tables["truth/truth_visit"][1]
    seen = {"visit": middles["visit"], "mjd": middles["trueMidptMJD"]}
    tables["truth/truth_ss_ephemeris"] = (
        "truth_ss_ephemeris",
        ephemeris_table(changes.mover, seen),
    )
    return written(directory, head, made, tables, _orbits(directory, changes.mover, seed))


def _observatory(
    size: PixelPreset,
    cadence: Cadence,
    terms: PixelTerms,
    changing: ChangingSky,
    visits: tuple[Table, Table],
    seed: int,
) -> tuple[NightObservatory, Catalogue]:
    """Return the observatory under its changing sky, and what changes there."""
    nominal = camera(size.layout)
    static = field_truth(size.sky, nominal, cadence.fields, cadence.rotation, cadence.start, seed)
    # When the exposures were, not what the clock said.
    times = true_midpoints(visits[1], terms.clock, seed)
    changes = catalogue(changing, nominal, cadence, size.sky, static[1], times, seed)
    observatory = NightObservatory(
        **observed(size, terms, seed, static, visits),
        catalogue=changes,
        times={int(v): float(t) for v, t in zip(visits[0]["visit"], times, strict=True)},
    )
    return observatory, changes


def _orbits(directory: Path, objects: Table, seed: int) -> dict[str, dict[str, Any]]:
    """Write the catalogue of the orbits known before the night; return its entry."""
    from skyassay.simulator.solar_system.catalogue import mpcorb

    path = directory / ORBITS
    path.parent.mkdir(parents=True, exist_ok=True)
    known = mpcorb(objects, seed)
    known.write(path, format="parquet", overwrite=True)
    return {ORBITS: file_entry(path, "mpcorb", len(known))}


def _changed(made: list[Made], *, injected: bool) -> Table:
    """Return the truth about what differs, of one kind of frames."""
    mine = (
        m.changed
        for m in made
        if isinstance(m, NightMade) and m.path.startswith(f"{INJECTED}/") == injected
    )
    return with_nulls(joined(mine))
