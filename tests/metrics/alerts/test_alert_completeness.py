"""True changes told in time: detections, alerts and latencies of known shares."""

import numpy as np
import pytest

from skyassay.metrics.alerts.completeness import TimelyTruth
from skyassay.simulator.samples.differences import night as changes
from skyassay.simulator.samples.differences import pick
from skyassay.simulator.samples.model import Draw


@pytest.fixture(scope="module")
def tables():
    made = changes(Draw({"": 0.0}, 8, 5), "solar_system", 0.9, 1.0)
    source = made["dia_source"]
    log = {
        "diaSourceId": source["diaSourceId"],
        "visit": source["visit"],
        "readoutEndMjdTai": 61_000.0 + source["visit"] / 1440.0,
    }
    log["handedMjdTai"] = log["readoutEndMjdTai"] + 0.5 / 1440.0
    return {
        "truth_dia_source": made["truth_dia_source"],
        "dia_source": source,
        "alert_delivery": log,
    }


def one(tables):
    metric = TimelyTruth(TimelyTruth.recipes["srd"])
    (found,) = metric.finish(metric.fold(tables), {})
    return found


def test_what_is_not_detected_is_not_told(tables):
    m = one(tables)
    assert m.value == pytest.approx(90.0, abs=2.5)
    assert m.n == len(tables["truth_dia_source"]["snr"])
    assert m.interval.low < m.value < m.interval.high


@pytest.mark.parametrize("how", ["late", "never", "no alert", "before readout"])
def test_what_is_not_told_in_time(tables, how):
    log = dict(tables["alert_delivery"])
    half = log["diaSourceId"] % 2 == 0
    if how == "no alert":
        log = pick(log, half)
    else:
        shift = {"late": 1.0 / 24.0, "never": np.nan, "before readout": -1.0}[how]
        log["handedMjdTai"] = log["handedMjdTai"] + np.where(half, 0.0, shift)
    assert one({**tables, "alert_delivery": log}).value == pytest.approx(45.0, abs=4.0)
    nobody = pick(log, slice(0, 0))
    assert one({**tables, "alert_delivery": nobody}).value == 0.0


def test_parts_and_bad_tables(tables):
    metric = TimelyTruth(TimelyTruth.recipes["srd"])
    whole = metric.fold(tables)
    parts = [
        metric.fold({n: pick(t, t["visit"] % 2 == k) for n, t in tables.items()}) for k in (1, 0)
    ]
    assert metric.merge(*parts).to_bytes() == whole.to_bytes()
    assert metric.finish(metric.zero(), {}) == []
    for n, reason in ((1, "too_few_visits"), (2, "too_few_visits")):
        few = {name: pick(t, t["visit"] <= n) for name, t in tables.items()}
        assert one(few).reason == reason
    truth = tables["truth_dia_source"]
    blind = {**tables, "truth_dia_source": {**truth, "snr": truth["snr"] * np.nan}}
    assert one(blind).reason == "too_few_visits"
    (curve,) = metric.evidence(whole).values()
    assert np.average(curve["value"], weights=curve["n"]) == pytest.approx(90.0, abs=2.5)
