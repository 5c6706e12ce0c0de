"""Writes a simulated data release: measurements, visits, truth, and a manifest of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from skyassay.pipeline.products.io import write_table
from skyassay.simulator.error_model import ErrorModel
from skyassay.simulator.errors import SimulatorError
from skyassay.simulator.parts import Table, build
from skyassay.simulator.presets import Preset, preset
from skyassay.simulator.twin import Twin

MANIFEST = "manifest.json"
SCHEMA = "skyassay.simulated_release/1"


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
    head = {
        "schema": SCHEMA,
        "level": "catalog",
        "preset": chosen.name,
        "seed": seed,
        "universe": asdict(chosen.universe),
        "cadence": asdict(chosen.cadence),
        "model": asdict(twin),
        "versions": {name: version(name) for name in ("skyassay", "numpy", "scipy", "pyarrow")},
    }
    # JSON has no tuples: compare with what a manifest reads back as.
    head = json.loads(json.dumps(head, allow_nan=False))
    directory = _prepared(Path(out_dir), head, overwrite)
    tables = release_tables(chosen, seed, twin)
    paths = {n: write_table(directory / f"{n}.parquet", n, t) for n, t in tables.items()}
    files = {
        path.name: {
            "product": name,
            "rows": int(next(iter(tables[name].values())).size),
            "bytes": path.stat().st_size,
            "sha256": _sha256(path),
        }
        for name, path in paths.items()
    }
    manifest = head | {"files": files}
    # Written last: a directory with a manifest is complete.
    text = json.dumps(manifest, indent=2, sort_keys=True, allow_nan=False)
    (directory / MANIFEST).write_text(text + "\n", encoding="utf-8")
    return Release(directory, paths, manifest)


def _prepared(directory: Path, head: Mapping[str, Any], overwrite: bool) -> Path:
    """Return the directory, made and free of another release."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SimulatorError(
            f"{directory} cannot be made: {error.strerror}.",
            code="not_writable",
            hint="Choose another --out.",
            exit_code=4,
        ) from error
    present = directory / MANIFEST
    if not present.exists():
        return directory
    try:
        found = json.loads(present.read_text(encoding="utf-8"))
        same = isinstance(found, dict) and all(found.get(k) == head[k] for k in head)
    except (OSError, ValueError):
        same = False
    if not (same or overwrite):
        raise SimulatorError(
            f"{directory} holds another release.",
            code="release_exists",
            hint="Choose another --out, or give --overwrite.",
            exit_code=4,
        )
    present.unlink()
    return directory


def _sha256(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
