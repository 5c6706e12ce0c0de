"""The gate's answers, each with its exit code."""

from __future__ import annotations

import dataclasses
import random

import pytest

from skyassay.verify.errors import VerifyError
from skyassay.verify.gate import Settings, decide, to_json
from skyassay.verify.gate.margin import MarginRule


def entry(report, metric, band="r", question="regression"):
    return next(
        e
        for e in report.entries
        if e.key.metric == metric and e.key.band == band and e.question == question
    )


def test_identical_runs_pass_as_identical_without_statistics(make):
    report = decide([make.run(make.STANDARD)], [make.run(make.STANDARD)])
    assert (report.status, report.exit_code) == ("PASS", 0)
    regression = [e for e in report.entries if e.question == "regression"]
    assert len(regression) == len(make.STANDARD)
    assert {(e.status, e.code) for e in regression} == {("PASS", "identical")}
    assert all(e.p_worse is None and "no statistics" in e.method for e in regression)


def test_five_percent_loss_on_one_pair_fails_and_says_it_is_no_statistics(make):
    head = make.run(make.scaled(make.STANDARD, 1.05))
    report = decide([make.run(make.STANDARD)], [head])
    assert (report.status, report.exit_code) == ("FAIL", 1)
    found = entry(report, make.PA1)
    assert found.status == "FAIL"
    assert "no sampling noise" in found.method
    assert found.requirements == ("DMS-REQ-0359/PA1gri", "LPM-17.PA1/gri")
    assert found.change == pytest.approx(0.04879016, rel=1e-6)
    assert "5 % worse" in found.message


def test_one_percent_is_inside_the_margin(make):
    report = decide([make.run(make.STANDARD)], [make.run(make.scaled(make.STANDARD, 1.01))])
    assert report.exit_code == 0
    assert entry(report, make.PA1).code == "within_margin"


@pytest.mark.parametrize("factor", [0.5, 0.95])
def test_an_improvement_passes(make, factor):
    report = decide([make.run(make.STANDARD)], [make.run(make.scaled(make.STANDARD, factor))])
    assert report.exit_code == 0


def test_a_missing_metric_is_an_error(make):
    report = decide([make.run(make.STANDARD)], [make.run(make.STANDARD[:-1])])
    assert report.exit_code == 3
    assert entry(report, make.PF1).code == "disappeared"
    assert report.entries[0].status == "ERROR"


def test_a_metric_missing_for_one_seed_is_an_error_and_has_no_head_value(make):
    base = [make.run(make.STANDARD, s) for s in range(5)]
    head = [make.run(make.STANDARD[: -1 if s == 3 else None], s) for s in range(5)]
    report = decide(base, head)
    assert report.exit_code == 3
    found = entry(report, make.PF1)
    assert (found.code, found.base, found.head) == ("disappeared", 4.0, None)
    assert "(seed 3)" in found.message


def test_a_missing_band_is_an_error(make):
    report = decide([make.run(make.STANDARD)], [make.run(make.STANDARD[1:])])
    assert report.exit_code == 3
    assert entry(report, make.PA1, "g").code == "disappeared"


def test_what_can_no_longer_be_measured_is_an_error_with_its_reason(make):
    lost = make.measurement(
        make.PF1, value=None, status="NOT_MEASURED", reason="too_few_stars", interval=None
    )
    head = make.run([*make.STANDARD[:-1], lost])
    report = decide([make.run(make.STANDARD)], [head])
    assert report.exit_code == 3
    assert "too_few_stars" in entry(report, make.PF1).message
    assert entry(report, make.PF1, question="requirement").code == "no_longer_measured"


def test_what_neither_side_measured_is_reported_not_passed(make):
    lost = make.measurement(
        make.PF1, value=None, status="NOT_MEASURED", reason="too_few_stars", interval=None
    )
    run = make.run([*make.STANDARD[:-1], lost])
    report = decide([run], [run])
    assert report.exit_code == 0
    assert entry(report, make.PF1).status == "REPORTED"


def test_when_nothing_was_measured_nothing_passes(make):
    lost = make.measurement(value=None, status="NOT_MEASURED", reason="empty", interval=None)
    report = decide([make.run([lost])], [make.run([lost])])
    assert report.exit_code == 3
    assert decide([make.run([])], [make.run([])]).exit_code == 3
    assert decide([], []).exit_code == 3


@pytest.mark.parametrize(
    ("fields", "code"),
    [({"unit": "mag"}, "unit_changed"), ({"recipe_hash": "b" * 16}, "recipe_changed")],
)
def test_another_unit_or_recipe_is_an_error(make, fields, code):
    base, head = [make.measurement()], [make.measurement(**fields)]
    report = decide([make.run(base)], [make.run(head)])
    assert report.exit_code == 3
    assert entry(report, make.PA1).code == code


def test_a_new_metric_is_reported_and_does_not_fail(make):
    report = decide([make.run(make.STANDARD[:-1])], [make.run(make.STANDARD)])
    assert report.exit_code == 0
    assert (entry(report, make.PF1).status, entry(report, make.PF1).code) == ("REPORTED", "new")


def test_a_metric_without_requirement_is_shown_and_not_judged(make):
    base = [*make.STANDARD, make.measurement("my.own.metric", value=1.0)]
    head = [*make.STANDARD, make.measurement("my.own.metric", value=9.0)]
    report = decide([make.run(base)], [make.run(head)])
    assert report.exit_code == 0
    assert entry(report, "my.own.metric").code == "diagnostic"
    assert entry(report, "my.own.metric").change == 8.0


def test_a_failed_requirement_fails_although_nothing_changed(make):
    run = make.run([make.measurement(value=20.0)])
    assert decide([run], [run]).exit_code == 1
    known = decide([run], [run], Settings(known_failures="report"))
    assert known.exit_code == 0
    found = entry(known, make.PA1, question="requirement")
    assert (found.status, found.code) == ("REPORTED", "known_failure")
    good = make.run([make.measurement(value=3.0)])
    assert decide([good], [run], Settings(known_failures="report")).exit_code == 1


def test_a_pass_that_is_no_longer_decided_is_inconclusive(make):
    rule = MarginRule(overrides={make.PA1: 10.0})
    base, head = make.run([make.measurement(value=3.0)]), make.run([make.measurement(value=5.0)])
    report = decide([base], [head], Settings(margin=rule))
    assert (report.status, report.exit_code) == ("INCONCLUSIVE", 2)


@pytest.mark.parametrize(
    ("head", "code"),
    [
        ({"seed": 2}, "unpaired_run"),
        ({"seed": None, "inputs": {}}, "unknown_data"),
        ({"provenance": {"simulator_version": "2"}}, "provenance_mismatch"),
        ({"evidence_level": "real"}, "provenance_mismatch"),
        ({"inputs": {"source": {"sha256": "0"}}}, "provenance_mismatch"),
    ],
)
def test_runs_that_cannot_be_paired_are_an_error(make, head, code):
    base = make.run(make.STANDARD, provenance={"simulator_version": "1"})
    fields = {"provenance": {"simulator_version": "1"}} | head
    report = decide([base], [make.run(make.STANDARD, **fields)])
    assert report.exit_code == 3
    assert code in {e.code for e in report.entries}


def test_runs_without_seed_pair_by_their_data(make):
    data = {"matched_source": {"sha256": "f" * 64}}
    base = make.run(make.STANDARD, seed=None, run_id="a", inputs=data)
    head = make.run(make.scaled(make.STANDARD, 1.05), seed=None, run_id="b", inputs=data)
    report = decide([base], [head])
    assert report.exit_code == 1
    assert report.pairs[0].same_data


def test_the_caller_can_vouch_for_a_pair(make):
    base = make.run(make.STANDARD, seed=None, inputs={})
    head = make.run(make.scaled(make.STANDARD, 1.05), seed=None, inputs={})
    assert decide([base], [head]).exit_code == 3
    assert decide([base], [head], Settings(pair="given")).exit_code == 1
    assert decide([base, base], [head], Settings(pair="given")).exit_code == 3


def test_two_runs_of_one_seed_that_differ_are_ambiguous(make):
    other = make.run(make.scaled(make.STANDARD, 1.001), run_id="again")
    report = decide([make.run(make.STANDARD), other], [make.run(make.STANDARD)])
    assert report.exit_code == 3
    same = make.run(make.STANDARD, run_id="again")
    assert decide([make.run(make.STANDARD), same], [make.run(make.STANDARD)]).exit_code == 0


def test_any_order_of_inputs_gives_the_same_bytes(make):
    seeds = range(1, 7)
    noise = random.Random(4)  # noqa: S311
    factors = {(side, seed): noise.gauss(1.0, 0.02) for side in "bh" for seed in seeds}
    base = [make.run(make.scaled(make.STANDARD, factors["b", s]), s, f"b{s}") for s in seeds]
    head = [make.run(make.scaled(make.STANDARD, factors["h", s]), s, f"h{s}") for s in seeds]
    first = to_json(decide(base, head))

    def shuffled(runs):
        runs = [
            dataclasses.replace(
                run,
                observations=tuple(noise.sample(run.observations, len(run.observations))),
                verdicts=tuple(noise.sample(run.verdicts, len(run.verdicts))),
            )
            for run in runs
        ]
        noise.shuffle(runs)
        return runs

    for _ in range(5):
        assert to_json(decide(shuffled(base), shuffled(head))) == first


def test_worst_answer_wins(make):
    head = [make.measurement(make.PA1, "g", 3.6), make.measurement(make.AM1, "r", 5.0)]
    report = decide([make.run(make.STANDARD)], [make.run(head)])
    assert {"ERROR", "FAIL", "PASS"} <= {e.status for e in report.entries}
    assert report.exit_code == 3
    order = ["ERROR", "FAIL", "INCONCLUSIVE", "PASS", "REPORTED"]
    ranks = [order.index(e.status) for e in report.entries]
    assert ranks == sorted(ranks)


@pytest.mark.parametrize(
    "bad",
    [
        {"alpha": 0.0},
        {"alpha": float("nan")},
        {"looks": 0},
        {"question": "x"},
        {"known_failures": "x"},
    ],
)
def test_settings_that_make_no_sense_are_wrong_usage(bad):
    with pytest.raises(VerifyError) as error:
        Settings(**bad)
    assert error.value.exit_code == 4


def test_a_margin_for_a_metric_nobody_measured_is_wrong_usage(make):
    settings = Settings(margin=MarginRule(overrides={"photometry.repeatability.pa11": 1.0}))
    with pytest.raises(VerifyError) as error:
        decide([make.run(make.STANDARD)], [make.run(make.STANDARD)], settings)
    assert (error.value.code, error.value.exit_code) == ("unknown_metric", 4)
