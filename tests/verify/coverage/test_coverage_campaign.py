"""The coverage campaign: its plan, its counts, its tests, its files."""

import json
from dataclasses import replace

import pytest
from scipy.stats import binom

from skyassay.metrics.contract import Interval, Measurement
from skyassay.metrics.registry import make
from skyassay.requirements_map import load
from skyassay.verify.campaign import simulated_metrics
from skyassay.verify.coverage import judge_campaign, make_plan, run_campaign
from skyassay.verify.coverage.plan import SEEDS, Target, sampler_of
from skyassay.verify.coverage.table import kept_counts, to_certification, to_json, to_markdown
from skyassay.verify.coverage.trial import Counts, _count, run_trials
from skyassay.verify.errors import VerifyError
from skyassay.verify.rule import Limit

PA1 = "photometry.repeatability.pa1"


@pytest.fixture(scope="module")
def requirements():
    return load()


def test_every_metric_of_ours_is_in_the_campaign(requirements) -> None:
    cells = make_plan(simulated_metrics(), requirements)
    assert {c.metric for c in cells} == set(simulated_metrics())
    assert len(simulated_metrics()) >= 18
    one = sampler_of(PA1)
    rows = len(one.sizes) * len(one.shares) + len(one.power_shares)
    assert sum(c.metric == PA1 for c in cells) == rows == 11


def test_targets_are_the_binding_limits(requirements) -> None:
    cell = make_plan(["photometry.repeatability.pf1"], requirements)[0]
    by_band = {t.band: (t.rule.value, t.parameter, t.at) for t in cell.targets}
    assert {t.truth for t in cell.targets} == {10.5}
    assert by_band["g"] == (10.0, "PA2", 15.0)
    assert by_band["u"] == (10.0, "PA2", 22.5)
    assert set(by_band) == set("ugrizy")


def test_a_metric_without_a_limit_cannot_be_certified(requirements) -> None:
    with pytest.raises(VerifyError) as error:
        make_plan(["photometry.no.such"], requirements)
    assert error.value.code == "nothing_to_certify"


def test_counts_are_the_same_for_any_number_of_workers(requirements) -> None:
    cell = make_plan([PA1], requirements)[0]
    one = run_campaign([cell], 12)
    two = run_campaign([cell], 12, workers=2)
    assert one == two
    assert one[cell].trials == 12 * 6


@pytest.mark.parametrize("metric", simulated_metrics())
def test_every_metric_is_measured_in_every_trial(metric, requirements) -> None:
    cell = make_plan([metric], requirements)[0]
    counts = run_trials(cell, [0])
    assert counts.trials > 0
    assert counts.not_measured == 0


TARGET = Target("r", Limit("<=", 5.0), 5.25, None, None)


def measurement(low: float, high: float, upper: float) -> Measurement:
    interval = Interval(low, high, 0.95, "test", lower=low, upper=upper)
    return Measurement(PA1, "mmag", "srd", "0", "MEASURED", 5.0, interval)


def test_one_trial_is_counted_right() -> None:
    assert _count(measurement(4.0, 6.0, 5.5), TARGET) == Counts(trials=1)
    assert _count(measurement(4.0, 5.0, 4.9), TARGET) == Counts(trials=1, below=1, passed=1)
    assert _count(measurement(5.5, 7.0, 6.5), TARGET) == Counts(trials=1, above=1)
    # an interval that the certification file does not know yet is judged by its numbers
    uncertified = measurement(4.0, 5.0, 4.9)
    uncertified = replace(uncertified, interval=replace(uncertified.interval, certified=False))
    assert _count(uncertified, TARGET).passed == 1


def outcome_of(requirements, counts: Counts, power: Counts):
    cells = make_plan([PA1], requirements)
    return judge_campaign({c: counts if c.place == "beyond" else power for c in cells}, SEEDS)


GOOD = Counts(trials=2400, below=60, above=60, passed=60)
POWER = Counts(trials=2400, below=60, above=60, passed=2400)


@pytest.mark.parametrize(
    ("counts", "problem"),
    [
        (GOOD, None),
        (replace(GOOD, above=200), "covers too little"),
        (replace(GOOD, below=0, above=10), "covers too much"),
        (replace(GOOD, passed=200), "passes beyond the limit"),
        (replace(GOOD, not_measured=13), "not measured"),
        (replace(GOOD, not_measured=12), None),
    ],
)
def test_what_is_marked(requirements, counts, problem) -> None:
    found = outcome_of(requirements, counts, POWER).problems[PA1]
    assert found is None if problem is None else problem in found


def test_no_power_is_marked(requirements) -> None:
    weak = replace(POWER, passed=1000)
    assert "well inside the limit" in str(outcome_of(requirements, GOOD, weak).problems[PA1])


def test_p_values_are_exact(requirements) -> None:
    row = outcome_of(requirements, GOOD, POWER).rows[0]
    assert row.coverage == pytest.approx(0.95)
    assert row.p_low == pytest.approx(binom.cdf(2280, 2400, 0.93))
    assert row.p_high == pytest.approx(binom.sf(2279, 2400, 0.97))
    assert row.p_accept == pytest.approx(binom.sf(59, 2400, 0.05))


def test_the_files(requirements) -> None:
    outcome = outcome_of(requirements, replace(GOOD, passed=200), POWER)
    written = json.loads(to_certification(outcome))
    assert written["metrics"][PA1]["certified"] is False
    assert written["metrics"][PA1]["recipe_hash"] == make(PA1).recipe.hash
    assert len(json.loads(to_json(outcome))["rows"]) == len(outcome.rows)
    table = to_markdown(outcome)
    assert "0 of 1 metrics certified" in table
    assert table.count("passes beyond the limit") >= 2
    assert {r.cell.place for r in outcome.rows} == {"beyond", "inside"}


def test_rows_of_another_campaign_stay(requirements) -> None:
    outcome = outcome_of(requirements, GOOD, POWER)
    kept = kept_counts(to_json(outcome), SEEDS, set())
    assert [replace(r.cell, targets=()) for r in outcome.rows] == list(kept)
    assert list(kept.values()) == [r.counts for r in outcome.rows]
    assert kept_counts(to_json(outcome), SEEDS, {PA1}) == {}
    for text, seeds in ((to_json(outcome), 3), ("{", SEEDS), ("{}", SEEDS)):
        with pytest.raises(VerifyError) as error:
            kept_counts(text, seeds, set())
        assert error.value.code == "bad_campaign"


def test_known_caution_is_not_held_against_a_metric(requirements) -> None:
    cells = [replace(c, conservative="counts") for c in make_plan([PA1], requirements)]
    counts = {
        c: replace(GOOD, below=0, above=10, passed=60 if c.place == "beyond" else 2400)
        for c in cells
    }
    assert judge_campaign(counts, SEEDS).problems[PA1] is None
