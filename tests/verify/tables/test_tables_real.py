"""A real multi-visit catalogue, exactly as it was published."""

import numpy as np
import pandas as pd
import pytest

from skyassay.verify.tables import check_contract, open_tables

pytestmark = pytest.mark.real
NEEDS = ("objectId", "visit", "band", "coord_ra", "coord_dec", "psfFlux", "extendedness")


@pytest.fixture
def path(real_data):
    return real_data / "hsc_i_matched_source.parquet"


@pytest.mark.parametrize("count", [1, 7, 64])
def test_every_measurement_arrives_once(path, count):
    source = open_tables({"matched_source": path})
    parts = [
        p["matched_source"] for p in source.partitions({"matched_source": NEEDS}, "object", count)
    ]
    frame = pd.concat([pd.DataFrame(dict(p)) for p in parts])
    direct = pd.read_parquet(path, columns=list(NEEDS))
    key = ["objectId", "visit"]
    a, b = (f.sort_values(key).reset_index(drop=True) for f in (frame, direct))
    assert len(a) == 4689
    assert a["objectId"].nunique() == 3249
    for name in NEEDS:
        if name == "band":
            assert a[name].tolist() == b[name].tolist()
        else:
            np.testing.assert_array_equal(a[name].to_numpy(), b[name].to_numpy())
    codes = {note.code for note in source.notes()}
    assert codes == {"unit_assumed", "no_page_checksums"}


def test_its_contract(path):
    pytest.importorskip("great_expectations")
    source = open_tables({"matched_source": path})
    counts = {}
    for frame_rows in (10**6, 0):
        found = check_contract(source.one("matched_source"), frame_rows=frame_rows)
        assert found.ok
        counts[found.engine] = {(f.column, f.count) for f in found.findings}
    assert counts["table"] == counts["profile"]
    assert counts["table"] == {("psfFlux", 268), ("psfFluxErr", 268), ("extendedness", 792)}
