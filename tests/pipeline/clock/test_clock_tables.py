"""A night on the modelled clock: latencies, failures, what cannot be timed, order."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skyassay.pipeline.clock.errors import ClockError
from skyassay.pipeline.clock.night import Packets
from skyassay.pipeline.clock.parameters import Parameters
from skyassay.pipeline.clock.tables import night_tables
from skyassay.pipeline.products.catalog import product
from skyassay.pipeline.products.io import to_arrow

NONE = ("NO_TEMPLATE", "buildTemplate", "NO_TEMPLATE")
SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def make(tiny, rows=None, *, n=2, alerts=3, packets=None, lost=(), late=0.0, older=(), **changed):
    built = tiny.packets(n, alerts=alerts) if packets is None else packets
    if rows is None:
        rows = [row for v in range(n) for d in (0, 1) for row in tiny.good(v, d)]
    log = tiny.deliveries(built, lost=lost, late=late)
    summaries = [tiny.summary(rows), *map(tiny.summary, older)]
    return night_tables(summaries, tiny.visits(n), built, log, tiny.parameters(**changed))


def latency(tables):
    table = tables.alert_delivery
    gap = np.ma.asarray(table["handedMjdTai"]) - np.asarray(table["readoutEndMjdTai"])
    return gap.filled(np.nan) * 86400


def arrow(name, table):
    return to_arrow(product(name), {c: np.ma.asarray(table[c]) for c in table.colnames})


def test_latency_is_cost_and_the_bytes_before_on_the_link(tiny):
    """Each message of 100 kB takes 0.1 s; both detectors are ready 6 s after the readout."""
    tables = make(tiny)
    expected = 6.0 + 0.2 * np.arange(1, 7)
    assert latency(tables) == pytest.approx(np.tile(expected, 2), abs=1e-5)
    end = np.asarray(tables.alert_delivery["readoutEndMjdTai"])[0]
    assert end == pytest.approx(tiny.START + 32.0 / 86400, abs=1e-11)
    assert np.all(tables.alert_delivery["delivered"])
    last = np.asarray(
        tables.alert_stream["lastHandedMjdTai"] - tables.alert_stream["readoutEndMjdTai"]
    )
    assert last * 86400 == pytest.approx([7.1, 7.2, 7.1, 7.2], abs=1e-5)


def test_transfer_message_and_latency_add(tiny):
    slow = make(tiny, transfer=1.5, message=0.01, network={"latency": 0.25})
    first = 1.5 + 6.0 + 2 * 0.11 + 0.25
    assert latency(slow)[0] == pytest.approx(first, abs=1e-5)


def test_a_detector_slower_than_the_cadence_makes_its_next_visit_wait(tiny):
    rows = [row for v in range(3) for row in tiny.good(v, 0, (30.0, 10.0, 4.0)) + tiny.good(v, 1)]
    tables = make(tiny, rows, n=3)
    waited = np.asarray(tables.night_detector["waited"])
    assert waited == pytest.approx([0, 0, 10.0, 0, 20.0, 0], abs=1e-6)
    assert np.asarray(tables.night_detector["seconds"])[0] == pytest.approx(44.0)


def test_one_process_for_all_takes_the_detectors_in_turn(tiny):
    tables = make(tiny, serial=("associateApdb",))
    assert np.asarray(tables.night_detector["waited"]) == pytest.approx([0, 3.0] * 2, abs=1e-6)


def test_an_outage_shifts_exactly_what_it_meets(tiny):
    end = tiny.START + 32.0 / 86400
    outage = ((end + 6.45 / 86400, end + 26.45 / 86400),)
    shift = latency(make(tiny, network={"outages": outage})) - latency(make(tiny))
    assert shift == pytest.approx([0, 0] + [20.0] * 4 + [0] * 6, abs=1e-5)


def test_all_failed(tiny):
    rows = [
        row
        for v in range(2)
        for d in (0, 1)
        for row in [
            ("isr", v, d, "SUCCESS", 1.0, ""),
            ("buildTemplate", v, d, "FAILED", 0.5, "TEMPLATE_BROKEN"),
            ("associateApdb", v, d, "SKIPPED", None, "UPSTREAM_FAILED"),
        ]
    ]
    tables = make(tiny, rows, packets={})
    table = tables.night_detector
    assert list(table["status"]) == ["FAILED"] * 4
    assert set(table["failedTask"]) == {"buildTemplate"}
    assert set(table["code"]) == {"TEMPLATE_BROKEN"}
    assert np.ma.getmaskarray(table["nAlert"]).all()
    assert np.asarray(table["seconds"]) == pytest.approx(1.5)
    assert len(tables.alert_delivery) == 0
    assert list(tables.alert_stream["nAlert"]) == [0] * 4
    assert np.ma.getmaskarray(tables.alert_stream["lastHandedMjdTai"]).all()


def test_zero_alerts_are_a_number_and_not_a_failure(tiny):
    tables = make(tiny, alerts=0)
    assert list(tables.night_detector["nAlert"]) == [0] * 4
    assert set(tables.night_detector["status"]) == {"DONE"}
    assert len(tables.alert_delivery) == 0


@pytest.mark.parametrize(
    ("row", "status", "task", "code"),
    [
        (("isr", 0, 0, "LOST", None, ""), "FAILED", "isr", "WORKER_LOST"),
        (("buildTemplate", 0, 0, "NO_WORK", 1.0, ""), *NONE),
        (("buildTemplate", 0, 0, "FAILED", 1.0, "NO_TEMPLATE"), *NONE),
        (("associateApdb", 0, 0, "SKIPPED", None, ""), "FAILED", "associateApdb", "STOPPED"),
        (("associateApdb", 0, 0, "NO_WORK", 1.0, ""), "FAILED", "associateApdb", "NO_WORK"),
    ],
)  # fmt: skip
def test_how_a_frame_ended(tiny, row, status, task, code):
    rows = [r for v in range(2) for d in (0, 1) for r in tiny.good(v, d)]
    rows = [row if r[:3] == row[:3] else r for r in rows]
    built = tiny.packets()
    del built[0, 0]
    found = make(tiny, rows, packets=built).night_detector[0]
    assert (found["status"], found["failedTask"], found["code"]) == (status, task, code)


def test_a_frame_or_a_night_without_templates_is_no_failure(tiny):
    rows = [r for v in range(2) for d in (0, 1) for r in tiny.good(v, d)]
    built = tiny.packets()
    del built[0, 0]
    some = [r for r in rows if r[1:3] != (0, 0) or r[0] == "isr"]
    table = make(tiny, some, packets=built).night_detector
    assert list(table["status"]) == ["NO_TEMPLATE", "DONE", "DONE", "DONE"]
    none = make(tiny, [r for r in rows if r[0] == "isr"], packets={}).night_detector
    assert set(none["status"]) == {"NO_TEMPLATE"} and set(none["code"]) == {"NO_TEMPLATE"}
    # Without its association a frame has failed, templates or not.
    cut = [r for r in rows if r[:3] != ("associateApdb", 0, 0)]
    last = make(tiny, cut, packets=built).night_detector
    assert (last["status"][0], last["code"][0]) == ("FAILED", "QUANTUM_ABSENT")


def test_a_frame_that_never_came_is_lost_and_keeps_nobody_waiting(tiny):
    rows = [r for v in range(2) for d in (0, 1) for r in tiny.good(v, d) if (v, d) != (0, 0)]
    built = tiny.packets()
    del built[0, 0]
    table = make(tiny, rows, packets=built, serial=("associateApdb",)).night_detector
    assert (table["status"][0], table["code"][0]) == ("LOST", "RAW_ABSENT")
    assert np.ma.is_masked(table["seconds"][0]) and np.ma.is_masked(table["machineSeconds"][0])
    assert table["waited"][1] == 0.0


def test_what_was_there_already_costs_what_the_earlier_run_said(tiny):
    first = [r for v in range(2) for d in (0, 1) for r in tiny.good(v, d)]
    again = [(label, v, d, "EXISTING", None, "") for label, v, d, *_ in first]
    one, two = make(tiny, first), make(tiny, again, older=[first])
    assert latency(two).tolist() == latency(one).tolist()
    assert np.ma.getmaskarray(two.night_detector["machineSeconds"]).all()
    assert np.asarray(one.night_detector["machineSeconds"]) == pytest.approx(6.0)


def test_a_cost_nobody_recorded_is_no_zero(tiny):
    rows = [r for v in range(3) for d in (0, 1) for r in tiny.good(v, d, (30.0, 10.0, 4.0))]
    rows = [(*r[:3], "EXISTING", None, "") if r[:3] == ("isr", 0, 0) else r for r in rows]
    tables = make(tiny, rows, n=3)
    table = tables.night_detector
    assert table["code"][0] == "SECONDS_UNKNOWN" and table["status"][0] == "DONE"
    assert np.ma.is_masked(table["seconds"][0])
    # Those behind it wait as if it had been the dearest.
    assert table["waited"][2] == pytest.approx(10.0)
    alerts = tables.alert_delivery
    untimed = np.ma.getmaskarray(alerts["handedMjdTai"])
    assert untimed.sum() == 3 and set(alerts["code"][untimed]) == {"SECONDS_UNKNOWN"}
    assert alerts["delivered"][untimed].all()
    assert np.ma.getmaskarray(tables.alert_stream["lastHandedMjdTai"]).tolist() == [
        True, True, False, False, False, False,
    ]  # fmt: skip


def test_what_no_stream_acknowledged_was_never_handed_over(tiny):
    tables = make(tiny, lost={(0, 1000), (1, 1001)})
    alerts = tables.alert_delivery
    bad = np.isin(alerts["diaSourceId"], [1000, 1001])
    assert np.ma.getmaskarray(alerts["handedMjdTai"]).tolist() == bad.tolist()
    assert list(alerts["nStreams"][bad]) == [1, 1] and set(alerts["nStreamsAsked"]) == {2}
    assert set(alerts["code"][bad]) == {"BROKER_AWAY"} and not alerts["delivered"][bad].any()
    assert list(tables.alert_stream["nDelivered"]) == [5, 5, 6, 6]


def test_an_alert_the_log_does_not_know_was_not_sent(tiny):
    built = tiny.packets()
    log = tiny.deliveries({frame: p for frame, p in built.items() if frame != (1, 1)})
    rows = [row for v in range(2) for d in (0, 1) for row in tiny.good(v, d)]
    tables = night_tables([tiny.summary(rows)], tiny.visits(), built, log, tiny.parameters())
    assert list(tables.alert_delivery["code"][-3:]) == ["NOT_SENT"] * 3


def test_built_but_not_given_to_the_distribution_is_named(tiny):
    built = tiny.packets()
    del built[1, 1]
    table = make(tiny, packets=built).night_detector
    assert (table["status"][3], table["failedTask"][3]) == ("FAILED", "distribution")
    assert table["code"][3] == "NOT_DISTRIBUTED" and np.ma.is_masked(table["nAlert"][3])


def test_what_a_later_session_sent_is_late_by_the_time_between(tiny):
    assert latency(make(tiny, late=3600.0)) - latency(make(tiny)) == pytest.approx(3600.0, abs=1e-4)


def test_streams_of_filters_count_what_they_want(tiny):
    built = tiny.packets()
    log = tiny.deliveries(built, full=(True, False))
    rows = [row for v in range(2) for d in (0, 1) for row in tiny.good(v, d)]
    tables = night_tables([tiny.summary(rows)], tiny.visits(), built, log, tiny.parameters())
    assert set(tables.alert_delivery["nStreamsAsked"]) == {1}
    # The alert is handed over when the full streams have it, whatever users' filters do.
    assert latency(tables)[0] == pytest.approx(6.1, abs=1e-5)
    assert list(tables.alert_stream["isFull"]) == [True, False] * 2


def test_tables_are_products(tiny):
    for name, table in vars(make(tiny)).items():
        assert set(table.colnames) == set(product(name).columns)
        assert arrow(name, table).num_rows == len(table)


def test_order_does_not_matter(tiny):
    rows = [row for v in range(3) for d in (0, 1) for row in tiny.good(v, d, (v + 1.0, d, 2.0))]
    built, shuffled = tiny.packets(3), dict(reversed(list(tiny.packets(3).items())))
    log = tiny.deliveries(shuffled)
    one = make(tiny, rows, n=3, packets=built, serial=("associateApdb",))
    two = night_tables(
        [tiny.summary(rows[::-1])], tiny.visits(3)[::-1], shuffled, log,
        tiny.parameters(serial=("associateApdb",)),
    )  # fmt: skip
    for name, table in vars(one).items():
        assert arrow(name, table).equals(arrow(name, vars(two)[name]))


@SHARED
@given(
    st.lists(st.floats(0.0, 60.0), min_size=12, max_size=12),
    st.integers(0, 11),
    st.floats(0.1, 50.0),
    st.sampled_from([None, 1, 2]),
)
def test_no_latency_falls_when_a_cost_grows(tiny, costs, which, more, workers):
    def run(seconds):
        rows = [
            row
            for k in range(4)
            for row in tiny.good(k // 2, k % 2, tuple(seconds[3 * k : 3 * k + 3]))
        ]
        return latency(make(tiny, rows, serial=("associateApdb",), workers=workers))

    dearer = [c + more * (i == which) for i, c in enumerate(costs)]
    assert np.all(run(dearer) >= run(costs) - 1e-4)


@SHARED
@given(st.integers(0, 11), st.floats(0.1, 50.0))
def test_a_dearer_frame_is_later_itself_where_nothing_is_in_turn(tiny, which, more):
    def run(extra):
        rows = [
            row
            for k in range(4)
            for row in tiny.good(
                k // 2, k % 2, tuple(5.0 + extra * (3 * k + i == which) for i in range(3))
            )
        ]
        return latency(make(tiny, rows)).reshape(4, 3)

    assert np.all(run(more)[which // 3] >= run(0.0)[which // 3] - 1e-4)


def test_parameters_survive_json_and_repeat_the_night(tiny):
    given_ = tiny.parameters(
        serial=("associateApdb",), workers=3, network={"outages": ((61000.1, 61000.2),)}
    )
    again = Parameters.from_dict(json.loads(json.dumps(given_.to_dict())))
    assert again == given_
    assert Parameters.from_dict({}) == Parameters()


@pytest.mark.parametrize(
    "wrong",
    [
        {"readout": -1.0}, {"transfer": float("nan")}, {"workers": 0}, {"chain": []},
        {"serial": ["isr"]}, {"serial": ["unheard"]}, {"network": {"bandwidth": 0.0}},
        {"network": {"outages": [[2.0, 1.0]]}}, {"colour": 1}, {"network": {"colour": 1}},
    ],
)  # fmt: skip
def test_senseless_parameters_are_refused(wrong):
    with pytest.raises(ClockError) as caught:
        Parameters.from_dict(wrong)
    assert (caught.value.code, caught.value.exit_code) == ("CLOCK_PARAMETER", 4)


def test_errors_of_the_input_have_names(tiny):
    rows = [row for d in (0, 1) for row in tiny.good(0, d)]
    log = tiny.deliveries({})

    def code(summaries, visits, built):
        with pytest.raises(ClockError) as caught:
            night_tables(summaries, visits, built, log, tiny.parameters())
        return caught.value.code

    fine, visits = tiny.summary(rows), tiny.visits(1)
    short = fine.copy()
    short.remove_column("seconds")
    assert code([short], visits, {}) == "SUMMARY_COLUMN"
    assert code([tiny.summary(rows[:2])], visits, {}) == "CLOCK_CHAIN"
    assert code([fine], [], {}) == "NO_VISITS"
    assert code([fine], visits * 2, {}) == "DOUBLE_VISIT"
    one = Packets(np.array([5]), np.array([10]))
    assert code([fine], visits, {(7, 0): one}) == "STRAY_FRAME"
    assert code([fine], visits, {(0, 0): one, (0, 1): one}) == "DOUBLE_ALERT"
