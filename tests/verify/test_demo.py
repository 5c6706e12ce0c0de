"""The demonstration: every step runs, and the verdicts are those the simulator expects."""

from __future__ import annotations

from pathlib import Path

import pytest

from skyassay.metrics.certification import certificates
from skyassay.requirements_map import load
from skyassay.verify.campaign import demonstrate, simulated_metrics
from skyassay.verify.commands.demo import _closing, _shown, _where
from skyassay.verify.store import open_store


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def said() -> list[str]:
    """Return what the first demonstration told."""
    return []


@pytest.fixture(scope="module")
def small(folder, said):
    return demonstrate("small", 1, folder, say=said.append)


def test_every_interval_that_decides_is_certified() -> None:
    assert set(simulated_metrics()) <= set(certificates())


def test_criteria_are_decided_as_the_simulator_expects(small) -> None:
    wrong = {c: v for c, v in small.as_expected.items() if v[0] not in v[1]}
    assert not wrong
    decided = [got for got, _ in small.as_expected.values() if got in ("PASS", "FAIL")]
    assert len(decided) >= 12


@pytest.mark.slow
def test_medium_is_decided_as_the_simulator_expects(tmp_path: Path) -> None:
    medium = demonstrate("medium", 1, tmp_path)
    wrong = {c: v for c, v in medium.as_expected.items() if v[0] not in v[1]}
    assert not wrong
    passed = [c for c, (got, _) in medium.as_expected.items() if got == "PASS"]
    assert len(passed) >= 40


def test_the_run_the_report_and_the_store_are_there(small) -> None:
    page = small.page.read_text("utf-8")
    assert small.report.run.id in page
    assert "LPM-17.PA1/gri" in page
    with open_store(str(small.store)) as store:
        assert store.latest().id == small.report.run.id
        levels = {v.level for v in store.verdicts(small.report.run.id)}
    assert {"design", "minimum", "stretch", "given"} <= levels


def test_the_subject_is_the_twin_and_says_so(small) -> None:
    assert small.report.run.evidence_level == "catalog-twin"
    assert small.report.run.provenance["preset"] == "small"


def test_no_verdict_passes_without_a_certified_interval(small) -> None:
    """But for what is counted in full, and for "shall be able to"."""
    kinds = load().criteria
    passed = [
        v
        for v in small.report.verdicts
        if v.status == "PASS"
        and v.population != "dataset"
        and kinds[v.criterion].kind != "capability"
    ]
    certified = {m.metric for m in small.report.measurements if m.interval and m.interval.certified}
    assert {v.metric for v in passed} <= certified


def test_again_is_a_no_op_and_says_every_step(small, folder, said) -> None:
    second = demonstrate("small", 1, folder)
    assert small.report.run.id == second.report.run.id
    with open_store(str(second.store)) as store:
        assert len(store.runs()) == 1
    assert [line.split()[0] for line in said] == ["Simulating", "Checking", "Measuring", "Writing"]


def test_the_closing_words_name_what_came_out_otherwise(small) -> None:
    from dataclasses import replace

    made = replace(small, as_expected={"A/b": ("PASS", ("PASS",)), "C/d": ("FAIL", ("PASS",))})
    text = _closing(made)
    assert "1 of 2 value criteria" in text
    assert "C/d: FAIL, expected PASS" in text
    assert str(small.page) in text
    assert f"assay dashboard --store {small.store}" in _where(small)


@pytest.mark.parametrize("width", [80, 100, 120])
def test_what_a_run_prints_can_be_read(small, width) -> None:
    lines = _shown(small, width).splitlines()
    assert len(lines) <= 60
    assert any(
        f"assay report release --store {small.store} --run {small.report.run.id}" in line
        for line in lines
    )
    starts = {line.split()[0] for line in lines if line[:1].strip()}
    undecided = [v for v in small.report.attempted() if v.status in ("FAIL", "INCONCLUSIVE")]
    assert undecided and {v.criterion for v in undecided} <= starts
