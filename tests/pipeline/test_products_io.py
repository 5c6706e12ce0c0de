"""Writing products: checksums, units, refusals, all or nothing."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from skyassay.pipeline.products import ProductError
from skyassay.pipeline.products.integrity import footer_is_sound, has_page_checksums
from skyassay.pipeline.products.io import write_chunks, write_table


def small(n=5, **more):
    table = {
        "objectId": np.arange(n),
        "visit": np.full(n, 7),
        "band": np.array(["g"] * n),
        "coord_ra": np.linspace(0, 1, n),
        "coord_dec": np.linspace(0, 1, n),
        "psfFlux": np.linspace(1, 2, n),
        "psfFluxErr": np.full(n, 0.1, dtype=np.float32),
        "extendedness": np.zeros(n),
    }
    return {**table, **more}


def test_values_units_types_and_checksums(tmp_path):
    path = write_table(tmp_path / "m.parquet", "matched_source", small(detector=np.arange(5)))
    file = pq.ParquetFile(path, page_checksum_verification=True)
    units = {f.name: (f.metadata or {}).get(b"unit") for f in file.schema_arrow}
    assert units["coord_ra"] == b"deg"
    assert units["psfFlux"] == b"nJy"
    assert units["objectId"] is None
    assert str(file.schema_arrow.field("detector").type) == "int32"
    assert str(file.schema_arrow.field("psfFluxErr").type) == "double"
    assert footer_is_sound(file) is True
    with path.open("rb") as stream:
        assert has_page_checksums(stream)
    assert file.read().column("coord_ra").to_pylist() == small()["coord_ra"].tolist()


def test_a_file_without_checksums_is_seen_to_have_none(tmp_path):
    sound = write_table(tmp_path / "m.parquet", "matched_source", small())
    bare = tmp_path / "bare.parquet"
    pq.write_table(pq.read_table(sound), bare)
    file = pq.ParquetFile(bare)
    with bare.open("rb") as stream:
        assert not has_page_checksums(stream)
    assert footer_is_sound(file) is None


def test_chunks_equal_one_table_and_the_same_table_gives_the_same_bytes(tmp_path):
    whole = small(10)
    halves = [{k: v[:4] for k, v in whole.items()}, {k: v[4:] for k, v in whole.items()}]
    a = write_table(tmp_path / "a.parquet", "matched_source", whole)
    b = write_table(tmp_path / "b.parquet", "matched_source", whole)
    c = write_chunks(tmp_path / "c.parquet", "matched_source", halves)
    assert a.read_bytes() == b.read_bytes()
    assert pq.read_table(a).equals(pq.read_table(c))
    assert footer_is_sound(pq.ParquetFile(c)) is True


def test_masked_becomes_null_and_nan_stays(tmp_path):
    table = small(3, detector=np.ma.array([1, 2, 3], mask=[False, True, False]))
    table["psfFlux"] = np.array([1.0, np.nan, np.inf])
    path = write_table(tmp_path / "m.parquet", "matched_source", table)
    got = pq.read_table(path)
    assert got.column("detector").to_pylist() == [1, None, 3]
    assert got.column("psfFlux").null_count == 0
    assert np.isnan(got.column("psfFlux").to_numpy()[1])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"nobody_knows": np.zeros(5)}, "unknown_column"),
        ({"coord_ra": np.zeros(4)}, "ragged_table"),
        ({"objectId": np.array(list("abcde"))}, "wrong_type"),
        ({"detector": np.full(5, 2**40)}, "wrong_type"),
        ({"objectId": np.full(5, 0.5)}, "wrong_type"),
    ],
)
def test_refusals_leave_no_file(tmp_path, change, code):
    with pytest.raises(ProductError) as caught:
        write_table(tmp_path / "m.parquet", "matched_source", small(**change))
    assert caught.value.code == code
    assert list(tmp_path.iterdir()) == []


def test_a_missing_required_column_is_refused(tmp_path):
    table = small()
    del table["psfFluxErr"]
    with pytest.raises(ProductError, match="psfFluxErr") as caught:
        write_table(tmp_path / "m.parquet", "matched_source", table)
    assert caught.value.code == "missing_column"


def test_a_failing_chunk_leaves_the_old_file_as_it_was(tmp_path):
    path = write_table(tmp_path / "m.parquet", "matched_source", small())
    before = path.read_bytes()

    def chunks():
        yield small(8)
        raise RuntimeError("the power went")

    with pytest.raises(RuntimeError):
        write_chunks(path, "matched_source", chunks())
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["m.parquet"]


def test_truth_products_take_per_band_columns(tmp_path):
    n = 3
    table = {
        "objectId": np.arange(n),
        "coord_ra": np.zeros(n),
        "coord_dec": np.zeros(n),
        "g_psfFlux": np.ones(n),
        "pmRa": np.ones(n),
    }
    schema = pq.read_schema(write_table(tmp_path / "t.parquet", "truth_star", table))
    assert schema.field("g_psfFlux").metadata == {b"unit": b"nJy"}
    assert schema.field("pmRa").metadata == {b"unit": b"mas/yr"}
