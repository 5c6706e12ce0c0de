"""Packets of a night's tables, read back by the public library."""

import io
import struct

import fastavro
import numpy as np
import pytest
from astropy.table import Table
from lsst.alert.packet import Schema, SchemaRegistry, retrieve_alerts

from skyassay.pipeline.alerts.container import (
    packet_id,
    read_container,
    unwire,
    wire,
    write_container,
)
from skyassay.pipeline.alerts.cutouts import Cutouts, cut_all
from skyassay.pipeline.alerts.errors import AlertError
from skyassay.pipeline.alerts.packets import HISTORY_DAYS, build
from skyassay.pipeline.alerts.schema import newest


def records(packets):
    return [
        fastavro.schemaless_reader(io.BytesIO(body), packets.schema.definition, None)
        for body in packets.bodies
    ]


def built(night, **more):
    tables = dict(night)
    return build(tables.pop("sources"), tables.pop("objects"), **tables, **more)


def test_the_schema_is_the_newest():
    assert newest().id == Schema.from_uri().get_schema_id() >= 1101
    assert newest().version == f"{newest().id // 100}.{newest().id % 100}"


def test_packets_are_valid_and_as_fastavro_writes_them(night, exposure):
    cutouts = cut_all(night["sources"], difference=exposure, science=exposure, template=exposure)
    packets = built(night, cutouts=cutouts, reason="science", target="a field")
    schema = Schema.from_uri()
    for body, record in zip(packets.bodies, records(packets), strict=True):
        assert schema.validate(record)
        assert schema.serialize(record) == body


def test_what_is_in_them(night, exposure):
    cutouts = cut_all(night["sources"], difference=exposure, science=exposure, template=None)
    found = records(built(night, cutouts=cutouts, reason="science"))
    assert [r["diaSourceId"] for r in found] == night["sources"]["diaSourceId"].tolist()
    assert [r["diaSource"]["diaSourceId"] for r in found] == [r["diaSourceId"] for r in found]
    assert {r["observation_reason"] for r in found} == {"science"}
    assert {r["target_name"] for r in found} == {None}
    assert [r["diaObject"] and r["diaObject"]["diaObjectId"] for r in found] == [7, 8, 9, None]
    assert [r["ssSource"] and r["ssSource"]["ssObjectId"] for r in found] == [None] * 3 + [55]
    assert all(r["cutoutDifference"] == r["cutoutScience"] != b"" for r in found)
    assert all(r["cutoutTemplate"] is None for r in found)
    row = night["sources"]
    for k, record in enumerate(found):
        for name in ("psfFlux", "trailRa", "centroid_flag", "band", "visit"):
            assert record["diaSource"][name] == row[name][k]


def test_history_is_of_twelve_months_without_the_newest(night):
    found = records(built(night))
    earlier = [[p["diaSourceId"] for p in r["prvDiaSources"] or []] for r in found]
    assert earlier == [[11, 12], [13], [], []]
    assert found[2]["prvDiaSources"] is None
    # Forced fluxes of the new visit are there, as in the public stream.
    forced = [[p["diaForcedSourceId"] for p in r["prvDiaForcedSources"] or []] for r in found]
    assert forced == [[101], [102, 103, 104], [], []]
    assert found[2]["prvDiaForcedSources"] == []
    assert found[3]["prvDiaForcedSources"] is None
    time = night["sources"]["midpointMjdTai"][0]
    for record in found:
        for one in (record["prvDiaSources"] or []) + (record["prvDiaForcedSources"] or []):
            assert time - HISTORY_DAYS <= one["midpointMjdTai"] <= time


def test_an_orbit_goes_with_its_object(night):
    orbit = records(built(night))[3]["mpc_orbits"]
    assert orbit["designation"] == orbit["unpacked_primary_provisional_designation"] == "2026 AB"
    assert (orbit["id"], orbit["q"], orbit["e"]) == (2, 2.5, 0.2)
    assert (orbit["peri_time"], orbit["h"], orbit["g"]) == (61001.5, 21.0, 0.15)
    assert orbit["node"] is None
    night["orbits"]["ssObjectId"] = np.array([1, 2])
    assert records(built(night))[3]["mpc_orbits"] is None


def test_any_kind_of_table(night):
    first = built(night)
    tables = {
        k: {n: v for n, v in t.items() if isinstance(v, np.ndarray)} for k, t in night.items()
    }
    assert built({k: Table(t) for k, t in tables.items()}).bodies == first.bodies
    assert built({k: Table(t).to_pandas() for k, t in tables.items()}).bodies == first.bodies


def test_the_order_of_the_tables_does_not_matter(night):
    first = built(night).bodies
    turned = {
        k: t if k == "sources" else {n: v[::-1] for n, v in t.items()} for k, t in night.items()
    }
    turned["orbits"]["id"] = np.array([2, 1])
    assert built(turned).bodies == first
    doubled = dict(night)
    doubled["previous"] = {n: np.concatenate([v, v]) for n, v in night["previous"].items()}
    assert built(doubled).bodies == first


def test_no_sources_no_packets(night):
    empty = {name: column[:0] for name, column in night["sources"].items()}
    packets = build(empty, night["objects"])
    assert len(packets) == 0
    assert len(read_container(packets.container())) == 0
    assert list(fastavro.reader(io.BytesIO(packets.container()))) == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda t: t["sources"].update(diaObjectId=np.array([7, 8, 0, 0])), "no_parent"),
        (lambda t: t["sources"].update(ssObjectId=np.array([1, 0, 0, 55])), "two_parents"),
        (lambda t: t["objects"].update(diaObjectId=np.array([1, 2, 3, 4, 7])), "missing_object"),
        (lambda t: t.update(objects=None), "missing_object"),
        (lambda t: t.update(ss_sources=None), "missing_ss_source"),
        (lambda t: t["ss_sources"].update(diaSourceId=np.array([1])), "missing_ss_source"),
        (lambda t: t["sources"].pop("detector"), "missing_column"),
        (lambda t: t["sources"].pop("diaObjectId"), "missing_column"),
        (lambda t: t.update(cutouts=Cutouts([b""], [], [])), "unequal_cutouts"),
    ],
)
def test_what_is_wrong_is_named(night, change, code):
    change(night)
    with pytest.raises(AlertError) as caught:
        built(night)
    assert caught.value.code == code


def test_a_container_gives_back_what_went_in(night):
    packets = built(night)
    data = packets.container()
    assert data == packets.container()
    back = read_container(data)
    assert (back.schema_id, back.ids, back.bodies) == (
        packets.schema.id,
        packets.ids,
        packets.bodies,
    )
    schema, found = retrieve_alerts(io.BytesIO(data))
    assert list(found) == records(packets)
    assert schema.get_schema_id() == packets.schema.id
    other = built(night, reason="another")
    assert other.container()[-16:] != data[-16:]


def test_the_wire_format(night):
    packets = built(night)
    registry = SchemaRegistry.all_schemas_from_filesystem()
    for message, body in zip(packets.wire(), packets.bodies, strict=True):
        assert message == struct.pack(">bi", 0, packets.schema.id) + body
        assert unwire(message) == (packets.schema.id, body)
        assert registry.get_by_id(unwire(message)[0]).deserialize(body)
    assert read_container(packets.container()).wire() == packets.wire()
    assert packet_id(packets.bodies[1]) == packets.ids[1]
    for broken in (b"", b"\0\0\0\0\1", b"\1\0\0\0\1abc"):
        with pytest.raises(AlertError):
            unwire(broken)
    assert wire(b"a", 1101)[5:] == b"a"


def test_a_damaged_container_is_refused(night):
    data = built(night).container()
    for end in range(0, len(data), 997):
        if end and len(read_or_none(data[:end]) or ()) == 4:
            pytest.fail("a container that is cut short was read whole")
    for broken in (b"", b"Obj\x01", b"ObjX" + data[4:], data[:-1], data[:-17], data + b"\x02"):
        with pytest.raises(AlertError) as caught:
            read_container(broken)
        assert caught.value.code == "bad_packet"
    out = io.BytesIO()
    fastavro.writer(out, newest().definition, records(built(night)), codec="deflate")
    with pytest.raises(AlertError):
        read_container(out.getvalue())


def read_or_none(data):
    try:
        return read_container(data)
    except AlertError:
        return None


def test_a_butler_keeps_the_bytes(night, tmp_path):
    from skyassay.pipeline.repository.create import create, register_type

    butler = create(tmp_path / "repo", "tiny")
    butler.collections.register("u/alerts")
    register_type(butler, "alert_packets", ("instrument",), "AlertPackets")
    data = built(night).container()
    ref = butler.put(data, "alert_packets", instrument="SimCam", run="u/alerts")
    assert butler.get("alert_packets", instrument="SimCam", collections="u/alerts") == data
    path = butler.getURI(ref)
    assert path.getExtension() == ".avro"
    assert path.read() == data
    assert write_container(read_container(data).bodies) == data
