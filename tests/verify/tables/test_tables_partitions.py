"""Partitions: nothing lost, objects whole, the same whatever the order of the rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyassay.pipeline.products.io import write_table
from skyassay.verify.tables import open_tables
from skyassay.verify.tables.partition import hash_ids

NEEDS = {"matched_source": ("objectId", "visit", "band", "psfFlux", "coord_ra", "detector")}


def parts_of(path, count, locality="object", **options):
    source = open_tables({"matched_source": path}, **options)
    found = [dict(p["matched_source"]) for p in source.partitions(NEEDS, locality, count)]
    return found, source


def as_bytes(parts):
    return [{k: v.tobytes() for k, v in part.items()} for part in parts]


@pytest.mark.parametrize("memory", [512 * 2**20, 0], ids=["memory", "files"])
@pytest.mark.parametrize("count", [1, 7, 64])
def test_the_union_is_the_table_and_objects_are_whole(matched, write, count, memory):
    parts, _ = parts_of(write(matched), count, memory_bytes=memory)
    assert len(parts) == count
    joined = {k: np.concatenate([p[k] for p in parts]) for k in parts[0]}
    order = np.lexsort((joined["visit"], joined["objectId"]))
    for name in NEEDS["matched_source"]:
        np.testing.assert_array_equal(joined[name][order], matched[name])
    where = [set(p["objectId"].tolist()) for p in parts]
    assert sum(map(len, where)) == len(set(matched["objectId"].tolist()))


@pytest.mark.parametrize("count", [1, 7, 64])
def test_files_and_memory_give_the_same_bytes(matched, write, count):
    path = write(matched)
    assert as_bytes(parts_of(path, count)[0]) == as_bytes(parts_of(path, count, memory_bytes=0)[0])


def test_visits_are_whole_for_locality_visit(matched, write):
    parts, _ = parts_of(write(matched), 5, "visit")
    where = [set(p["visit"].tolist()) for p in parts]
    assert sum(map(len, where)) == 3
    assert sum(len(p["visit"]) for p in parts) == len(matched["visit"])


@pytest.mark.parametrize("count", [1, 7])
def test_shuffled_rows_give_the_same_bytes(matched, write, count):
    order = np.random.default_rng(5).permutation(len(matched["visit"]))
    shuffled = {k: v[order] for k, v in matched.items()}
    a, _ = parts_of(write(matched, "a.parquet"), count)
    b, _ = parts_of(write(shuffled, "b.parquet"), count)
    assert as_bytes(a) == as_bytes(b)


@pytest.mark.parametrize("with_source_id", [True, False])
@pytest.mark.parametrize("share", [0.01, 0.5, 1.0])
def test_repeated_keys_are_counted_and_one_row_is_kept(matched, write, share, with_source_id):
    n = len(matched["visit"])
    rng = np.random.default_rng(7)
    again = rng.choice(n, max(1, int(share * n)), replace=False)
    extra = {k: v[again] for k, v in matched.items()}
    extra["psfFlux"] = extra["psfFlux"] * 2
    extra["sourceId"] = extra["sourceId"] + 10**6
    table = {k: np.concatenate([matched[k], extra[k]]) for k in matched}
    if not with_source_id:
        del table["sourceId"]
    results = []
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(n + len(again))
        path = write({k: v[order] for k, v in table.items()}, f"{seed}.parquet")
        for count in (1, 7):
            parts, source = parts_of(path, count)
            (note,) = source.notes()
            assert (note.code, note.count) == ("duplicate_key", len(again))
            joined = {k: np.concatenate([p[k] for p in parts]) for k in parts[0]}
            place = np.lexsort((joined["visit"], joined["objectId"]))
            results.append({k: v[place].tobytes() for k, v in joined.items()})
    assert all(r == results[0] for r in results)
    # The smallest source id, or the smaller flux, is that of the first measurement.
    assert results[0]["psfFlux"] == matched["psfFlux"].tobytes()


def test_the_same_object_in_another_band_is_no_repetition(matched, write):
    table = {k: np.concatenate([v, v]) for k, v in matched.items()}
    n = len(matched["visit"])
    table["band"][n:] = "y"
    parts, source = parts_of(write(table), 1)
    assert len(parts[0]["visit"]) == 2 * n
    assert source.notes() == ()


def test_a_product_without_the_localitys_column_goes_to_every_partition(matched, write, tmp_path):
    visits = {"visit": np.array([102, 100, 101]), "band": np.array(["g", "r", "i"])}
    path = write_table(tmp_path / "v.parquet", "visit_table", visits)
    source = open_tables({"matched_source": write(matched), "visit_table": path})
    parts = list(source.partitions({**NEEDS, "visit_table": ("visit", "band")}, "object", 4))
    assert [p["visit_table"]["visit"].tolist() for p in parts] == [[100, 101, 102]] * 4
    assert sum(len(p["matched_source"]["visit"]) for p in parts) == len(matched["visit"])


def test_spilled_files_go_away(matched, write, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "spill"))
    (tmp_path / "spill").mkdir()
    source = open_tables({"matched_source": write(matched)}, memory_bytes=0)
    stream = source.partitions(NEEDS, "object", 4)
    next(stream)
    assert list((tmp_path / "spill").iterdir())
    stream.close()
    del stream
    assert list((tmp_path / "spill").iterdir()) == []


@given(st.lists(st.integers(-(2**63), 2**63 - 1), unique=True, max_size=200))
@settings(max_examples=50, deadline=None)
def test_the_hash_never_joins_two_identifiers(ids):
    assert len(set(hash_ids(np.array(ids, dtype=np.int64)).tolist())) == len(ids)


def test_the_hash_spreads_runs_of_identifiers():
    part = hash_ids(np.arange(64_000, dtype=np.int64)) % np.uint64(64)
    counts = np.bincount(part.astype(int), minlength=64)
    assert counts.min() > 1000 - 5 * 1000**0.5
    assert counts.max() < 1000 + 5 * 1000**0.5
