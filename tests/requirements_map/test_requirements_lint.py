"""Each rule is turned on by the one change that it is about."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from skyassay.requirements_map import RequirementsError
from skyassay.requirements_map.findings import CODES, EvidenceFacts, MetricFacts
from skyassay.requirements_map.lint import finding_of, lint
from skyassay.requirements_map.records import (
    CloseOut,
    Gap,
    Inspection,
    Records,
    Waiver,
    packaged_records,
)

NOW = datetime(2026, 12, 1, tzinfo=UTC)
PA1 = "LPM-17.PA1/gri"


def codes(findings, *, severity="fail"):
    return {(f.code, f.subject) for f in findings if f.severity == severity}


def with_records(**fields):
    return replace(packaged_records(), **fields)


def results(found, **fields):
    """A run in which every criterion with a metric has fresh, passing evidence."""
    return [
        EvidenceFacts(f"run:{c.id}", c.id, c.metric, c.fingerprint, "2026-11-30T00:00:00+00:00",
                      **{"status": "PASS", **fields})
        for c in found.criteria.values() if c.metric
    ]  # fmt: skip


def test_the_packaged_map_is_clean_with_honest_metrics(found, metrics):
    findings = lint(found, metrics, results(found), now=NOW)
    assert codes(findings) == set()
    assert {f.code for f in findings} == {"T12"}


def test_t1_when_a_metric_is_not_named_any_more(documents, metrics):
    documents.criterion(PA1)["metric"] = None
    found = codes(lint(documents.build(), metrics))
    assert ("T1", PA1) in found
    assert ("T5", PA1) in found


def test_t1_when_a_metric_is_gone(found, metrics):
    left = [m for m in metrics if m.id != "photometry.repeatability.pa1"]
    expected = {("T1", c.id) for c in found.measured_by("photometry.repeatability.pa1")}
    assert codes(lint(found, left)) == expected
    assert len(expected) == 6


def test_t1_when_a_gap_is_not_listed(found, metrics):
    gaps = tuple(g for g in packaged_records().gaps if g.id != "LPM-17.TFmax/value")
    assert codes(lint(found, metrics, records=with_records(gaps=gaps))) == {
        ("T1", "LPM-17.TFmax/value")
    }


def test_t1_when_a_listed_gap_is_none(found, metrics):
    gaps = (*packaged_records().gaps, Gap(PA1, "x", "2026-11-22", "y"))
    assert codes(lint(found, metrics, records=with_records(gaps=gaps))) == {("T1", PA1)}


def test_t1_for_a_requirement_without_any_criterion(documents, metrics):
    documents.requirement("DMS-REQ-0350")["criteria"] = []
    assert ("T1", "DMS-REQ-0350") in codes(lint(documents.build(), metrics))


def test_every_gap_has_owner_date_and_reason():
    for gap in packaged_records().gaps:
        assert gap.owner
        assert datetime.fromisoformat(gap.date)
        assert len(gap.reason) > 20


def test_t2_without_a_result(found, metrics):
    evidence = [e for e in results(found) if e.criterion != PA1]
    assert codes(lint(found, metrics, evidence, now=NOW)) == {("T2", PA1)}


def test_t3_when_a_metric_serves_something_unknown(found, metrics):
    extra = MetricFacts("x.y.z", "mmag", ("LPM-17.PA1",))
    findings = lint(found, [*metrics, extra])
    assert codes(findings) == {("T3", "x.y.z")}
    assert "LPM-17.PA1/gri" in findings[0].hint


def test_t3_for_evidence_gaps_records_and_close_outs_of_nothing(found, metrics):
    evidence = [*results(found), EvidenceFacts("e", "LPM-17.PA9/gri", "m", "f", "2026-11-30")]
    assert codes(lint(found, metrics, evidence, now=NOW)) == {("T3", "e")}
    records = with_records(
        gaps=(*packaged_records().gaps, Gap("gone/x", "a", "2026-11-22", "b")),
        inspections=(Inspection("LPM-17.Gone", "a", "2026-11-22", "b", "0" * 64),),
        closed=(CloseOut("OSS-REQ-9999", "a", "2026-11-22", "b"),),
    )
    assert codes(lint(found, metrics, records=records)) == {
        ("T3", "gone/x"), ("T3", "LPM-17.Gone"), ("T3", "OSS-REQ-9999")
    }  # fmt: skip


def test_t3_for_a_verification_element_of_another_requirement(documents, metrics):
    documents.criterion("DMS-REQ-0360/AM1")["verification_elements"] = ["LVV-9759"]
    found = codes(lint(documents.build(), metrics))
    assert found == {("T3", "DMS-REQ-0360/AM1")}


def test_t4_for_a_metric_that_serves_nothing(found, metrics):
    idle = MetricFacts("x.y.z", "mmag")
    findings = lint(found, [*metrics, idle])
    assert codes(findings, severity="warn") == {("T4", "x.y.z")}
    assert codes(findings) == set()
    assert not codes(lint(found, [*metrics, replace(idle, diagnostic=True)]), severity="warn")


@pytest.mark.parametrize("dropped", [PA1, "DMS-REQ-0359/PA1uzy"])
def test_t5_when_the_metric_does_not_name_the_criterion(found, metrics, dropped):
    changed = [
        replace(m, requirements=tuple(r for r in m.requirements if r != dropped)) for m in metrics
    ]
    assert codes(lint(found, changed)) == {("T5", dropped)}


def test_t5_when_the_criterion_names_another_metric(documents, metrics):
    documents.criterion(PA1)["metric"] = "photometry.repeatability.pa2"
    assert codes(lint(documents.build(), metrics)) == {("T5", PA1)}


@pytest.mark.parametrize(
    ("criterion", "word", "other"),
    [
        ("LPM-17.TE3/ri", "differs_from", "DMS-REQ-0362/TE3"),
        ("DMS-REQ-0359/PA6", "related", "LPM-17.PA6/value"),
        ("OSS-REQ-0353/transPurityMin", "joint", "OSS-REQ-0353/transCompletenessMin"),
    ],
)
def test_t5_when_a_relation_is_deleted_on_one_side(documents, metrics, criterion, word, other):
    del documents.criterion(criterion)[word]
    assert ("T5", other) in codes(lint(documents.build(), metrics))


def test_a_plugin_may_point_at_us_without_being_pointed_at(documents, metrics, extra_document):
    criterion = extra_document["requirements"][0]["criteria"][0]
    criterion["related"] = [PA1]
    mine = MetricFacts("example.flux.median", "nJy", ("SIMCAM-1.Median/value",))
    found = documents.build([extra_document])
    assert codes(lint(found, [*metrics, mine])) == set()


def test_t6_when_a_digit_of_a_limit_changed(found, documents, metrics):
    documents.criterion(PA1)["levels"]["stretch"] = 2.9
    evidence = results(found)
    after = documents.build()
    assert codes(lint(after, metrics, evidence, now=NOW), severity="warn") == {("T6", PA1)}
    assert ("T6", PA1) in codes(lint(after, metrics, evidence, now=NOW, release=True))


@pytest.mark.parametrize(
    ("options", "stale"),
    [
        ({"max_age": timedelta(days=2)}, False),
        ({"max_age": timedelta(hours=23)}, True),
        ({"software": "1.0"}, False),
        ({"software": "1.1"}, True),
    ],
)
def test_t7_by_age_and_software(found, metrics, options, stale):
    evidence = results(found, software="1.0")
    unknown = codes(lint(found, metrics, evidence, now=NOW, **options), severity="unknown")
    assert (("T7", PA1) in unknown) is stale
    failed = codes(lint(found, metrics, evidence, now=NOW, release=True, **options))
    assert (("T7", PA1) in failed) is stale


def test_t7_without_a_date_is_an_error(found, metrics):
    evidence = [replace(e, created="yesterday") for e in results(found)]
    with pytest.raises(RequirementsError) as error:
        lint(found, metrics, evidence, now=NOW, max_age=timedelta(days=1))
    assert error.value.code == "bad_date"


def test_t8_for_two_metrics_or_gaps_with_one_id(found, metrics):
    assert codes(lint(found, [*metrics, metrics[0]])) == {("T8", metrics[0].id)}
    gaps = (*packaged_records().gaps, packaged_records().gaps[0])
    doubled = codes(lint(found, metrics, records=with_records(gaps=gaps)))
    assert doubled == {("T8", gaps[0].id)}


def test_t8_and_others_for_what_does_not_load():
    error = RequirementsError("Twice.", code="duplicate_criterion", hint="h")
    assert (finding_of(error).code, finding_of(error).severity) == ("T8", "fail")
    assert finding_of(RequirementsError("x", code="unknown_parent")).code == "T3"
    assert finding_of(RequirementsError("x", code="unknown_unit")).code == "T9"
    assert finding_of(RequirementsError("x", code="unknown_key")).code == "unknown_key"


@pytest.mark.parametrize("unit", ["mas", "", "furlongs"])
def test_t9_when_units_do_not_fit(found, metrics, unit):
    name = "photometry.repeatability.pa1"
    changed = [replace(m, unit=unit) if m.id == name else m for m in metrics]
    assert codes(lint(found, changed)) == {("T9", c.id) for c in found.measured_by(name)}


def test_t9_for_a_bound_parameter(found, metrics):
    name = "photometry.repeatability.pf1"
    served = {("T9", c.id) for c in found.measured_by(name)}
    for at_units in ({"PA2": "mas"}, {"PA3": "mmag"}, {}):
        changed = [replace(m, at_units=at_units) if m.id == name else m for m in metrics]
        assert codes(lint(found, changed)) == served
    changed = [replace(m, at_units={"PA2": "mag"}) if m.id == name else m for m in metrics]
    assert codes(lint(found, changed)) == set()


def test_t10_when_a_parent_is_closed_before_its_child(found, metrics):
    parent = CloseOut("OSS-REQ-0387", "A. Person", "2026-11-30", "shown")
    child = CloseOut("DMS-REQ-0359", "A. Person", "2026-11-30", "shown")
    assert codes(lint(found, metrics, records=with_records(closed=(parent,)))) == {
        ("T10", "OSS-REQ-0387")
    }
    assert codes(lint(found, metrics, records=with_records(closed=(parent, child)))) == set()


def waiver(**fields):
    plain = {"id": "W-1", "criterion": PA1, "reason": "r", "person": "p",
             "date": "2026-11-01", "expires": "2027-01-01"}  # fmt: skip
    return Waiver(**{**plain, **fields})


@pytest.mark.parametrize(
    ("fields", "status", "fails"),
    [
        ({}, "FAIL", False),
        ({}, "INCONCLUSIVE", False),
        ({}, "PASS", True),
        ({"expires": "2026-11-30"}, "FAIL", True),
        ({"expires": "2026-12-01"}, "FAIL", False),
        ({"criterion": "LPM-17.PA9/gri"}, "FAIL", True),
    ],
)
def test_t11_expired_unused_unknown(found, metrics, fields, status, fails):
    records = with_records(waivers=(waiver(**fields),))
    evidence = results(found, status=status)
    findings = codes(lint(found, metrics, evidence, records=records, now=NOW))
    assert findings == ({("T11", "W-1")} if fails else set())


def test_t11_is_not_unused_before_there_is_a_run(found, metrics):
    assert not codes(lint(found, metrics, records=with_records(waivers=(waiver(),)), now=NOW))


def test_t12_until_somebody_signs(found, metrics):
    due = codes(lint(found, metrics), severity="open")
    assert ("T12", "LPM-17.FilterComplement") in due
    record = Inspection("LPM-17.FilterComplement", "p", "2026-11-30", "report.pdf", "a" * 64)
    after = codes(
        lint(found, metrics, records=with_records(inspections=(record,))), severity="open"
    )
    assert due - after == {("T12", "LPM-17.FilterComplement")}


def test_no_descoped_requirement_is_due(found, metrics):
    descoped = {r.id for r in found.requirements.values() if r.status == "descoped"}
    assert not descoped & {f.subject.split("/")[0] for f in lint(found, metrics, records=Records())}


def test_codes_are_the_table_of_the_reference(found):
    assert [code for code, _, _ in CODES] == [f"T{i}" for i in range(1, 14)]
