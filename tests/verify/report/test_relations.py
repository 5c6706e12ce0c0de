"""What single values depend on: binned right, at RA 0 too, and nothing from too little."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from skyassay.verify.report.relations import LEAST_VALUES, maps, trends


def test_a_trend_is_found() -> None:
    rng = np.random.default_rng(1)
    mag = rng.uniform(17, 21, 2000)
    table = pd.DataFrame({"mag": mag, "value": 3.0 + 2.0 * (mag - 17) + rng.normal(0, 0.5, 2000)})
    (trend,) = trends(table)
    assert trend.axis == "magnitude (AB)"
    assert trend.n == 2000
    assert np.allclose(trend.middle, 3.0 + 2.0 * (trend.x - 17), atol=0.2)
    assert np.median(trend.high - trend.low) == pytest.approx(2 * 0.5 * 0.994, rel=0.25)


def test_order_of_rows_does_not_matter() -> None:
    rng = np.random.default_rng(2)
    table = pd.DataFrame(rng.normal(size=(300, 4)), columns=["mjd", "x", "y", "value"])
    turned = table.sample(frac=1.0, random_state=3)
    assert np.array_equal(trends(table)[0].middle, trends(turned)[0].middle)
    assert np.array_equal(maps(table)[0].middle, maps(turned)[0].middle)


def test_a_map_across_ra_zero_is_in_one_piece() -> None:
    rng = np.random.default_rng(4)
    ra, dec = rng.uniform(-1, 1, 4000) % 360.0, rng.uniform(-60, -58, 4000)
    table = pd.DataFrame({"ra": ra, "dec": dec, "value": (ra + 180) % 360 - 180})
    (sky,) = maps(table)
    assert sky.name == "sky"
    assert np.ptp(sky.x) < 1.2  # two degrees of right ascension at declination -59
    centre = sky.x / np.cos(np.radians(sky.y))
    assert np.allclose(sky.middle, centre, atol=2 * sky.size)
    assert sky.count.sum() == 4000


def test_too_little_and_nothing_give_nothing() -> None:
    few = pd.DataFrame({"mag": np.arange(LEAST_VALUES - 1.0), "value": 1.0})
    assert trends(few) == []
    nan = pd.DataFrame({"mag": np.full(50, np.nan), "ra": 1.0, "dec": 2.0, "value": 1.0})
    assert trends(nan) == []
    assert maps(nan) == []  # all in one point
    assert trends(pd.DataFrame({"value": [1.0] * 50})) == []
    assert maps(pd.DataFrame({"ra": ["a"] * 50, "dec": 1.0, "value": 1.0})) == []
