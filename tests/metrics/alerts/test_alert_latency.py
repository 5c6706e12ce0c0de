"""Latency of alerts: known distributions, lost alerts, failed detectors, bad books."""

import numpy as np
import pytest

from skyassay.metrics.alerts.failures import (
    VisitAlertDelay,
    VisitAlertFailure,
    zero_failure_size,
)
from skyassay.metrics.alerts.latency import OTR1, OTT1

ALL = (OTT1, OTR1, VisitAlertDelay, VisitAlertFailure)


def made(cls):
    return cls(cls.recipes["srd"])


def one(cls, tables, at=None):
    metric = made(cls)
    (found,) = metric.finish(metric.fold(tables), at or {})
    return found


def fail(tables, pick, keep, status="FAILED"):
    """Return the night with some images failed: their alerts are gone, and their number."""
    images, log = tables["night_detector"], tables["alert_delivery"]
    bad = images["visit"][keep] * 1000 + images["detector"][keep]
    images = {
        **images,
        "status": np.where(keep, status, images["status"]),
        "nAlert": np.where(keep, 0, images["nAlert"]),
    }
    there = ~np.isin(log["visit"] * 1000 + log["detector"], bad)
    return {"night_detector": images, "alert_delivery": pick(log, there)}


def test_the_quantile_of_a_known_distribution(night):
    tables = night(60, alerts=20, minutes=0.5, shared=0.0, own=0.1)
    m = one(OTT1, tables)
    assert m.value == pytest.approx(0.5 + 2.054 * 0.1, abs=0.01)
    assert m.interval.low < m.value < m.interval.high < 1.0
    assert m.unit == "min"
    assert m.diagnostics["n_due"] == m.n == 60 * 9 * 20
    share = one(OTR1, tables)
    assert share.value == 100.0
    assert share.at == {"OTT1": 1.0}
    assert share.diagnostics["shown"] is True


def test_what_visits_share_widens_the_interval(night):
    alone = one(OTR1, night(200, shared=0.0, own=0.1, minutes=0.8))
    shared = one(OTR1, night(200, shared=0.1, own=0.0001, minutes=0.8))
    assert shared.interval.lower < alone.interval.lower
    few = one(OTT1, night(10))
    assert np.isinf(few.interval.upper)  # ten visits cannot show that 98 % are in time


def test_the_share_at_the_bound_latency(night):
    tables = night(60, minutes=0.5, shared=0.0, own=0.1, alerts=20)
    bound = {"OTT1": {"r": (0.5,), "i": (0.5, 0.6)}}
    metric = made(OTR1)
    half, more = metric.finish(metric.fold(tables), bound)
    assert half.value == pytest.approx(50.0, abs=2.0)
    assert more.value == pytest.approx(84.1, abs=2.0)
    assert (half.at, more.at) == ({"OTT1": 0.5}, {"OTT1": 0.6})


@pytest.mark.parametrize("how", ["no time", "not acknowledged", "not in the log"])
def test_alerts_that_never_left_count(night, pick, how):
    tables = night(40, shared=0.01, own=0.01)
    log = dict(tables["alert_delivery"])
    lost = np.arange(len(log["visit"])) % 20 == 0
    if how == "no time":
        log["handedMjdTai"] = np.where(lost, np.nan, log["handedMjdTai"])
    elif how == "not acknowledged":
        log["delivered"] = ~lost
    else:
        log = pick(log, ~lost)
    tables["alert_delivery"] = log
    assert one(OTR1, tables).value == pytest.approx(95.0, abs=0.1)
    late = one(OTT1, tables)
    assert late.value == 1440.0
    assert late.interval.lower > 1.0  # a FAIL, not a value that is missing
    assert late.diagnostics["n_never"] == lost.sum()


def test_a_failed_detector_counts_with_the_median_of_its_visit(night, pick):
    tables = night(30)
    bad = tables["night_detector"]["detector"] == 4
    m = one(OTR1, fail(tables, pick, bad))
    assert m.value == pytest.approx(100.0 * 8 / 9)
    assert m.diagnostics["n_never"] == 30 * 8
    assert m.diagnostics["failed_images"] == 30
    lost = one(OTR1, fail(tables, pick, bad, "LOST"))
    assert lost.value == m.value
    fine = one(OTR1, fail(tables, pick, bad, "NO_TEMPLATE"))
    assert fine.value == 100.0
    assert fine.diagnostics["no_template"] == 30


def test_a_visit_that_failed_whole_counts_as_much_as_others(night, pick):
    tables = night(50)
    bad = tables["night_detector"]["visit"] == 107
    gone = fail(tables, pick, bad)
    assert one(OTR1, gone).value == pytest.approx(98.0)
    assert one(VisitAlertDelay, gone).value == pytest.approx(2.0)
    assert one(VisitAlertFailure, gone).value == pytest.approx(2.0)


def test_a_night_of_which_nothing_left_fails(night, pick):
    tables = night(12)
    tables["alert_delivery"] = pick(tables["alert_delivery"], np.zeros(12 * 72, dtype=bool))
    assert one(OTT1, tables).interval.lower == 1440.0
    assert one(OTR1, tables).value == 0.0
    assert one(OTR1, tables).interval.upper < 98.0
    assert one(VisitAlertFailure, tables).value == 100.0


def test_exact_limits_of_visits(night):
    m = one(VisitAlertDelay, night(30))
    assert m.value == 0.0
    assert m.interval.upper == pytest.approx(100.0 * (1.0 - 0.05 ** (1 / 30)))
    assert m.at == {"OTT1": 1.0, "OTR1": 98.0}
    assert "299" in m.interval.method
    assert m.diagnostics["zero_failure_visits"] == 299
    assert (zero_failure_size(0.1), zero_failure_size(1.0)) == (2995, 299)
    assert one(VisitAlertFailure, night(30)).at == {"nAlertVisitPeak": 40000.0}


def test_a_visit_is_late_below_the_share(night):
    tables = night(30, alerts=10)
    log = tables["alert_delivery"]
    # 90 alerts a visit: two late are 97.8 %, one is 98.9 %
    nth = np.arange(len(log["visit"])) % 90
    late = (nth == 0) | ((nth == 1) & (log["visit"] < 110))
    log["handedMjdTai"] = log["handedMjdTai"] + np.where(late, 1.0 / 24.0, 0.0)
    m = one(VisitAlertDelay, tables)
    assert m.diagnostics["n_bad"] == 10
    assert m.value == pytest.approx(100.0 / 3.0)


@pytest.mark.parametrize("cls", ALL)
def test_parts_and_order_do_not_matter(night, pick, cls):
    tables = fail(night(13), pick, np.arange(13 * 9) % 10 == 0)
    metric = made(cls)
    whole = metric.fold(tables)
    parts = [
        metric.fold({n: pick(t, t["visit"] % 3 == k) for n, t in tables.items()}) for k in range(3)
    ]
    shuffled = {
        n: pick(t, np.random.default_rng(3).permutation(len(t["visit"]))) for n, t in tables.items()
    }
    ab = metric.merge(metric.merge(parts[0], parts[1]), parts[2])
    ba = metric.merge(parts[2], metric.merge(parts[1], parts[0]))
    digests = {s.to_bytes() for s in (whole, ab, ba, metric.fold(shuffled))}
    assert len(digests) == 1
    assert metric.merge(metric.zero(), whole).to_bytes() == whole.to_bytes()
    assert metric.finish(metric.zero(), {}) == []


@pytest.mark.parametrize("cls", ALL)
def test_bad_books_are_not_measured(night, pick, cls):
    tables = night(12)
    images, log = tables["night_detector"], tables["alert_delivery"]
    none = {n: c[:0] for n, c in images.items()}
    assert one(cls, {"night_detector": none, "alert_delivery": log}).reason == "no_rows"
    blind = {**log, "readoutEndMjdTai": np.full(len(log["visit"]), np.nan)}
    assert one(cls, {**tables, "alert_delivery": blind}).reason == "readout_unknown"
    early = {**log, "handedMjdTai": log["readoutEndMjdTai"] - 1e-3}
    assert one(cls, {**tables, "alert_delivery": early}).reason == "handed_before_readout"
    for n in (1, 2):
        assert one(cls, night(n)).reason == "too_few_visits"
    empty = {**images, "nAlert": images["nAlert"] * 0}
    nothing = {"night_detector": empty, "alert_delivery": pick(log, slice(0, 0))}
    m = one(cls, nothing)
    assert m.status == "NOT_MEASURED" and m.reason == "no_alert_due"


def test_evidence_has_a_row_per_visit(night, pick):
    tables = fail(night(12), pick, np.arange(12 * 9) < 1)
    metric = made(OTT1)
    (table,) = metric.evidence(metric.fold(tables)).values()
    assert len(table["value"]) == 12
    assert table["value"][0] == 1440.0  # less than 98 % of it left
    assert set(table) == {"value", "mjd", "visit", "n_due", "n_handed"}
    assert (table["value"][1:] < 1.0).all()


def test_very_many_alerts_are_sampled_evenly(night, monkeypatch):
    from skyassay.metrics.alerts import visits

    tables = night(30, alerts=50, minutes=0.5, shared=0.05, own=0.1)
    full = one(OTT1, tables)
    monkeypatch.setattr(visits, "MOST_ALERTS", 2000)
    few = one(OTT1, tables)
    assert few.n == pytest.approx(2000, abs=1)
    assert few.value == pytest.approx(full.value, abs=0.02)
