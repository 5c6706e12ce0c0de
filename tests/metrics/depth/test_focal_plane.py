"""Depth over the focal plane: detectors against the others of their visit."""

from __future__ import annotations

import numpy as np
import pytest

from skyassay.metrics.contract import state_digest
from skyassay.metrics.depth.focal_plane import median_of_others, scale_of_others
from skyassay.metrics.registry import make

DF2, Z2 = "depth.focal_plane.df2", "depth.focal_plane.z2"


def rows(loss, night=None):
    """A table of visits (rows) by detectors (columns) that lose so much depth."""
    loss = np.atleast_2d(np.asarray(loss, dtype=float))
    visits, detectors = loss.shape
    day = np.arange(visits) if night is None else np.asarray(night)
    return {
        "visit": np.repeat(np.arange(visits), detectors),
        "detector": np.tile(np.arange(detectors), visits),
        "band": np.full(loss.size, "i"),
        "expMidptMJD": np.repeat(61000.1 + day + 0.001 * np.arange(visits), detectors),
        "magLim": (24.0 - loss).ravel(),
    }


def measure(name, table, at=None):
    metric = make(name)
    return metric.finish(metric.fold({"visit_detector_table": table}), at or {})[0]


def test_median_of_the_others_is_that_of_every_other_row():
    draw = np.random.default_rng(5)
    visit = draw.integers(0, 12, 60)
    depth = draw.normal(size=60)
    usable = draw.random(60) < 0.9
    found, number = median_of_others(visit, depth, usable)
    for i in np.flatnonzero(usable):
        others = np.delete(np.arange(60), i)
        others = others[(visit[others] == visit[i]) & usable[others]]
        assert number[i] == len(others) + 1
        if len(others):
            assert found[i] == pytest.approx(np.median(depth[others]), abs=1e-12)
    assert np.isnan(found[~usable]).all()


@pytest.mark.parametrize("number", [5, 9, 21])
def test_losses_have_the_scatter_of_the_population(number):
    depth = np.random.default_rng(number).normal(size=(30_000, number))
    visit = np.repeat(np.arange(30_000), number)
    median, count = median_of_others(visit, depth.ravel(), np.ones(depth.size, dtype=bool))
    loss = (median - depth.ravel()) * scale_of_others(count)
    assert np.std(loss) == pytest.approx(1.0, abs=0.012)


def test_a_shallow_detector_is_counted_in_every_visit():
    loss = 0.01 * np.random.default_rng(0).normal(size=(40, 9))
    loss[:, 4] += 0.5
    found = measure(DF2, rows(loss), {"Z2": {"i": (0.2,)}})
    assert found.value == pytest.approx(100.0 / 9.0)
    assert found.diagnostics["budget_detector"] > 0.95
    assert measure(Z2, rows(loss), {"DF2": {"i": (15.0,)}}).value < 0.05
    assert measure(Z2, rows(loss), {"DF2": {"i": (5.0,)}}).value > 0.4


def test_a_visit_with_few_detectors_does_not_count():
    assert measure(DF2, rows(np.zeros((5, 4)))).reason == "too_few_detectors"
    good = rows(0.01 * np.random.default_rng(1).normal(size=(2, 9)))
    assert measure(DF2, good).reason == "too_few_visits"
    one_night = rows(0.01 * np.random.default_rng(1).normal(size=(6, 9)), night=np.zeros(6))
    assert measure(Z2, one_night).reason == "too_few_clusters"
    assert measure(Z2, rows(np.zeros((6, 9)))).reason == "no_scatter"


def test_depths_that_are_no_numbers_are_left_out_and_counted():
    loss = 0.01 * np.random.default_rng(2).normal(size=(6, 9))
    loss[0, 0] = np.nan
    found = measure(DF2, rows(loss))
    assert (found.n, found.n_rejected) == (53, 1)
    loss[:, 0] = np.nan
    assert measure(DF2, rows(loss)).reason == "rows_incomplete"


def test_whole_visits_may_come_in_any_order():
    table = rows(0.05 * np.random.default_rng(3).normal(size=(12, 9)))
    metric = make(Z2)
    whole = metric.fold({"visit_detector_table": table})
    odd = table["visit"] % 2 == 1
    order = np.random.default_rng(4).permutation(int(odd.sum()))
    first = {k: v[odd][order] for k, v in table.items()}
    second = {k: v[~odd] for k, v in table.items()}
    parts = [metric.fold({"visit_detector_table": t}) for t in (first, second)]
    assert state_digest(metric.merge(*parts)) == state_digest(whole)


def test_a_large_survey_is_sampled_by_whole_visits(monkeypatch):
    from skyassay.metrics.depth import focal_plane

    monkeypatch.setattr(focal_plane, "ROW_BOUND", 100)
    table = rows(0.05 * np.random.default_rng(6).normal(size=(40, 9)))
    metric = make(Z2)
    whole = metric.fold({"visit_detector_table": table})
    assert len(whole) == 99
    first, second = (
        metric.fold({"visit_detector_table": {k: v[i] for k, v in table.items()}})
        for i in (table["visit"] < 23, table["visit"] >= 23)
    )
    assert state_digest(metric.merge(second, first)) == state_digest(whole)
    assert metric.finish(whole, {})[0].n == 99


@pytest.mark.parametrize("name", [DF2, Z2])
def test_the_depth_of_the_visit_copied_to_its_detectors_says_nothing(name):
    table = rows(np.zeros((40, 9)))
    table["magLim"] = table["magLim"] + 0.1 * np.random.default_rng(3).normal(size=40).repeat(9)
    found = measure(name, table)
    assert (found.status, found.reason) == ("NOT_MEASURED", "no_scatter")
