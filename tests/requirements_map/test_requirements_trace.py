"""The walk from the SRD to the evidence, and what is missing on the way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from skyassay.requirements_map import RequirementsError
from skyassay.requirements_map.findings import EvidenceFacts
from skyassay.requirements_map.lookup import suggest
from skyassay.requirements_map.trace import MISSING, trace

STEPS = [step for step, _ in MISSING if step != "other"]


def ids(walk):
    return {step.step: [item.id for item in step.items] for step in walk.steps}


def test_from_the_srd_down(found, metrics):
    walk = trace(found, "LPM-17.PA1", metrics)
    assert [s.step for s in walk.steps] == STEPS
    assert ids(walk) == {
        "SRD": ["LPM-17.PA1"],
        "LSR": [],
        "OSS": ["OSS-REQ-0387"],
        "DMSR": ["DMS-REQ-0359"],
        "verification element": ["LVV-9759", "LVV-3401"],
        "test case": ["LVV-T1756", "LVV-T1757"],
        "metric": ["photometry.repeatability.pa1"],
        "evidence": [],
    }
    assert walk.missing == ("LSR", "evidence")
    assert walk.steps[-1].missing == "no run was given"


@pytest.mark.parametrize("start", ["LVV-9759", "LVV-T1757", "DMS-REQ-0359/PA1gri"])
def test_from_below_the_same_chain(found, metrics, start):
    walk = ids(trace(found, start, metrics))
    assert walk["SRD"] == ["LPM-17.PA1"]
    assert walk["verification element"] in (["LVV-9759"], ["LVV-9759", "LVV-3401"])
    assert walk["metric"] == ["photometry.repeatability.pa1"]


def test_from_an_upstream_node_all_children(found, metrics):
    walk = trace(found, "OSS-REQ-0388", metrics)
    assert ids(walk)["DMSR"] == ["DMS-REQ-0360"]
    assert len(ids(walk)["metric"]) == 12 + 3 + 1
    assert walk.steps[2].items[0].state == "text not at hand"


def test_from_a_metric(found, metrics):
    walk = ids(trace(found, "astrometry.relative.ad3", metrics))
    assert walk["SRD"] == ["LPM-17.AD3"]
    assert walk["verification element"] == ["LVV-9775"]


def test_what_nothing_verifies_says_so(found, metrics):
    walk = trace(found, "LPM-17.TFmax", metrics)
    assert "metric" in walk.missing
    assert {s.step: s.missing for s in walk.steps}["metric"].startswith(
        "nothing verifies this yet: Hardware: only a laboratory"
    )


def test_every_srd_value_criterion_has_a_metric_or_a_reason(found, metrics):
    for criterion in found.criteria.values():
        if criterion.id.startswith("LPM-17.") and criterion.kind == "value":
            step = next(s for s in trace(found, criterion.id, metrics).steps if s.step == "metric")
            if criterion.role == "limit":
                assert step.items or "yet: " in step.missing, criterion.id


def test_a_metric_that_is_not_installed_says_so(found):
    walk = trace(found, "LPM-17.PA1")
    assert next(s for s in walk.steps if s.step == "metric").items[0].state == "not installed"


def test_evidence_and_suspect_evidence(found, metrics):
    criterion = found.criteria["LPM-17.PA1/gri"]
    good = EvidenceFacts("e1", criterion.id, "m", criterion.fingerprint, "2026-11-30", "PASS")
    other = replace(good, id="e3", criterion="LPM-17.PA3/u")
    walk = trace(
        found, "LPM-17.PA1", metrics, [good, replace(good, id="e2", fingerprint="x"), other]
    )
    states = {i.id: i.state for i in walk.steps[-1].items}
    assert states == {"e1": "PASS", "e2": "PASS (suspect)"}
    empty = trace(found, "LPM-17.PA1", metrics, [])
    assert empty.steps[-1].missing == "no evidence in the run that was given"


def test_a_requirement_of_another_document(found):
    walk = trace(found, "OCS-DM-COM-ICD-0033")
    assert ids(walk)["other"] == ["OCS-DM-COM-ICD-0033"]
    assert ids(walk)["verification element"]


def test_every_requirement_can_be_traced(found, metrics):
    for key in found.requirements:
        walk = trace(found, key, metrics)
        assert key in {i.id for s in walk.steps for i in s.items}


def test_an_unknown_id_says_what_could_have_been_meant(found):
    with pytest.raises(RequirementsError) as error:
        trace(found, "LVV-97590")
    assert (error.value.code, error.value.exit_code) == ("unknown_id", 4)
    assert "LVV-9759" in error.value.hint


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("PA1", "LPM-17.PA1"), ("pa1gri", "DMS-REQ-0359/PA1gri"), ("dms-req-0359", "DMS-REQ-0359"),
     ("LPM17.PA1", "LPM-17.PA1")],
)  # fmt: skip
def test_suggestions(found, typed, meant):
    assert suggest(typed, [*found.requirements, *found.criteria])[0] == meant


def test_no_suggestion_for_nonsense(found):
    assert suggest("qqqqqqqq", found.requirements) == []
