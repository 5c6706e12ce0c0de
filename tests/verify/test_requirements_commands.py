"""`assay requirements`: what a person or a script sees, and the exit codes."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
import yaml

from skyassay.requirements_map import load
from skyassay.requirements_map.export import CSV_COLUMNS, csv_rows, show_json
from skyassay.requirements_map.findings import MetricFacts
from skyassay.verify import cli
from skyassay.verify.commands import requirements as command


@pytest.fixture(autouse=True)
def _honest_metrics(monkeypatch):
    found = load()
    named = sorted({c.metric for c in found.criteria.values() if c.metric})

    def unit(metric):
        return next((c.unit for c in found.measured_by(metric) if c.kind == "value"), "")

    facts = [MetricFacts(m, unit(m), tuple(c.id for c in found.measured_by(m))) for m in named]
    monkeypatch.setattr(command, "metric_facts", lambda: facts)


@pytest.fixture
def assay(capsys):
    def run(*argv):
        with pytest.raises(SystemExit) as stop:
            cli.main(["requirements", *argv])
        out = capsys.readouterr()
        return stop.value.code, out.out, out.err

    return run


def test_list_as_json_holds_everything(assay):
    code, out, _ = assay("list", "--format", "json")
    data = json.loads(out)
    assert code == 0
    assert list(data) == ["schema", "documents", "requirements", "nodes"]
    assert data["schema"] == "skyassay.requirements/1"
    ids = {r["id"] for r in data["requirements"]}
    assert ids == set(load().requirements)
    criterion = next(
        c for r in data["requirements"] for c in r["criteria"] if c["id"] == "DMS-REQ-0359/PF1"
    )
    assert criterion["at"]["PA2"]["u"] == {
        "from": "DMS-REQ-0359/PA2uzy",
        "levels": {"given": {"value": 22.5, "unit": "mmag"}},
    }
    node = next(n for n in data["nodes"] if n["id"] == "OSS-REQ-0387")
    assert (node["text"], node["note"]) == (None, "text not at hand")


def test_list_json_equals_the_dmsr_table(assay):
    data = json.loads(assay("list", "--document", "LSE-61", "--format", "json")[1])
    path = Path(command.__file__).parents[2] / "requirements_map/data/sources/dmsr_parameters.csv"
    with path.open(encoding="utf-8") as lines:
        table = {
            f"{r['req_id']}/{r['parameter'].removeprefix('inline:')}": (
                float(r["value"]),
                r["unit"],
            )
            for r in csv.DictReader(lines)
        }
    ours = {
        c["id"]: (c["levels"]["given"], c["source_unit"])
        for r in data["requirements"]
        for c in r["criteria"]
        if c["kind"] == "value"
    }
    assert ours == table


def test_list_filters(assay):
    rows = list(csv.DictReader(io.StringIO(assay("list", "--format", "csv")[1])))
    assert tuple(rows[0]) == CSV_COLUMNS
    assert len(rows) == len(csv_rows(load().requirements.values()))
    descoped = list(
        csv.DictReader(io.StringIO(assay("list", "--status", "descoped", "--format", "csv")[1]))
    )
    assert len({r["requirement"] for r in descoped}) == 5
    pa1 = assay("list", "--metric", "photometry.repeatability.pa1", "--format", "csv")[1]
    assert len(pa1.splitlines()) == 1 + 6
    unverified = json.loads(assay("list", "--unverified", "--format", "json")[1])
    criteria = [c for r in unverified["requirements"] for c in r["criteria"]]
    assert criteria
    assert {c["verification"] for c in criteria} == {"nothing verifies this yet"}


def test_list_for_people(assay):
    code, out, _ = assay("list", "--document", "LPM-17")
    assert code == 0
    assert "<= 5 / 8 / 3 mmag" in out
    assert "nothing verifies this yet" in out
    assert "65 requirements (0 descoped)" in out


@pytest.mark.parametrize(
    ("argv", "code", "word"),
    [
        (("list", "--document", "LPM-71"), "unknown_document", "LPM-17"),
        (("list", "--status", "done"), "unknown_status", "active"),
        (("list", "--metric", "photometry.repeatability.pa9"), "unknown_metric", "pa1"),
        (("list", "--format", "xml"), "unknown_format", "csv"),
        (("show", "PA1"), "unknown_id", "LPM-17.PA1"),
        (("trace", "LVV-T17570"), "unknown_id", "LVV-T1757"),
        (("lint", "--run", "r1"), "bad_usage", "--store"),
        (("lint", "--records", "nowhere.yaml"), "no_such_file", ""),
        (("lint", "--extra", "nowhere.yaml"), "no_such_file", ""),
        (("lint", "--store", "nowhere.sqlite"), "no_store", ""),
    ],
)
def test_wrong_usage_is_one_sentence(assay, tmp_path, monkeypatch, argv, code, word):
    monkeypatch.chdir(tmp_path)
    exit_code, out, err = assay(*argv)
    assert exit_code in (3, 4) if code == "no_store" else exit_code == 4
    assert out == ""
    assert f"[{code}]" in err
    assert word in err
    assert "Traceback" not in err


@pytest.mark.parametrize("argv", [("bogus",), ("show",), ("list", "--bogus"), ()])
def test_usage_of_the_command_line_itself(assay, argv):
    code, out, err = assay(*argv)
    assert code == 4
    assert "Usage" in out + err
    assert "Traceback" not in err


def test_show_as_json(assay):
    code, out, _ = assay("show", "LPM-17.PF1/u", "--format", "json")
    data = json.loads(out)
    assert code == 0
    assert data == json.loads(
        json.dumps(show_json(load(), load().requirements["LPM-17.PF1"], "LPM-17.PF1/u"))
    )
    assert data["criterion"] == "LPM-17.PF1/u"


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("LPM-17.TE3", ["separations up to 1 arcmin", "DMS-REQ-0362/TE3", "fingerprint"]),
        ("LPM-17.PF1/u", ["PA2: design 22.5", "binding: design"]),
        ("DMS-REQ-0362", ["LVV-9783", "LVV-T2177", "separations below 5 arcmin"]),
        ("DMS-REQ-0177", ["descoped"]),
        ("OSS-REQ-0353", ["secondhand  yes", "joint"]),
        ("OSS-REQ-0387", ["text not at hand", "DMS-REQ-0359"]),
    ],
)
def test_show_for_people(assay, key, words):
    code, out, _ = assay("show", key)
    assert code == 0
    for word in words:
        assert word in out


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("LPM-17.CoaddDepth/u", "value  26.1 mag(AB)"),
        ("LPM-17.SX/ri", "value  <= design 1.1, minimum 1.2, stretch 1.1"),
        ("DMS-REQ-0269/transSNR", "value  <= 5"),
        ("OSS-REQ-0353/transSampleSNR", "value  6"),
    ],
)
def test_what_is_no_limit_is_shown_as_a_value(assay, key, line):
    lines = [text.strip() for text in assay("show", key)[1].splitlines()]
    assert line in lines
    assert not any("binding" in text or "nothing verifies" in text for text in lines)
    assert not any(text.startswith("limit ") for text in lines)


def test_a_limit_says_what_binds_and_that_nothing_verifies_it(assay):
    out = assay("show", "LPM-17.TFmax/value")[1]
    assert "limit  <= design 2, minimum 10, stretch 1 min (binding: design)" in out
    assert "nothing verifies this yet" in out


def test_lint_is_clean(assay):
    code, out, _ = assay("lint")
    assert code == 0
    assert "open" in out
    data = json.loads(assay("lint", "--format", "json")[1])
    assert data["counts"]["fail"] == 0
    assert {f["code"] for f in data["findings"]} == {"T12"}


def test_lint_lists_open_ones_on_demand(assay):
    assert "T12 inspection due" in assay("lint", "--all")[1]


def test_lint_fails_with_the_code(assay, monkeypatch):
    monkeypatch.setattr(command, "metric_facts", list)
    code, out, _ = assay("lint")
    assert code == 1
    assert "T1 uncovered" in out


def test_lint_reports_what_does_not_load(assay, tmp_path, extra):
    extra["requirements"][0]["parents"] = ["OSS-REQ-9999"]
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(extra))
    code, out, _ = assay("lint", "--extra", str(path), "--format", "json")
    finding = json.loads(out)["findings"][0]
    assert (code, finding["code"]) == (1, "T3")
    assert "OSS-REQ-9999" in finding["message"]


def test_extra_requirements_are_listed_and_linted(assay, tmp_path, extra):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(extra))
    assert "MINE-1.x" in assay("list", "--extra", str(path), "--document", "MINE-1")[1]
    code, out, _ = assay("lint", "--extra", str(path))
    assert code == 1
    assert "MINE-1.x/value" in out


@pytest.fixture
def extra():
    return {
        "schema": "skyassay.requirements-source/1",
        "document": {"id": "MINE-1", "title": "Mine", "revision": "1", "url": "",
                     "levels": ["given"], "binding_level": "given"},
        "requirements": [{
            "id": "MINE-1.x", "title": "X", "text": "X has to be small enough.", "section": "",
            "method": "test", "owner": "me", "group": "Mine",
            "criteria": [{"name": "value", "text": "X in percent of Y.", "op": "<=",
                          "levels": {"given": 3}, "unit": "%", "population": "process"}],
        }],
    }  # fmt: skip


def test_trace_of_one_and_of_all(assay):
    code, out, _ = assay("trace", "LPM-17.PA1")
    assert code == 0
    for word in ("OSS-REQ-0387", "DMS-REQ-0359", "LVV-9759", "LVV-T1757", "no run was given"):
        assert word in out
    data = json.loads(assay("trace", "--format", "json", "--document", "LSE-61")[1])
    assert data["schema"] == "skyassay.requirements-trace/1"
    assert len(data["traces"]) == 239
    assert "LPM-17.UserComputeShare" in assay("trace")[1]


@pytest.fixture
def store(tmp_path):
    """A store with one run in which every criterion with a metric passes at its binding level."""
    from importlib.metadata import version

    from skyassay.verify.records import Run, Verdict
    from skyassay.verify.store import open_store

    numbers = dict.fromkeys(
        ("value", "low", "high", "lower", "upper", "confidence", "method", "margin_sigma",
         "margin_percent", "reason")
    )  # fmt: skip

    def make(created="2026-11-20T00:00:00+00:00", software=None, **changes):
        verdicts = [
            Verdict(
                **numbers, requirement=c.requirement, criterion=c.id, level=c.binding_level,
                binding=True, status="PASS", op=c.op, limit=1.0, unit=c.unit,
                population=c.population, subject="test", evidence_level="catalog-twin",
                metric=c.metric, fingerprint=changes.get(c.id, c.fingerprint),
            )
            for c in load().criteria.values() if c.metric and changes.get(c.id) != "gone"
        ]  # fmt: skip
        run = Run("r1", "test", "catalog-twin", created,
                  provenance={"skyassay": software or version("skyassay")})  # fmt: skip
        path = tmp_path / "store.sqlite"
        with open_store(str(path), write=True) as opened:
            opened.add_run(run, verdicts=verdicts)
        return str(path)

    return make


def codes_of(out):
    found = json.loads(out)["findings"]
    return {(f["code"], f["severity"]) for f in found if f["severity"] != "open"}


@pytest.mark.parametrize(
    ("made", "argv", "expected"),
    [
        ({}, (), set()),
        ({"LPM-17.PA1/gri": "gone"}, (), {("T2", "fail")}),
        ({"LPM-17.PA1/gri": "0" * 64}, (), {("T6", "warn")}),
        ({"LPM-17.PA1/gri": "0" * 64}, ("--release",), {("T6", "fail")}),
        ({"created": "2020-01-01T00:00:00+00:00"}, ("--max-age", "30"), {("T7", "unknown")}),
        ({"software": "0.0.1"}, ("--release",), {("T7", "fail")}),
    ],
)
def test_lint_over_the_evidence_of_a_run(assay, store, made, argv, expected):
    code, out, _ = assay("lint", "--store", store(**made), "--format", "json", *argv)
    assert codes_of(out) == expected
    assert code == (1 if any(severity == "fail" for _, severity in expected) else 0)


def test_trace_ends_at_the_evidence(assay, store):
    out = assay("trace", "LPM-17.PA1", "--store", store(), "--format", "json")[1]
    last = json.loads(out)["traces"][0]["steps"][-1]
    assert last["step"] == "evidence"
    assert len(last["items"]) == 6
    assert {i["state"] for i in last["items"]} == {"PASS"}
