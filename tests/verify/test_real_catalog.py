"""A real catalogue with published values: `assay measure` gives them."""

from __future__ import annotations

import json

import pytest

from skyassay.verify.cli import main

pytestmark = pytest.mark.real
#: Published by the package that made the catalogue, recipe ``faro``.
KNOWN = {
    ("photometry.repeatability.pa1", None): 6.8097958,
    ("photometry.repeatability.pf1", 15.0): 11.1111111,
    ("astrometry.relative.am1", None): 7.1421312,
    ("astrometry.relative.ad1", 10.0): 15.6088877,
    ("astrometry.relative.af1", 20.0): 6.2111801,
}


@pytest.fixture
def table(real_data) -> str:
    return f"matched_source={real_data / 'hsc_i_matched_source.parquet'}"


def measured(capsys, *words: str) -> dict:
    with pytest.raises(SystemExit):
        main([*words, "--format", "json", "--store", "none", "--no-contract"])
    return json.loads(capsys.readouterr().out)


def test_published_values(capsys, table) -> None:
    document = measured(capsys, "measure", "--table", table, "--recipe", "faro")
    found = {
        (m["metric"], next(iter(m["at"].values()), None)): m["value"]
        for m in document["measurements"]
    }
    for key, value in KNOWN.items():
        assert found[key] == pytest.approx(value, rel=1e-7)


def test_three_visits_never_pass(capsys, table) -> None:
    document = measured(capsys, "verify", "--table", table)
    parts = [
        p
        for v in document["verdicts"]
        if v["metric"] == "photometry.repeatability.pa1"
        for p in v["parts"]
        if p["band"] == "i"
    ]
    assert parts
    for part in parts:
        assert part["status"] in ("INCONCLUSIVE", "FAIL")
        assert part["interval"]["low"] < part["value"] < part["interval"]["high"]
    assert not [v for v in document["verdicts"] if v["status"] == "PASS"]
