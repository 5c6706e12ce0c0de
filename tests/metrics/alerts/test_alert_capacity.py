"""Loads, streams, packets, archive and reports: what is shown, what is not, bad tables."""

import numpy as np
import pytest

from skyassay.metrics.alerts.archive import ArchiveCompleteness
from skyassay.metrics.alerts.content import HistoryWindow, IncompletePackets
from skyassay.metrics.alerts.load import FilterAlerts, FilterUsers, MeanLoad, PeakLoad
from skyassay.metrics.alerts.reports import CalibrationReport, PerformanceReport, QualityReport
from skyassay.metrics.alerts.stamps import StampedLatency
from skyassay.metrics.alerts.streams import FilteredAlerts, StreamCount, UndeliveredAlerts

LOADS = (PeakLoad, MeanLoad, FilterUsers, FilterAlerts)


def made(cls):
    return cls(cls.recipes["srd"])


def one(cls, tables, at=None):
    metric = made(cls)
    (found,) = metric.finish(metric.fold(tables), at or {})
    return found


def load(alerts=(10_000, 20_000, 40_000), **columns):
    n = len(alerts)
    table = {
        "visit": np.arange(n) + 1,
        "nAlert": np.array(alerts),
        "nConsumers": np.full(n, 5),
        "nReceived": np.array(alerts),
        "nDouble": np.zeros(n, dtype=int),
        "seconds": np.full(n, 40.0),
        "nUsers": np.full(n, 100),
        "nUserAlerts": np.full(n, 20),
    }
    return {"alert_load": {**table, **{k: np.array(v) for k, v in columns.items()}}}


def test_the_largest_load_that_was_handled():
    m = one(PeakLoad, load())
    assert (m.value, m.interval.lower, m.interval.upper) == (40_000.0, 40_000.0, np.inf)
    assert m.diagnostics["shown"] is True
    assert one(MeanLoad, load()).value == pytest.approx(70_000 / 3)


def test_less_than_is_asked_for_shows_nothing_and_contradicts_nothing():
    small = (1_000, 2_000, 4_000)
    m = one(PeakLoad, load(small))
    assert m.value == 4_000.0
    assert m.diagnostics["shown"] is None
    failing = load(small, nReceived=[1_000, 2_000, 3_999])
    assert one(PeakLoad, failing).diagnostics["shown"] is False


@pytest.mark.parametrize(
    "bad",
    [
        {"seconds": [40.0, 40.0, 60.1]},
        {"seconds": [40.0, 40.0, np.nan]},
        {"nReceived": [10_000, 20_000, 39_999]},
        {"nDouble": [0, 0, 1]},
        {"nConsumers": [5, 5, 4]},
    ],
)
def test_what_was_not_handled_bounds_the_capacity(bad):
    m = one(PeakLoad, load(**bad))
    assert (m.value, m.interval.upper) == (20_000.0, 39_999.0)
    assert m.diagnostics["shown"] is False
    assert one(MeanLoad, load(**bad)).value == 15_000.0


def test_a_load_above_a_failure_is_not_shown():
    m = one(PeakLoad, load(seconds=[90.0, 40.0, 40.0]))
    assert (m.value, m.interval.upper) == (0.0, 9_999.0)


def test_users_of_filters():
    assert one(FilterUsers, load()).value == 100.0
    few = one(FilterUsers, load(nUsers=[50, 80, 120], nUserAlerts=[20, 20, 19]))
    assert (few.value, few.interval.upper) == (80.0, 119.0)
    m = one(FilterAlerts, load(nUserAlerts=[20, 25, 30], nUsers=[100, 100, 99]))
    assert (m.value, m.at) == (25.0, {"numBrokerUsers": 100.0})
    at = {"numBrokerUsers": {"r": (50.0,), "i": (100.0,)}}
    metric = made(FilterAlerts)
    fifty, hundred = metric.finish(
        metric.fold(load(nUserAlerts=[20, 25, 30], nUsers=[100, 100, 99])), at
    )
    assert (fifty.value, hundred.value) == (30.0, 25.0)
    assert one(FilterAlerts, load(nUsers=[9, 9, 9])).reason == "too_few_users"
    assert one(FilterUsers, load(nUsers=[0, 0, 0])).reason == "no_users"


@pytest.mark.parametrize("cls", LOADS)
def test_too_short_a_test_is_none(cls, pick):
    metric = made(cls)
    whole = load()["alert_load"]
    for n in (0, 1, 2):
        found = metric.finish(metric.fold({"alert_load": pick(whole, slice(0, n))}), {})
        assert [m.reason for m in found] == ([] if n == 0 else ["too_few_visits"])
    parts = [metric.fold({"alert_load": pick(whole, [k])}) for k in (2, 0, 1)]
    joined = metric.merge(metric.merge(parts[0], parts[1]), parts[2])
    assert joined.to_bytes() == metric.fold({"alert_load": whole}).to_bytes()


def streams(visits=4, names=("a", "b", "c", "d", "e", "user"), late=0.4):
    visit, stream = (a.ravel() for a in np.indices((visits, len(names))))
    names = np.array(names)[stream]
    ready = 61_000.0 + visit / 1440.0
    full = names != "user"
    return {
        "visit": visit,
        "stream": names,
        "isFull": full,
        "nAlert": np.full(len(visit), 20),
        "nMatching": np.where(full, 20, 3),
        "nDelivered": np.where(full, 20, 3),
        "readoutEndMjdTai": ready,
        "lastHandedMjdTai": ready + late / 1440.0,
    }


def test_streams_in_time():
    table = streams()
    m = one(StreamCount, {"alert_stream": table})
    assert (m.value, m.interval.lower, m.interval.upper) == (5.0, 5.0, np.inf)
    assert m.at == {"OTT1": 1.0}
    slow = {**table, "lastHandedMjdTai": table["lastHandedMjdTai"] + (table["stream"] == "b") / 24}
    m = one(StreamCount, {"alert_stream": slow})
    assert (m.value, m.interval.upper) == (4.0, 4.0)
    lost = {**table, "nDelivered": np.where(table["stream"] == "c", 19, table["nDelivered"])}
    assert one(StreamCount, {"alert_stream": lost}).value == 4.0
    only_users = {**table, "isFull": np.zeros(len(table["visit"]), dtype=bool)}
    assert one(StreamCount, {"alert_stream": only_users}).reason == "too_few_visits"


def test_what_was_not_delivered_is_counted():
    table = streams()
    assert one(UndeliveredAlerts, {"alert_stream": table}).value == 0.0
    assert one(FilteredAlerts, {"alert_stream": table}).diagnostics["shown"] is True
    sent = table["nDelivered"].copy()
    sent[0], sent[1], sent[5] = 19, 21, 4
    late = table["lastHandedMjdTai"].copy()
    late[2] += 1.0
    bad = {**table, "nDelivered": sent, "lastHandedMjdTai": late}
    m = one(UndeliveredAlerts, {"alert_stream": bad})
    found = {k: m.diagnostics[f"wrong.{k}"] for k in ("lost", "twice", "late")}
    assert found == {"lost": 1, "twice": 1, "late": 1}
    assert m.diagnostics["shown"] is False
    assert one(FilteredAlerts, {"alert_stream": bad}).value == 1.0


def test_delivered_at_a_time_that_nobody_knows_is_neither_late_nor_in_time():
    table = streams()
    late = table["lastHandedMjdTai"].copy()
    late[2] = np.nan
    unknown = {**table, "lastHandedMjdTai": late}
    m = one(UndeliveredAlerts, {"alert_stream": unknown})
    assert m.reason == "hardly_filled" and m.value is None
    sent = table["nDelivered"].copy()
    sent[2] = 0
    m = one(UndeliveredAlerts, {"alert_stream": {**unknown, "nDelivered": sent}})
    assert m.diagnostics["wrong.lost"] == 1 and m.diagnostics["shown"] is False


def packets(n=40):
    now = 61_000.0 + np.arange(n) // 8 / 1440.0
    yes = np.ones(n, dtype=bool)
    return {
        "diaSourceId": np.arange(n) + 1,
        "visit": np.arange(n) // 8,
        "ra": np.linspace(10, 11, n),
        "dec": np.linspace(-1, 1, n),
        "psfFlux": np.full(n, 500.0),
        "midpointMjdTai": now,
        "exposureTime": np.full(n, 30.0),
        "timeProcessedMjdTai": now + 120.0 / 86_400.0,
        "firstDiaSourceMjdTai": now - 30.0,
        "oldestMjdTai": now - 30.0,
        "hasDiaObject": yes,
        "hasSsSource": ~yes,
        "nPrvDiaSources": np.full(n, 4),
        "nDiaSources": np.full(n, 5),
        "nCutouts": np.full(n, 3),
        "nCutoutsSound": np.full(n, 3),
    }


@pytest.mark.parametrize(
    ("column", "value", "check"),
    [
        ("hasSsSource", True, "object"),
        ("hasDiaObject", False, "object"),
        ("nCutoutsSound", 2, "cutouts"),
        ("nCutouts", 2, "cutouts"),
        ("nPrvDiaSources", 3, "history"),
        ("ra", np.nan, "source"),
        ("midpointMjdTai", np.nan, "time"),
    ],
)
def test_each_defect_of_a_packet_is_counted(column, value, check):
    table = packets()
    assert one(IncompletePackets, {"alert": table}).value == 0.0
    bad = table[column].copy()
    bad[3] = value
    m = one(IncompletePackets, {"alert": {**table, column: bad}})
    assert m.diagnostics[f"wrong.{check}"] == 1
    assert m.value == 1.0
    assert m.diagnostics["shown"] is False


def test_a_history_beyond_the_window_need_not_be_whole():
    table = packets()
    old = {**table, "firstDiaSourceMjdTai": table["firstDiaSourceMjdTai"] - 700.0}
    short = {**old, "nPrvDiaSources": np.zeros(40, dtype=int)}
    assert one(IncompletePackets, {"alert": short}).value == 0.0


def test_the_history_needs_data_that_span_it():
    table = packets()
    assert one(HistoryWindow, {"alert": table}).reason == "span_too_short"
    now = table["midpointMjdTai"]
    old = {**table, "firstDiaSourceMjdTai": now - 500.0, "oldestMjdTai": now - 364.0}
    m = one(HistoryWindow, {"alert": old})
    assert m.value == pytest.approx(364.0)
    assert m.interval.lower == m.value
    none = {**old, "oldestMjdTai": np.full(40, np.nan)}
    assert one(HistoryWindow, {"alert": none}).value == 0.0


def test_stamps_give_a_lower_limit_only():
    m = one(StampedLatency, {"alert": packets()})
    # 120 s after the middle of 30 s, less 3 s of readout
    assert m.value == pytest.approx(102.0 / 60.0)
    rng = np.random.default_rng(2)
    table = packets(400)
    spread = {
        **table,
        "timeProcessedMjdTai": table["timeProcessedMjdTai"] + rng.uniform(0, 1e-4, 400),
    }
    m = one(StampedLatency, {"alert": spread})
    assert m.interval.upper == np.inf
    assert m.interval.lower > 1.0
    late = spread["timeProcessedMjdTai"].copy()
    late[:40] += 100.0
    again = one(StampedLatency, {"alert": {**spread, "timeProcessedMjdTai": late}})
    assert again.n_rejected == 40
    blind = {**spread, "exposureTime": np.full(400, np.nan)}
    assert one(StampedLatency, {"alert": blind}).value == m.value
    del blind["exposureTime"]
    assert one(StampedLatency, {"alert": blind}).value == m.value
    gone = {**spread, "timeProcessedMjdTai": np.full(400, np.nan)}
    assert one(StampedLatency, {"alert": gone}).reason == "no_usable_row"


def test_the_archive():
    yes = np.ones(30, dtype=bool)
    table = {
        "diaSourceId": np.arange(30),
        "visit": np.arange(30) // 10,
        "sent": yes,
        "archived": yes,
        "identical": yes,
    }
    m = one(ArchiveCompleteness, {"alert_archive": table})
    assert (m.value, m.diagnostics["shown"]) == (100.0, True)
    bad = yes.copy()
    bad[3] = False
    for column in ("archived", "identical"):
        m = one(ArchiveCompleteness, {"alert_archive": {**table, column: bad}})
        assert m.value == pytest.approx(100.0 * 29 / 30)
        assert m.diagnostics["shown"] is False
    m = one(ArchiveCompleteness, {"alert_archive": {**table, "sent": bad, "archived": bad}})
    assert m.value == 100.0
    m = one(ArchiveCompleteness, {"alert_archive": {**table, "sent": ~yes}})
    assert m.reason == "nothing_there"


@pytest.mark.parametrize(
    ("cls", "name"),
    [
        (QualityReport, "data_quality"),
        (PerformanceReport, "performance"),
        (CalibrationReport, "calibration"),
    ],
)
def test_reports_in_time(cls, name):
    hours = np.array([1.0, 2.0, 3.0, 5.0, 0.5])
    report = np.array([name] * 4 + ["other"])
    table = {"night": np.arange(5), "report": report, "hours": hours}
    m = one(cls, {"night_report": table})
    assert (m.value, m.n, m.diagnostics["largest"]) == (2.75, 4, 5.0)
    assert m.diagnostics["shown"] is False
    assert m.interval.low < 2.75 < m.interval.high
    alone = one(cls, {"night_report": {n: c[:1] for n, c in table.items()}})
    assert (alone.value, alone.interval) == (1.0, None)
    other = one(cls, {"night_report": {n: c[4:] for n, c in table.items()}})
    assert other.reason == "no_report"
    blind = {**table, "hours": np.full(5, np.nan)}
    assert one(cls, {"night_report": blind}).reason == "report_without_time"
