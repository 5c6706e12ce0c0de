"""Read one source document: YAML text to a checked mapping, nothing unknown let through."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from skyassay.requirements_map.errors import RequirementsError

_BASE_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MOST_CHARACTERS, _DEEPEST = 16_000_000, 30


class _UniqueKeyLoader(_BASE_LOADER):  # type: ignore[misc, valid-type]
    """The safe YAML loader, that refuses a key written twice in one mapping."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        """Return the mapping; YAML would silently keep the last of two equal keys."""
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise RequirementsError(
                    f"The key {key.value!r} is written twice in line {key.start_mark.line + 1}.",
                    code="duplicate_key",
                    hint="Keep one of them.",
                    exit_code=4,
                )
            seen.add(key.value)
        result: dict[Hashable, Any] = super().construct_mapping(node, deep)
        return result


def data_path(name: str) -> Path:
    """Return the path of a packaged data file."""
    return Path(str(files("skyassay.requirements_map").joinpath("data", name)))


def read_yaml(text: str, name: str) -> Any:
    """Return what a YAML text holds.

    Raises
    ------
    RequirementsError
        Codes ``not_yaml``, ``duplicate_key``; ``yaml_bomb`` for aliases, which multiply, for
        nesting deeper than any requirement, and for texts larger than any document.
    """
    try:
        _refuse_bomb(text, name)
        return _UniqueKeyLoader(text).get_single_data()
    except yaml.YAMLError as error:
        raise RequirementsError(
            f"{name} is not YAML: {' '.join(str(error).split())}", code="not_yaml", exit_code=4
        ) from error


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 0


def _refuse_bomb(text: str, name: str) -> None:
    """Refuse what is small to write and endless to read, before anything is built of it."""
    what = "is larger than any document" if len(text) > _MOST_CHARACTERS else ""
    depth = 0
    for event in () if what else yaml.parse(text, Loader=_BASE_LOADER):
        if isinstance(event, yaml.AliasEvent):
            what = f"has an alias in line {_line(event)}"
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            what = f"is nested more than {_DEEPEST} deep in line {_line(event)}"
        if what:
            break
    if what:
        raise RequirementsError(
            f"{name} {what}.",
            code="yaml_bomb",
            hint="Write every value where it is meant, as the other documents do.",
            exit_code=4,
        )


def read_document(path: Path) -> dict[str, Any]:
    """Return the checked content of one YAML file of requirements.

    Raises
    ------
    RequirementsError
        Codes ``no_such_file``, ``not_yaml``, ``duplicate_key``, ``unknown_key``, ``schema``.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise RequirementsError(
            f"{path} cannot be read: {error.strerror}.", code="no_such_file", exit_code=4
        ) from error
    return check_document(read_yaml(text, path.name), path.name)


def check_document(content: Any, name: str) -> dict[str, Any]:
    """Return `content` when it obeys the schema.

    Parameters
    ----------
    content : Any
        What a YAML document or a plug-in's mapping holds.
    name : str
        Where it came from, for the message.

    Raises
    ------
    RequirementsError
        Codes ``unknown_key``, ``schema``.
    """
    from jsonschema.exceptions import best_match

    error = best_match(_validator().iter_errors(content))
    if error is None:
        checked: dict[str, Any] = content
        return checked
    where = _where(content, list(error.absolute_path))
    code = "unknown_key" if error.validator == "additionalProperties" else "schema"
    raise RequirementsError(
        f"{name}, {where}: {error.message[:200]}",
        code=code,
        hint="The allowed keys and values are in requirements_map/schema.json.",
        exit_code=4,
    )


@cache
def _validator() -> Any:
    """Return the compiled schema; compiling costs more than validating."""
    from jsonschema import Draft202012Validator

    schema = json.loads(files("skyassay.requirements_map").joinpath("schema.json").read_text())
    return Draft202012Validator(schema)


def _where(content: Any, path: list[str | int]) -> str:
    """Return a path a person can find: list positions become ids or names."""
    words: list[str] = []
    for step in path:
        content = content[step] if content is not None else None
        if isinstance(step, int) and isinstance(content, Mapping):
            words.append(str(content.get("id") or content.get("name") or step))
        else:
            words.append(str(step))
    return " > ".join(words) or "top level"
