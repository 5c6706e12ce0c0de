"""`assay campaign linking` and `load`: what was done is measured, judged and kept."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from skyassay.pipeline.distribution import load as loads
from skyassay.verify import tables
from skyassay.verify.campaign import linking
from skyassay.verify.cli import main
from skyassay.verify.store import open_store

#: Few objects, but bright enough to be seen every time.
SMALL = {"nights": (0, 1, 2), "early": (-1,), "radius": 1.0, "count": 60, "mag": (19.0, 23.6)}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Leave out the contracts of tables: they take seconds and have tests of their own."""
    monkeypatch.setattr(tables, "contract_findings", lambda source: ())


def assay(capsys, *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["campaign", *words])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


def visit(number: int, alerts: int, **more) -> loads.Visit:
    values = {
        "received": alerts, "double": 0, "seconds": 20.0, "bytes": 90_000 * alerts, "users": 100,
        "user_alerts": 20, "building": 5.0, "waiting": 10.0, **more,
    }  # fmt: skip
    return loads.Visit(number, alerts, 5, **values)


def test_linking_is_simulated_measured_judged_and_kept(monkeypatch, capsys, tmp_path) -> None:
    monkeypatch.setattr(linking, "PRESETS", {"tiny": SMALL})
    out, store = tmp_path / "out", str(tmp_path / "store.sqlite")
    words = ("linking", "--preset", "tiny", "--out", str(out), "--store", store, "--format", "json")
    code, text, _ = assay(capsys, *words)
    said = json.loads(text)
    (one,) = said["seeds"]
    assert (said["schema"], one["schema"]) == ("skyassay.linking/1", "skyassay.measurements/1")
    value = {m["metric"]: m["value"] for m in one["measurements"]}
    assert value["moving.linking.completeness"] > 80.0
    assert value["moving.linking.purity"] > 90.0
    assert value["moving.release.late"] == 0.0
    judged = {v["criterion"]: v["status"] for v in one["verdicts"] if v["binding"]}
    assert judged["DMS-REQ-0405/capability"] == "PASS"
    # One night with new objects certifies no delay, and what is not measured never passes.
    assert judged["DMS-REQ-0405/L1PublicT"] == "NOT_MEASURED"
    assert code == 3
    with open_store(store) as reader:
        run = reader.latest()
        assert (run.evidence_level, run.seed) == ("catalog-twin", 1)
        assert {v.criterion for v in reader.verdicts(run.id)} >= set(judged)
    manifest = json.loads((out / "seed-1" / "manifest.json").read_text("utf-8"))
    assert len(manifest["linking_seconds"]) == 4
    assert "linked_source.parquet" in manifest["files"]


def test_a_preset_that_is_not_there_is_named(capsys) -> None:
    code, out, err = assay(capsys, "linking", "--preset", "huge")
    assert (code, out) == (4, "") and "huge" in err and "medium" in err


def test_formats_that_are_not_printed_are_refused_first(capsys) -> None:
    for command in ("linking", "load"):
        code, _, err = assay(capsys, command, "--format", "csv")
        assert code == 4 and "CSV" in err


def test_a_load_is_sent_and_shown_with_its_split(capsys, tmp_path) -> None:
    words = ("--alerts", "11", "--visits", "1", "--users", "1", "--to", "files")
    code, text, _ = assay(capsys, "load", *words, "--out", str(tmp_path / "out"))
    assert code == 3, "one visit is no load test"
    (row,) = [line.split(" | ") for line in text.splitlines() if line.startswith("| 1 |")]
    assert row[1] == "11" and "11 of 11, 0 double" in row[-1]
    assert " cores, " in text and "too_few_visits" in text
    assert (tmp_path / "out" / "alert_load.parquet").exists()
    code, _, err = assay(capsys, "load", *words, "--out", str(tmp_path / "out"))
    assert code == 4 and "not empty" in err


@pytest.mark.parametrize(
    ("late", "code", "status"), [({}, 0, "PASS"), ({"seconds": 70.0}, 1, "FAIL")]
)
def test_verdicts_of_a_load_are_in_the_exit_code(
    monkeypatch, capsys, tmp_path, late, code, status
) -> None:
    asked = {}

    def run(folder: Path, sizes, **options):
        asked.update(options, sizes=list(sizes))
        return [visit(k, n, **late if n == 40_000 else {}) for k, n in enumerate(sizes, start=1)]

    monkeypatch.setattr(loads, "run_load", run)
    store = str(tmp_path / "store.sqlite")
    found, text, _ = assay(capsys, "load", "--store", store, "--format", "json")
    said = json.loads(text)
    assert said["schema"] == "skyassay.load/1"
    assert asked["sizes"] == [10_000] * 3 + [40_000] * 3
    assert asked["to"] == "kafka"
    assert [v["building"] for v in said["visits"]] == [5.0] * 6
    judged = {v["criterion"]: v["status"] for v in said["verdicts"] if v["binding"]}
    assert judged["DMS-REQ-0392/nAlertVisitPeak"] == status
    assert judged["LPM-17.transN/value"] == "PASS"
    assert found == code
    peak = next(m for m in said["measurements"] if m["metric"] == "alerts.load.peak")
    assert np.isclose(peak["value"], 10_000.0 if late else 40_000.0)
    with open_store(store) as reader:
        assert reader.latest().evidence_level == "packet-load"
        assert "Python" in reader.latest().subject
