"""`assay report night`: counts that match the books, formats, words where nothing is known."""

from __future__ import annotations

import json
import re
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from markupsafe import escape

from skyassay.pipeline.products.io import write_table
from skyassay.requirements_map import load
from skyassay.verify.cli import main
from skyassay.verify.commands.report import render_night
from skyassay.verify.errors import VerifyError
from skyassay.verify.measuring import Request, measure
from skyassay.verify.night.collecting import collect, reports_of
from skyassay.verify.night.model import Facts
from skyassay.verify.night.names import METRIC, RECIPE
from skyassay.verify.night.times import night_report_rows, time_reports
from skyassay.verify.records import Evidence, Run
from skyassay.verify.store import open_store
from skyassay.verify.tables import open_tables

from .night_making import VISITS, night_tables, source_of

RUN = Run("run-1", "SimCam", "pixels", "2026-11-23T00:00:00Z")
NAMES = ["data_quality", "performance", "calibration"]
FORMS = ("table", "markdown", "html", "json")
PAYLOADS = ("<img src=x onerror=alert(1)>", "<script>alert(2)</script>", "a|b`c", "$$x$$")


def report_of(tables, run=RUN):
    return reports_of(run, Facts(tables))


def section_of(document, report, name):
    (one,) = [r for r in document["reports"] if r["name"] == report]
    (found,) = [s for s in one["sections"] if s["name"] == name]
    return found["rows"]


@pytest.fixture(scope="module")
def store(tmp_path_factory, told):
    """A store with a run without a night, one with it, and a later one without."""
    path = str(tmp_path_factory.mktemp("store") / "store.sqlite")
    with open_store(path, write=True) as opened:
        for name in ("before", "run-1", "after"):
            night = [Evidence(METRIC, None, t, RECIPE, n) for n, t in told.items()]
            opened.add_run(replace(RUN, id=name), evidence=night if name == "run-1" else ())
    return path


def test_json_says_what_the_books_say(told) -> None:
    document = json.loads(render_night(report_of(told), "json"))
    assert document["schema"] == "skyassay.night/1"
    assert document["night"] == {
        "night": 20260122, "begin": "2026-01-23 02:23:06", "end": "2026-01-23 02:25:23",
        "processed": "2026-01-23 02:26:38", "visits": 4, "detectors": 12,
    }  # fmt: skip
    assert [r["name"] for r in document["reports"]] == [
        "data_quality",
        "performance",
        "calibration",
    ]
    assert all(r["seconds"] > 0 for r in document["reports"])
    visits = {row["visit"]: row for row in section_of(document, "performance", "visits")}
    assert [visits[v]["due"] for v in VISITS] == [12, 12, 12, 12]
    assert [visits[v]["handed over"] for v in VISITS] == [12, 8, 0, 11]
    assert visits[VISITS[2]]["latency, median"] is None
    fates = {
        row["status"]: row["detectors"] for row in section_of(document, "performance", "detectors")
    }
    assert fates == {"DONE": 8, "FAILED": 1, "LOST": 3}
    streams = section_of(document, "performance", "streams")
    assert [row["missing"] for row in streams] == [0, 0, 0, 0, 1]
    failed = section_of(document, "performance", "failures")
    assert {(row["code"], row["visit"], row["detector"]) for row in failed} >= {
        ("NO_KERNEL_STARS", VISITS[1], 2), ("CALIBRATION_ABSENT", None, None)
    }  # fmt: skip
    flat = section_of(document, "calibration", "used")[1]
    assert (flat["kind"], flat["without"], round(flat["valid for"])) == ("flat", 1, 5)
    flagged = section_of(document, "calibration", "flagged")
    assert {row["detector"] for row in flagged} == {1}
    images = section_of(document, "data_quality", "flags")
    assert [row["why"] for row in images] == ["pull has the width 1.400"]
    alerts = section_of(document, "performance", "alerts")
    assert all(row["alert"].isdigit() and len(row["alert"]) == 19 for row in alerts)


def test_sentences_begin_with_what_is_wrong(told) -> None:
    said = {r.name: r.sentences for r in report_of(told).reports}
    assert said["data_quality"][0] == f"1 image to look at, of visits {VISITS[1]}."
    assert said["performance"][0].startswith("3 of 4 visits not in order")
    assert (
        "48 alerts were due, 32 built, 31 handed over, 20 of them within 60 s: 41.7%"
        in " ".join(said["performance"])
    )
    assert said["calibration"][0].startswith("4 of ")
    assert "1 flat" in " ".join(said["calibration"])


@pytest.mark.parametrize("form", FORMS)
def test_every_format_names_what_failed(told, form) -> None:
    text = re.sub(r"\s+", " ", render_night(report_of(told), form))
    for word in ("NO_KERNEL_STARS", "RAW_ABSENT", "alerts-full-5", "DMS-REQ-0101", "20260122"):
        assert word in text, word
    assert "nan" not in text.lower().replace("finan", "")


@pytest.mark.parametrize("product", ["alert_delivery", "visit_table", ""])
def test_what_is_missing_is_said_and_nothing_looks_fine(product, tell) -> None:
    without = (product,) if product else tuple(set(night_tables()) - {"night_detector"})
    made = tell(without=without)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        texts = {form: render_night(report_of(made), form) for form in FORMS}
    for name in without:
        assert f"{name} is not there" in re.sub(r"\s+", " ", texts["markdown"]).replace("\\", "")
    if not product:
        said = " ".join(s for r in report_of(made).reports for s in r.sentences)
        assert "Seeing was not measured" in said
        assert "When alerts left was not measured" in said
        assert "is not known" in said
        assert "in order" not in said.replace("not in order", "")


def test_a_night_of_nothing_has_sentences(tell) -> None:
    books = night_tables()["night_detector"]
    made = tell(night_detector={n: c[:0] for n, c in books.items()})
    for form in FORMS:
        assert "The night has no visit." in render_night(report_of(made), form)


def test_many_rows_are_cut_for_people_and_whole_for_machines(told) -> None:
    rows = pd.concat([told["failures"]] * 20, ignore_index=True)
    report = report_of({**told, "failures": rows})
    assert f"{len(rows) - 60} more rows are in the JSON" in render_night(report, "markdown")
    assert len(section_of(json.loads(render_night(report, "json")), "performance", "failures")) == (
        len(rows)
    )


@pytest.mark.parametrize("payload", PAYLOADS)
def test_strings_of_the_night_are_text(told, payload) -> None:
    fixed = ("status", "stage", "outcome", "pixels")
    spoilt = {
        name: table.assign(
            **{
                column: payload
                for column in table.columns
                if not pd.api.types.is_numeric_dtype(table[column]) and column not in fixed
            }
        )
        for name, table in told.items()
    }
    report = report_of(spoilt, replace(RUN, id=payload, subject=payload))
    page = render_night(report, "html")
    assert "<img" not in page
    assert "<script" not in page
    assert page.count(str(escape(payload))) > 20
    markdown = render_night(report, "markdown")
    assert payload not in markdown or payload == "$$x$$"
    assert "<" not in markdown.replace("&lt;", "")
    assert payload in json.loads(render_night(report, "json"))["subject"]


def run_command(*arguments) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["report", "night", *arguments])
    return int(ended.value.code or 0)


def test_the_command_takes_the_last_run_with_a_night(store, tmp_path) -> None:
    out = tmp_path / "deep" / "night.json"
    assert run_command("--store", store, "--format", "json", "--output", str(out)) == 0
    assert json.loads(out.read_text(encoding="utf-8"))["run"] == "run-1"


@pytest.mark.parametrize(
    ("run", "code", "exit_code"), [("after", "no_night", 3), ("nobody", "unknown_run", 4)]
)
def test_a_run_without_a_night_is_one_sentence(store, capsys, run, code, exit_code) -> None:
    assert run_command("--store", store, "--run", run) == exit_code
    said = capsys.readouterr().err.splitlines()
    assert said[0].endswith(f"[{code}]")
    assert said[1].startswith("hint: ")
    assert len(said) == 2


def test_no_run_has_a_night(tmp_path) -> None:
    path = str(tmp_path / "store.sqlite")
    with open_store(path, write=True) as opened:
        opened.add_run(RUN)
        with pytest.raises(VerifyError, match="No run in the store has a night") as caught:
            collect(opened)
    assert caught.value.exit_code == 3


def test_hours_are_the_clocks_and_the_seconds_on_top(told, tmp_path) -> None:
    rows = night_report_rows(told["night"], {"data_quality": 36.0, "calibration": 0.0})
    assert rows["night"].tolist() == [20260122] * 2
    # The last alert left 75.3 s after the last readout.
    assert rows["hours"] * 3600 == pytest.approx([75.3 + 36.0, 75.3], abs=0.02)
    unknown = told["night"].assign(done_mjd=np.nan)
    assert np.isnan(night_report_rows(unknown, {"performance": 1.0})["hours"]).all()
    early = told["night"].assign(done_mjd=told["night"]["end_mjd"] - 1.0)
    assert night_report_rows(early, {"performance": 1.0})["hours"] == pytest.approx([1 / 3600])
    measured = time_reports(source_of(night_tables(), tmp_path))
    assert measured["report"].tolist() == NAMES
    path = write_table(tmp_path / "rows.parquet", "night_report", measured)
    assert open_tables({"night_report": path}).one("night_report").rows == 3


def test_a_run_of_everything_keeps_the_night_and_its_verdicts(tmp_path, monkeypatch) -> None:
    from skyassay.verify import measuring

    chosen = measuring.choose(("alerts.latency.otr1",), None)
    monkeypatch.setattr(measuring, "choose", lambda names, recipe: chosen)
    source = source_of(night_tables(), tmp_path)
    made = measure(source, Request(run_id="whole", subject="SimCam"), load())
    named = measure(source, Request(metrics=("alerts.latency.otr1",)), load())
    assert {e.metric for e in named.evidence} == {"alerts.latency.otr1"}
    with open_store(str(tmp_path / "store.sqlite"), write=True) as opened:
        opened.add_run(made.run, made.measurements, made.judgement.all, made.evidence)
        report = collect(opened)
    document = json.loads(render_night(report, "json"))
    judged = section_of(document, "performance", "judged")
    assert "DMS-REQ-0406/OTR1" in {row["criterion"] for row in judged}
    value = next(r["value"] for r in judged if r["criterion"] == "DMS-REQ-0406/OTR1")
    assert value.startswith("42 [")


def test_a_night_that_cannot_be_told_is_a_finding(tmp_path, monkeypatch) -> None:
    from skyassay.verify import measuring
    from skyassay.verify.night import evidence

    def broken(source):
        raise ValueError("no such thing")

    monkeypatch.setattr(evidence, "night_evidence", broken)
    tables, findings = measuring._night(source_of(night_tables(), tmp_path))
    assert tables == ()
    assert findings[0].code == "night_not_told"
    assert "no such thing" in findings[0].message
