"""Depth of stacks: known sums, any order, nothing from nothing."""

import numpy as np
import pytest

from skyassay.metrics.registry import make
from skyassay.metrics.survey.sky import SKY_DEG2

ID = "survey.coverage.coadd_depth"
N = 120_000


@pytest.fixture(scope="module")
def belt():
    rng = np.random.default_rng(3)
    sine = rng.uniform(-np.sin(np.radians(65.0)), 0.0, N)
    return {
        "visit": rng.permutation(N),
        "ra": rng.uniform(0, 360, N),
        "dec": np.degrees(np.arcsin(sine)),
        "band": np.array(list("ugrizy"))[np.arange(N) % 6],
        "expMidptMJD": 61000.0 + rng.permutation(N) * 3652.0 / N,
        "expTime": np.full(N, 30.0),
        "isSpecialProgram": np.zeros(N, bool),
        "magLim": np.full(N, 24.5),
    }


def finish(tables):
    m = make(ID)
    state = m.zero()
    for t in tables:
        state = m.merge(state, m.fold({"visit_table": t}))
    return {r.band: r for r in m.finish(state, {})}, state


def test_equal_visits_gain_by_the_root_of_their_number(belt):
    found, _ = finish([belt])
    number = N / 6 * 9.6 / (SKY_DEG2 / 2 * np.sin(np.radians(65.0)))
    assert set(found) == set("ugrizy")
    for m in found.values():
        assert m.value == pytest.approx(24.5 + 1.25 * np.log10(number), abs=0.06)
        assert m.interval is None


def test_depths_stay_with_their_visits_and_the_order_does_not_matter(belt):
    deep = np.where(belt["band"] == "r", 25.5, 24.5)
    table = {**belt, "magLim": np.where(belt["visit"] % 7 == 0, np.nan, deep)}
    order = np.random.default_rng(1).permutation(N)
    parts = [{k: v[order[i::5]] for k, v in table.items()} for i in range(5)]
    whole, one = finish([table])
    _, many = finish(parts)
    assert one.to_bytes() == many.to_bytes()
    assert whole["r"].value - whole["g"].value == pytest.approx(1.0, abs=0.06)
    assert whole["r"].n_rejected == (belt["visit"] % 7 == 0).sum()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda t: {k: v[:0] for k, v in t.items()}, "no_visits"),
        (lambda t: {**t, "magLim": np.full(N, np.nan)}, "no_visits"),
        (lambda t: {**t, "isSpecialProgram": np.ones(N, bool)}, "no_visits"),
        (lambda t: {**t, "expMidptMJD": t["expMidptMJD"] / 100.0}, "out_of_scope_years"),
        (lambda t: {**t, "expMidptMJD": t["expMidptMJD"] * 3.0}, "out_of_scope_years"),
        (lambda t: {**t, "dec": np.full(N, -89.0)}, "band_not_observed"),
    ],
)
def test_what_is_no_survey_has_no_depth(belt, change, reason):
    found, _ = finish([change(belt)])
    assert {m.reason for m in found.values()} == {reason}
