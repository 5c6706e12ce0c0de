"""`assay process`: what ran and what did not is in the answer, and in the exit code."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest

from skyassay.pipeline.execution.outcome import Outcome, Status
from skyassay.pipeline.execution.report import RunReport
from skyassay.pipeline.repository.errors import RepositoryError
from skyassay.verify import campaign
from skyassay.verify.cli import main
from skyassay.verify.commands import process


def outcome(label: str, status: Status, detector: int = 0, **more) -> Outcome:
    data_id = {"instrument": "SimCam", "visit": 7, "detector": detector}
    return Outcome(uuid4(), label, data_id, status, **more)


GOOD = (
    outcome("isr", Status.SUCCESS, 0, seconds=1.0, memory=2**28),
    outcome("isr", Status.SUCCESS, 1, seconds=3.0, memory=2**29),
)
BAD = (
    outcome("isr", Status.FAILED, 2, seconds=0.5, error="The flat is missing.", code="no_flat"),
    outcome("calibrateImage", Status.SKIPPED, 2),
)


def run(monkeypatch, capsys, outcomes, *arguments, stopped="") -> tuple[int, str, str, dict]:
    """Return exit code, output, errors and what the pipeline was called with."""
    asked = {}

    def done(repo, kind, **options) -> RunReport:
        asked.update(options, repo=repo, kind=kind)
        timings = {"execute": 4.0}
        return RunReport("SimCam/runs/x", "SimCam/runs", outcomes, timings, 2, 5, stopped=stopped)

    monkeypatch.setattr(campaign, "process", done)
    with pytest.raises(SystemExit) as ended:
        main(["process", *arguments])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err, asked


def test_all_ran(monkeypatch, capsys) -> None:
    arguments = ("release", "--repo", "R", "--collection", "C", "--where", "visit=7")
    code, out, _, asked = run(monkeypatch, capsys, GOOD, *arguments, "--workers", "3")
    assert code == 0
    assert (asked["repo"], asked["kind"], asked["output"]) == ("R", "release", "C")
    assert (asked["where"], asked["workers"]) == ("visit=7", 3)
    (row,) = [line.split() for line in out.splitlines() if line.strip().startswith("isr")]
    assert row == ["isr", "2", "2", "0", "0", "4.0", "2.00", "512"]
    assert "5 datasets in SimCam/runs/x" in out


def test_what_failed_is_named_and_what_was_not_run_for_it(monkeypatch, capsys) -> None:
    code, out, _, asked = run(monkeypatch, capsys, (*GOOD, *BAD), "prompt", "--repo", "R")
    assert (code, asked["kind"]) == (3, "prompt")
    assert "isr (visit 7, detector 2): The flat is missing. [no_flat]" in out
    assert "1 calibrateImage" in out


def test_a_run_that_was_stopped_is_not_whole(monkeypatch, capsys) -> None:
    code, out, *_ = run(monkeypatch, capsys, GOOD, "prompt", "--repo", "R", stopped="SIGTERM")
    assert code == 3
    assert "Stopped by SIGTERM" in out


def test_json(monkeypatch, capsys) -> None:
    arguments = ("release", "--repo", "R", "--format", "json")
    code, out, *_ = run(monkeypatch, capsys, (*GOOD, *BAD), *arguments)
    found = json.loads(out)
    assert (code, found["schema"], found["complete"]) == (3, process.SCHEMA, False)
    isr, calibrate = found["tasks"]
    assert isr == {
        "task": "isr", "quanta": 3, "done": 2, "failed": 1, "not_run": 0,
        "seconds": 4.5, "memory": 2**29,
    }  # fmt: skip
    assert (calibrate["not_run"], calibrate["memory"]) == (1, None)
    assert found["failures"][0]["code"] == "no_flat"


def test_an_error_is_one_sentence_and_its_exit_code(monkeypatch, capsys) -> None:
    def refuse(*_: object, **__: object) -> RunReport:
        raise RepositoryError("R is none.", code="not_a_repository", hint="Make one.", exit_code=4)

    monkeypatch.setattr(campaign, "process", refuse)
    with pytest.raises(SystemExit) as ended:
        main(["process", "release", "--repo", "R"])
    assert ended.value.code == 4
    assert "assay: R is none. [not_a_repository]" in capsys.readouterr().err


def test_words_are_those_of_the_pipeline() -> None:
    assert {*process.FAILED, process.NOT_RUN} <= {status.value for status in Status}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("release", "--level", "pixels"), "no_repo"),
        (("night",), "no_repo"),
        (("release", "--repo", "R"), "repo_without_pixels"),
    ],
)
def test_frames_need_a_repository_and_tables_none(arguments, code, capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["simulate", *arguments])
    assert ended.value.code == 4
    assert f"[{code}]" in capsys.readouterr().err


def test_frames_are_entered(monkeypatch, capsys, tmp_path) -> None:
    from skyassay.pipeline.repository.ingest import Ingested, Refused
    from skyassay.simulator.exposure.release import PixelRelease

    asked = {}

    def simulate(*places, **options):
        asked.update(options, places=places)
        entered = Ingested(2, 5, 0, 90, ("truth_star",), (Refused("a", "bad", "It is bad."),))
        return PixelRelease(tmp_path, (tmp_path,) * 6, {}, {}), entered

    monkeypatch.setattr(campaign, "simulate_pixels", simulate)
    arguments = ("--preset", "tiny", "--seed", "3", "--repo", "R", "--visits", "2", "--bands", "r")
    main_code = 0
    try:
        main(["simulate", "release", "--level", "pixels", *arguments])
    except SystemExit as ended:
        main_code = int(ended.code or 0)
    out = capsys.readouterr().out
    assert main_code == 0
    assert asked["places"][:2] == ("tiny", 3)
    assert (asked["bands"], asked["visits_per_band"]) == (("r",), 2)
    assert "6 frames" in out
    assert "refused: It is bad. [bad]" in out


def test_what_is_expected_of_pixels_is_declared() -> None:
    from skyassay.simulator.nominal import nominals

    found = nominals()
    assert found["LPM-17.AM1/ri"].expected_of("pixels") == ("PASS",)
    # g is in no raw frame
    assert found["LPM-17.PA1/gri"].expected_of("pixels") == ("NOT_MEASURED",)
    assert found["LPM-17.PA1/gri"].expected_of("small") == ("PASS",)
    known = {"PASS", "FAIL", "INCONCLUSIVE", "NOT_MEASURED", "NOT_APPLICABLE"}
    assert all(set(entry.pixels) <= known for entry in found.values())
    for criterion, entry in found.items():
        if {b for b in entry.value if b} - {"r", "i"}:
            assert entry.pixels == ("NOT_MEASURED",), criterion
    assert sum(entry.pixels == ("PASS",) for entry in found.values()) >= 15
