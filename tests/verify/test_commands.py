"""`assay measure` and `assay verify` as a user sees them: output, files, exit codes."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from skyassay.metrics.contract import Interval, Measurement
from skyassay.pipeline.products.io import write_table
from skyassay.requirements_map import load
from skyassay.verify.cli import main
from skyassay.verify.records import Run
from skyassay.verify.store import open_store

PA1 = "photometry.repeatability.pa1"
RUN = Run("run-x", "test data", "real", "2030-01-01T00:00:00Z")


@pytest.fixture
def assay(capsys, monkeypatch, tmp_path):
    """Run a command; return exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SKYASSAY_STORE", raising=False)

    def call(*words: str):
        with pytest.raises(SystemExit) as stop:
            main(list(words))
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return stop.value.code or 0, captured.out, captured.err

    return call


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    """60 stars in 8 visits of two bands, 4 mmag of scatter."""
    rng = np.random.default_rng(7)
    n_stars, n_visits = 60, 8
    star = np.tile(np.repeat(np.arange(n_stars), n_visits), 2)
    visit = np.tile(np.arange(n_visits), n_stars * 2) + np.repeat([0, 100], n_stars * n_visits)
    mag = rng.uniform(17.5, 19.0, n_stars)[star] + rng.normal(0, 0.004, len(star))
    flux = 10 ** ((31.4 - mag) / 2.5)
    table = {
        "objectId": star,
        "visit": visit,
        "band": np.repeat(["r", "i"], n_stars * n_visits),
        "coord_ra": 10 + 0.1 * rng.random(n_stars)[star],
        "coord_dec": -5 + 0.1 * rng.random(n_stars)[star],
        "psfFlux": flux,
        "psfFluxErr": flux / 400,
        "extendedness": np.zeros(len(star)),
    }
    return write_table(tmp_path / "catalog.parquet", "matched_source", table)


def certified(value: float, band: str, **changes) -> Measurement:
    bounds = Interval(0.9 * value, 1.1 * value, 0.95, "test", 0.92 * value, 1.08 * value)
    m = Measurement(PA1, "mmag", "srd", "h", "MEASURED", value, bounds, band=band, n=50)
    return replace(m, **changes)


def stored(path: Path, *measurements: Measurement, run: Run = RUN) -> str:
    with open_store(str(path), write=True) as store:
        store.add_run(run, measurements)
    return str(path)


def test_measure_gives_strict_json_and_keeps_the_run(assay, catalog) -> None:
    code, out, err = assay(
        "measure", "--table", f"matched_source={catalog}", "--metric", PA1, "--format", "json",
        "--no-contract",
    )  # fmt: skip
    assert (code, err) == (0, "")
    document = json.loads(out, parse_constant=pytest.fail)
    assert document["schema"] == "skyassay.measurements/1"
    found = {m["band"]: m for m in document["measurements"]}
    assert set(found) == {"r", "i"}
    for m in found.values():
        assert m["interval"]["low"] < 4.0 < m["interval"]["high"]
    assert document["state_digests"].keys() == {f"{PA1}/srd"}
    assert "contract_not_checked" in {f["code"] for f in document["findings"]}
    with open_store(".assay/store.sqlite") as store:
        assert [r.id for r in store.runs()] == [document["run"]]
        assert len(store.measurements(document["run"])) == 2
        assert store.evidence(document["run"], PA1, "r") is not None
        assert len(store.verdicts(document["run"])) > 500


def test_the_same_again_is_the_same_run(assay, catalog) -> None:
    words = ("measure", "--table", f"matched_source={catalog}", "--metric", PA1, "--no-contract")
    assay(*words)
    code, _, _ = assay(*words, "--partitions", "7")
    assert code == 0
    with open_store(".assay/store.sqlite") as store:
        assert len(store.runs()) == 1


def test_another_result_under_a_run_id_is_refused(assay, catalog, tmp_path) -> None:
    words = ("measure", "--table", f"matched_source={catalog}", "--metric", PA1, "--no-contract")
    assert assay(*words, "--run", "mine")[0] == 0
    code, _, err = assay(*words, "--run", "mine", "--subject", "someone else's")
    assert code == 3
    assert "conflicting_result" in err


def test_every_recipe_side_by_side(assay, catalog) -> None:
    words = ("measure", "--table", f"matched_source={catalog}", "--metric", PA1, "--no-contract")
    code, out, _ = assay(*words, "--recipe", "all")
    assert code == 0
    for recipe in ("srd", "faro", "validate_drp", "analysis_tools"):
        assert recipe in out
    assert out.count("alone:") >= 8
    code, out, _ = assay("verify", "--recipe", "all", "--format", "json")
    verdicts = json.loads(out)["verdicts"]
    faro = [v for v in verdicts if v["recipe"] == "faro" for v in v["parts"] if v["band"] == "r"]
    assert {(v["status"], v["reason"]) for v in faro} == {("INCONCLUSIVE", "no_interval")}
    assert {v["point_status"] for v in faro} == {"PASS"}
    assert code == 3  # g is missing: could not evaluate


def test_only_a_comparison_recipe_decides_nothing(assay, catalog) -> None:
    words = ("--table", f"matched_source={catalog}", "--metric", PA1, "--no-contract")
    code, out, _ = assay("verify", *words, "--recipe", "faro", "--store", "none")
    assert code == 3
    assert "Point verdict" in out
    assert not Path(".assay").exists()


ALL_BANDS = "ugrizy"


@pytest.mark.parametrize(("factor", "expected"), [(0.5, 0), (2.0, 1), (1.0, 2)])
def test_exit_codes_say_the_verdict(assay, tmp_path, factor, expected) -> None:
    limits = {band: 5.0 if band in "gri" else 7.5 for band in ALL_BANDS}
    found = [certified(factor * limits[b], b) for b in ALL_BANDS]
    url = stored(tmp_path / "s.sqlite", *found)
    code, out, _ = assay("verify", "--store", url)
    assert code == expected
    word = {0: "PASS", 1: "FAIL", 2: "INCONCLUSIVE"}[expected]
    assert word in out


def test_a_band_that_is_missing_is_code_three(assay, tmp_path) -> None:
    url = stored(tmp_path / "s.sqlite", *(certified(2.0, b) for b in "ugizy"))
    code, out, _ = assay("verify", "--store", url)
    assert code == 3
    assert "band_missing" in out


def test_all_counts_everything(assay, tmp_path) -> None:
    url = stored(tmp_path / "s.sqlite", *(certified(2.0, b) for b in ALL_BANDS))
    assert assay("verify", "--store", url)[0] == 0
    code, out, _ = assay("verify", "--store", url, "--all", "--format", "json")
    assert code == 3
    shown = {v["requirement"] for v in json.loads(out)["verdicts"]}
    assert shown == set(load().requirements) - {
        r.id for r in load().requirements.values() if not r.criteria
    }


def test_levels(assay, tmp_path) -> None:
    url = stored(tmp_path / "s.sqlite", *(certified(6.0, b) for b in ALL_BANDS))
    _, out, _ = assay("verify", "--store", url, "--level", "all", "--format", "json")
    found = {
        v["level"]: v["status"]
        for v in json.loads(out)["verdicts"]
        if v["criterion"] == "LPM-17.PA1/gri"
    }
    assert found == {"design": "FAIL", "minimum": "PASS", "stretch": "FAIL"}


@pytest.mark.parametrize("width", [80, 120])
def test_no_name_value_or_limit_is_broken(assay, tmp_path, monkeypatch, width) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    url = stored(tmp_path / "s.sqlite", *(certified(6.0, b) for b in ALL_BANDS))
    for level in ("binding", "all"):
        _, out, _ = assay("verify", "--store", url, "--level", level)
        table = out[: out.index("\n\n", out.index("Requirement"))].splitlines()
        assert max(map(len, table)) <= width
        starts = {line.split()[0] for line in table if line[:1].strip()}
        assert {"LPM-17.PA1/gri", "LPM-17.PA1/u", "DMS-REQ-0359/PA1uzy"} <= starts
        assert sum("6.00 [5.40, 6.60] mmag" in line for line in table) >= 12
        assert any("≤ 5 mmag" in line and "✘ FAIL" in line for line in table)
        first = next(line for line in table if "≤" in line)
        assert "✘ FAIL" in first  # what failed comes first


def test_a_metric_is_whole_on_a_narrow_terminal(assay, catalog, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    words = ("measure", "--table", f"matched_source={catalog}", "--metric", PA1, "--no-contract")
    _, out, _ = assay(*words)
    assert PA1 in out.splitlines()
    assert max(map(len, out[: out.index("Kept in")].splitlines())) <= 60


def test_csv_is_for_machines(assay, tmp_path) -> None:
    formula = replace(RUN, subject="=cmd()")
    url = stored(tmp_path / "s.sqlite", *(certified(2.0, b) for b in ALL_BANDS), run=formula)
    _, out, _ = assay("verify", "--store", url, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    first = next(r for r in rows if r["criterion"] == "LPM-17.PA1/gri" and r["part"] == "0")
    assert (first["status"], float(first["value"]), first["limit"]) == ("PASS", 2.0, "5.0")
    assert first["subject"] == "'=cmd()"


def test_a_run_is_judged_by_the_requirements_of_today(assay, tmp_path) -> None:
    url = stored(tmp_path / "s.sqlite", *(certified(2.0, b) for b in ALL_BANDS))
    with open_store(url) as store:
        assert store.verdicts("run-x") == []
    for _ in range(2):
        assert assay("verify", "--store", url)[0] == 0
    with open_store(url) as store:
        kept = {(v.criterion, v.level): v.status for v in store.verdicts("run-x")}
        assert kept["LPM-17.PA1/gri", "design"] == "PASS"


def test_names_cannot_steer_the_terminal(assay, tmp_path) -> None:
    odd = replace(RUN, subject="x\x1b[31m[bold]y")
    url = stored(tmp_path / "s.sqlite", certified(2.0, "r"), run=odd)
    _, out, _ = assay("verify", "--store", url)
    assert "\x1b" not in out
    assert "[bold]" in out


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (("measure", "--table", "nonsense"), 4, "bad_table"),
        (("measure", "--table", "matched_source=no.parquet"), 4, "not_found"),
        (
            ("measure", "--table", "matched_source=CATALOG", "--metric", "x.y.z"),
            4,
            "unknown_metric",
        ),
        (("measure", "--table", "matched_source=CATALOG", "--recipe", "x"), 4, "unknown_recipe"),
        (("measure", "--table", "matched_source=CATALOG", "--workers", "0"), 4, "bad_workers"),
        (("measure", "--table", "matched_source=CATALOG", "--run", "a/b"), 4, "bad_id"),
        (("measure", "--table", "matched_source=CATALOG", "--format", "x"), 4, "unknown_format"),
        (
            ("measure", "--table", "matched_source=CATALOG", "--evidence-level", "x"),
            4,
            "unknown_evidence_level",
        ),
        (("verify",), 3, "no_store"),
        (("verify", "--level", "x"), 4, "unknown_level"),
    ],
)
def test_wrong_usage_is_one_sentence(assay, catalog, words, code, reason) -> None:
    given = [w.replace("CATALOG", str(catalog)) for w in words]
    if "matched_source=" in " ".join(words):
        given.append("--no-contract")
    found, out, err = assay(*given)
    assert (found, out) == (code, "")
    assert f"[{reason}]" in err
    assert err.startswith("assay: ")


def test_unknown_run(assay, tmp_path) -> None:
    url = stored(tmp_path / "s.sqlite", certified(2.0, "r"))
    code, _, err = assay("verify", "--store", url, "--run", "run-y")
    assert code == 4
    assert "run-x" in err


def test_an_empty_table_is_not_measured(assay, tmp_path) -> None:
    empty = {
        name: np.array([], dtype=kind)
        for name, kind in {
            "objectId": "i8", "visit": "i8", "band": "U1", "coord_ra": "f8", "coord_dec": "f8",
            "psfFlux": "f8", "psfFluxErr": "f8", "extendedness": "f8",
        }.items()
    }  # fmt: skip
    path = write_table(tmp_path / "empty.parquet", "matched_source", empty)
    words = ("--table", f"matched_source={path}", "--no-contract", "--format", "json")
    code, out, _ = assay("measure", *words)
    assert code == 3
    assert {m["status"] for m in json.loads(out)["measurements"]} == {"NOT_MEASURED"}
    code, out, _ = assay("verify", *words)
    assert code == 3
    assert not [v for v in json.loads(out)["verdicts"] if v["status"] == "PASS"]


def test_an_infinite_bound_is_shown(assay, tmp_path) -> None:
    wide = Interval(0.0, math.inf, 0.95, "t", 0.0, math.inf)
    url = stored(tmp_path / "s.sqlite", certified(2.0, "r", interval=wide))
    _, out, _ = assay("verify", "--store", url)
    assert "∞" in out
