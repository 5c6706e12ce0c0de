"""Data that a requirement is not about: NOT_APPLICABLE, but only where nothing is in scope."""

from __future__ import annotations

from dataclasses import replace

import pytest

from skyassay.metrics.contract import Interval, Measurement
from skyassay.requirements_map import load
from skyassay.verify.records import Run
from skyassay.verify.verdict import judge

RUN = Run("r", "test data", "real", "2030-01-01T00:00:00Z")
CRITERION = replace(
    load().criteria["LPM-17.PA1/gri"], bands=("g", "r"), at={}, metric="phot.rep.pa1"
)


def measurement(band: str, reason: str | None = None) -> Measurement:
    made = None if reason else Interval(3.0, 4.5, 0.95, "test", 3.2, 4.2)
    status = "NOT_MEASURED" if reason else "MEASURED"
    value = None if reason else 4.0
    return Measurement(
        "phot.rep.pa1", "mmag", "srd", "h", status, value, made, band=band, reason=reason, n=9
    )


def test_nothing_in_scope_is_not_applicable() -> None:
    out = [measurement(b, "out_of_scope_area") for b in "gr"]
    verdict = judge(CRITERION, "design", out, RUN)
    assert (verdict.status, verdict.reason) == ("NOT_APPLICABLE", "out_of_scope_area")


def test_one_band_out_of_scope_never_leaves_a_pass() -> None:
    some = [measurement("g"), measurement("r", "out_of_scope_seeing")]
    verdict = judge(CRITERION, "design", some, RUN)
    assert (verdict.status, verdict.reason) == ("NOT_MEASURED", "out_of_scope_seeing")
    assert judge(CRITERION, "design", [measurement(b) for b in "gr"], RUN).status == "PASS"


def test_any_other_reason_is_not_measured() -> None:
    lost = [measurement(b, "too_few_stars") for b in "gr"]
    assert judge(CRITERION, "design", lost, RUN).status == "NOT_MEASURED"


@pytest.mark.parametrize("name", ["LPM-17.PA6/value", "DMS-REQ-0359/PA6"])
def test_a_tie_to_the_ab_scale_in_one_band_is_not_passed(name: str) -> None:
    criterion = load().criteria[name]
    one = Measurement(
        "photometry.zero_point.pa6", "mmag", "srd", "0", "MEASURED", 0.5,
        interval=Interval(0.0, 1.0, 0.95, "made up", 0.1, 0.9), band="r",
    )  # fmt: skip
    verdict = judge(criterion, criterion.binding_level, [one], RUN)
    assert verdict.status == "NOT_MEASURED"
    assert {p.band: p.status for p in verdict.parts} == {
        b: "PASS" if b == "r" else "NOT_MEASURED" for b in "ugrizy"
    }
