"""Writes a simulated data release: measurements, visits, truth, and a manifest of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from skyassay.pipeline.products.io import write_table
from skyassay.simulator.error_model import ErrorModel
from skyassay.simulator.manifest import (
    SCHEMA,
    file_entry,
    plain,
    prepared,
    versions,
    write_manifest,
)
from skyassay.simulator.parts import Table, build
from skyassay.simulator.presets import Preset, preset
from skyassay.simulator.twin import Twin


@dataclass(frozen=True)
class Release:
    """A simulated release on disk.

    Attributes
    ----------
    directory : Path
    products : mapping
        Product name -> Parquet file.
    manifest : mapping
        As written to ``manifest.json``.
    """

    directory: Path
    products: Mapping[str, Path]
    manifest: Mapping[str, Any]


def release_tables(chosen: Preset, seed: int, twin: Twin) -> dict[str, Table]:
    """Return every product of a release in memory: product name -> table."""
    return dict(build(chosen, seed, twin).tables)


def simulate_release(
    preset_name: str,
    seed: int,
    out_dir: str | Path,
    model: ErrorModel | Twin | None = None,
    *,
    overwrite: bool = False,
) -> Release:
    """Simulate a release at catalog level and write it.

    Parameters
    ----------
    preset_name : str
        ``tiny`` or ``small``.
    seed : int
        The same seed gives the same bytes.
    out_dir : path-like
        Made if it is not there.
    model : Twin or ErrorModel, optional
        The nominal twin where not given, or with the errors given.
    overwrite : bool
        Replace another release in `out_dir`.

    Returns
    -------
    Release

    Raises
    ------
    SimulatorError
        ``unknown_preset``, ``bad_seed``, ``release_exists``, ``not_writable``.
    """
    chosen = preset(preset_name)
    twin = Twin(errors=model) if isinstance(model, ErrorModel) else model or Twin()
    head = plain(
        {
            "schema": SCHEMA,
            "level": "catalog",
            "preset": chosen.name,
            "seed": seed,
            "universe": asdict(chosen.universe),
            "cadence": asdict(chosen.cadence),
            "wide": asdict(chosen.wide),
            "model": asdict(twin),
            "versions": versions(),
        }
    )
    directory = prepared(Path(out_dir), head, overwrite=overwrite)
    tables = release_tables(chosen, seed, twin)
    paths = {n: write_table(directory / f"{n}.parquet", n, t) for n, t in tables.items()}
    files = {
        path.name: file_entry(path, name, int(next(iter(tables[name].values())).size))
        for name, path in paths.items()
    }
    manifest = head | {"files": files}
    write_manifest(directory, manifest)
    return Release(directory, paths, manifest)
