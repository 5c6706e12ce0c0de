"""Load every requirement: the packaged documents, and those of installed plug-ins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from types import MappingProxyType
from typing import Any

from skyassay.requirements_map.building import build
from skyassay.requirements_map.errors import RequirementsError
from skyassay.requirements_map.model import Node, RequirementSet
from skyassay.requirements_map.reading import (
    check_document,
    data_path,
    read_document,
    read_yaml,
)
from skyassay.requirements_map.verification import elements_of, foreign_nodes

ENTRY_POINT_GROUP = "skyassay.requirements"
DOCUMENTS = ("LPM-17", "LSE-61", "LSE-30")


def load(extra: Iterable[Path | str | Mapping[str, Any]] = ()) -> RequirementSet:
    """Return every requirement that is known.

    Parameters
    ----------
    extra : iterable of path or mapping
        More documents, of the same schema as the packaged ones. Documents of the entry
        point group ``skyassay.requirements`` (a mapping, or a path) are found by themselves.

    Returns
    -------
    RequirementSet
        Frozen and checked; parsed once per process for the same `extra` paths.

    Raises
    ------
    RequirementsError
        For instance ``unknown_key``, ``duplicate_requirement``, ``levels_not_monotone``.
    """
    more = list(extra)
    if not more:
        return _load_installed()
    named = [(f"extra document {i + 1}", item) for i, item in enumerate(more)]
    return _assemble([*_plugins(), *named])


@cache
def _load_installed() -> RequirementSet:
    return _assemble(_plugins())


def _assemble(more: Iterable[tuple[str, Any]]) -> RequirementSet:
    others = [(origin, False, _content(origin, item)) for origin, item in more]
    return build([*_packaged(), *others], nodes=packaged_nodes(), elements=elements_of())


@cache
def _packaged() -> tuple[tuple[str, bool, Mapping[str, Any]], ...]:
    """Return the packaged documents, read once per process."""
    return tuple(
        (f"{name}.yaml", True, MappingProxyType(read_document(data_path(f"{name}.yaml"))))
        for name in DOCUMENTS
    )


@cache
def packaged_nodes() -> tuple[Node, ...]:
    """Return the upstream ids, and the requirements of documents that are not ours to hold."""
    path = data_path("upstream.yaml")
    listed = read_yaml(path.read_text(encoding="utf-8"), path.name)["nodes"]
    return (*foreign_nodes(), *(Node(**n) for n in listed))


def _plugins() -> list[tuple[str, Any]]:
    """Return what installed plug-ins offer; a broken one fails with its name."""
    found: list[tuple[str, Any]] = []
    for entry in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda e: e.name):
        origin = f"plug-in {entry.name} ({entry.value})"
        try:
            found.append((origin, entry.load()))
        except Exception as error:
            raise RequirementsError(
                f"The requirements of {origin} cannot be loaded: {type(error).__name__}: {error}.",
                code="broken_plugin",
                hint="Repair or uninstall that package.",
                exit_code=4,
            ) from error
    return found


def _content(origin: str, item: Any) -> Mapping[str, Any]:
    if isinstance(item, str | Path):
        return read_document(Path(item))
    return check_document(item, origin)
