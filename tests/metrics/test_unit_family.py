"""Rows of visits: nights, what they share, and columns full of nonsense."""

from __future__ import annotations

import numpy as np
import pytest

from skyassay.metrics.registry import make
from skyassay.metrics.unit_family import night_share, nights

BAD = (np.nan, np.inf, -np.inf, 0.0, -1.0, 1e308, -1e308)
VISITS = ("depth.single_visit.db1", "depth.single_visit.df1", "depth.effective_time.median")
SEEING = ("seeing.delivered.s1", "seeing.delivered.sf1", "seeing.system.sxe")


def test_nights_are_parted_by_daylight_on_any_site():
    for noon in (0.0, 0.3, 0.6, 0.9):
        mjd = 61000.0 + noon + np.array([0.0, 0.2, 0.4, 1.0, 1.25, 2.1])
        assert nights(mjd).tolist() == [0, 0, 0, 1, 1, 2]
        mixed = np.array([3, 0, 5, 1, 4, 2])
        assert nights(mjd[mixed]).tolist() == [1, 0, 2, 0, 1, 0]


def test_share_of_a_night_is_found():
    draw = np.random.default_rng(0)
    label = np.repeat(np.arange(400), 5)
    values = draw.normal(size=400)[label] + draw.normal(size=2000)
    assert night_share(values, label) == pytest.approx(0.5, abs=0.05)
    assert night_share(draw.normal(size=2000), label) < 0.05
    assert night_share(np.ones(4), np.arange(4)) == 0.0


def table(n=12):
    return {
        "visit": np.arange(n),
        "band": np.full(n, "r"),
        "expMidptMJD": 61000.1 + np.arange(n) % 4,
        "airmass": np.full(n, 1.1),
        "expTime": np.full(n, 30.0),
        "seeing": np.linspace(0.7, 0.8, n),
        "skyBrightness": np.linspace(20.9, 21.1, n),
        "magLim": np.linspace(24.5, 24.7, n),
        "zeroPoint": np.linspace(32.0, 32.01, n),
        "atmosphericSeeing": np.linspace(0.65, 0.75, n),
        "atmosphericSeeingErr": np.full(n, 0.01),
    }


@pytest.mark.parametrize("name", VISITS + SEEING)
@pytest.mark.parametrize("bad", BAD, ids=str)
def test_nonsense_in_a_column_is_refused_or_harmless(name, bad):
    metric = make(name)
    for column in next(iter(metric.inputs.values())):
        if column.name in ("visit", "band"):
            continue
        broken = table()
        broken[column.name] = np.full(12, bad)
        for found in metric.finish(metric.fold({"visit_table": broken}), {}):
            if np.isfinite(bad) and abs(bad) < 2:
                continue  # an error of zero or a depth of -1 is a number
            assert found.status == "NOT_MEASURED", column.name


def test_a_band_that_nobody_knows_is_not_measured():
    odd = table() | {"band": np.full(12, "X")}
    for name in ("depth.single_visit.db1", "seeing.system.sxe"):
        metric = make(name)
        found = metric.finish(metric.fold({"visit_table": odd}), {})
        assert [(f.band, f.reason) for f in found] == [("X", "no_usable_row")]
