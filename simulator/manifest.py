"""What stands beside simulated data: a manifest of the files, written last."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from skyassay.simulator.errors import SimulatorError

MANIFEST = "manifest.json"
SCHEMA = "skyassay.simulated_release/1"


def versions() -> dict[str, str]:
    """Return the versions of the software that decides the numbers and the bytes."""
    return {name: version(name) for name in ("skyassay", "numpy", "scipy", "pyarrow")}


def plain(head: Mapping[str, Any]) -> dict[str, Any]:
    """Return the head of a manifest as it reads back: JSON has no tuples."""
    found: dict[str, Any] = json.loads(json.dumps(head, allow_nan=False))
    return found


def prepared(directory: Path, head: Mapping[str, Any], *, overwrite: bool) -> Path:
    """Return the directory, made and free of other simulated data.

    Raises
    ------
    SimulatorError
        ``not_writable``, ``release_exists`` (exit code 4).
    """
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
    except (OSError, ValueError, RecursionError):
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


def file_entry(path: Path, product: str, rows: int) -> dict[str, Any]:
    """Return what a manifest says of one file."""
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return {"product": product, "rows": rows, "bytes": path.stat().st_size, "sha256": digest}


def write_manifest(directory: Path, manifest: Mapping[str, Any]) -> None:
    """Write the manifest; it comes last: a directory that has one is complete."""
    text = json.dumps(manifest, indent=2, sort_keys=True, allow_nan=False)
    (directory / MANIFEST).write_text(text + "\n", encoding="utf-8")
