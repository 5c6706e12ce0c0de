"""Verdicts: units, bands, bound parameters, census, twins, joint criteria, exit codes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from skyassay.metrics.contract import Interval, Measurement
from skyassay.requirements_map import load
from skyassay.requirements_map.model import Criterion, Requirement, RequirementSet
from skyassay.verify.errors import VerifyError
from skyassay.verify.records import Run
from skyassay.verify.status import counted, exit_code, requirement_status, worst
from skyassay.verify.verdict import judge, judge_all

RUN = Run("r", "test data", "real", "2030-01-01T00:00:00Z")
TWIN = replace(RUN, evidence_level="catalog-twin")


#: What the changes of a test start from; a new field of the model takes its value from here.
BASE = load().criteria["LPM-17.PA1/gri"]


def criterion(**changes) -> Criterion:
    fields = {
        "id": "DOC.PA1/gri", "requirement": "DOC.PA1", "name": "gri", "kind": "value",
        "role": "limit", "metric": "phot.rep.pa1", "component": None, "bands": ("g", "r"),
        "op": "<=", "levels": {"design": 5.0, "minimum": 8.0}, "unit": "mmag", "at": {},
        "abs": False, "joint": (), "binding_level": "design", "population": "process",
    }  # fmt: skip
    return replace(BASE, **{**fields, **changes})


def requirement(*criteria: Criterion, **changes) -> Requirement:
    base = load().requirement_of(BASE)
    fields = {"id": "DOC.PA1", "method": "test", "status": "active", "criteria": criteria}
    return replace(base, **{**fields, **changes})


def interval(lower: float, upper: float, **changes) -> Interval:
    fields = {"low": lower - 0.1, "high": upper + 0.1, "confidence": 0.95, "method": "test"}
    return Interval(**{**fields, "lower": lower, "upper": upper, **changes})


def measured(value=4.0, lower=3.5, upper=4.5, band="g", **changes) -> Measurement:
    fields = {
        "metric": "phot.rep.pa1", "unit": "mmag", "recipe": "srd", "recipe_hash": "h",
        "status": "MEASURED", "value": value, "band": band, "n": 100,
        "interval": None if lower is None else interval(lower, upper),
    }  # fmt: skip
    return Measurement(**{**fields, **changes})


def missing(band="g", reason="too_few", **changes) -> Measurement:
    return measured(None, None, band=band, status="NOT_MEASURED", reason=reason, **changes)


def both(**changes) -> list[Measurement]:
    return [measured(band="g", **changes), measured(band="r", **changes)]


def one(measurement: Measurement, run: Run = RUN, **changes):
    changes.setdefault("bands", ("g",))
    return judge(criterion(**changes), "design", [measurement], run)


@pytest.mark.parametrize(
    ("value", "lower", "upper", "status"),
    [
        (4, 3, 4.9, "PASS"),
        (4, 3, 5.1, "INCONCLUSIVE"),
        (6, 4, 7, "INCONCLUSIVE"),
        (6, 5.1, 7, "FAIL"),
    ],
)
def test_guard_band(value, lower, upper, status) -> None:
    verdict = one(measured(value, lower, upper))
    assert verdict.status == status
    assert (verdict.value, verdict.lower, verdict.upper) == (value, lower, upper)
    assert verdict.limit == 5.0
    assert verdict.point_status == ("PASS" if value <= 5 else "FAIL")


def test_levels_have_their_own_limit_and_only_one_is_binding() -> None:
    m = [measured(6, 5.5, 6.5, band) for band in "gr"]
    assert judge(criterion(), "design", m, RUN).status == "FAIL"
    minimum = judge(criterion(), "minimum", m, RUN)
    assert minimum.status == "PASS"
    assert not minimum.binding


def test_units_are_converted_before_anything_is_compared() -> None:
    verdict = one(measured(0.004, 0.0035, 0.0045, unit="mag"))
    assert verdict.status == "PASS"
    assert verdict.value == pytest.approx(4.0)
    assert verdict.upper == pytest.approx(4.5)
    assert one(measured(0.006, 0.0055, 0.0065, unit="mag")).status == "FAIL"


def test_a_unit_that_cannot_be_converted_is_no_measurement() -> None:
    verdict = one(measured(unit="mas"))
    assert (verdict.status, verdict.reason) == ("NOT_MEASURED", "unit_mismatch")
    assert verdict.value is None


def test_percent_is_a_fraction() -> None:
    verdict = one(measured(0.04, 0.035, 0.045, unit=""), unit="%")
    assert verdict.value == pytest.approx(4.0)
    assert verdict.status == "PASS"


def test_the_systematic_part_widens_linearly() -> None:
    assert one(measured(4, 3.8, 4.2, systematic=0.5)).status == "PASS"
    verdict = one(measured(4, 3.8, 4.2, systematic=0.9))
    assert verdict.status == "INCONCLUSIVE"
    assert verdict.upper == pytest.approx(5.1)
    assert verdict.systematic == pytest.approx(0.9)


def test_no_interval_never_decides() -> None:
    for value in (0.1, 99.0):
        verdict = one(measured(value, None))
        assert (verdict.status, verdict.reason) == ("INCONCLUSIVE", "no_interval")
    assert one(measured(99.0, None)).point_status == "FAIL"


def test_a_census_needs_no_interval() -> None:
    assert one(measured(4, None), population="dataset").status == "PASS"
    assert one(measured(6, None), population="dataset").status == "FAIL"
    shaken = one(measured(4.9, None, systematic=0.2), population="dataset")
    assert shaken.status == "INCONCLUSIVE"


@pytest.mark.parametrize("population", ["process", "dataset"])
def test_an_interval_that_is_not_certified_never_decides(population) -> None:
    for lower, upper in ((1, 2), (8, 9)):
        m = measured(lower, interval=interval(lower, upper, certified=False))
        verdict = one(m, population=population)
        assert (verdict.status, verdict.reason) == ("INCONCLUSIVE", "interval_not_certified")


def test_an_interval_of_less_confidence_never_decides() -> None:
    m = measured(interval=interval(3.9, 4.1, one_sided_confidence=0.9))
    assert one(m).reason == "confidence_too_low"


def test_two_sided() -> None:
    m = measured(-1, -6, 1)
    assert one(m).status == "PASS"
    assert one(m, abs=True).status == "INCONCLUSIVE"


def test_the_worst_band_decides() -> None:
    good, bad = measured(band="g"), measured(6, 5.5, 6.5, band="r")
    verdict = judge(criterion(), "design", [good, bad], RUN)
    assert (verdict.status, verdict.band) == ("FAIL", "r")
    assert [p.status for p in verdict.parts] == ["PASS", "FAIL"]


def test_among_equals_the_smallest_margin_is_shown() -> None:
    m = [measured(3, 2.5, 3.5, "g"), measured(4, 3.5, 4.5, "r")]
    verdict = judge(criterion(), "design", m, RUN)
    assert (verdict.status, verdict.band) == ("PASS", "r")


def test_a_missing_band_is_named_and_never_passes() -> None:
    verdict = judge(criterion(), "design", [measured(band="g")], RUN)
    assert (verdict.status, verdict.reason, verdict.band) == ("NOT_MEASURED", "band_missing", "r")
    assert "r" in (verdict.hint or "")


def test_fail_is_worse_than_a_missing_band() -> None:
    verdict = judge(criterion(), "design", [measured(6, 5.5, 6.5)], RUN)
    assert (verdict.status, verdict.band) == ("FAIL", "g")


def test_a_missing_band_is_worse_than_an_undecided_one() -> None:
    verdict = judge(criterion(), "design", [measured(4, 3, 6)], RUN)
    assert verdict.status == "NOT_MEASURED"


def test_no_band_asked_means_every_band_measured() -> None:
    m = [measured(band="g"), measured(7, 6, 8, band="y")]
    assert judge(criterion(bands=()), "design", m, RUN).band == "y"


def test_what_was_not_measured_keeps_its_reason() -> None:
    verdict = one(missing())
    assert (verdict.status, verdict.reason) == ("NOT_MEASURED", "too_few")


def test_a_plugin_that_failed_everywhere_is_named_for_every_band() -> None:
    verdict = judge(criterion(), "design", [missing(None, "plugin_error")], RUN)
    assert (verdict.status, verdict.reason) == ("NOT_MEASURED", "plugin_error")


def test_a_metric_nobody_ran() -> None:
    verdict = judge(criterion(), "design", [], RUN)
    assert (verdict.status, verdict.reason) == ("NOT_MEASURED", "metric_not_run")


AT = {"PA2": {"g": {"design": (15.0, "mmag")}, "*": {"design": (22.5, "mmag")}}}


def test_bound_parameters_choose_the_measurement() -> None:
    m = [
        measured(3, 2, 4, at={"PA2": 0.015}, at_units={"PA2": "mag"}),
        measured(9, 8, 10, at={"PA2": 0.010}, at_units={"PA2": "mag"}),
    ]
    verdict = judge(criterion(bands=("g",), at=AT), "design", m, RUN)
    assert (verdict.status, verdict.at) == ("PASS", {"PA2": 0.015})


def test_bound_parameters_may_differ_by_band() -> None:
    m = [measured(3, 2, 4, band="u", at={"PA2": 22.5}, at_units={"PA2": "mmag"})]
    assert judge(criterion(bands=("u",), at=AT), "design", m, RUN).status == "PASS"
    m = [measured(3, 2, 4, band="u", at={"PA2": 15.0}, at_units={"PA2": "mmag"})]
    verdict = judge(criterion(bands=("u",), at=AT), "design", m, RUN)
    assert verdict.reason == "at_not_measured"


@pytest.mark.parametrize("at", [{"PA2": 15.0 * (1 + 1e-8)}, {}, {"PA1": 15.0}])
def test_other_parameters_are_not_measured(at) -> None:
    m = [measured(at=at, at_units=dict.fromkeys(at, "mmag"))]
    verdict = judge(criterion(bands=("g",), at=AT), "design", m, RUN)
    assert (verdict.status, verdict.reason) == ("NOT_MEASURED", "at_not_measured")
    assert "15 mmag" in (verdict.hint or "")


def test_a_level_that_binds_nothing() -> None:
    verdict = judge(criterion(bands=("g",), at=AT), "minimum", [measured()], RUN)
    assert verdict.reason == "at_not_bound"


def test_components_are_all_judged_unless_one_is_named() -> None:
    m = [measured(component="ra"), measured(7, 6, 8, component="dec")]
    assert judge(criterion(bands=("g",)), "design", m, RUN).component == "dec"
    verdict = judge(criterion(bands=("g",), component="ra"), "design", m, RUN)
    assert verdict.status == "PASS"


@pytest.mark.parametrize("role", ["condition", "threshold", "reference", "illustration"])
def test_only_limits_are_judged(role) -> None:
    verdict = one(measured(), role=role)
    assert (verdict.status, verdict.reason) == ("NOT_APPLICABLE", f"role_{role}")


def test_descoped() -> None:
    c = criterion()
    verdict = judge(c, "design", both(), RUN, requirement=requirement(c, status="descoped"))
    assert (verdict.status, verdict.reason) == ("NOT_APPLICABLE", "descoped")


@pytest.mark.parametrize(
    ("method", "kind", "reason"),
    [
        ("test", "value", "nothing_verifies_yet"),
        ("test", "capability", "no_metric"),
        ("inspection", "capability", "record_due"),
        ("demonstration", "value", "record_due"),
    ],
)
def test_without_a_metric_the_reason_says_what_is_due(method, kind, reason) -> None:
    c = criterion(metric=None, kind=kind)
    verdict = judge(c, "design", both(), RUN, requirement=requirement(c, method=method))
    assert (verdict.status, verdict.reason) == ("NOT_MEASURED", reason)


def test_a_level_without_a_limit() -> None:
    verdict = judge(criterion(levels={"design": None}), "design", both(), RUN)
    assert (verdict.status, verdict.reason) == ("NOT_APPLICABLE", "no_limit_at_level")


def test_a_limit_that_is_text() -> None:
    c = criterion(levels={"design": "ugrizy"}, op="includes")
    assert judge(c, "design", both(), RUN).reason == "limit_not_numeric"


def test_capability_with_a_metric_is_shown_by_numbers_in_every_band() -> None:
    c = criterion(kind="capability", levels={"design": None})
    assert judge(c, "design", both(), RUN).status == "PASS"
    some = judge(c, "design", [measured(band="g"), missing("r")], RUN)
    assert (some.status, some.reason, some.band) == ("NOT_MEASURED", "too_few", "r")
    assert judge(c, "design", [measured(band="g")], RUN).reason == "band_missing"
    assert judge(c, "design", [], RUN).reason == "metric_not_run"


def test_the_twin_says_so() -> None:
    assert one(measured(), TWIN).reason == "twin_evidence"
    assert one(measured(6, 5.5, 7), TWIN).status == "FAIL"
    assert one(measured(), TWIN).evidence_level == "catalog-twin"
    assert one(measured(), RUN).reason is None


def test_the_hint_says_how_many_visits() -> None:
    m = measured(4.0, 3.0, 6.0, diagnostics={"n_visits": 3})
    assert "12 visits" in (one(m).hint or "")
    assert "4 times" in (one(measured(4.0, 3.0, 6.0)).hint or "")
    assert "No amount" in (one(measured(5.0, 3.0, 6.0)).hint or "")


def test_several_recipes_at_once_are_refused() -> None:
    with pytest.raises(VerifyError) as caught:
        judge(criterion(), "design", [measured(), measured(recipe="faro")], RUN)
    assert caught.value.code == "mixed_recipes"


def test_unknown_level() -> None:
    with pytest.raises(VerifyError) as caught:
        judge(criterion(), "given", both(), RUN)
    assert caught.value.code == "unknown_level"


def test_evidence_digest_does_not_depend_on_order() -> None:
    m = both()
    a = judge(criterion(), "design", m, RUN)
    b = judge(criterion(), "design", m[::-1], RUN)
    assert a.evidence == b.evidence
    assert a.evidence != judge(criterion(), "design", both(n=7), RUN).evidence


def judged_set(*criteria: Criterion, measurements) -> dict[str, str]:
    by_requirement: dict[str, list[Criterion]] = {}
    for c in criteria:
        by_requirement.setdefault(c.requirement, []).append(c)
    known = {k: requirement(*v, id=k) for k, v in by_requirement.items()}
    everything = RequirementSet({}, known, {c.id: c for c in criteria})
    verdicts = judge_all(everything, measurements, RUN, levels="binding")
    return {v.criterion: v.status for v in verdicts}


def test_joint_criteria_pass_together_or_not_at_all() -> None:
    whole = criterion(id="R/joint", requirement="R", joint=("R/purity",))
    purity = criterion(id="R/purity", requirement="R", metric="p.q.r")
    good = [*both(), *both(metric="p.q.r")]
    assert judged_set(whole, purity, measurements=good)["R/joint"] == "PASS"
    half = [*both(), measured(7, 6, 8, metric="p.q.r"), measured(metric="p.q.r", band="r")]
    assert judged_set(whole, purity, measurements=half)["R/joint"] == "FAIL"
    assert judged_set(whole, purity, measurements=both())["R/joint"] == "NOT_MEASURED"
    assert judged_set(whole, measurements=both())["R/joint"] == "NOT_MEASURED"


def test_status_of_a_requirement_is_that_of_its_binding_level() -> None:
    m = [measured(6, 5.5, 6.5, band) for band in "gr"]
    verdicts = [judge(criterion(), level, m, RUN) for level in ("design", "minimum")]
    assert requirement_status(verdicts) == "FAIL"
    assert requirement_status(verdicts[1:]) == "NOT_MEASURED"
    assert requirement_status([]) == "NOT_MEASURED"


def test_exit_codes() -> None:
    def verdict(status):
        return replace(judge(criterion(), "design", both(), RUN), status=status)

    def code(*statuses):
        return exit_code([verdict(s) for s in statuses])

    assert code("PASS", "PASS") == 0
    assert code("PASS", "NOT_APPLICABLE") == 0
    assert code("PASS", "INCONCLUSIVE", "NOT_MEASURED", "FAIL") == 1
    assert code("PASS", "INCONCLUSIVE") == 2
    assert code("PASS", "INCONCLUSIVE", "NOT_MEASURED") == 3
    assert code() == 3
    assert code("NOT_APPLICABLE") == 3


def test_only_what_was_asked_for_counts() -> None:
    mine = judge(criterion(), "design", both(), RUN)
    other = judge(criterion(metric="x.y.z"), "design", both(), RUN)
    minimum = judge(criterion(), "minimum", both(), RUN)
    assert counted([mine, other, minimum], {"phot.rep.pa1"}) == [mine]
    assert worst([mine, other]) is other
