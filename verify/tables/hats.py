"""HATS catalogs on disk: which of their files hold the rows.

A catalog also holds samples and margins, which repeat rows of others; they are never read.
Layout: IVOA note "HATS: A Standard for the Hierarchical Adaptive Tiling Scheme" (2024).
"""

from __future__ import annotations

from pathlib import Path

_CATALOG = ("hats.properties", "properties")
_COLLECTION = "collection.properties"


def hats_root(path: Path) -> Path | None:
    """Return the folder of a HATS catalog, or of a collection's main one; None for others."""
    if (path / _COLLECTION).is_file():
        main = _property(path / _COLLECTION, "hats_primary_table_url")
        return path / main if main else None
    there = (path / "dataset").is_dir() and any((path / name).is_file() for name in _CATALOG)
    return path if there else None


def hats_files(root: Path) -> list[Path]:
    """Return the files of the partitions, sorted."""
    return sorted(
        p
        for p in (root / "dataset").glob("Norder=*/**/*")
        if p.is_file() and not p.name.startswith((".", "_"))
    )


def _property(path: Path, key: str) -> str:
    """Return one value of a file of ``key=value`` lines."""
    for line in path.read_text("utf-8").splitlines():
        name, equals, value = line.partition("=")
        if equals and name.strip() == key:
            return value.strip()
    return ""
