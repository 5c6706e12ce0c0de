"""Recorded times against a reference clock."""

import numpy as np
import pytest

from skyassay.metrics.contract import state_digest
from skyassay.metrics.registry import make

MS = 86_400_000.0


def clock(offset=0.0, night=0.0, jitter=0.0, *, nights=60, visits=40, seed=2):
    """Return a visit table whose times are wrong by these amounts, ms."""
    d = np.random.default_rng(seed)
    at = (60000.1 + np.arange(nights))[:, None] + np.arange(visits) * 0.0005
    error = offset + night * d.standard_normal((nights, 1))
    error = error + jitter * d.standard_normal((nights, visits))
    ids = np.arange(at.size)
    return {
        "visit_table": {"visit": ids, "expMidptMJD": (at + error / MS).ravel()},
        "truth_visit": {"visit": ids[::-1], "trueMidptMJD": at.ravel()[::-1]},
    }


def measured(name, tables):
    plugin = make(f"timing.clock.{name}")
    (found,) = plugin.finish(plugin.fold(tables), {})
    return found


def test_absolute_accuracy_has_offset_night_and_jitter_in_it():
    found = measured("tacabs", clock(3.0, 2.0, 1.0))
    truth = np.sqrt(14.0)
    assert found.value == pytest.approx(truth, rel=0.15)
    assert found.interval.low < truth < found.interval.high
    assert found.diagnostics["n_units"] == 60


def test_relative_accuracy_knows_no_offset():
    found = measured("tacrel", clock(500.0, 20.0, 1.0))
    assert found.value == pytest.approx(np.sqrt(2.0), rel=0.05)
    assert found.interval.low < np.sqrt(2.0) < found.interval.high


def test_a_microsecond_survives_a_modified_julian_date():
    assert measured("tacabs", clock(0.05, 0.0, 0.01)).value == pytest.approx(0.051, abs=0.002)


def test_a_leap_second_is_seen():
    assert measured("tacabs", clock(37_000.0, 0.0, 0.1)).value == pytest.approx(37_000.0)


@pytest.mark.parametrize("name", ["tacabs", "tacrel"])
@pytest.mark.parametrize(
    ("tables", "reason"),
    [
        (clock(), "no_scatter"),
        (clock(jitter=1.0, nights=2), "too_few_visits"),
        (clock(jitter=np.nan), "too_few_visits"),
    ],
)
def test_what_cannot_be_measured_says_why(name, tables, reason):
    found = measured(name, tables)
    assert (found.status, found.reason) == ("NOT_MEASURED", reason)


def test_single_visits_of_nights_have_no_difference():
    found = measured("tacrel", clock(jitter=1.0, visits=1))
    assert found.reason == "too_few_visits"
    assert measured("tacabs", clock(jitter=1.0, visits=1)).status == "MEASURED"


def test_order_and_partition_do_not_matter():
    tables, metric = clock(1.0, 1.0, 1.0), make("timing.clock.tacrel")
    whole, parts = metric.fold(tables), metric.zero()
    table = tables["visit_table"]
    for rows in np.array_split(np.random.default_rng(1).permutation(len(table["visit"])), 3):
        part = {**tables, "visit_table": {k: v[rows] for k, v in table.items()}}
        parts = metric.merge(metric.fold(part), parts)
    assert state_digest(parts) == state_digest(whole)


@pytest.mark.parametrize("name", ["tacabs", "tacrel"])
def test_visits_without_a_recorded_time_are_missed_and_those_without_truth_are_not(name):
    tables = clock(1.0, 1.0, 1.0)
    for product, column, reason in (
        ("visit_table", "expMidptMJD", "times_missing"),
        ("truth_visit", "trueMidptMJD", None),
    ):
        table = tables[product]
        blank = np.where(table["visit"] % 2 == 0, np.nan, table[column])
        assert measured(name, {**tables, product: {**table, column: blank}}).reason == reason
