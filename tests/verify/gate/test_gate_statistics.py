"""Holm and the paired t-test by hand, and the gate's own false alarms and recall."""

from __future__ import annotations

import math

import numpy as np
import pytest

from skyassay.verify.gate import decide
from skyassay.verify.gate.bounds import Bound
from skyassay.verify.gate.margin import MarginRule, margin_for, on_log_scale
from skyassay.verify.gate.paired import paired_test, pairs_needed, sign_flip_p, worsening
from skyassay.verify.holm import holm

LIMIT = Bound("X/a", "design", "<=", 5.0, "mmag")


def test_holm_by_hand():
    # 0.01 against 0.05/4, 0.02 against 0.05/3 is kept, and with it everything behind.
    results = holm([0.04, 0.01, 0.03, 0.02], 0.05)
    assert [r.rejected for r in results] == [False, True, False, False]
    assert [r.adjusted for r in results] == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert results[1].level == pytest.approx(0.0125)
    assert results[3].level == pytest.approx(0.05 / 3)
    # The limit of one behind the first kept is drawn where the procedure stopped.
    assert results[0].level == pytest.approx(0.05 / 3)
    assert [r.rejected for r in holm([0.01, 0.016, 0.024, 0.05], 0.05)] == [True] * 4
    assert holm([], 0.05) == []


def test_paired_t_by_hand():
    # mean 2, standard deviation 1, n 4: error 0.5, t = (2 - 1) / 0.5 = 2 with 3 degrees.
    test = paired_test([1.0, 1.0 + 1.0, 2.0, 3.0], 1.0)
    assert test.mean == 2.0
    assert test.error == pytest.approx(math.sqrt(2 / 3) / 2)
    t = 1.0 / test.error
    # Survival of Student's t with 3 degrees of freedom, in closed form.
    x = t / math.sqrt(3)
    survival = 0.5 - (x / (1 + x * x) + math.atan(x)) / math.pi
    assert test.p_worse == pytest.approx(survival, rel=1e-9)
    assert test.p_within == pytest.approx(1 - survival, rel=1e-9)


def test_limits_agree_with_p_values():
    test = paired_test([0.9, 1.2, 1.4, 2.0, 1.7], 0.4)
    lower, _ = test.limits(test.p_worse, 0.05)
    assert lower == pytest.approx(0.4)
    again = paired_test([0.9, 1.2, 1.4, 2.0, 1.7], 3.0)
    _, upper = again.limits(0.05, again.p_within)
    assert upper == pytest.approx(3.0)


def test_every_seed_moved_alike_needs_no_t():
    assert paired_test([0.5] * 4, 0.4).p_worse == 0.0
    assert paired_test([0.5] * 4, 0.6).p_within == 0.0
    test = paired_test([0.5] * 4, 0.5)
    assert (test.p_worse, test.p_within) == (1.0, 1.0)


def test_sign_flip_is_exact():
    assert sign_flip_p([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], 0.0) == pytest.approx(2**-8)
    assert sign_flip_p([1.0, 2.0], 0.0) == pytest.approx(0.25)
    assert sign_flip_p([1.0] * 13, 0.0) is None


def test_worsening_points_the_right_way():
    assert worsening([2.0], [4.0], sign=1, logarithmic=True) == pytest.approx([math.log(2)])
    assert worsening([2.0], [4.0], sign=-1, logarithmic=True) == pytest.approx([-math.log(2)])
    assert worsening([0.0], [-3.0], sign=-1, logarithmic=False) == [3.0]


def test_pairs_needed_is_enough_and_not_one_too_many():
    noise = np.random.default_rng(1).normal(0.03, 0.02, 4)
    test = paired_test(list(noise), 0.02)
    needed = pairs_needed(test, 0.02, 0.01)
    assert needed is not None and needed > 4
    assert pairs_needed(paired_test([0.02, 0.02, 0.03, 0.01], 0.02), 0.02, 0.01) is None


@pytest.mark.parametrize(
    ("base", "logarithmic", "margin"),
    [
        (4.9, True, 0.098),  # 2 % of the base: the limit is near
        (4.0, True, 0.1),  # a tenth of the distance, which is 2.5 % of the base
        (1.0, True, 0.025),  # capped
        (1.0, False, 0.4),  # a fraction is not capped
        (6.0, True, 0.12),  # outside the limit there is no headroom
    ],
)
def test_margin(base, logarithmic, margin):
    found = margin_for(MarginRule(), "m", base, [LIMIT], logarithmic=logarithmic)
    assert found.value == pytest.approx(margin)


def test_margin_can_be_set_for_a_metric():
    rule = MarginRule(overrides={"m": 0.7})
    assert margin_for(rule, "m", 1.0, [LIMIT], logarithmic=True).value == 0.7


def test_margin_on_the_log_scale():
    assert on_log_scale(0.1, 2.0, 1) == pytest.approx(math.log(2.1 / 2.0))
    assert on_log_scale(0.1, 2.0, -1) == pytest.approx(-math.log(1.9 / 2.0))
    assert on_log_scale(3.0, 2.0, -1) == math.inf


def simulate(make, rng, shift, seeds=8, metrics=6):
    """Base and head runs: 5 % between seeds, 0.5 % between base and head of a seed."""
    bands = "griz"
    names = [(make.PA1, b) for b in bands] + [(make.AM1, "r"), (make.AM1, "i")]
    base, head = [], []
    for seed in range(seeds):
        field = rng.normal(1.0, 0.05, metrics)
        old = 3.0 * field * rng.normal(1.0, 0.005, metrics)
        new = 3.0 * field * rng.normal(1.0, 0.005, metrics) * (1.0 + shift)
        for side, values in ((base, old), (head, new)):
            named = zip(names, values, strict=True)
            items = [make.measurement(m, b, float(v)) for (m, b), v in named]
            side.append(make.run(items, seed, judged=seed == 0))
    return base, head


def test_false_alarms_of_200_pull_requests(make):
    rng = np.random.default_rng(20270101)
    alarms = sum(decide(*simulate(make, rng, 0.0)).exit_code != 0 for _ in range(200))
    assert alarms <= 3


def test_five_percent_is_always_found_with_eight_seeds(make):
    rng = np.random.default_rng(7)
    assert {decide(*simulate(make, rng, 0.05)).exit_code for _ in range(50)} == {1}


def test_a_change_as_large_as_the_margin_is_not_decided(make):
    rng = np.random.default_rng(11)
    reports = [decide(*simulate(make, rng, 0.0225)) for _ in range(20)]
    entries = [e for r in reports for e in r.entries if e.question == "regression"]
    undecided = [e for e in entries if e.status == "INCONCLUSIVE"]
    assert len(undecided) > 0.5 * len(entries)
    assert any("seeds would decide" in e.message for e in undecided)
    assert all(e.lower <= e.limit_margin <= e.upper for e in undecided)


def test_p_values_of_equal_runs_are_uniform():
    from scipy.stats import kstest

    rng = np.random.default_rng(5)
    p = [paired_test(list(rng.normal(0.02, 0.01, 8)), 0.02).p_worse for _ in range(500)]
    assert kstest(p, "uniform").pvalue > 0.001
