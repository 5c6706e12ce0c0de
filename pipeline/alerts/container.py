"""Encoded packets in Avro object containers, and in the Confluent wire format.

A container (Avro specification 1.11, "Object Container Files") is read by fastavro and
`lsst.alert.packet` alike. Each packet is a block of its own (20 bytes more), so that packets
are taken out again as they are, without being decoded. The mark between blocks is made of
the packets, not of chance: the same packets are the same file.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from skyassay.pipeline.alerts.encode import long
from skyassay.pipeline.alerts.errors import AlertError
from skyassay.pipeline.alerts.schema import AlertSchema, newest

MAGIC = b"Obj\x01"
_SYNC = 16
_BEGIN = 256
_WIRE = struct.Struct(">bi")


@dataclass(frozen=True)
class Container:
    """Packets of one container.

    Attributes
    ----------
    schema_id : int
    ids : tuple of int
        `diaSourceId` of each packet.
    bodies : tuple of bytes
        The packets, Avro records without a header.
    """

    schema_id: int
    ids: tuple[int, ...]
    bodies: tuple[bytes, ...]

    def __len__(self) -> int:
        return len(self.bodies)

    def wire(self) -> list[bytes]:
        """Return the packets as they go to Kafka."""
        head = _WIRE.pack(0, self.schema_id)
        return [head + body for body in self.bodies]


def wire(body: bytes, schema_id: int) -> bytes:
    """Return a packet in the Confluent wire format: a zero, the schema's id, the record."""
    return _WIRE.pack(0, schema_id) + body


def unwire(message: bytes) -> tuple[int, bytes]:
    """Return the schema's id and the record of a message.

    Raises
    ------
    AlertError
        ``bad_packet``.
    """
    if len(message) <= _WIRE.size or message[0] != 0:
        raise _bad("a message does not begin with a zero and a schema id")
    return int(_WIRE.unpack_from(message)[1]), message[_WIRE.size :]


def packet_id(body: bytes) -> int:
    """Return the `diaSourceId` of a packet: its first field."""
    return _long(body, 0)[0]


def write_container(bodies: Sequence[bytes], schema: AlertSchema | None = None) -> bytes:
    """Return encoded packets as the bytes of an Avro object container.

    Parameters
    ----------
    bodies : sequence of bytes
        As `packets.build` makes them; none is a container without packets.
    schema : AlertSchema, optional
        The newest by default.
    """
    known = newest() if schema is None else schema
    meta = {"avro.codec": b"null", "avro.schema": known.text.encode()}
    head = [MAGIC, long(len(meta))]
    for name, value in meta.items():
        head += [long(len(name)), name.encode(), long(len(value)), value]
    head.append(long(0))
    # Of each packet its id, its length and what else is at its beginning: enough to tell files
    # apart, and a hundredth of the time that all bytes would take.
    begins = [long(len(body)) + body[:_BEGIN] for body in bodies]
    sync = hashlib.sha256(b"".join([*head, *begins])).digest()[:_SYNC]
    blocks: list[bytes] = []
    for body in bodies:
        blocks += [long(1), long(len(body)), body, sync]
    return b"".join([*head, sync, *blocks])


def read_container(data: bytes) -> Container:
    """Return the packets of a container that `write_container` made, as they are.

    Raises
    ------
    AlertError
        ``bad_packet`` where the bytes are damaged or of another make.
    """
    try:
        schema_id, sync, at = _head(data)
        bodies = []
        while at < len(data):
            count, at = _long(data, at)
            size, at = _long(data, at)
            end = at + size
            if count != 1 or size < 0 or data[end : end + _SYNC] != sync:
                raise _bad("a block is not whole, or holds several packets")
            bodies.append(data[at:end])
            at = end + _SYNC
    except (IndexError, KeyError, ValueError) as error:
        raise _bad(str(error) or "it is cut short") from error
    return Container(schema_id, tuple(packet_id(body) for body in bodies), tuple(bodies))


def _head(data: bytes) -> tuple[int, bytes, int]:
    """Return the schema's id, the mark, and where the blocks begin."""
    if not data.startswith(MAGIC):
        raise _bad("it does not begin as an Avro container does")
    meta: dict[str, bytes] = {}
    count, at = _long(data, len(MAGIC))
    while count:
        for _ in range(count):
            name, at = _bytes(data, at)
            meta[name.decode()], at = _bytes(data, at)
        count, at = _long(data, at)
    if meta.get("avro.codec", b"null") != b"null":
        raise _bad("it is compressed")
    return _number(json.loads(meta["avro.schema"])["name"]), data[at : at + _SYNC], at + _SYNC


def _number(name: str) -> int:
    """Return the id of a schema by its name, ``lsst.v11_1.alert``."""
    major, minor = name.split(".")[1].removeprefix("v").split("_")
    return 100 * int(major) + int(minor)


def _long(data: bytes, at: int) -> tuple[int, int]:
    """Return an integer and where the next field begins."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at
        shift += 7
        if shift > 63:
            raise ValueError("a number has no end")


def _bytes(data: bytes, at: int) -> tuple[bytes, int]:
    size, at = _long(data, at)
    if size < 0 or at + size > len(data):
        raise ValueError("it is cut short")
    return data[at : at + size], at + size


def _bad(why: str) -> AlertError:
    return AlertError(
        f"Alert packets cannot be read: {why}.",
        code="bad_packet",
        hint="Fetch or write them again.",
    )
