"""The columns of alert packets that filters may name, and a reader of only those."""

from __future__ import annotations

import difflib
import io
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from skyassay.pipeline.distribution.errors import DistributionError

#: (record, field); the record is empty for a field of the packet itself.
Column = tuple[str, str]
_KINDS = {
    "int": "number", "long": "number", "float": "number", "double": "number",
    "boolean": "flag", "string": "text",
}  # fmt: skip


@cache
def definition(schema_id: int) -> dict[str, Any]:
    """Return a schema of `lsst-alert-packet` by its id, as fastavro parsed it.

    Raises
    ------
    DistributionError
        ``UNKNOWN_SCHEMA``.
    """
    from lsst.alert.packet import SchemaRegistry

    known = SchemaRegistry.all_schemas_from_filesystem()
    if schema_id not in known.known_ids:
        raise DistributionError(
            f"Packets have the schema {schema_id}, which lsst-alert-packet does not ship.",
            code="UNKNOWN_SCHEMA",
            hint=f"It ships {', '.join(map(str, sorted(known.known_ids)))}.",
        )
    return dict(known.get_by_id(schema_id).definition)


def columns(schema_id: int) -> dict[Column, str]:
    """Return the columns of a packet and their kinds: ``number``, ``flag``, ``text``."""
    found: dict[Column, str] = {}
    for field in definition(schema_id)["fields"]:
        record = _record(field["type"])
        if record is None:
            found |= _plain("", field)
            continue
        for inner in record["fields"]:
            found |= _plain(field["name"], inner)
    return found


def _union(kind: Any) -> list[Any]:
    return kind if isinstance(kind, list) else [kind]


def _record(kind: Any) -> Mapping[str, Any] | None:
    records = [one for one in _union(kind) if isinstance(one, dict) and "fields" in one]
    return records[0] if records else None


def _plain(record: str, field: Mapping[str, Any]) -> dict[Column, str]:
    """Return one column where its type is plain; arrays and bytes are none."""
    for one in _union(field["type"]):
        name = one.get("type") if isinstance(one, dict) else one
        if isinstance(name, str) and name in _KINDS:
            return {(record, field["name"]): _KINDS[name]}
    return {}


def written(column: Column) -> str:
    """Return a column as an expression names it."""
    return ".".join(part for part in column if part)


def nearest(name: str, known: Iterable[Column]) -> list[str]:
    """Return columns whose names resemble this one, or end in it."""
    names = [written(column) for column in known]
    ends = [one for one in names if one.rpartition(".")[2].lower() == name.lower()]
    return (ends + difflib.get_close_matches(name, names, n=3, cutoff=0.6))[:3]


class Reader:
    """Decodes a few columns of packets and skips the rest.

    Parameters
    ----------
    schema_id : int
    wanted : iterable of Column
    """

    def __init__(self, schema_id: int, wanted: Iterable[Column]) -> None:
        import fastavro

        by_record: dict[str, set[str]] = {"": {"diaSourceId"}}
        for record, field in wanted:
            by_record.setdefault(record, set()).add(field)
        begin = _beginning(definition(schema_id), by_record)
        self._writer = fastavro.parse_schema(begin)
        self._reader = fastavro.parse_schema(_narrow(begin, by_record))
        self._read = fastavro.schemaless_reader

    def __call__(self, body: bytes) -> Mapping[str, Any]:
        """Return record -> field -> value, a field of the packet itself directly by its name.

        Raises
        ------
        DistributionError
            ``BAD_PACKET``.
        """
        try:
            return dict(self._read(io.BytesIO(body), self._writer, self._reader))
        except Exception as error:  # fastavro's own errors have no common class
            raise DistributionError(
                f"An alert packet cannot be decoded: {error}.",
                code="BAD_PACKET",
                hint="Fetch or write it again.",
            ) from error


def _beginning(schema: Mapping[str, Any], wanted: Mapping[str, set[str]]) -> dict[str, Any]:
    """Return the schema up to the last field that is wanted: what is behind is never read."""
    names = wanted[""] | set(wanted)
    last = max(i for i, field in enumerate(schema["fields"]) if field["name"] in names)
    plain = {k: v for k, v in schema.items() if not k.startswith("__")}
    return {**plain, "fields": schema["fields"][: last + 1]}


def _narrow(schema: Mapping[str, Any], wanted: Mapping[str, set[str]]) -> dict[str, Any]:
    """Return the schema with only some fields."""
    kept = []
    for field in schema["fields"]:
        name, record = field["name"], _record(field["type"])
        if record is None and name in wanted[""]:
            kept.append(field)
        elif record is not None and name in wanted:
            inner = [one for one in record["fields"] if one["name"] in wanted[name]]
            union = [
                {**one, "fields": inner} if one is record else one for one in _union(field["type"])
            ]
            kept.append({**field, "type": union if isinstance(field["type"], list) else union[0]})
    return {**schema, "fields": kept}
