"""The overview's view model: nothing that was not measured looks like a pass."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from skyassay.dashboards import collect
from skyassay.dashboards.collect import Missing, OverviewData, Source
from skyassay.dashboards.compute.banner import age, banner
from skyassay.dashboards.compute.overview import overview
from skyassay.dashboards.compute.standing import decisive, shown_recipe, stand
from skyassay.dashboards.query import Query
from skyassay.dashboards.status import LOOKS, ORDER, look, standing, worst
from skyassay.verify.store import open_store

NOW = datetime(2026, 7, 10, tzinfo=UTC)


@pytest.fixture
def view(source):
    data = collect.overview(source, Query())
    assert isinstance(data, OverviewData)
    return overview(data, NOW)


def test_every_requirement_is_counted_once(view, requirements) -> None:
    assert sum(view.counts.values()) == len(requirements.requirements) == len(view.requirements)
    assert sum(g.total for g in view.judged + view.silent) == len(view.requirements)
    for group in view.judged + view.silent:
        assert sum(group.counts.values()) == group.total


def test_the_newest_run_is_shown_and_all_can_be_chosen(view) -> None:
    assert view.banner.run == "twin-05"
    assert [name for name, _ in view.runs] == [f"twin-0{n}" for n in range(5, -1, -1)] + ["hsc-i"]


def test_what_could_not_be_measured_is_named_with_reason_and_hint(view) -> None:
    rows = {(r.requirement, r.reason): r for r in view.unmeasured}
    row = rows["LPM-17.PA1", "too_few_objects"]
    assert row.criteria == ("z (z)",)
    assert row.hints == ("At least 50 stars with 2 visits each are needed.",)
    assert ("LPM-17.PA1", "band_missing") in rows
    assert not any(r.reason in ("metric_not_run", "no_metric") for r in view.unmeasured)


def test_worst_comes_first_and_a_partial_pass_is_no_pass(view) -> None:
    places = [(row.among_judged is None, ORDER.index(row.standing)) for row in view.requirements]
    assert places == sorted(places)
    assert places[0] == (False, ORDER.index("NOT_MEASURED"))
    pa1 = next(row for row in view.requirements if row.id == "LPM-17.PA1")
    assert pa1.standing == "NOT_MEASURED"
    assert pa1.levels["stretch"] in ("FAIL", "NOT_MEASURED")
    assert pa1.margin.percent == pytest.approx(100 * (5 - 3.5318) / 5, abs=0.1)
    astrometry = next(g for g in view.judged if g.name == "Astrometry")
    assert astrometry.worst != "PASS"
    assert 0 < astrometry.judged < astrometry.total
    assert astrometry.oldest == "2026-07-06T04:00:00+00:00"


def test_a_requirement_attempted_in_part_says_so(view) -> None:
    rows = {row.id: row for row in view.requirements}
    assert rows["DMS-REQ-0360"].standing == "NOT_ATTEMPTED"
    assert rows["DMS-REQ-0360"].word == "Partly attempted"
    assert rows["LPM-17.TFmax"].word == "Not attempted"


def test_groups_without_evidence_stand_apart(view) -> None:
    assert {g.name for g in view.judged} == {"Photometry", "Astrometry"}
    assert all(g.judged == 0 and not g.oldest for g in view.silent)


def test_findings_are_shown(view) -> None:
    assert [f.code for f in view.findings] == ["pa2_pf1_disagree"]


def test_a_requirement_passes_only_when_all_its_criteria_do(source, requirements) -> None:
    verdicts = source.store.verdicts("twin-05")
    mine = [v for v in verdicts if v.requirement == "LPM-17.PA1"]
    entry = requirements.requirements["LPM-17.PA1"]
    good = [replace(v, status="PASS", reason=None, parts=()) for v in mine]
    assert stand(entry.id, entry, good).standing == "PASS"
    assert stand(entry.id, entry, good[:-3]).standing == "NOT_ATTEMPTED"
    assert stand(entry.id, entry, []).standing == "NOT_ATTEMPTED"
    one_bad = [replace(good[0], status="FAIL", binding=True), *good[1:]]
    assert stand(entry.id, entry, one_bad).standing == "FAIL"


def test_a_requirement_that_only_the_store_knows_is_not_lost(source, requirements) -> None:
    run = source.store.run("twin-05")
    other = replace(source.store.verdicts(run.id)[0], requirement="GONE-1", criterion="GONE-1/x")
    view = overview(OverviewData(run, (run,), (other,), (), requirements), NOW)
    row = next(r for r in view.requirements if r.id == "GONE-1")
    assert row.group == "not in the requirement map"
    assert len(view.requirements) == len(requirements.requirements) + 1


def test_recipes_for_comparison_never_decide(source) -> None:
    everything = source.store.verdicts("hsc-i", "all")
    assert {v.recipe for v in everything} == {"srd", "faro", None}
    counted = decisive(everything, shown_recipe(everything))
    assert {v.recipe for v in counted} == {"srd", None}
    keys = [(v.criterion, v.level) for v in counted]
    assert len(keys) == len(set(keys))


def test_unknown_run_and_empty_store_are_pages_of_their_own(source, tmp_path) -> None:
    found = collect.overview(source, Query(run="nobody"))
    assert isinstance(found, Missing)
    assert (found.what, found.asked) == ("run", "nobody")
    open_store(str(tmp_path / "empty.sqlite"), write=True).close()
    with open_store(str(tmp_path / "empty.sqlite")) as store:
        empty = collect.overview(Source(store, source.requirements), Query())
    assert isinstance(empty, Missing)
    assert empty.what == "evidence"


def test_status_never_by_colour_alone() -> None:
    assert set(ORDER) == set(LOOKS)
    for field in ("symbol", "word", "marker"):
        values = [getattr(entry, field) for entry in LOOKS.values()]
        assert len(set(values)) == len(values), field
    assert look("SOMETHING_NEW").word == "SOMETHING_NEW"
    assert worst([]) == "NOT_ATTEMPTED"


def test_joint_criteria_wait_for_parts_that_nobody_tried(source) -> None:
    found = source.store.verdicts("twin-05")
    joint = [
        replace(v, reason="joint_part_not_measured")
        for v in found
        if v.criterion == "OSS-REQ-0353/transPurityMin"
    ]
    assert [part.reason for part in joint[0].parts] == ["metric_not_run"] * 2
    assert {standing(v) for v in joint} == {"NOT_ATTEMPTED"}
    tried = replace(joint[0], parts=(replace(joint[0].parts[0], reason="too_few_objects"),))
    assert standing(tried) == "NOT_MEASURED"


def test_age_and_banner(source) -> None:
    assert age("2026-07-08T00:00:00+00:00", NOW) == "2 days old"
    assert age("2026-07-09T23:00:00", NOW) == "1 hour old"
    assert age("2026-07-20T00:00:00+00:00", NOW).startswith("in the future")
    assert age("soon", NOW) == "of unknown age"
    assert "without pixels" in banner(source.store.run("twin-00"), NOW).proves


def test_computing_needs_no_panel() -> None:
    import subprocess

    code = (
        "import sys, skyassay.dashboards.compute.overview, skyassay.dashboards.compute.history,"
        "skyassay.dashboards.compute.requirement, skyassay.dashboards.compute.distribution;"
        "bad = {'panel', 'bokeh'} & set(sys.modules); sys.exit(str(bad) if bad else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
