"""Small files that would never end are refused before they are unpacked."""

from __future__ import annotations

import gzip

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skyassay.pipeline.products import ProductError
from skyassay.verify.tables import bombs, open_tables


def refused(path) -> str:
    with pytest.raises(ProductError) as error:
        open_tables({"visit_table": path})
    assert error.value.exit_code == 3
    assert error.value.hint
    return error.value.code


def test_a_gzip_that_never_ends(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(bombs, "HARMLESS_BYTES", 1 << 20)
    path = tmp_path / "t.fits.gz"
    inner = gzip.compress(bytes(64 << 20))
    # Zeros shrink a thousandfold; a file of members multiplies what one member holds.
    path.write_bytes(gzip.compress(b"") + inner * 4)
    assert len(inner) * 4 * bombs.MOST_EXPANSION < 4 * (64 << 20)
    assert refused(path) == "archive_bomb"


def test_a_parquet_of_nothing_but_rows(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(bombs, "HARMLESS_ROWS", 100_000)
    path = tmp_path / "t.parquet"
    table = pa.table({"visit": np.zeros(8_000_000, dtype=np.int64)})
    pq.write_table(table, path, compression="zstd", row_group_size=8_000_000)
    assert refused(path) == "archive_bomb"


def test_a_parquet_page_that_unpacks_to_much(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(bombs, "HARMLESS_BYTES", 1 << 20)
    path = tmp_path / "t.parquet"
    table = pa.table({"visit": np.zeros(8_000_000, dtype=np.int64)})
    pq.write_table(table, path, compression="zstd", use_dictionary=False)
    assert refused(path) == "archive_bomb"


def test_real_tables_are_not(tmp_path) -> None:
    path = tmp_path / "t.parquet"
    number = np.arange(200_000)
    table = pa.table({"visit": number, "band": np.array(list("ugrizy"))[number % 6]})
    pq.write_table(table, path, compression="zstd")
    assert open_tables({"visit_table": path}).products == ("visit_table",)
