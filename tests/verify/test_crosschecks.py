"""Laws between metrics: silent when they hold, reported by name when they do not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyassay.metrics.contract import Measurement
from skyassay.verify.crosschecks import PAIRS, cross_check
from skyassay.verify.records import Verdict

PF1, PA2 = "photometry.repeatability.pf1", "photometry.repeatability.pa2"


def measured(metric: str, value: float, unit: str, **changes) -> Measurement:
    fields = {"recipe": "srd", "recipe_hash": "h", "status": "MEASURED", "band": "r", "n": 1000}
    return Measurement(metric=metric, value=value, unit=unit, **{**fields, **changes})


def pf1(value: float, at: float, **changes) -> Measurement:
    return measured(PF1, value, "%", at={"PA2": at}, at_units={"PA2": "mmag"}, **changes)


def pa2(value: float, at: float, **changes) -> Measurement:
    return measured(PA2, value, "mmag", at={"PF1": at}, at_units={"PF1": "%"}, **changes)


def codes(*measurements: Measurement) -> list[str]:
    return [f.code for f in cross_check(measurements, [])]


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 300), st.floats(0.1, 99), st.floats(0.01, 3))
def test_the_law_holds_for_any_deviations(seed, n, percent, limit) -> None:
    off = np.abs(np.random.default_rng(seed).normal(size=n))
    ordered = np.sort(off)[::-1]
    reach = float(ordered[min(int(np.floor(percent / 100 * n + 1e-9)), n - 1)])
    beyond = 100.0 * float((off > limit).mean())
    assert codes(pf1(beyond, limit), pa2(reach, percent)) == []


def test_a_broken_law_is_named() -> None:
    assert codes(pf1(8.0, 15.0), pa2(14.0, 10.0)) == []
    assert codes(pf1(12.0, 15.0), pa2(16.0, 10.0)) == []
    (finding,) = cross_check([pf1(8.0, 15.0), pa2(16.0, 10.0)], [])
    assert (finding.code, finding.severity) == ("fraction_limit_disagree", "error")
    assert (finding.metric, finding.band) == (PF1, "r")
    assert codes(pf1(12.0, 15.0), pa2(14.0, 10.0)) == ["fraction_limit_disagree"]


def test_units_are_honoured() -> None:
    thousandth = replace(pa2(0.014, 0.1), unit="mag", at_units={"PF1": ""})
    assert codes(pf1(8.0, 15.0), thousandth) == []
    assert codes(pf1(12.0, 15.0), thousandth) == ["fraction_limit_disagree"]


def test_on_the_limit_rounding_may_fall_either_way() -> None:
    assert codes(pf1(10.0 * (1 + 1e-12), 15.0), pa2(15.0 * (1 - 1e-12), 10.0)) == []


@pytest.mark.parametrize(
    "changes", [{"band": "i"}, {"recipe": "faro"}, {"component": "ra"}, {"data_id": {"tract": 1}}]
)
def test_only_what_belongs_together_is_compared(changes) -> None:
    assert codes(pf1(8.0, 15.0), pa2(16.0, 10.0, **changes)) == []


def test_a_peer_interpolates_and_is_only_warned_about() -> None:
    peer = {"recipe": "faro", "n": 24}
    assert codes(pf1(11.1, 15.0, **peer), pa2(14.9, 10.0, **peer)) == []
    (finding,) = cross_check([pf1(30.0, 15.0, **peer), pa2(12.0, 10.0, **peer)], [])
    assert finding.severity == "warning"


def verdict(metric: str, status: str, limit: float, at: dict) -> Verdict:
    part = Verdict(
        requirement="R", criterion=f"R/{metric}", level="design", binding=True, status=status,
        value=1.0, low=None, high=None, lower=None, upper=None, confidence=None, method=None,
        op="<=", limit=limit, unit="", margin_sigma=None, margin_percent=None,
        population="process", subject="", evidence_level="real", reason=None, metric=metric,
        recipe="srd", band="r", at=at,
    )  # fmt: skip
    return replace(part, parts=(part,))


def test_verdicts_that_contradict_each_other() -> None:
    a = verdict(PF1, "PASS", 10.0, {"PA2": 15.0})
    b = verdict(PA2, "FAIL", 15.0, {"PF1": 10.0})
    assert [f.code for f in cross_check([], [a, b])] == ["verdicts_contradict"]
    undecided = verdict(PA2, "INCONCLUSIVE", 15.0, {"PF1": 10.0})
    assert cross_check([], [a, undecided]) == []
    elsewhere = verdict(PA2, "FAIL", 22.5, {"PF1": 10.0})
    assert cross_check([], [a, elsewhere]) == []


def relative(x: str, value: float, unit: str, **at: float) -> Measurement:
    units = {name: "%" if name.startswith("AF") else "mas" for name in at}
    return measured(f"astrometry.relative.{x}", value, unit, at=at, at_units=units)


def test_tails_are_compared_with_the_scatter() -> None:
    am = relative("am1", 10.0, "mas")
    # Gaussian: 4.55 % beyond two sigma, 10 % beyond 1.645 sigma
    assert codes(am, relative("af1", 4.55, "%", AD1=20.0)) == []
    assert codes(am, relative("ad1", 16.45, "mas", AF1=10.0)) == []
    assert codes(am, relative("af1", 40.0, "%", AD1=20.0)) == ["tail_not_gaussian"]
    assert codes(am, relative("ad1", 60.0, "mas", AF1=10.0)) == ["tail_not_gaussian"]
    assert codes(relative("am2", 1.0, "mas"), relative("ad1", 60.0, "mas", AF1=10.0)) == []


def test_a_few_outliers_say_nothing_about_a_tail() -> None:
    am = relative("am1", 10.0, "mas")
    assert codes(am, relative("af1", 0.0, "%", AD1=20.0)) == []
    assert codes(am, relative("af1", 0.5, "%", AD1=60.0)) == []  # 5 of 1000


def test_every_pair_names_both_ends() -> None:
    assert len(PAIRS) == 7
    for fraction, x, limit, p in PAIRS:
        assert fraction.rsplit(".", 1)[1].upper().startswith(p)
        assert limit.rsplit(".", 1)[1].upper().startswith(x)


@pytest.mark.parametrize(("said", "codes_"), [(5.0, []), (2.0, ["scatter_not_its_error_model"])])
def test_pa1_is_held_against_its_error_model(said, codes_) -> None:
    pa1 = measured("photometry.repeatability.pa1", 4.5, "mmag")
    model = measured(
        "photometry.error_model.systematic", 3.0, "mmag", diagnostics={"pa1_model": said}
    )
    assert codes(pa1, model) == codes_
    assert codes(pa1, replace(model, diagnostics={"pa1_model": None})) == []
