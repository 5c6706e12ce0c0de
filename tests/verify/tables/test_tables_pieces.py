"""Parts from footers: every row once, objects whole; what footers cannot vouch for is not used."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyassay.pipeline.products import ProductError
from skyassay.verify.tables import open_tables

NEEDS = {"matched_source": ("objectId", "visit", "band")}


def write(path: Path, ids: list, group: int, **options) -> Path:
    n = len(ids)
    columns = {
        "objectId": pa.array(ids, pa.int64()),
        "visit": pa.array(np.arange(n)),
        "band": pa.array(["r"] * n),
        **{
            k: pa.array(np.ones(n))
            for k in ("coord_ra", "coord_dec", "psfFlux", "psfFluxErr", "extendedness")
        },
    }
    pq.write_table(pa.table(columns), path, row_group_size=group, **options)
    return path


def read(source, count: int) -> list[list[int]] | None:
    """Return the ids of every part, those set aside at last."""
    parts = source.parts(NEEDS, "object", count)
    if parts is None:
        return None
    found = [part.read() for part in parts]
    aside = [f.aside["matched_source"] for f in found if f.aside]
    rest = source.rest(parts, {"matched_source": aside})
    found += [] if rest is None else [rest.read()]
    source.found(
        {
            "matched_source": sum(
                (f.tallies["matched_source"] for f in found[1:]), found[0].tallies["matched_source"]
            )
        }
    )
    return [f.tables["matched_source"]["objectId"].tolist() for f in found]


@given(st.lists(st.integers(1, 9), min_size=1, max_size=30), st.integers(1, 12), st.integers(1, 8))
def test_every_row_once_and_objects_whole(tmp_path_factory, lengths, group, count) -> None:
    ids = np.repeat(np.arange(len(lengths)), lengths).tolist()
    path = write(tmp_path_factory.mktemp("p") / "t.parquet", ids, group)
    parts = read(open_tables({"matched_source": path}), count)
    if parts is None:
        return
    assert sorted(i for part in parts for i in part) == ids
    assert sum(len(set(part)) for part in parts) == len(lengths)


def test_one_object_over_many_row_groups(tmp_path) -> None:
    path = write(tmp_path / "t.parquet", [1] + [2] * 20 + [3], 4)
    parts = read(open_tables({"matched_source": path}), 5)
    assert parts is not None
    assert parts[-1] == [2] * 20
    assert [i for part in parts[:-1] for i in part] == [1, 3]


def test_nulls_are_counted_once(tmp_path) -> None:
    path = write(tmp_path / "t.parquet", [1, 1, None, 2, None, None, None, None, 3, 4], 2)
    source = open_tables({"matched_source": path})
    parts = read(source, 3)
    assert parts is not None
    assert sorted(i for part in parts for i in part) == [1, 1, 2, 3, 4]
    (note,) = [n for n in source.notes() if n.code == "null_key"]
    assert note.count == 5


@pytest.mark.parametrize(
    ("ids", "options"),
    [([1, 5, 2, 6, 3, 7, 4, 8], {}), ([1, 1, 2, 2, 3, 3], {"write_statistics": False})],
    ids=["no order", "no statistics"],
)
def test_what_is_in_no_order_is_not_cut_so(tmp_path, ids, options) -> None:
    source = open_tables({"matched_source": write(tmp_path / "t.parquet", ids, 2, **options)})
    assert source.parts(NEEDS, "object", 2) is None
    assert source.parts(NEEDS, "visit", 2) is not None or options


def test_a_footer_that_is_wrong_is_damage(tmp_path) -> None:
    """An object outside the limits might be in two parts without anybody's knowing."""
    source = open_tables({"matched_source": write(tmp_path / "t.parquet", [1, 1, 2, 2, 3, 3], 2)})
    part = source.parts(NEEDS, "object", 3)[1]
    wrong = replace(part.slices["matched_source"], limits=(3, 4))
    with pytest.raises(ProductError) as caught:
        wrong.read()
    assert caught.value.code == "unreadable_data"


def test_a_hats_catalog_is_its_partitions_only(tmp_path) -> None:
    """Margins and samples repeat rows."""
    pixels = tmp_path / "main" / "dataset" / "Norder=0" / "Dir=0"
    pixels.mkdir(parents=True)
    write(pixels / "Npix=4.parquet", [1, 2], 2)
    write(tmp_path / "main" / "dataset" / "data_thumbnail.parquet", [1], 2)
    (tmp_path / "main" / "hats.properties").write_text("hats_nrows=2\n")
    (tmp_path / "collection.properties").write_text("hats_primary_table_url=main\n")
    write(tmp_path / "margin.parquet", [1], 2)
    for path in (tmp_path, tmp_path / "main"):
        assert open_tables({"matched_source": path}).one("matched_source").rows == 2
