"""`assay gate` as it is used: stores, files, formats, exit codes."""

from __future__ import annotations

import dataclasses
import json
import xml.etree.ElementTree as ET

import pytest

from skyassay.verify.cli import main
from skyassay.verify.jsonio import measurement_to_json
from skyassay.verify.store import open_store


def write(path, measurements, seed=1, **fields):
    document = {
        "schema": "skyassay.measurements/1",
        "run": "r1",
        "subject": "SimCam twin",
        "evidence_level": "pixels",
        "seed": seed,
        "inputs": {"matched_source": {"sha256": "0" * 64}},
        "measurements": [measurement_to_json(m) for m in measurements],
    }
    path.write_text(json.dumps(document | fields))
    return str(path)


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as stop:
        main(["gate", *arguments])
    out = capsys.readouterr()
    return stop.value.code, out.out, out.err


@pytest.fixture
def base(tmp_path, make):
    return write(tmp_path / "base.json", make.STANDARD)


def test_identical_files_pass(capsys, base):
    code, out, _ = run(capsys, "--base", base, "--head", base)
    assert code == 0
    assert "✔ PASS" in out and "identical" in out


def test_a_loss_fails_in_every_format(capsys, base, tmp_path, make):
    head = write(tmp_path / "head.json", make.scaled(make.STANDARD, 1.05))
    outputs = [f"--output={tmp_path / name}" for name in ("g.json", "g.md", "g.xml", "g.txt")]
    code, out, _ = run(capsys, "--base", base, "--head", head, "--format", "json", *outputs)
    assert code == 1
    document = json.loads(out)
    assert (document["schema"], document["exit_code"]) == ("skyassay.gate/1", 1)
    assert out == (tmp_path / "g.json").read_text()
    assert document["entries"][0]["status"] == "FAIL"
    markdown = (tmp_path / "g.md").read_text()
    assert markdown.startswith("## Gate: ✘ FAIL")
    root = ET.parse(tmp_path / "g.xml").getroot()  # noqa: S314
    failures = root.findall(".//testcase/failure")
    assert {f.get("type") for f in failures} == {"FAIL.beyond_margin"}
    suite = root.find("testsuite[@name='assay.gate.regression']")
    case = next(c for c in suite if "r for LPM-17.PA1/gri" in c.get("name"))
    properties = {p.get("name"): p.get("value") for p in case.iter("property")}
    assert properties["requirement"] == "LPM-17.PA1/gri"
    assert float(properties["value"]) == pytest.approx(2.9 * 1.05)
    assert properties["n"] == "500" and properties["seeds"] == "1"
    assert float(properties["delta"]) == pytest.approx(0.0725)
    assert "✘ FAIL" in (tmp_path / "g.txt").read_text()


def test_junit_counts_add_up(capsys, base, tmp_path, make):
    head = write(tmp_path / "head.json", make.scaled(make.STANDARD[:-1], 1.05))
    code, out, _ = run(capsys, "--base", base, "--head", head, "--format", "junit")
    assert code == 3
    for suite in ET.fromstring(out):  # noqa: S314
        cases = suite.findall("testcase")
        assert int(suite.get("tests")) == len(cases)
        for name, tag in (("errors", "error"), ("failures", "failure"), ("skipped", "skipped")):
            assert int(suite.get(name)) == len(suite.findall(f"testcase/{tag}"))


def test_a_missing_metric_exits_with_3(capsys, base, tmp_path, make):
    head = write(tmp_path / "head.json", make.STANDARD[:-1])
    code, out, _ = run(capsys, "--base", base, "--head", head)
    assert code == 3
    assert "⚠ ERROR" in out


@pytest.mark.parametrize(
    ("value", "problem"),
    [("NaN", "not_finite"), ("Infinity", "not_finite"), ("null", "no_value"), ('"5"', "no_value")],
)
def test_a_value_that_is_no_number_exits_with_3(capsys, base, tmp_path, make, value, problem):
    head = tmp_path / "head.json"
    write(head, make.STANDARD)
    text = head.read_text()
    assert text.count('"value": 2.9') == 1
    head.write_text(text.replace('"value": 2.9', f'"value": {value}'))
    code, out, _ = run(capsys, "--base", base, "--head", str(head), "--format", "json")
    assert code == 3
    first = json.loads(out)["entries"][0]
    assert (first["status"], first["code"], first["band"]) == ("ERROR", problem, "r")
    # The same broken value on both sides is no agreement.
    assert run(capsys, "--base", str(head), "--head", str(head))[0] == 3


def test_stores_are_paired_by_seed(capsys, tmp_path, make):
    for side, factor in (("base", 1.0), ("head", 1.05)):
        with open_store(str(tmp_path / f"{side}.sqlite"), write=True) as store:
            for seed in range(4):
                items = make.scaled(make.STANDARD, factor * (1 + 0.001 * seed * (side == "head")))
                ours = make.run(items, seed)
                store.add_run(ours.run, items)
    base, head = str(tmp_path / "base.sqlite"), str(tmp_path / "head.sqlite")
    code, out, _ = run(capsys, "--base", base, "--head", head, "--format", "json")
    assert code == 1
    document = json.loads(out)
    assert [pair["seed"] for pair in document["pairs"]] == [0, 1, 2, 3]
    found = next(e for e in document["entries"] if e["metric"] == make.PA1)
    assert "paired t" in found["method"] and found["n_pairs"] == 4
    assert run(capsys, "--base", base, "--head", base)[0] == 0
    assert run(capsys, "--base", f"{base}#run-2", "--head", f"{head}#run-2")[0] == 1
    assert run(capsys, "--base", f"{base}#run-2", "--head", f"{head}#run-3")[0] == 3


def test_verdicts_of_the_store_are_used(capsys, tmp_path, make):
    ours = make.run(make.STANDARD)
    failed = [dataclasses.replace(v, status="FAIL", parts=()) for v in ours.verdicts if v.parts]
    path = str(tmp_path / "s.sqlite")
    with open_store(path, write=True) as store:
        store.add_run(ours.run, make.STANDARD, failed)
    assert run(capsys, "--base", path, "--head", path)[0] == 1
    assert run(capsys, "--base", path, "--head", path, "--known-failures", "report")[0] == 0
    assert run(capsys, "--base", path, "--head", path, "--question", "regression")[0] == 0


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("not json", "malformed_document"),
        ("[]", "wrong_schema"),
        ('{"schema": "skyassay.measurements/1", "measurements": [{}]}', "malformed_document"),
        ('{"schema": "skyassay.measurements/1", "measurements": [7]}', "malformed_document"),
        ('{"schema": "skyassay.measurements/2", "measurements": []}', "wrong_schema"),
    ],
)
def test_a_damaged_file_is_one_sentence(capsys, base, tmp_path, text, code):
    bad = tmp_path / "bad.json"
    bad.write_text(text)
    exit_code, out, err = run(capsys, "--base", base, "--head", str(bad))
    assert exit_code == 3
    assert not out and f"[{code}]" in err and "Traceback" not in err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--format", "yaml"],
        ["--output", "gate.pdf"],
        ["--output", "nonsense=gate.xml"],
        ["--margin", "photometry.repeatability.pa1=lots"],
        ["--margin", "photometry.repeatability.pa1=nan"],
        ["--relative", "-1"],
        ["--alpha", "2"],
    ],
)
def test_wrong_usage_exits_with_4(capsys, base, arguments):
    code, _, err = run(capsys, "--base", base, "--head", base, *arguments)
    assert code == 4
    assert err.startswith("assay: ")


def test_no_such_run(capsys, base, tmp_path):
    assert run(capsys, "--base", base, "--head", str(tmp_path / "none.json"))[0] == 3
    assert run(capsys, "--base", base, "--head", str(tmp_path / "none.sqlite"))[0] == 3


def test_a_margin_can_be_widened(capsys, base, tmp_path, make):
    head = write(tmp_path / "head.json", make.scaled(make.STANDARD[:2], 1.05))
    first = write(tmp_path / "first.json", make.STANDARD[:2])
    assert run(capsys, "--base", first, "--head", head)[0] == 1
    code, _, _ = run(capsys, "--base", first, "--head", head, "--margin", f"{make.PA1}=0.2")
    assert code == 0


def test_fifty_rows_and_the_rest_counted(capsys, tmp_path, make):
    many = [make.measurement(f"own.metric.m{i}", value=1.0) for i in range(60)]
    path = write(tmp_path / "many.json", [*make.STANDARD, *many])
    _, out, _ = run(capsys, "--base", path, "--head", path, "--format", "markdown")
    rows = [line for line in out.splitlines() if line.startswith("| ")]
    assert len(rows) == 52
    assert " more: see the JSON." in out


def test_text_from_outside_is_escaped(capsys, tmp_path, make):
    evil = make.measurement('m|x`<script>alert("1")</script>](javascript:x)\x07', value=1.0)
    path = write(tmp_path / "evil.json", [*make.STANDARD, evil])
    _, markdown, _ = run(capsys, "--base", path, "--head", path, "--format", "markdown")
    row = next(line for line in markdown.splitlines() if "script" in line)
    assert "<script" not in row and "](" not in row
    assert row.replace("\\|", "").count("|") == 9
    _, xml, _ = run(capsys, "--base", path, "--head", path, "--format", "junit")
    names = [c.get("name") for c in ET.fromstring(xml).iter("testcase")]  # noqa: S314
    assert any('<script>alert("1")</script>' in name for name in names)
