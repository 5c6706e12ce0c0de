"""Wrong usage and wrong tables: one sentence, a code, a hint."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skyassay.pipeline.products import ProductError
from skyassay.verify.tables import open_tables

NEEDS = ("objectId", "visit", "band", "coord_ra", "coord_dec", "psfFlux", "psfFluxErr")


def test_a_path_that_is_not_there(tmp_path):
    with pytest.raises(ProductError, match="does not exist") as caught:
        open_tables({"matched_source": tmp_path / "no.parquet"})
    assert (caught.value.code, caught.value.exit_code) == ("not_found", 4)


def test_a_directory_without_tables(tmp_path):
    (tmp_path / "readme.txt").write_text("nothing here")
    with pytest.raises(ProductError) as caught:
        open_tables({"matched_source": tmp_path})
    assert (caught.value.code, caught.value.exit_code) == ("not_found", 4)


def test_an_unknown_product(matched, write):
    with pytest.raises(ProductError) as caught:
        open_tables({"matchd_source": write(matched)})
    assert (caught.value.code, caught.value.exit_code) == ("unknown_product", 4)
    assert "matched_source" in caught.value.hint


def test_an_unknown_format(tmp_path):
    path = tmp_path / "table.xls"
    path.write_bytes(b"something else")
    with pytest.raises(ProductError) as caught:
        open_tables({"matched_source": path})
    assert (caught.value.code, caught.value.exit_code) == ("unknown_format", 4)


@pytest.mark.parametrize("key", ["objectId", "visit", "band"])
def test_without_a_key_nothing_can_be_measured(matched, write_plain, key):
    table = {k.replace(key, key + "_"): v for k, v in matched.items()}
    with pytest.raises(ProductError, match=key) as caught:
        open_tables({"matched_source": write_plain(table)})
    assert caught.value.code == "missing_column"
    assert f"Did you mean {key}_?" in caught.value.hint
    assert "psfFlux" in caught.value.hint


def test_without_another_column_the_rest_is_still_there(matched, write_plain):
    table = {k.replace("extendedness", "extendednes"): v for k, v in matched.items()}
    source = open_tables({"matched_source": write_plain(table)})
    assert "extendedness" not in source.columns("matched_source")
    (note,) = [n for n in source.notes() if n.code == "missing_column"]
    assert note.column == "extendedness"
    assert note.severity == "error"
    assert "Did you mean extendednes?" in note.hint
    (part,) = source.partitions({"matched_source": NEEDS}, "object", 1)
    assert len(part["matched_source"]["psfFlux"]) == len(matched["psfFlux"])
    with pytest.raises(ProductError, match="extendedness") as caught:
        list(source.partitions({"matched_source": (*NEEDS, "extendedness")}, "object", 1))
    assert caught.value.code == "missing_column"
    assert "Did you mean extendednes?" in caught.value.hint


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("psfFlux", pa.array(["bright"] * 120)),
        ("objectId", pa.array(np.linspace(0, 1, 120))),
        ("objectId", pa.array([str(i) for i in range(120)])),
        ("objectId", pa.array(np.full(120, 2**63, dtype=np.uint64))),
        ("band", pa.array(np.arange(120))),
        ("band", pa.array([b"\xff"] * 120)),
        ("pixelFlags_bad", pa.array(np.arange(120))),
        ("detector", pa.array(np.linspace(0, 1, 120))),
        ("coord_ra", pa.array([[1.0]] * 120)),
    ],
)
def test_a_wrong_type_is_an_error(matched, write_plain, column, values):
    path = write_plain({**matched, column: values})
    with pytest.raises(ProductError, match=column) as caught:
        source = open_tables({"matched_source": path})
        list(source.partitions({"matched_source": (*NEEDS, column)}, "object", 1))
    assert (caught.value.code, caught.value.exit_code) == ("wrong_type", 3)


def test_a_column_nobody_reads_harms_nobody(matched, write_plain):
    bad = {"detector": pa.array(["R22"] * 120), "psfFluxErr": matched["psfFluxErr"]}
    source = open_tables({"matched_source": write_plain({**matched, **bad})})
    (note,) = [n for n in source.notes() if n.column == "detector"]
    assert (note.code, note.severity) == ("wrong_type", "error")
    assert "detector" not in source.columns("matched_source")
    (part,) = source.partitions({"matched_source": NEEDS}, "object", 1)
    assert len(part["matched_source"]["psfFlux"]) == 120


def test_a_column_of_some_files_is_named(matched, write_plain, tmp_path):
    write_plain(matched, name="a.parquet")
    write_plain({k: v for k, v in matched.items() if k != "pixelFlags_bad"}, name="b.parquet")
    source = open_tables({"matched_source": tmp_path})
    (note,) = [n for n in source.notes() if n.code == "column_in_some_files"]
    assert (note.column, note.severity) == ("pixelFlags_bad", "warning")
    assert "1 of the 2 files" in note.message


def test_two_columns_of_one_name(matched, tmp_path):
    arrays = [pa.array(v) for v in matched.values()]
    twice = pa.Table.from_arrays([*arrays, arrays[0]], names=[*matched, "objectId"])
    pq.write_table(twice, tmp_path / "m.parquet")
    with pytest.raises(ProductError) as caught:
        open_tables({"matched_source": tmp_path / "m.parquet"})
    assert caught.value.code == "unreadable_data"
    assert "two columns have one name" in caught.value.hint


def test_difference_fluxes_are_no_matched_sources(matched, write_plain):
    path = write_plain({**matched, "diaSourceId": matched["sourceId"]})
    with pytest.raises(ProductError, match="difference image") as caught:
        open_tables({"matched_source": path})
    assert caught.value.code == "wrong_product"


def test_a_product_that_was_not_given(matched, write):
    source = open_tables({"matched_source": write(matched)})
    with pytest.raises(ProductError, match="visit_table") as caught:
        list(source.partitions({"visit_table": ("visit",)}, "row", 1))
    assert (caught.value.code, caught.value.exit_code) == ("missing_product", 4)
    assert "--table visit_table=" in caught.value.hint


@pytest.mark.parametrize(("locality", "count"), [("object", 0), ("galaxy", 1)])
def test_impossible_partitions(matched, write, locality, count):
    source = open_tables({"matched_source": write(matched)})
    with pytest.raises(ProductError) as caught:
        list(source.partitions({"matched_source": NEEDS}, locality, count))
    assert caught.value.code == "bad_partitions"


def test_empty_and_one_row(matched, write):
    for rows in (0, 1):
        source = open_tables({"matched_source": write({k: v[:rows] for k, v in matched.items()})})
        parts = list(source.partitions({"matched_source": NEEDS}, "object", 3))
        assert len(parts) == 3
        assert sum(len(p["matched_source"]["psfFlux"]) for p in parts) == rows
        assert {p["matched_source"]["psfFlux"].dtype for p in parts} == {np.dtype(float)}
        assert {p["matched_source"]["band"].dtype.kind for p in parts} == {"U"}
        assert source.notes() == ()


def test_nan_and_infinity_arrive_as_they_are(matched, write, read_all):
    flux = matched["psfFlux"].copy()
    flux[:4] = [np.nan, np.inf, -np.inf, 5e-324]
    source = open_tables({"matched_source": write({**matched, "psfFlux": flux})})
    np.testing.assert_array_equal(read_all(source, NEEDS)["psfFlux"], flux)


def test_rows_without_a_key_are_counted_and_left_out(matched, write_plain, read_all):
    n = len(matched["visit"])
    no_id, no_band = np.arange(n) < 3, (np.arange(n) > 4) & (np.arange(n) < 7)
    table = {
        **matched,
        "objectId": pa.array(matched["objectId"], mask=no_id),
        "band": pa.array(np.where(no_band, "  ", matched["band"]).tolist()),
    }
    source = open_tables({"matched_source": write_plain(table)})
    got = read_all(source, NEEDS, count=7)
    assert len(got["visit"]) == n - 5
    (note,) = [x for x in source.notes() if x.code == "null_key"]
    assert (note.count, note.severity) == (5, "error")


def test_a_band_nobody_expects_is_reported_and_stays_apart(matched, write, read_all):
    band = np.where(matched["visit"] == 101, "N921", matched["band"])
    source = open_tables({"matched_source": write({**matched, "band": band})})
    got = read_all(source, NEEDS, count=7)
    assert (got["band"] == "N921").sum() == 40
    (note,) = source.notes()
    assert (note.code, note.count) == ("unexpected_band", 40)
    assert "'N921'" in note.message
