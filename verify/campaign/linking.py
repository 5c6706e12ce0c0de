"""Unknown Solar System objects on the sky, linked day by day: from the twin to tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skyassay.verify.errors import VerifyError

if TYPE_CHECKING:
    from skyassay.simulator.solar_system.survey import MovingSurvey

#: Preset -> what it changes in the nominal survey of moving objects.
PRESETS: Mapping[str, Mapping[str, Any]] = {
    "tiny": {"nights": (0, 1, 3, 5, 7), "early": (-12, -3), "radius": 1.2, "count": 150},
    "small": {},
    "medium": {"count": 3000},
}
#: What the folder gets of truth and detections, and of the linking.
TRUTH = ("truth_moving_source", "truth_linkable_object", "truth_ss_object")


def link_twin(preset: str, seed: int, folder: Path, *, overwrite: bool = False) -> dict[str, Path]:
    """Simulate nights of moving detections, link them each morning, write all tables.

    The manifest beside the tables says that they are of the catalog twin, with preset, seed
    and the seconds that the linking of each night took.

    Parameters
    ----------
    preset : str
        One of `PRESETS`.
    seed : int
        The same seed gives the same detections and links; delays hold the recorded seconds.
    folder : Path
        Made where it is not there.
    overwrite : bool
        Replace what another simulation has left in it.

    Returns
    -------
    dict
        Product -> file.

    Raises
    ------
    VerifyError
        ``unknown_preset`` (exit code 4).
    SimulatorError
        ``release_exists``, ``not_writable``.
    LinkingError, ProductError
    """
    from skyassay.pipeline.linking.daily import link_daily
    from skyassay.pipeline.linking.products import products
    from skyassay.pipeline.products.io import write_table
    from skyassay.simulator import manifest
    from skyassay.simulator.solar_system.survey import simulate

    survey = _survey(preset)
    head = manifest.plain(
        {
            "schema": manifest.SCHEMA,
            "level": "catalog",
            "preset": preset,
            "seed": seed,
            "survey": asdict(survey),
            "versions": manifest.versions(),
        }
    )
    directory = manifest.prepared(folder, head, overwrite=overwrite)
    night = simulate(survey, seed)
    # The linking is given the detections alone, never whose they are.
    found = link_daily(night["dia_source"])
    tables = {"dia_source": night["dia_source"], **{n: night[n] for n in TRUTH}, **products(found)}
    paths = {n: write_table(directory / f"{n}.parquet", n, t) for n, t in tables.items()}
    files = {
        path.name: manifest.file_entry(path, name, len(next(iter(tables[name].values()))))
        for name, path in paths.items()
    }
    seconds = {str(day): spent for day, spent in found.seconds.items()}
    manifest.write_manifest(directory, head | {"files": files, "linking_seconds": seconds})
    return paths


def _survey(preset: str) -> MovingSurvey:
    from skyassay.simulator.solar_system.survey import MovingSurvey

    if preset not in PRESETS:
        raise VerifyError(
            f"There is no preset {preset!r} of moving objects.",
            code="unknown_preset",
            hint="Presets: " + ", ".join(PRESETS),
            exit_code=4,
        )
    return MovingSurvey(**PRESETS[preset])
