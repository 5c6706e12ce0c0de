"""The coadds' zero points: their terms have the sizes they say, and metrics find them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from skyassay.metrics.registry import make
from skyassay.simulator.calibration import Calibration, smooth_field
from skyassay.simulator.expectations.zero_points import EXPECTATIONS
from skyassay.simulator.geometry import basis
from skyassay.simulator.parts import Scene, build, coadds, nights, stars, wide_sky
from skyassay.simulator.presets import preset
from skyassay.simulator.twin import Twin
from skyassay.simulator.universe import WIDE_ID
from skyassay.simulator.wide import WideSky, chosen_regions, with_wide

PARTS = (stars, wide_sky, nights, coadds)


def _scene(name: str = "small", seed: int = 3, twin: Twin | None = None) -> Scene:
    return build(preset(name), seed, twin or Twin(), PARTS)


@pytest.fixture(scope="module")
def small() -> Scene:
    return _scene()


def test_a_smooth_field_has_unit_variance_and_its_correlation() -> None:
    rng = np.random.default_rng(0)
    ra, dec = 360.0 * rng.random(4000), np.degrees(np.arcsin(rng.uniform(-0.9, 0.9, 4000)))
    here = smooth_field(basis(ra, dec)[0], 3.0, 1, "x")
    north = smooth_field(basis(ra, dec + 3.0)[0], 3.0, 1, "x")
    assert here.std() == pytest.approx(1.0, abs=0.1)
    assert np.mean(here * north) / here.var() == pytest.approx(np.exp(-0.5), abs=0.1)
    assert abs(np.mean(here * smooth_field(basis(ra, dec)[0], 3.0, 1, "y"))) < 0.15


@pytest.mark.parametrize("expectation", EXPECTATIONS, ids=lambda e: e.metric)
def test_what_is_measured_is_what_the_terms_say(expectation, small: Scene) -> None:
    metric = make(expectation.metric)
    found = metric.finish(metric.fold(small.tables), {})
    assert {m.band for m in found} == set("ugrizy")
    for m in found:
        value = expectation.value(small.twin, m.band, None)
        error = expectation.error(small.twin, small.preset, m.band, value)
        assert m.value == pytest.approx(value, abs=4.0 * error), m.band
        assert m.interval is not None


def test_tiny_has_too_little_sky() -> None:
    scene = _scene("tiny")
    for expectation in EXPECTATIONS:
        metric = make(expectation.metric)
        assert expectation.error(scene.twin, scene.preset, "g", 1.0) == "NOT_MEASURED"
        assert {m.status for m in metric.finish(metric.fold(scene.tables), {})} == {"NOT_MEASURED"}


def test_without_terms_nothing_wanders() -> None:
    none = Calibration(gray=0, own=0, cell=0, flat=0, colour=0, ab=(0,) * 6)
    scene = _scene(twin=replace(Twin(), calibration=none))
    metric = make("photometry.uniformity.pa3")
    for m in metric.finish(metric.fold(scene.tables), {}):
        assert m.interval is not None
        assert m.interval.upper < 0.8
        assert abs(float(m.diagnostics["mean_error"] or 0.0)) < 0.3


def test_every_star_has_a_row_and_wide_stars_are_clear_of_the_field(small: Scene) -> None:
    truth, table = small["truth_star"], small["object"]
    assert np.array_equal(truth["objectId"], table["objectId"])
    wide = truth["objectId"] > WIDE_ID
    assert wide.sum() == 12 * 6 * 90
    assert truth["isStandard"].sum() == 36
    assert not truth["isStandard"][~wide].any()
    regions = chosen_regions(12, small.preset.cadence.fields)
    assert len(set(regions.tolist())) == 12


def test_more_sky_does_not_change_the_survey_s_own_stars() -> None:
    more = replace(preset("tiny"), wide=WideSky(regions=4, cells=2, stars=5))
    one, two = (build(p, 7, Twin(), PARTS) for p in (preset("tiny"), more))
    for name in ("g_mag", "coord_ra"):
        own = two["truth_star"][name][: len(one["truth_star"][name])]
        assert np.array_equal(own, one["truth_star"][name])
    assert np.array_equal(
        one["truth_visit"]["zeroPointOffset"], two["truth_visit"]["zeroPointOffset"]
    )


def test_what_wide_stars_lack_is_unknown() -> None:
    own = {"objectId": np.arange(2), "pmRa": np.ones(2), "isVariable": np.ones(2, dtype=bool)}
    more = {"objectId": WIDE_ID + np.arange(3), "isStandard": np.ones(3, dtype=bool)}
    joined = with_wide(own, more)
    assert np.isnan(joined["pmRa"][2:]).all()
    assert joined["isVariable"].tolist() == [True, True, False, False, False]
    assert joined["isStandard"].tolist() == [False, False, True, True, True]
