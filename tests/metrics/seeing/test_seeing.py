"""Delivered sizes against seeing: known system parts, noise of the monitor, nothing to say."""

from __future__ import annotations

import numpy as np
import pytest

from skyassay.metrics.contract import state_digest
from skyassay.metrics.registry import make
from skyassay.metrics.seeing.delivered import expected_size
from skyassay.metrics.seeing.visits import SRD_SEEING, along_the_line_of_sight

S1, SF1, SYSIQ, SXE = (
    "seeing.delivered.s1",
    "seeing.delivered.sf1",
    "seeing.system.sysiq",
    "seeing.system.sxe",
)


def visits(free, system, *, band="r", airmass=1.0, noise=0.0, nights=20, seed=1):
    """Visits with a seeing along the line of sight and a system part, arcsec."""
    free, system = np.broadcast_arrays(np.asarray(free, float), np.asarray(system, float))
    n = len(free)
    bands, slant = np.full(n, band), np.full(n, float(airmass))
    factor = along_the_line_of_sight(SRD_SEEING["atmosphere"], bands, slant)
    told = free * (1.0 + noise * np.random.default_rng(seed).normal(size=n)) / factor
    return {
        "visit": np.arange(n),
        "band": bands,
        "expMidptMJD": 61000.1 + np.arange(n) % nights + 0.0001 * np.arange(n),
        "airmass": slant,
        "seeing": np.hypot(free, system),
        "atmosphericSeeing": told,
        "atmosphericSeeingErr": noise * free / factor,
    }


def measure(name, table, at=None):
    metric = make(name)
    return metric.finish(metric.fold({"visit_table": table}), at or {})


def test_size_at_a_seeing_keeps_the_system_part_in_quadrature():
    draw = np.random.default_rng(0)
    free = 0.60 * np.exp(0.05 * draw.normal(size=200))
    system = 0.3 + 0.02 * draw.normal(size=200)
    near, far = measure(S1, visits(free, system), {"seeing": {"r": (0.60, 0.80)}})
    assert near.value == pytest.approx(np.hypot(0.60, 0.3), abs=0.003)
    assert near.interval.low < np.hypot(0.60, 0.3) < near.interval.high
    assert far.reason == "out_of_scope_seeing_not_met"
    assert far.at == {"seeing": 0.8}


def test_noise_of_the_monitor_does_not_move_the_size():
    draw = np.random.default_rng(3)
    free = 0.75 * np.exp(0.15 * draw.normal(size=40_000))
    table = visits(free, 0.3, noise=0.06, nights=400)
    found = measure(S1, table, {"seeing": {"r": (0.60,)}})[0]
    # Without allowance it would be 0.02 arcsec larger: the best readings are lucky ones.
    assert found.value == pytest.approx(np.hypot(0.60, 0.3), abs=0.004)


def test_system_part_near_the_zenith_and_at_airmass_two():
    draw = np.random.default_rng(2)
    system = 0.35 + 0.03 * draw.normal(size=4_000)
    free = 0.7 * np.exp(0.1 * draw.normal(size=4_000))
    truth = np.sqrt(np.mean(system**2))
    found = measure(SYSIQ, visits(free, system, band="z", noise=0.02))[0]
    assert found.value == pytest.approx(truth, abs=0.004)
    assert found.interval.low < truth < found.interval.high
    low = measure(SXE, visits(free, system, airmass=1.9))[0]
    assert low.value == pytest.approx(truth * (2.0 / 1.9) ** 0.6, rel=1e-6)


def test_size_tail_is_counted_against_the_size_of_its_own_seeing():
    free = np.linspace(0.4, 1.1, 400)
    limit = 1.1 * expected_size(SRD_SEEING["S1"], free)
    broad = np.arange(400) % 8 == 0
    size = np.where(broad, 1.2, 0.9) * limit
    table = visits(free, np.sqrt(size**2 - free**2))
    found = measure(SF1, table, {"SX": {"r": (1.1,)}})[0]
    assert found.value == pytest.approx(12.5)
    assert expected_size(SRD_SEEING["S1"], np.array([0.44, 0.6, 0.8])) == pytest.approx(
        [0.56, 0.69, 0.87]
    )


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        (S1, {"airmass": 1.6}, "out_of_scope_no_zenith_visits"),
        (SXE, {"airmass": 1.1}, "out_of_scope_no_low_visits"),
        (
            SYSIQ,
            {"system": 0.0, "band": "z", "noise": 0.0, "size": 0.9},
            "atmosphere_exceeds_image",
        ),
        (SYSIQ, {"band": "z", "noise": 0.3}, "no_usable_row"),
        (SF1, {"nights": 1}, "too_few_clusters"),
    ],
)
def test_what_cannot_be_measured_says_why(name, change, reason):
    shrink = change.pop("size", 1.0)
    free = 0.7 * np.exp(0.1 * np.random.default_rng(4).normal(size=40))
    table = visits(free, change.pop("system", 0.3), **change)
    table["seeing"] = table["seeing"] * shrink
    found = measure(name, table)[0]
    assert (found.status, found.value, found.reason) == ("NOT_MEASURED", None, reason)


def test_order_and_partitions_do_not_matter():
    table = visits(np.linspace(0.5, 0.9, 30), 0.3, noise=0.02)
    metric = make(SF1)
    whole = metric.fold({"visit_table": table})
    mixed = np.random.default_rng(5).permutation(30)
    parts = [
        metric.fold({"visit_table": {k: v[i] for k, v in table.items()}})
        for i in (mixed[20:], mixed[:20])
    ]
    assert state_digest(metric.merge(*parts)) == state_digest(whole)


@pytest.mark.parametrize("name", [S1, SF1])
def test_a_monitor_that_says_more_than_the_images_show_passes_nothing(name):
    free = 0.6 * np.exp(0.05 * np.random.default_rng(6).normal(size=60))
    table = visits(free, 0.4)
    at = {"seeing": {"r": (0.6,)}}
    assert measure(name, table, at)[0].status == "MEASURED"
    # The delivered size along the line of sight, twice over: a wrong unit or a wrong column.
    larger = 2.0 * table["seeing"] * table["atmosphericSeeing"] / free
    found = measure(name, {**table, "atmosphericSeeing": larger}, at)[0]
    assert (found.status, found.reason) == ("NOT_MEASURED", "atmosphere_exceeds_image")
    copied = measure(name, {**table, "atmosphericSeeing": table["seeing"]}, at)[0]
    assert (copied.status, copied.reason) == ("NOT_MEASURED", "no_usable_row")
    one = {**table, "seeing": np.full(60, 0.65)}
    assert measure(name, one, at)[0].reason == "no_scatter"


def test_images_without_a_size_are_missed_and_visits_without_a_monitor_are_not():
    free = 0.6 * np.exp(0.05 * np.random.default_rng(6).normal(size=60))
    table, some = visits(free, 0.3), np.arange(60) % 3 == 0
    blank = {**table, "seeing": np.where(some, np.nan, table["seeing"])}
    assert measure(SF1, blank)[0].reason == "rows_incomplete"
    unseen = {**table, "atmosphericSeeing": np.where(some, np.nan, table["atmosphericSeeing"])}
    assert measure(SF1, unseen)[0].status == "MEASURED"
