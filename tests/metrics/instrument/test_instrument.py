"""Sky precision, unusable pixels, pixel scale and shortest exposure."""

from __future__ import annotations

import numpy as np
import pytest

from skyassay.metrics.contract import state_digest
from skyassay.metrics.registry import make
from skyassay.metrics.statistics.known_truth import clustered_rms

SKY, FRACTION, PIXELS, SCALE, SHORTEST = (
    "instrument.sky.sbprec",
    "instrument.pixels.sensorfraction",
    "instrument.pixels.pixfrac",
    "instrument.census.pixsize",
    "instrument.census.etmin",
)


def sky(error, nights=10):
    """Visits whose sky flux is wrong by so many per cent."""
    error = np.asarray(error, dtype=float)
    n = len(error)
    true = np.linspace(20.5, 21.5, n)
    said = {
        "visit": np.arange(n),
        "band": np.full(n, "g"),
        "expMidptMJD": 61000.1 + np.arange(n) % nights,
        "skyBrightness": true - 2.5 * np.log10(1.0 + error / 100.0),
    }
    return {"visit_table": said, "truth_visit": {"visit": np.arange(n), "skyBrightness": true}}


def measure(name, tables, at=None):
    metric = make(name)
    return metric.finish(metric.fold(tables), at or {})[0]


def test_error_of_the_sky_counts_an_offset_too():
    error = 0.5 + 0.3 * np.random.default_rng(0).normal(size=80)
    found = measure(SKY, sky(error))
    assert found.value == pytest.approx(np.sqrt(np.mean(error**2)), rel=1e-9)
    assert found.diagnostics["mean_error"] == pytest.approx(error.mean(), rel=1e-9)
    assert found.interval.low < found.value < found.interval.high


def test_sky_without_truth_and_copies_of_it_do_not_pass():
    assert measure(SKY, sky(np.zeros(20))).reason == "no_scatter"
    tables = sky(0.1 * np.random.default_rng(1).normal(size=20))
    tables["truth_visit"]["visit"] = tables["truth_visit"]["visit"] + 1000
    assert measure(SKY, tables).reason == "no_usable_row"
    twice = sky(0.1 * np.random.default_rng(1).normal(size=4))
    twice["truth_visit"] = {k: np.repeat(v, 2) for k, v in twice["truth_visit"].items()}
    assert measure(SKY, twice).reason == "no_usable_row"


def test_shared_errors_widen_the_interval_of_a_root_mean_square():
    draw = np.random.default_rng(2)
    label = np.repeat(np.arange(6), 20)
    shared = draw.normal(size=6)[label]
    alone = draw.normal(size=120)
    _, wide, much = clustered_rms(shared + 0.01 * alone, label)
    _, narrow, little = clustered_rms(alone, label)
    assert wide.high / wide.low > 2.0 * narrow.high / narrow.low
    assert much > 0.9 > 0.3 > little


def detectors(share, images=3, **change):
    """Images of sensors with such shares (per cent) of bad pixels."""
    share = np.asarray(share, dtype=float)
    n = len(share) * images
    table = {
        "detector": np.tile(np.arange(len(share)), images),
        "xSize": np.full(n, 4000),
        "ySize": np.full(n, 4000),
        "nPixelBad": np.tile(np.rint(share * 160_000), images).astype(np.int64),
        "pixelScale": np.full(n, 0.2),
    }
    return {"visit_detector_table": table | change}


def test_bad_pixels_are_a_census_of_sensors():
    tables = detectors([0.2, 0.5, 3.0, 0.1, 0.4, 0.3, 0.8])
    found = measure(FRACTION, tables, {"PixFrac": {"": (1.0,)}})
    assert found.value == pytest.approx(100.0 / 7.0)
    assert found.interval is None
    # 15 per cent of seven sensors is one: the second worst decides.
    assert measure(PIXELS, tables).value == pytest.approx(0.8)
    assert measure(PIXELS, tables, {"SensorFraction": {"r": (0.0,)}}).value == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (np.zeros(6, dtype=np.int64), "no_bad_pixels"),
        (np.array([1.0, 2.0, np.nan, 1.0, 1.0, 1.0]), "incomplete_census"),
        (np.array([1, 2, -1, 1, 1, 1]), "incomplete_census"),
        (np.array([1, 2, 99_000_000, 1, 1, 1]), "incomplete_census"),
    ],
)
def test_a_census_leaves_nothing_out(bad, reason):
    assert measure(PIXELS, detectors([0, 0], nPixelBad=bad)).reason == reason


def test_largest_pixel_scale_of_any_image():
    scale = np.array([0.2, 0.201, 0.2, 0.2, 0.2025, 0.2])
    found = measure(SCALE, detectors([0.1, 0.2], pixelScale=scale))
    assert (found.value, found.diagnostics["smallest"]) == (0.2025, 0.2)
    degrees = detectors([0.1, 0.2], pixelScale=scale / 3600.0)
    assert measure(SCALE, degrees).reason == "incomplete_census"
    scale[1] = np.nan
    assert measure(SCALE, detectors([0.1, 0.2], pixelScale=scale)).reason == "incomplete_census"


def test_only_a_short_exposure_shows_that_short_ones_can_be_taken():
    def of(times):
        return measure(SHORTEST, {"visit_table": {"expTime": np.array(times)}})

    assert of([30.0, 2.0, 30.0]).value == 2.0
    assert of([30.0, 30.0]).reason == "out_of_scope_no_short_exposures"
    assert of([np.nan, 0.0]).reason == "no_usable_row"
    # 30 s and 2 s in minutes.
    assert of([0.5, 0.5, 0.033]).reason == "no_standard_exposures"


@pytest.mark.parametrize("name", [FRACTION, SCALE])
def test_order_and_partitions_of_a_census_do_not_matter(name):
    table = detectors(np.linspace(0.1, 2.0, 8))["visit_detector_table"]
    metric = make(name)
    whole = metric.fold({"visit_detector_table": table})
    mixed = np.random.default_rng(5).permutation(24)
    parts = [
        metric.fold({"visit_detector_table": {k: v[i] for k, v in table.items()}})
        for i in (mixed[20:], mixed[:3], mixed[3:20], mixed[:0])
    ]
    merged = metric.merge(metric.merge(parts[3], parts[2]), metric.merge(parts[1], parts[0]))
    assert state_digest(merged) == state_digest(whole)
    assert metric.finish(metric.zero(), {}) == []


def test_a_sky_that_was_not_measured_is_missed_and_one_without_truth_is_not():
    tables, some = sky(0.3 * np.random.default_rng(4).normal(size=80)), np.arange(80) % 2 == 0
    for product, reason in (("visit_table", "rows_incomplete"), ("truth_visit", None)):
        table = tables[product]
        blank = {**table, "skyBrightness": np.where(some, np.nan, table["skyBrightness"])}
        assert measure(SKY, {**tables, product: blank}).reason == reason
