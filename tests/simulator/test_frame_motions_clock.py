"""The twin's frame, motions and clock: what is put in is what the metrics find."""

from dataclasses import replace

import numpy as np
import pytest

from skyassay.metrics.registry import make
from skyassay.simulator import parts
from skyassay.simulator.astrometry import Astrometry
from skyassay.simulator.expectations.astrometry import EXPECTATIONS
from skyassay.simulator.frame import FrameTerms, reference_stars
from skyassay.simulator.motions import MotionTerms, true_motions
from skyassay.simulator.presets import preset
from skyassay.simulator.smooth import smooth_field
from skyassay.simulator.twin import Twin

NEEDED = (
    parts.stars,
    parts.nights,
    parts.measurements,
    parts.motions,
    parts.external_frame,
    parts.reference_clock,
)


@pytest.fixture(scope="module")
def scene():
    return parts.build(preset("tiny"), 4, Twin(), NEEDED)


@pytest.mark.parametrize("expectation", EXPECTATIONS, ids=lambda e: e.metric)
def test_metrics_find_what_the_terms_make(scene, expectation):
    plugin = make(expectation.metric)
    found = plugin.finish(plugin.fold({p: scene[p] for p in plugin.inputs}), {})
    assert found
    without = expectation.metric.startswith(("timing", "astrometry.wcs"))
    for m in found:
        band = "" if without else m.band
        value = expectation.value(scene.twin, band, None)
        error = expectation.error(scene.twin, scene.preset, band, value)
        # The expectation is of the worse coordinate.
        excess = (m.value - value) / error
        assert excess < 4.0, m
        if m.component is None or expectation.metric.endswith("proper_motion"):
            assert excess > -4.0, m


def test_positions_repeat_as_before_and_say_their_epoch(scene):
    plain = parts.build(preset("tiny"), 4, Twin(), NEEDED[:3])
    for name in ("coord_ra", "coord_dec", "psfFlux"):
        assert np.array_equal(plain["matched_source"][name], scene["matched_source"][name])
    epochs = set(scene["matched_source"]["epochMjdTai"].tolist())
    assert epochs == set(scene["truth_star"]["epochMjdTai"].tolist())


def test_stars_move_as_in_the_solar_neighbourhood_and_the_halo():
    count = 4000
    table = {f"{b}_mag": np.full(count, 18.0) for b in "ugrizy"} | {
        "coord_ra": np.linspace(0.0, 360.0, count),
        "coord_dec": np.linspace(-90.0, 90.0, count),
    }
    red = true_motions(table | {"g_mag": np.full(count, 20.5)}, 1)
    blue = true_motions(table | {"g_mag": np.full(count, 18.4)}, 1)
    # A red dwarf of 18 mag is some 300 pc away, a turn-off star some 5 kpc.
    assert 2.0 < np.median(red["parallax"]) < 10.0
    assert 0.1 < np.median(blue["parallax"]) < 0.4
    size = [np.median(np.hypot(t["pmRa"], t["pmDec"])) for t in (red, blue)]
    assert 10.0 < size[0] < 80.0
    assert 1.0 < size[1] < 20.0


def test_stars_appended_later_move_nobody():
    ra = np.linspace(10.0, 20.0, 50)
    table = {"coord_ra": ra, "coord_dec": -ra} | {f"{b}_mag": ra + 5.0 for b in "ugrizy"}
    first = {k: v[:20] for k, v in table.items()}
    for name, column in true_motions(first, 3).items():
        assert np.array_equal(column, true_motions(table, 3)[name][:20])


def test_smooth_field_has_its_correlation_anywhere():
    draws = []
    for seed in range(300):
        ra, dec = np.array([359.95, 0.05, 0.25]), np.full(3, 60.0)
        draws.append(smooth_field(ra, dec, 0.1, seed, "test"))
    field = np.array(draws)
    apart = np.array([0.1, 0.2]) * np.cos(np.radians(60.0))
    want = np.exp(-0.5 * (apart / 0.1) ** 2)
    got = [np.mean(field[:, 0] * field[:, 1]), np.mean(field[:, 1] * field[:, 2])]
    assert got == pytest.approx(want, abs=0.2)
    assert field.std() == pytest.approx(1.0, abs=0.1)


def test_a_perfect_frame_and_clock_are_perfect(scene):
    perfect = FrameTerms(0.0, 0.0, 0.0, 0.15, 0.0)
    found = reference_stars(scene["truth_star"], perfect, 1)
    at = scene["truth_star"]["epochMjdTai"][0]
    years = (at - found["epochMjdTai"]) / 365.25
    dec = found["coord_dec"] + found["pmDec"] * years / 3.6e6
    bright = scene["truth_star"]["r_mag"] < 20.5
    assert dec == pytest.approx(scene["truth_star"]["coord_dec"][bright], abs=1e-9)


def test_quoted_errors_that_lie_are_seen_beside_the_value(scene):
    terms = replace(MotionTerms(), quoted=0.5)
    twin = replace(Twin(), astrometry=Astrometry(motions=terms))
    lying = parts.build(preset("tiny"), 4, twin, NEEDED)
    plugin = make("astrometry.motion.parallax")
    honest, other = (
        plugin.finish(plugin.fold({p: s[p] for p in plugin.inputs}), {})[0] for s in (scene, lying)
    )
    assert other.value == honest.value
    ratio = other.diagnostics["pull_width"] / honest.diagnostics["pull_width"]
    assert ratio == pytest.approx(2.0)
