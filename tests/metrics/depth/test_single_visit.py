"""Depth of single visits: against a known truth, and with nothing to measure."""

from __future__ import annotations

import numpy as np
import pytest

from skyassay.metrics.contract import state_digest
from skyassay.metrics.depth.fiducial import CONDITIONS, fiducial_depth
from skyassay.metrics.registry import make

D1, DF1, Z1, DB1 = (f"depth.single_visit.{n}" for n in ("d1", "df1", "z1", "db1"))


def visits(depth, nights=10, band="r", *, airmass=1.1, cloud=0.0, seed=3):
    """Visits whose depth under fiducial conditions is `depth`, taken under others."""
    depth = np.asarray(depth, dtype=float)
    n = len(depth)
    draw = np.random.default_rng(seed)
    seeing = CONDITIONS["seeing"][band] * draw.uniform(0.95, 1.15, n)
    sky = CONDITIONS["sky"][band] + draw.uniform(-0.2, 0.3, n)
    table = {
        "visit": np.arange(n) + 7,
        "band": np.full(n, band),
        "expMidptMJD": 61000.1 + np.arange(n) % nights + 0.001 * np.arange(n),
        "airmass": np.full(n, airmass),
        "expTime": np.full(n, 30.0),
        "seeing": seeing,
        "skyBrightness": sky,
        "zeroPoint": 32.0 - CONDITIONS["extinction_per_airmass"][band] * (airmass - 1.0) - cloud,
    }
    if np.ndim(table["zeroPoint"]) == 0:
        table["zeroPoint"] = np.full(n, table["zeroPoint"])
    zero = np.zeros(n)
    args = (CONDITIONS, table["band"], zero, seeing, sky, table["airmass"], table["expTime"])
    table["magLim"] = depth - fiducial_depth(*args)
    return table


def measure(name, table, at=None):
    metric = make(name)
    found = metric.finish(metric.fold({"visit_table": table}), at or {})
    return found[0] if len(found) == 1 else found


def test_depth_of_visits_is_brought_to_fiducial_conditions_in_every_band():
    depths = 24.0 + 0.02 * np.random.default_rng(0).standard_normal(60)
    for band in "ugrizy":
        found = measure(DB1, visits(depths, band=band))
        assert found.value == pytest.approx(np.median(depths), abs=1e-9)
        assert found.interval.low < 24.0 < found.interval.high
        assert found.diagnostics["n_units"] == 10
    # Ivezic et al. (2019), table 2: 0.7 arcsec and 21 mag/arcsec2 are r's own.
    assert (CONDITIONS["seeing"]["r"], CONDITIONS["sky"]["r"]) == (0.7, 21.0)


def test_longer_exposures_are_not_counted_as_deeper():
    table = visits(np.linspace(23.9, 24.1, 41))
    table["expTime"] = np.full(41, 120.0)
    table["magLim"] = table["magLim"] + 1.25 * np.log10(4.0)
    table["zeroPoint"] = table["zeroPoint"] + 2.5 * np.log10(4.0)
    assert measure(D1, table).value == pytest.approx(24.0, abs=1e-9)


def test_visits_through_cloud_do_not_count():
    cloudy = np.arange(60) % 4 == 0
    depths = np.linspace(23.9, 24.1, 60)
    found = measure(DB1, visits(depths - 0.5 * cloudy, cloud=0.5 * cloudy))
    assert found.value == pytest.approx(np.median(depths[~cloudy]), abs=1e-9)
    assert (found.n, found.n_rejected) == (45, 15)


def test_a_telescope_that_grows_dim_is_not_cloudy():
    depths = np.linspace(24.2, 23.8, 200)
    table = visits(depths, nights=200)
    table["zeroPoint"] = table["zeroPoint"] + depths - 24.2
    found = measure(DB1, table)
    # Only the best weeks would count if their zero point were that of a clear sky for ever.
    assert found.value == pytest.approx(24.0, abs=0.01)
    assert found.n > 180


def test_shallow_visits_and_the_depth_they_miss():
    depths = np.concatenate([np.full(8, 24.3), np.linspace(24.5, 24.9, 92)])
    table = visits(depths, nights=20)
    found = measure(DF1, table, {"Z1": {"r": (24.0, 24.4)}})
    assert [f.value for f in found] == pytest.approx([0.0, 8.0])
    assert found[0].interval.upper > 1.0  # none of a hundred is not none at all
    deep = measure(Z1, table, {"DF1": {"r": (10.0,)}})
    assert deep.value == pytest.approx(np.quantile(depths, 0.1), abs=1e-9)


def test_only_r_is_asked_for_the_tail():
    assert measure(DF1, visits(np.linspace(24, 25, 30), band="g")) == []


def test_high_airmass_is_not_fiducial():
    found = measure(DF1, visits(np.linspace(24, 25, 30), airmass=1.5))
    assert found.reason == "out_of_scope_no_fiducial_visits"


@pytest.mark.parametrize(
    ("depths", "nights", "reason"),
    [
        ([24.0, 24.1], 2, "too_few_visits"),
        (np.linspace(24, 24.2, 20), 1, "too_few_clusters"),
        (np.full(20, 24.0), 5, "no_scatter"),
        (np.full(20, np.nan), 5, "no_usable_row"),
    ],
)
def test_what_cannot_be_measured_says_why(depths, nights, reason):
    table = visits(depths, nights)
    if reason == "no_scatter":
        table["seeing"] = np.full(20, 0.7)
        table["skyBrightness"] = np.full(20, 21.0)
        table["magLim"] = np.full(20, 24.0)
    found = measure(D1, table)
    assert (found.status, found.value, found.reason) == ("NOT_MEASURED", None, reason)


def test_order_and_partitions_do_not_matter():
    table = visits(24.0 + 0.1 * np.random.default_rng(1).standard_normal(50))
    metric = make(DB1)
    whole = metric.fold({"visit_table": table})
    mixed = np.random.default_rng(2).permutation(50)
    parts = [{k: v[i] for k, v in table.items()} for i in (mixed[:13], mixed[13:13], mixed[13:])]
    folded = [metric.fold({"visit_table": p}) for p in parts]
    merged = metric.merge(folded[2], metric.merge(folded[1], folded[0]))
    assert state_digest(merged) == state_digest(whole)
    assert metric.finish(merged, {}) == metric.finish(whole, {})
    assert metric.evidence(whole)["r"]["value"].shape == (50,)


@pytest.mark.parametrize("name", [DB1, D1, DF1, Z1])
def test_one_depth_for_every_visit_was_not_measured(name):
    table = {**visits(np.linspace(24.9, 25.1, 60)), "magLim": np.full(60, 25.0)}
    found = measure(name, table)
    assert (found.status, found.reason) == ("NOT_MEASURED", "no_scatter")


def test_shallow_visits_without_a_depth_are_not_left_out_in_silence():
    depths = np.where(np.arange(200) % 4 == 0, 23.5, np.linspace(24.8, 25.0, 200))
    assert measure(DF1, visits(depths)).value == pytest.approx(25.0)
    found = measure(DF1, visits(np.where(depths < 24.0, np.nan, depths)))
    assert (found.status, found.reason) == ("NOT_MEASURED", "rows_incomplete")
