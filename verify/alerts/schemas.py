"""Which schemas of alert packets are read, and which are refused before they do harm."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from skyassay.pipeline.products import ProductError

#: Oldest major version that is read.
OLDEST = 7
_NAME = re.compile(r"lsst\.v(\d{1,3})_(\d{1,2})\.alert")
#: Fewest bytes of a value.
_SIZES = {"boolean": 1, "int": 1, "long": 1, "float": 4, "double": 8, "string": 1, "bytes": 1}
#: A packet holds arrays of records of numbers, and nothing deeper.
_DEPTH = 8
#: Items of an array take at least this many bytes: a small file cannot hold endless ones.
_SMALLEST_ITEM = 12


@dataclass(frozen=True, eq=False)
class WriterSchema:
    """The schema that packets were written with: ``major.minor``, and fastavro's parsed form."""

    version: str
    definition: Mapping[str, Any]


@cache
def known() -> Mapping[int, WriterSchema]:
    """Return the installed schemas by their id in the wire format.

    Raises
    ------
    ProductError
        ``no_alert_packet`` (exit code 4).
    """
    try:
        from lsst.alert.packet import SchemaRegistry
    except ImportError as error:
        raise ProductError(
            "Alert packets need lsst-alert-packet, which is not installed.",
            code="no_alert_packet",
            hint="Install skyassay[alerts].",
            exit_code=4,
        ) from error
    registry = SchemaRegistry.all_schemas_from_filesystem()
    return {
        int(number): WriterSchema(_version(int(number)), registry.get_by_id(number).definition)
        for number in sorted(registry.known_ids)
        if int(number) >= 100 * OLDEST
    }


def by_id(number: int) -> WriterSchema:
    """Return the schema of an id in the wire format.

    Raises
    ------
    ProductError
        ``unknown_schema``.
    """
    if number not in known():
        raise _unknown(f"schema id {number} (version {_version(number)})")
    return known()[number]


def of_container(definition: Any) -> WriterSchema:
    """Return the schema that a container brings along.

    A file decides here how it is decoded, so it is held to the form that packets have: records
    of plain fields, in arrays or not. One that contains itself, or an array of nothing, could
    be decoded without end.

    Raises
    ------
    ProductError
        ``not_an_alert``, ``unknown_schema``.
    """
    name = str(definition.get("name", "")) if isinstance(definition, dict) else ""
    space = str(definition.get("namespace", "")) if isinstance(definition, dict) else ""
    found = _NAME.fullmatch(name if "." in name else f"{space}.{name}")
    if found is None:
        raise ProductError(
            f"Its records are {name[:80] or 'nameless'}, not Rubin's alerts.",
            code="not_an_alert",
            hint="Name a file of lsst alert packets.",
        )
    major, minor = int(found[1]), int(found[2])
    if major < OLDEST:
        raise _unknown(f"version {major}.{minor}")
    if not _least(definition, {}):
        raise _unknown("a form that no version has")
    import fastavro

    return WriterSchema(f"{major}.{minor}", fastavro.parse_schema(definition))


def _least(schema: Any, seen: dict[str, int], depth: int = 0) -> int:
    """Return the fewest bytes that a value takes; 0 where the schema is not a plain one."""
    if depth > _DEPTH:
        return 0
    if isinstance(schema, str):
        return _SIZES.get(schema, seen.get(schema, 0))
    if isinstance(schema, list):
        plain = all(one == "null" or _least(one, seen, depth + 1) for one in schema)
        return int(plain and 0 < len(schema) <= 3)
    if not isinstance(schema, dict):
        return 0
    kind = schema.get("type")
    if kind == "array":
        return int(_least(schema.get("items"), seen, depth + 1) >= _SMALLEST_ITEM)
    if kind == "record":
        return _least_record(schema, seen, depth)
    return _SIZES.get(kind, 0) if isinstance(kind, str) else 0


def _least_record(schema: Mapping[str, Any], seen: dict[str, int], depth: int) -> int:
    fields = schema.get("fields")
    if not isinstance(fields, list) or not all(isinstance(field, dict) for field in fields):
        return 0
    sizes = [_least(field.get("type"), seen, depth + 1) for field in fields]
    size = sum(sizes) if all(sizes) else 0
    # Known by its name only from here on: a record cannot contain itself.
    name, space = str(schema.get("name")), str(schema.get("namespace", ""))
    seen |= {name: size, f"{space}.{name}": size}
    return size


def _version(number: int) -> str:
    return f"{number // 100}.{number % 100}"


def _unknown(what: str) -> ProductError:
    newest = _version(max(known()))
    return ProductError(
        f"Its alerts have {what}; versions {OLDEST}.0 to {newest} are read.",
        code="unknown_schema",
        hint="Install a newer lsst-alert-packet, if it is a newer one.",
    )
