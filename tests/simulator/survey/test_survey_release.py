"""Survey tables on disk: the same bytes, what they hold, what they are taken for."""

import json
from hashlib import sha256

import numpy as np
import pyarrow.parquet as pq
import pytest

from skyassay.simulator.errors import SimulatorError
from skyassay.simulator.manifest import MANIFEST
from skyassay.simulator.survey.release import simulate_survey, years
from skyassay.verify.cli import main as assay

WEEK = 8 / 365.25


@pytest.fixture(scope="module")
def week(tmp_path_factory):
    return simulate_survey(WEEK, 3, tmp_path_factory.mktemp("survey"))


def test_the_same_seed_gives_the_same_bytes(week, tmp_path, monkeypatch):
    monkeypatch.setattr("skyassay.simulator.survey.release._CHUNK", 200_001)
    again = simulate_survey(WEEK, 3, tmp_path)
    assert again.manifest["files"] == week.manifest["files"]
    for name, path in again.products.items():
        entry = week.manifest["files"][path.name]
        assert sha256(path.read_bytes()).hexdigest() == entry["sha256"]
        assert pq.read_metadata(path).num_rows == entry["rows"], name


def test_chunks_change_no_value(week, tmp_path, monkeypatch):
    monkeypatch.setattr("skyassay.simulator.survey.release._CHUNK", 500)
    again = simulate_survey(WEEK, 3, tmp_path)
    for name, path in again.products.items():
        assert pq.read_table(path).equals(pq.read_table(week.products[name]))


def test_visits_truth_and_log_belong_together(week):
    visits, truth, log = (
        pq.read_table(week.products[n]).to_pandas()
        for n in ("visit_table", "truth_visit", "night_log")
    )
    assert (visits["visit"] == truth["visit"]).all()
    assert visits["visit"].is_monotonic_increasing
    assert visits["visit"].is_unique
    assert set(visits["visit"] // 100_000) == set(log["night"])
    assert log["observer"].nunique() > 1
    assert log["text"].str.contains("visits, atmospheric seeing").all()
    assert set(visits["program"][~visits["isSpecialProgram"]]) == {"main"}
    assert "main" not in set(visits["program"][visits["isSpecialProgram"]])
    assert np.isfinite(truth.select_dtypes("number")).all().all()
    assert np.allclose(1.0 / np.sin(np.radians(visits["altitude"])), visits["airmass"])
    assert np.median(np.abs(visits["magLim"] - truth["magLim"])) < 0.03
    # delivered images: the free air in the band, and the system, in quadrature
    free = truth["seeing"] ** 2 - truth["systemSeeing"] ** 2
    chromatic = np.sqrt(free) / truth["atmosphericSeeing"] / truth["airmass"] ** 0.6
    spread = chromatic.groupby(truth["band"]).agg(["min", "max"])
    assert np.allclose(spread["min"], spread["max"])
    assert spread["min"]["r"] > spread["min"]["y"]


def test_a_survey_is_its_own_evidence_level_and_too_short_for_coverage(week, capsys):
    table = f"visit_table={week.products['visit_table']}"
    for metric in ("survey.coverage.asky", "survey.coverage.nv1", "survey.cadence.rva1"):
        code = assay_code(["verify", "--table", table, "--metric", metric, "--store", "none",
                           "--format", "json", "--no-contract"])  # fmt: skip
        (verdict,) = json.loads(capsys.readouterr().out)["verdicts"]
        assert verdict["status"] == "NOT_APPLICABLE"
        assert verdict["reason"] == "out_of_scope_years"
        assert verdict["evidence_level"] == "visit-table"
        assert code != 0


def assay_code(argv):
    with pytest.raises(SystemExit) as caught:
        assay(argv)
    return caught.value.code


@pytest.mark.parametrize("number", [0.0, -1.0, 21.0, float("nan"), float("inf")])
def test_impossible_years_are_refused(number):
    with pytest.raises(SimulatorError) as caught:
        years(number)
    assert caught.value.code == "bad_years"


def test_another_survey_is_not_overwritten(week, tmp_path):
    (tmp_path / MANIFEST).write_text(json.dumps(dict(week.manifest)))
    with pytest.raises(SimulatorError) as caught:
        simulate_survey(WEEK, 4, tmp_path)
    assert caught.value.code == "release_exists"


def test_the_command_says_what_it_wrote(tmp_path, capsys):
    where = ["--out", str(tmp_path), "--years", "0.01", "--seed", "3"]
    assert not assay_code(["simulate", "survey", *where])
    said = capsys.readouterr().out
    assert "visit_table" in said
    assert "visits level, 0.01 years, seed 3" in said
    assert not assay_code(["simulate", "survey", *where, "--format", "json"])
    assert json.loads(capsys.readouterr().out)["level"] == "visits"
    assert assay_code(["simulate", "survey", "--years", "99", "--out", str(tmp_path)]) == 4
    assert "bad_years" in capsys.readouterr().err


@pytest.mark.slow
def test_ten_years_are_judged_as_expected(tmp_path, capsys):
    from skyassay.simulator.nominal import nominals

    made = simulate_survey(10.0, 1, tmp_path)
    assert 2_200_000 < made.manifest["files"]["visit_table.parquet"]["rows"] < 2_700_000
    table = f"visit_table={made.products['visit_table']}"
    assay_code(["verify", "--table", table, "--store", "none", "--format", "json"])
    found = {v["criterion"]: v for v in json.loads(capsys.readouterr().out)["verdicts"]}
    expected = {
        k: n for k, n in nominals().items() if n.verdict.get("survey", ("absent",)) == ("PASS",)
    }
    assert len(expected) >= 18
    wrong = {k: found[k]["status"] for k in expected if found[k]["status"] != "PASS"}
    assert not {k: v for k, v in wrong.items() if found[k]["reason"] != "missing_product"}
    for criterion, nominal in expected.items():
        if not nominal.metric.startswith("survey."):
            continue
        off = abs(found[criterion]["value"] - nominal.worst)
        assert off < 2.0 * nominal.half_width["survey"], criterion
