r"""The file of one partition: JSON, states and Arrow rows under one SHA-256. Nothing executable.

::

    skyassay checkpoint 1\n
    SHA-256 of everything after this line, in hexadecimal\n
    length of the JSON, 8 bytes; JSON; the states; the rows set aside as Arrow streams
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from skyassay.verify.tables.clean import Tally

MAGIC = b"skyassay checkpoint 1\n"
_LENGTH = struct.Struct("<q")


class Damaged(ValueError):  # noqa: N818 - said of a file
    """A checkpoint that is not what was written."""


@dataclass(frozen=True)
class Checkpoint:
    """What is kept of one partition.

    Attributes
    ----------
    states : mapping of str to (digest, bytes)
        Fold -> SHA-256 of the state's canonical bytes, and its encoding.
    tallies : mapping of str to Tally
    aside : mapping of str to pyarrow.Table
    """

    states: Mapping[str, tuple[str, bytes]] = field(default_factory=dict)
    tallies: Mapping[str, Tally] = field(default_factory=dict)
    aside: Mapping[str, pa.Table] = field(default_factory=dict)


def to_bytes(one: Checkpoint) -> bytes:
    """Return the file of a checkpoint."""
    rows = {name: _stream(table) for name, table in one.aside.items()}
    head = json.dumps(
        {
            "states": [[key, digest, len(data)] for key, (digest, data) in one.states.items()],
            "tallies": {name: _plain(tally) for name, tally in one.tallies.items()},
            "aside": [[name, len(data)] for name, data in rows.items()],
        }
    ).encode()
    parts = [_LENGTH.pack(len(head)), head, *(data for _, data in one.states.values())]
    body = b"".join([*parts, *rows.values()])
    return b"".join([MAGIC, hashlib.sha256(body).hexdigest().encode(), b"\n", body])


def from_bytes(data: bytes) -> Checkpoint:
    """Return the checkpoint of a file.

    Raises
    ------
    Damaged
        When a single bit is not what was written.
    """
    start = len(MAGIC) + 65
    if data[: len(MAGIC)] != MAGIC or len(data) < start + _LENGTH.size:
        raise Damaged("it is no checkpoint of this version")
    body = memoryview(data)[start:]
    if data[len(MAGIC) : start] != hashlib.sha256(body).hexdigest().encode() + b"\n":
        raise Damaged("its SHA-256 is another")
    (length,) = _LENGTH.unpack_from(body)
    at = _LENGTH.size + length
    head = json.loads(bytes(body[_LENGTH.size : at]))
    states, aside = {}, {}
    for key, digest, size in head["states"]:
        states[key] = (digest, bytes(body[at : at + size]))
        at += size
    for name, size in head["aside"]:
        aside[name] = pa.ipc.open_stream(body[at : at + size]).read_all()
        at += size
    return Checkpoint(states, {k: _tally(v) for k, v in head["tallies"].items()}, aside)


def _stream(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    data: bytes = sink.getvalue().to_pybytes()
    return data


def _plain(tally: Tally) -> list[object]:
    return [tally.null_keys, tally.duplicates, tally.null_flags, tally.strange_bands]


def _tally(plain: list[object]) -> Tally:
    null_keys, duplicates, flags, strange = plain
    return Tally(null_keys, duplicates, _pairs(flags), _pairs(strange))  # type: ignore[arg-type]


def _pairs(plain: object) -> tuple[tuple[str, int], ...]:
    return tuple((str(name), int(count)) for name, count in plain)  # type: ignore[attr-defined]
