"""A real catalogue of three visits: the verdict under every recipe, and what a reader sees."""

from __future__ import annotations

import json

import pytest

from skyassay.verify.cli import main

pytestmark = pytest.mark.real
PA1 = "photometry.repeatability.pa1"
#: The package that made the catalogue publishes it with recipe ``faro``.
FARO_PA1 = 6.8097958
RECIPES = ("srd", "faro", "validate_drp", "analysis_tools")


@pytest.fixture
def assay(capsys, monkeypatch, real_data):
    monkeypatch.setenv("NO_COLOR", "1")
    table = f"matched_source={real_data / 'hsc_i_matched_source.parquet'}"

    def call(*words: str, width: int = 80) -> str:
        monkeypatch.setenv("COLUMNS", str(width))
        with pytest.raises(SystemExit):
            main([*words, "--table", table, "--store", "none", "--no-contract"])
        return capsys.readouterr().out

    return call


def test_no_recipe_lets_three_visits_pass(assay) -> None:
    document = json.loads(assay("measure", "--metric", PA1, "--recipe", "all", "--format", "json"))
    parts = {
        v["recipe"]: p for v in document["verdicts"] for p in v["parts"]
        if v["criterion"] == "LPM-17.PA1/gri" and v["level"] == "design" and p["band"] == "i"
    }  # fmt: skip
    assert set(parts) == set(RECIPES)
    assert {p["status"] for p in parts.values()} <= {"INCONCLUSIVE", "FAIL"}
    assert parts["faro"]["value"] == pytest.approx(FARO_PA1, rel=1e-7)
    assert parts["faro"]["reason"] == "no_interval"
    assert (
        parts["srd"]["interval"]["low"] < parts["srd"]["value"] < parts["srd"]["interval"]["high"]
    )
    assert not [v for v in document["verdicts"] if v["status"] == "PASS"]


@pytest.mark.parametrize("width", [80, 120, 200])
def test_every_recipe_can_be_read_side_by_side(assay, width) -> None:
    out = assay("measure", "--metric", PA1, "--recipe", "all", width=width)
    table = out[: out.index("Alone, or point verdict")].splitlines()
    assert max(map(len, table)) <= width
    for recipe in RECIPES:
        assert sum(recipe in line for line in table) >= 1
    # two criteria, each with the verdict and what the bare value would say, all in full
    whole = [line.count("? INCONCLUSIVE") + line.count("✘ FAIL") for line in table]
    assert sum(whole) == 2 * 2 * len(RECIPES)
    assert "6.81" in out
    # why, for each recipe that decides nothing
    assert "faro: no_interval" in out
    assert "validate_drp: no_interval" in out


@pytest.mark.parametrize("width", [80, 120, 200])
@pytest.mark.parametrize("recipe", ["srd", "faro"])
def test_no_value_or_verdict_is_cut_off(assay, width, recipe) -> None:
    out = assay("measure", "--recipe", recipe, width=width)
    table = out[: out.index("warning: ")].splitlines()
    assert max(map(len, table)) <= width
    assert sum("? INCONCLUSIVE" in line or "✘ FAIL" in line for line in table) >= 5
    for word in (" mmag ", " mas ", " % ", "AF1 = 10 %", "photometry.repeatability.pa1"):
        assert word in out


@pytest.mark.parametrize("width", [80, 120, 200])
@pytest.mark.parametrize("level", ["binding", "all"])
def test_no_limit_or_status_is_cut_off(assay, width, level) -> None:
    out = assay("verify", "--level", level, width=width)
    table = out[: out.index("band_missing: ")].splitlines() if width < 160 else out.splitlines()
    assert width >= 160 or max(map(len, table)) <= width
    shown = "\n".join(table)
    for word in ("≤ 22.5 mmag", "∅ NOT_MEASURED", "? INCONCLUSIVE", " mas ", "DMS-REQ-0359/PA1uzy"):
        assert word in shown
    assert ("minimum" in shown) == (level == "all")
