"""The schema of alert packets as `lsst-alert-packet` ships it: nothing is asked of a network."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_args

from skyassay.pipeline.alerts.errors import AlertError

Kind = Literal["boolean", "int", "long", "float", "double", "string", "bytes"]


@dataclass(frozen=True)
class Field:
    """One field of a record: its Avro type, and whether it may be null."""

    name: str
    kind: Kind
    nullable: bool


@dataclass(frozen=True)
class Record:
    """A record of plain fields, as `diaSource`."""

    name: str
    fields: tuple[Field, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the fields, in order."""
        return tuple(field.name for field in self.fields)


@dataclass(frozen=True, eq=False)
class AlertSchema:
    """One version of the packets.

    Attributes
    ----------
    id : int
        100 times the major version plus the minor: the id in the Confluent wire format.
    version : str
        ``major.minor``.
    definition : dict
        The schema as fastavro parsed it.
    text : str
        The same as JSON.
    records : mapping of str to Record
        ``diaSource``, ``diaForcedSource``, ``diaObject``, ``ssSource``, ``mpc_orbits``.
    """

    id: int
    version: str
    definition: Mapping[str, Any]
    text: str
    records: Mapping[str, Record]

    def record(self, name: str) -> Record:
        """Return one of the records."""
        return self.records[name]


#: What the packets that are built here hold, in the order of the schema.
PACKET = (
    "diaSourceId",
    "observation_reason",
    "target_name",
    "diaSource",
    "prvDiaSources",
    "prvDiaForcedSources",
    "diaObject",
    "ssSource",
    "mpc_orbits",
    "cutoutDifference",
    "cutoutScience",
    "cutoutTemplate",
)


@cache
def newest() -> AlertSchema:
    """Return the newest schema of the installed `lsst-alert-packet`.

    Raises
    ------
    AlertError
        ``no_alert_packet`` (exit code 4) where the package is not installed;
        ``unknown_schema`` where its newest packets are of another make than these.
    """
    try:
        from lsst.alert.packet import Schema
    except ImportError as error:
        raise AlertError(
            "Alert packets need lsst-alert-packet, which is not installed.",
            code="no_alert_packet",
            hint="Install skyassay[alerts].",
            exit_code=4,
        ) from error
    found = Schema.from_uri()
    definition = found.definition
    names = tuple(field["name"] for field in definition["fields"])
    if names != PACKET:
        raise _unknown(f"its fields are {', '.join(names)}")
    number = int(found.get_schema_id())
    records = {record.name: record for record in map(_record, _plain(definition))}
    return AlertSchema(
        number, f"{number // 100}.{number % 100}", definition, _text(definition), records
    )


def _plain(schema: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the records that are defined inside the packet."""
    if isinstance(schema, list):
        for one in schema:
            yield from _plain(one)
    elif isinstance(schema, dict) and "fields" in schema:
        if not schema["name"].endswith(".alert"):
            yield schema
        for field in schema["fields"]:
            yield from _plain(field["type"])
    elif isinstance(schema, dict) and schema.get("type") == "array":
        yield from _plain(schema["items"])


def _record(schema: Mapping[str, Any]) -> Record:
    fields = tuple(_field(field) for field in schema["fields"])
    return Record(schema["name"].rpartition(".")[2], fields)


def _field(field: Mapping[str, Any]) -> Field:
    """Return a field whose type is plain, or null or plain in this order."""
    union = field["type"] if isinstance(field["type"], list) else [field["type"]]
    nullable = len(union) == 2 and union[0] == "null"
    kind = union[-1]
    kind = kind["type"] if isinstance(kind, dict) else kind
    if len(union) != 1 + nullable or kind not in get_args(Kind):
        raise _unknown(f"{field['name']} is {field['type']}")
    return Field(field["name"], kind, nullable)


def _text(definition: Mapping[str, Any]) -> str:
    """Return the schema as JSON, without what fastavro has added."""
    return json.dumps({k: v for k, v in definition.items() if not k.startswith("__")})


def _unknown(what: str) -> AlertError:
    return AlertError(
        f"The newest alert schema is not one that packets can be built for here: {what}.",
        code="unknown_schema",
        hint="Install the lsst-alert-packet of constraints.txt.",
    )
