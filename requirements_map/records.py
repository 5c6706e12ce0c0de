"""What people sign: known gaps, waivers, inspection records, close-outs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from skyassay.requirements_map.errors import RequirementsError
from skyassay.requirements_map.reading import data_path, read_yaml


@dataclass(frozen=True)
class Gap:
    """A criterion that nothing verifies yet, with who knows about it and why."""

    id: str
    owner: str
    date: str
    reason: str


@dataclass(frozen=True)
class Waiver:
    """Leave to deviate from one criterion until a day; shown beside a status, never instead."""

    id: str
    criterion: str
    reason: str
    person: str
    date: str
    expires: str


@dataclass(frozen=True)
class Inspection:
    """A signed record of an inspection, demonstration or analysis."""

    requirement: str
    person: str
    date: str
    document: str
    sha256: str


@dataclass(frozen=True)
class CloseOut:
    """A requirement that a person declared closed; the machine never does."""

    requirement: str
    person: str
    date: str
    reason: str


@dataclass(frozen=True)
class Records:
    """Everything signed, from the packaged files or from a project's own."""

    gaps: tuple[Gap, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    inspections: tuple[Inspection, ...] = ()
    closed: tuple[CloseOut, ...] = ()


_KINDS: tuple[tuple[str, type[Any]], ...] = (
    ("waivers", Waiver),
    ("inspections", Inspection),
    ("closed", CloseOut),
)
_DATE_FIELDS = ("date", "expires")


@cache
def packaged_records() -> Records:
    """Return the records that come with the package."""
    return read_records(data_path("gaps.yaml"), data_path("records.yaml"))


def read_records(*paths: Path) -> Records:
    """Return the records of one or more YAML files, put together.

    Raises
    ------
    RequirementsError
        Codes ``no_such_file``, ``not_yaml``, ``unknown_key``, ``schema``.
    """
    found: dict[str, list[Any]] = {"gaps": [], "waivers": [], "inspections": [], "closed": []}
    for path in paths:
        for key, items in _read(path).items():
            if key not in found or not isinstance(items, list):
                raise _wrong(path, key, "is not one of gaps, waivers, inspections, closed (lists)")
            made = (_gaps(path, i) if key == "gaps" else [_record(path, key, i)] for i in items)
            found[key].extend(record for records in made for record in records)
    return Records(**{key: tuple(records) for key, records in found.items()})


def _read(path: Path) -> dict[str, Any]:
    try:
        content = read_yaml(path.read_text(encoding="utf-8"), path.name)
    except OSError as error:
        raise RequirementsError(
            f"{path} cannot be read: {error.strerror}.", code="no_such_file", exit_code=4
        ) from error
    if not isinstance(content, dict):
        raise _wrong(path, "top level", "is not a mapping")
    return content


def _gaps(path: Path, item: Any) -> list[Gap]:
    """Return the gaps of one entry: several criteria may share owner, date and reason."""
    if not isinstance(item, dict) or set(item) != {"owner", "date", "reason", "ids"}:
        raise _wrong(path, "gaps", "needs exactly owner, date, reason and ids")
    return [
        _checked(path, Gap(str(key), str(item["owner"]), str(item["date"]), str(item["reason"])))
        for key in item["ids"]
    ]


def _record(path: Path, key: str, item: Any) -> Any:
    cls = dict(_KINDS)[key]
    fields = set(cls.__dataclass_fields__)
    if not isinstance(item, dict) or set(item) != fields:
        raise _wrong(path, key, f"needs exactly {', '.join(sorted(fields))}")
    return _checked(path, cls(**{k: str(v) for k, v in item.items()}))


def _checked(path: Path, record: Any) -> Any:
    """Refuse empty fields, dates that are none, and hashes that are none."""
    for name in record.__dataclass_fields__:
        value = getattr(record, name)
        if not value.strip():
            raise _wrong(path, type(record).__name__, f"has an empty {name}")
        if name in _DATE_FIELDS and not _is_date(value):
            raise _wrong(path, type(record).__name__, f"has the {name} {value!r}, not YYYY-MM-DD")
        if name == "sha256" and not re.fullmatch("[0-9a-f]{64}", value):
            raise _wrong(path, type(record).__name__, "has a sha256 that is not 64 hex digits")
    return record


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _wrong(path: Path, where: str, what: str) -> RequirementsError:
    return RequirementsError(f"{path.name}, {where}: {what}.", code="schema", exit_code=4)
