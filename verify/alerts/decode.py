"""Records out of containers and messages."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Callable, Iterator, Mapping

from skyassay.pipeline.products import ProductError
from skyassay.verify.alerts.content import HARMLESS, MOST_EXPANSION, inflate, kind_of
from skyassay.verify.alerts.packet import Packet
from skyassay.verify.alerts.parquet import alerts_of_parquet
from skyassay.verify.alerts.schemas import WriterSchema, by_id, of_container

_WIRE = struct.Struct(">bi")
_SYNC = 16
_META = {"type": "map", "values": "bytes"}


def packets(data: bytes) -> Iterator[Packet]:
    """Yield the alerts of a file's content.

    Raises
    ------
    ProductError
        ``not_an_alert``, ``unknown_schema``, ``unknown_codec``, ``archive_bomb``.
    Exception
        Whatever damaged bytes make the decoder raise.
    """
    kind = kind_of(data)
    if kind == "unknown":
        raise ProductError(
            "It begins neither as an Avro container nor as a message of the alert stream.",
            code="not_an_alert",
            hint="Alerts are read from Avro containers, messages in Confluent's wire format, "
            "gzip of either, and brokers' Parquet.",
        )
    yield from _FORMS[kind](data)


def _messages(data: bytes) -> Iterator[Packet]:
    """Yield messages one after the other; each begins with a zero and its schema's id."""
    stream = io.BytesIO(data)
    while head := stream.read(_WIRE.size):
        magic, number = _WIRE.unpack(head)
        if magic != 0:
            raise ValueError("a message does not begin with a zero")
        yield _one(stream, by_id(number))


def count(data: bytes) -> int:
    """Return how many packets a container says it holds; nothing is decoded.

    Raises
    ------
    ProductError, Exception
        As `packets`.
    """
    import fastavro

    stream, _, _, _ = _head(data)
    found = 0
    while stream.tell() < len(data):
        found += int(fastavro.schemaless_reader(stream, "long", None))
        size = int(fastavro.schemaless_reader(stream, "long", None))
        if size < 0 or stream.seek(size + _SYNC, io.SEEK_CUR) > len(data):
            raise ValueError("a block is cut short")
    return found


def _container(data: bytes) -> Iterator[Packet]:
    """Yield the records of a container, block by block."""
    import fastavro

    stream, codec, schema, sync = _head(data)
    while stream.tell() < len(data):
        count = int(fastavro.schemaless_reader(stream, "long", None))
        block = fastavro.schemaless_reader(stream, "bytes", None)
        if stream.read(_SYNC) != sync:
            raise ValueError("a block does not end with the mark between blocks")
        if codec == "deflate":
            block = inflate(block, max(MOST_EXPANSION * len(block), HARMLESS), wbits=-15)
        yield from _block(block, count, schema)


def _head(data: bytes) -> tuple[io.BytesIO, str, WriterSchema, bytes]:
    """Return a container where its blocks begin, its codec, its schema and its mark."""
    import fastavro

    if kind_of(data) != "container":
        raise ValueError("it is no Avro container")
    stream = io.BytesIO(data)
    stream.seek(4)
    meta = fastavro.schemaless_reader(stream, _META, None)
    sync = stream.read(_SYNC)
    codec = meta.get("avro.codec", b"null").decode()
    if codec not in ("null", "deflate"):
        raise ProductError(
            f"Its container is compressed by {codec[:40]}.",
            code="unknown_codec",
            hint="Containers without compression or with deflate are read.",
        )
    return stream, codec, of_container(json.loads(meta["avro.schema"])), sync


def _block(block: bytes, count: int, schema: WriterSchema) -> Iterator[Packet]:
    """Yield the records of one block, which must be just as many as it says."""
    stream, read = io.BytesIO(block), 0
    while stream.tell() < len(block) and read < count:
        yield _one(stream, schema)
        read += 1
    if read != count or stream.tell() != len(block):
        raise ValueError(f"a block holds {read} of {count} records")


def _one(stream: io.BytesIO, schema: WriterSchema) -> Packet:
    """Return the record where the stream stands."""
    import fastavro

    start = stream.tell()
    record = fastavro.schemaless_reader(stream, schema.definition, None)
    if not isinstance(record, dict) or not isinstance(record.get("diaSource"), dict):
        raise ValueError("a record has no diaSource")
    return Packet(schema.version, stream.tell() - start, record)


_FORMS: Mapping[str, Callable[[bytes], Iterator[Packet]]] = {
    "container": _container,
    "wire": _messages,
    "parquet": alerts_of_parquet,
}
