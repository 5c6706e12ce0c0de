"""Packets of all schemas, however they are stored, are the same tables."""

import gzip
from datetime import UTC, datetime

import fastavro
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skyassay.pipeline.alerts.packets import build
from skyassay.pipeline.products import ProductError
from skyassay.pipeline.products.io import write_table
from skyassay.verify.alerts.reader import open_alerts
from skyassay.verify.tables import open_tables

from .alert_making import ROOT, TIME, Writer, stamp

VERSIONS = ("7.0", "7.1", "7.2", "7.3", "7.4", "8.0", "9.0", "10.0", "11.0", "11.1")
SAMPLES = [v for v in VERSIONS if (ROOT / v.replace(".", "/") / "sample_data").is_dir()]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_schema_in_every_form(version, read, ways):
    made = Writer(version)
    own = {"time_processed": datetime(2026, 1, 1, 6, 0, 37, tzinfo=UTC)} if version == "8.0" else {}
    for form, data in ways(made, made.record(77, **own)).items():
        source, rows = read(data)
        row = {name: column[0] for name, column in rows.items()}
        assert row["diaSourceId"] == 77, form
        assert (row["visit"], row["detector"], row["band"]) == (2026010100001, 4, "r")
        assert (row["midpointMjdTai"], row["ra"], row["dec"]) == (TIME, 60.0, -30.0)
        assert (row["psfFlux"], row["psfFluxErr"], row["snr"]) == (1234.5, 80.0, 15.5)
        assert (row["diaObjectId"], row["hasDiaObject"], row["hasSsSource"]) == (7, True, False)
        assert (row["nPrvDiaSources"], row["nPrvDiaForcedSources"]) == (1, 0)
        assert row["oldestMjdTai"] == row["newestPrvMjdTai"] == TIME - 3.0
        assert (row["nCutouts"], row["nCutoutsSound"], row["cutoutSide"]) == (3, 3, 31)
        assert row["schemaVersion"] == version
        assert row["bytes"] == len(made.body(made.record(77, **own)))
        if version == "8.0":  # a UTC stamp; 37 leap seconds
            assert row["timeProcessedMjdTai"] == pytest.approx(61041.25 + 74 / 86400, abs=1e-9)
        elif version.startswith("7"):
            assert "timeProcessedMjdTai" not in rows
        else:
            assert row["timeProcessedMjdTai"] == TIME + 0.001
        assert ("exposureTime" in rows) == (version == "11.1")
        assert ("firstDiaSourceMjdTai" in rows) == (not version.startswith("7"))
        assert source.products == ("alert", "dia_source")


@pytest.mark.parametrize("version", SAMPLES)
def test_the_samples_of_the_public_package(version, read):
    path = ROOT / version.replace(".", "/") / "sample_data" / "fakeAlert.avro"
    _, rows = read(path)
    with path.open("rb") as stream:
        expected = list(fastavro.reader(stream))
    assert rows["diaSourceId"].tolist() == [r["diaSource"]["diaSourceId"] for r in expected]
    assert set(rows["schemaVersion"]) == {version}


@pytest.mark.parametrize("said", ["10.0", "lsst.v10_0.alert"])
def test_parquet_of_a_broker(tmp_path, read, said):
    made = Writer("10.0")
    rows = [made.record(k) | {"lsst_schema_version": said, "brokerIngestMjd": TIME} for k in (3, 4)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    (tmp_path / "b.avro").write_bytes(made.wire(made.record(5)))
    write_table(
        tmp_path / "c.parquet", "dia_source", {"diaSourceId": np.arange(9), "visit": np.arange(9)}
    )
    source, found = read(tmp_path)
    assert found["diaSourceId"].tolist() == [3, 4, 5]
    assert set(found["schemaVersion"]) == {"10.0"}
    assert np.isnan(found["bytes"]).tolist() == [True, True, False]
    for name in ("psfFlux", "nPrvDiaSources", "nCutoutsSound", "newestPrvMjdTai", "hasDiaObject"):
        assert found[name].tolist() == [found[name][2]] * 3
    assert not [note for note in source.notes() if note.severity == "error"]
    with pytest.raises(ProductError) as caught:
        read(tmp_path / "c.parquet")
    assert caught.value.code == "not_an_alert"


def test_what_no_packet_has_is_not_a_column(read, writer):
    _, rows = read(writer.wire(writer.record(reliability=None)))
    assert np.isnan(rows["reliability"]) and np.isnan(rows["exposureTime"])
    old = Writer("10.0")
    files = {"a.avro": old.wire(old.record(2))}
    assert "exposureTime" not in read(files)[1]
    _, rows = read(files | {"b.avro": writer.wire(writer.record(1, exposureTime=30.0))})
    np.testing.assert_array_equal(rows["exposureTime"], [30.0, np.nan])
    _, rows = read(writer.wire(writer.record(exposureTime=30.0, reliability=0.25)))
    assert (rows["exposureTime"][0], rows["reliability"][0]) == (30.0, 0.25)


def test_a_lower_bound_of_the_latency_can_be_made(read, writer):
    _, rows = read(writer.wire(writer.record(exposureTime=30.0)))
    late = rows["timeProcessedMjdTai"] - rows["midpointMjdTai"] - rows["exposureTime"] / 172800
    assert late[0] * 86400 == pytest.approx(86.4 - 15.0, abs=1e-3)


def test_moving_objects(read, writer):
    record = writer.record(diaObjectId=0, ssObjectId=55)
    inner = next(f for f in writer.definition["fields"] if f["name"] == "ssSource")["type"][1]
    system = {f["name"]: f.get("default", 0) for f in inner["fields"]} | {"ssObjectId": 55}
    record |= {"diaObject": None, "ssSource": system, "prvDiaSources": None}
    _, rows = read(writer.wire(record))
    assert (rows["hasDiaObject"][0], rows["hasSsSource"][0], rows["ssObjectId"][0]) == (0, 1, 55)
    old = Writer("7.4")
    record = old.record(diaObjectId=None, ssObjectId=56) | {"diaObject": None}
    inner = next(f for f in old.definition["fields"] if f["name"] == "ssObject")["type"][1]
    record["ssObject"] = {f["name"]: f.get("default", 0) for f in inner["fields"]}
    _, rows = read(old.wire(record))
    assert (rows["hasDiaObject"][0], rows["hasSsSource"][0], rows["ssObjectId"][0]) == (0, 1, 56)


def test_the_sources_of_the_packets(read, writer):
    both = {"a.avro": writer.wire(writer.record(1)), "b.avro": writer.wire(writer.record(2))}
    source, rows = read(both, "dia_source")
    assert rows["diaSourceId"].tolist() == [1, 2]
    assert rows["psfFlux"].tolist() == [1234.5, 1234.5]
    # Flags that the pipeline has not set are null, and said to be.
    assert {note.code for note in source.notes()} == {"no_page_checksums", "null_flag"}


def test_earlier_sources_count_once(tmp_path, writer):
    for number in (1, 2):
        (tmp_path / f"{number}.avro").write_bytes(writer.wire(writer.record(number)))
    stored = open_alerts(tmp_path, previous=True)["dia_source"]
    assert stored.rows == 4
    from skyassay.verify.tables.source import FileSource

    (part,) = FileSource({"dia_source": stored}).partitions(
        {"dia_source": ("diaSourceId", "midpointMjdTai")}, "row", 1
    )
    assert part["dia_source"]["diaSourceId"].tolist() == [1, 2, 5]
    assert part["dia_source"]["midpointMjdTai"].tolist() == [TIME, TIME, TIME - 3.0]


def test_a_folder_of_many_kinds(read, writer):
    old = Writer("9.0")
    files = {
        "a/1.avro": writer.container([writer.record(1), writer.record(2)]),
        "a/2.avro.gz": gzip.compress(writer.wire(writer.record(3))),
        "b/4": old.wire(old.record(4)),
        "b/two.bin": writer.wire(writer.record(5)) + writer.wire(writer.record(6)),
        "README.md": b"# Not an alert",
        ".hidden.avro": b"nothing",
        "manifest.json": b"{}",
        "zeros.dat": b"\0" * 100,
    }
    source, rows = read(files)
    assert rows["diaSourceId"].tolist() == [1, 2, 3, 4, 5, 6]
    assert not [note for note in source.notes() if note.severity == "error"]


def test_an_alert_that_is_there_twice_counts_once(read, writer):
    twice = {"a.avro": writer.wire(writer.record(1)), "b.avro": writer.wire(writer.record(1))}
    source, rows = read(twice)
    assert rows["diaSourceId"].tolist() == [1]
    assert ("duplicate_key", 1) in {(note.code, note.count) for note in source.notes()}


def test_who_the_data_are(read, writer, tmp_path):
    one = writer.wire(writer.record(1))
    source, _ = read(one)
    path = tmp_path / "given1"
    import hashlib

    assert source.identity()["alert"] == {
        "path": str(path),
        "rows": 1,
        "sha256": hashlib.sha256(one).hexdigest(),
    }
    first, _ = read({"a.avro": one})
    second, _ = read({"b.avro": one})
    assert first.identity() != second.identity()


def test_simulated_packets_are_not_real(read, writer):
    from skyassay.verify.errors import VerifyError
    from skyassay.verify.origin import origin

    source, _ = read(writer.wire(writer.record(1)))
    assert origin(source.identity()).evidence_level == "real"
    simulated = writer.record(1) | {"target_name": "simulated"}
    for data in (writer.wire(simulated), writer.container([writer.record(2), simulated])):
        source, _ = read(data)
        assert origin(source.identity()).evidence_level == "packet-load"
        with pytest.raises(VerifyError) as caught:
            origin(source.identity(), evidence_level="real")
        assert caught.value.code == "not_real"


def test_a_table_that_is_named_goes_first(tmp_path, writer):
    (tmp_path / "a.avro").write_bytes(writer.wire(writer.record(1)))
    given = write_table(
        tmp_path / "d.parquet", "dia_source", {"diaSourceId": np.arange(9), "visit": np.arange(9)}
    )
    for paths in (
        {"alerts": tmp_path / "a.avro", "dia_source": given},
        {"dia_source": given, "alerts": tmp_path / "a.avro"},
    ):
        source = open_tables(paths)
        assert {k: v["rows"] for k, v in source.identity().items()} == {"alert": 1, "dia_source": 9}


def test_cutouts_that_are_missing_or_broken(read, writer):
    record = writer.record(1)
    record |= {"cutoutTemplate": None, "cutoutScience": stamp(without=["CRVAL1"])}
    _, rows = read(writer.wire(record))
    assert (rows["nCutouts"][0], rows["nCutoutsSound"][0]) == (2, 1)
    record |= dict.fromkeys(("cutoutDifference", "cutoutScience"), None)
    _, rows = read(writer.wire(record))
    assert rows["nCutouts"][0] == rows["nCutoutsSound"][0] == 0
    assert np.isnan(rows["cutoutSide"]).all()


def test_many_partitions_hold_each_alert_once(tmp_path, writer):
    records = [
        writer.record(k + 1) | {f"cutout{kind}": None for kind in ("Science", "Template")}
        for k in range(50)
    ]
    (tmp_path / "a.avro").write_bytes(writer.container(records))
    source = open_tables({"alerts": tmp_path / "a.avro"})
    parts = source.partitions({"alert": ("diaSourceId", "visit")}, "visit", 3)
    found = np.concatenate([p["alert"]["diaSourceId"] for p in parts])
    assert sorted(found.tolist()) == list(range(1, 51))


def test_packets_of_our_own_pipeline(read):
    """What the pipeline writes is what this reader, written apart from it, finds."""
    from skyassay.pipeline.alerts.schema import newest

    sources, objects = {}, {}
    for table, record, count in ((sources, "diaSource", 3), (objects, "diaObject", 3)):
        for field in newest().record(record).fields:
            kind = {"boolean": bool, "string": "U1"}.get(field.kind, float)
            table[field.name] = np.zeros(count, dtype=kind)
    sources |= {
        "diaSourceId": np.arange(3) + 2**60,
        "diaObjectId": np.array([7, 8, 9]),
        "visit": np.full(3, 2026010100001),
        "band": np.array(["r", "r", "r"]),
        "midpointMjdTai": np.full(3, TIME),
        "psfFlux": np.array([1.5, np.nan, 3.5]),
        "exposureTime": np.full(3, 30.0),
    }
    objects |= {"diaObjectId": np.array([9, 8, 7]), "nDiaSources": np.array([3, 2, 1])}
    packets = build(sources, objects)
    for data in (packets.container(), b"".join(packets.wire())):
        _, rows = read(data)
        assert rows["diaSourceId"].tolist() == list(packets.ids)
        np.testing.assert_array_equal(rows["psfFlux"], [1.5, np.nan, 3.5])
        assert rows["nDiaSources"].tolist() == [1, 2, 3]
        assert rows["bytes"].tolist() == [len(body) for body in packets.bodies]
        assert set(rows["exposureTime"]) == {30.0}
