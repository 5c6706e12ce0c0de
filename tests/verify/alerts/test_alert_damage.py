"""Damaged, hostile and foreign files: one sentence with a code, and the rest is measured."""

import gzip
import io
import json
import struct
import zlib

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyassay.pipeline.products import ProductError
from skyassay.verify.alerts.content import HARMLESS, inflate
from skyassay.verify.alerts.reader import open_alerts
from skyassay.verify.alerts.schemas import of_container
from skyassay.verify.cli import main

from .alert_making import Writer


def code_of(read, data):
    with pytest.raises(ProductError) as caught:
        read(data)
    assert "given" in str(caught.value), "the file is named"
    assert "\n" not in str(caught.value)
    assert caught.value.hint
    return caught.value.code


def container_of(schema, records=(), codec=b"null", block=None, sync=b"s" * 16):
    """Return a container with any schema, and any bytes as its only block."""
    out = io.BytesIO(b"Obj\x01")
    out.seek(4)
    meta = {"avro.schema": json.dumps(schema).encode(), "avro.codec": codec}
    fastavro.schemaless_writer(out, {"type": "map", "values": "bytes"}, meta)
    out.write(sync)
    if block is not None:
        fastavro.schemaless_writer(out, "long", len(records) or 1)
        fastavro.schemaless_writer(out, "bytes", block)
        out.write(sync)
    return out.getvalue()


def test_cut_short_anywhere(read, writer):
    record = writer.record()
    forms = {
        "wire": writer.wire(record),
        "container": writer.container([record, writer.record(2)]),
        "gzip": gzip.compress(writer.wire(record)),
    }
    for data in forms.values():
        step = len(data) // 12
        for end in range(6, len(data), step):
            assert code_of(read, data[:end]) in {"unreadable_data", "not_an_alert"}


def test_an_empty_file(read):
    assert code_of(read, b"") == "not_an_alert"


@pytest.mark.parametrize(
    "data",
    [b"PAX1" + b"x" * 90, b"\x01\0\0\x04\x4dabc", b"SIMPLE  =", gzip.compress(b"text", mtime=0)],
)
def test_what_is_no_alert(read, data):
    assert code_of(read, data) == "not_an_alert"


@pytest.mark.parametrize("number", [0, 3, 300, 601, 1199, 9900, 2**31 - 1, -5])
def test_schema_ids_that_nobody_knows(read, writer, number):
    message = struct.pack(">bi", 0, number) + writer.body(writer.record())
    assert code_of(read, message) == "unknown_schema"


def test_a_message_in_the_middle_of_others_is_damaged(read, writer):
    one = writer.wire(writer.record())
    assert code_of(read, one + b"\x07" + one) == "unreadable_data"


def test_bombs(read, writer):
    zeros = b"\0" * (HARMLESS + (1 << 22))
    assert code_of(read, gzip.compress(zeros)) == "archive_bomb"
    packed = zlib.compress(zeros)[2:-4]
    bomb = container_of(writer_schema(writer), codec=b"deflate", block=packed)
    assert code_of(read, bomb) == "archive_bomb"


def test_several_gzip_members_and_padding():
    parts = gzip.compress(b"one ", mtime=0) + gzip.compress(b"two") + b"\0" * 20
    assert inflate(parts, 100, wbits=31) == b"one two"
    with pytest.raises(ValueError, match="end too early"):
        inflate(gzip.compress(b"a" * 1000)[:-9], 10_000, wbits=31)


def writer_schema(writer):
    return {k: v for k, v in writer.definition.items() if not k.startswith("__")}


def test_parquet_that_is_damaged_or_a_bomb(read, writer):
    out = io.BytesIO()
    rows = [writer.record(k) for k in range(1, 4)]
    pq.write_table(pa.Table.from_pylist(rows), out, write_page_checksum=True)
    data = out.getvalue()
    assert code_of(read, data[:-50]) == "unreadable_data"
    assert code_of(read, data[:5000] + b"\xff" * 40 + data[5040:]) == "unreadable_data"
    many = pa.table({"diaSource": [{"diaSourceId": 1}], "x": [b"\0" * (HARMLESS + (1 << 22))]})
    bomb = io.BytesIO()
    pq.write_table(many, bomb, compression="zstd")
    assert code_of(read, bomb.getvalue()) == "archive_bomb"


def test_a_codec_that_is_not_read(read, writer):
    data = container_of(writer_schema(writer), codec=b"xz", block=b"abc")
    assert code_of(read, data) == "unknown_codec"


def test_containers_of_something_else(read):
    schema = {"type": "record", "name": "ztf.alert", "fields": [{"name": "x", "type": "long"}]}
    assert code_of(read, container_of(schema, block=b"\2")) == "not_an_alert"
    schema["name"] = "lsst.v3_0.alert"
    assert code_of(read, container_of(schema, block=b"\2")) == "unknown_schema"
    assert code_of(read, container_of(["null"], block=b"\2")) == "not_an_alert"


def alert_with(**kinds):
    fields = [{"name": name, "type": kind} for name, kind in kinds.items()]
    return {"type": "record", "name": "lsst.v11_2.alert", "fields": fields}


ROW = {"type": "record", "name": "s", "fields": [{"name": "v", "type": "double"}] * 2}
HOSTILE = {
    "an array of nothing": alert_with(a={"type": "array", "items": "null"}),
    "an array of empty records": alert_with(
        a={"type": "array", "items": {"type": "record", "name": "e", "fields": []}}
    ),
    "an array of single bytes": alert_with(a={"type": "array", "items": "boolean"}),
    "itself": alert_with(a=["null", "lsst.v11_2.alert"]),
    "a map": alert_with(a={"type": "map", "values": "double"}),
    "an enum": alert_with(a={"type": "enum", "name": "e", "symbols": ["A"]}),
    "no fields": alert_with(),
    "fields that are none": {"type": "record", "name": "lsst.v11_2.alert", "fields": ["x"]},
    "an unknown type": alert_with(a="decimal"),
}


@pytest.mark.parametrize("schema", HOSTILE.values(), ids=HOSTILE)
def test_schemas_that_could_be_decoded_without_end(read, schema):
    data = container_of(schema, block=b"\xfe\xff\xff\xff\x7f")
    assert code_of(read, data) == "unknown_schema"


def test_nested_beyond_measure(read):
    nested = ROW
    for _ in range(300):
        nested = {"type": "array", "items": nested}
    assert code_of(read, container_of(alert_with(a=nested), block=b"\2")) == "unknown_schema"


def test_a_newer_schema_that_brings_itself_along(read, writer):
    text = json.dumps(writer_schema(writer)).replace("v11_1", "v11_9").replace("1101", "1109")
    schema = of_container(json.loads(text))
    assert schema.version == "11.9"
    out = io.BytesIO()
    fastavro.writer(out, fastavro.parse_schema(json.loads(text)), [writer.record(3)])
    _, rows = read(out.getvalue())
    assert rows["schemaVersion"].tolist() == ["11.9"]


def test_values_of_a_wrong_type(read, writer):
    text = json.dumps(writer_schema(writer)).replace(
        '"name": "ra", "type": "double"', '"name": "ra", "type": "string"'
    )
    assert '"name": "ra", "type": "string"' in text
    record = writer.record(1)
    record["diaSource"]["ra"] = record["prvDiaSources"][0]["ra"] = "60 degrees"
    record["diaObject"]["ra"] = "60 degrees"
    out = io.BytesIO()
    fastavro.writer(out, fastavro.parse_schema(json.loads(text)), [record])
    assert code_of(read, out.getvalue()) == "wrong_type"


def test_a_bad_file_does_not_take_the_others_with_it(read, writer):
    good = writer.wire(writer.record(1))
    files = {
        "a.avro": good,
        "b.avro": good[:-100],
        "c.avro": struct.pack(">bi", 0, 1199) + good[5:],
        "d.avro.gz": gzip.compress(b"\0" * (HARMLESS + (1 << 22))),
        "e.avro": b"text",
        "f.avro": writer.wire(writer.record(2)),
    }
    source, rows = read(files)
    assert rows["diaSourceId"].tolist() == [1, 2]
    errors = {n.code: n for n in source.notes() if n.severity == "error" and n.product == "alert"}
    assert set(errors) == {"unreadable_data", "unknown_schema", "archive_bomb", "not_an_alert"}
    assert "b.avro" in errors["unreadable_data"].message
    assert "one of 6 files" in errors["unreadable_data"].message


def test_nothing_at_all(tmp_path, read):
    with pytest.raises(ProductError) as caught:
        open_alerts(tmp_path / "absent")
    assert (caught.value.code, caught.value.exit_code) == ("not_found", 4)
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(ProductError) as caught:
        open_alerts(tmp_path)
    assert caught.value.code == "not_found"


@given(st.integers(0, 10**6), st.integers(0, 255))
def test_a_changed_byte_is_an_error_or_a_table(one_wire, tmp_path_factory, place, byte):
    data = bytearray(one_wire)
    data[place % len(data)] = byte
    path = tmp_path_factory.getbasetemp() / "changed.avro"
    path.write_bytes(bytes(data))
    try:
        made = open_alerts(path)
    except ProductError as error:
        assert error.code
    else:
        assert made["alert"].rows >= 1


def test_on_the_command_line(tmp_path, writer, capsys):
    path = tmp_path / "a.avro"
    path.write_bytes(writer.wire(writer.record())[:-5])
    with pytest.raises(SystemExit) as caught:
        main(["measure", "--table", f"alerts={path}", "--store", "none"])
    assert caught.value.code == 3
    shown = capsys.readouterr().err
    assert "a.avro cannot be read" in " ".join(shown.split())
    assert "Traceback" not in shown
    assert Writer().id >= 1101
