"""Dipoles, trails and streaks against what was drawn."""

from __future__ import annotations

import numpy as np
import pytest

from skyassay.pipeline.dia.measure import measure_dia
from skyassay.pipeline.dia.options import Options
from skyassay.pipeline.images.mask import bit


def trail(drawn, x, y, flux, length, angle):
    """Draw a line of even brightness."""
    n = int(4 * length) + 1
    t = (np.arange(n) + 0.5) / n - 0.5
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    return drawn.add(x + t * length * cosine, y + t * length * sine, flux / n)


def line(shape, angle, offset, width, peak, length=np.inf):
    """Return a streak and the distance of pixels from it."""
    v, u = np.mgrid[: shape[0], : shape[1]] - 0.5 * (np.array(shape)[:, None, None] - 1)
    d = u * np.cos(angle) + v * np.sin(angle) - offset
    s = v * np.cos(angle) - u * np.sin(angle)
    return peak * np.exp(-0.5 * (d / width) ** 2) * (np.abs(s) < 0.5 * length), np.abs(d)


@pytest.mark.parametrize("angle", [0.0, 37.0, 118.0, -150.0])
def test_dipole_of_separate_lobes(scene, angle):
    dx, dy = 4.0 * np.cos(np.radians(angle)), 4.0 * np.sin(np.radians(angle))
    drawn = scene((256, 256), seed=3)
    drawn.add(128.0 + dx / 2, 120.0 + dy / 2, 12e3).add(128.0 - dx / 2, 120.0 - dy / 2, 0.0, 9e3)
    done = measure_dia(*drawn.images(), Options(), seed=1)
    assert done.quality["nDipole"] == 1
    assert len(done.table) == 1
    row = done.table[0]
    assert row["isDipole"]
    assert row["dipoleFitAttempted"]
    assert not row["isNegative"]
    assert row["dipoleLength"] == pytest.approx(4.0, abs=0.4)
    assert (row["dipoleAngle"] - angle + 180.0) % 360.0 - 180.0 == pytest.approx(0.0, abs=4.0)
    for name, true in (("Mean", 10.5e3), ("Diff", 3e3)):
        column = f"dipole{'MeanFlux' if name == 'Mean' else 'FluxDiff'}_instFlux"
        assert abs(row[column] - true) < 4.0 * row[f"{column}Err"]
    assert np.hypot(row["x"] - 128.0, row["y"] - 120.0) < 0.3
    # No light is at its middle but the difference of the lobes' wings.
    assert abs(row["psfFlux_instFlux"]) < 9e3


def test_star_that_shifted_is_one_dipole(scene):
    drawn = scene((256, 256), seed=3).add(128.0, 120.0, 60e3).add(128.5, 120.0, 0.0, 60e3)
    table = measure_dia(*drawn.images(), Options(), seed=1).table
    assert len(table) == 1
    assert table["isDipole"][0]
    # Flux and distance of near lobes go together, but the flux is bounded by the star's.
    product = table["dipoleMeanFlux_instFlux"][0] * table["dipoleLength"][0]
    assert product == pytest.approx(0.5 * 60e3, rel=0.1)
    assert table["dipoleMeanFlux_instFlux"][0] < 1.2 * 60e3
    assert abs(abs(table["dipoleAngle"][0]) - 180.0) < 5.0


def test_far_and_unequal_pairs_stay_two_sources(scene):
    drawn = scene((256, 256), seed=3)
    drawn.add(60.0, 60.0, 9e3).add(75.0, 60.0, 0.0, 9e3)
    drawn.add(160.0, 160.0, 20e3).add(165.0, 160.0, 0.0, 3e3)
    done = measure_dia(*drawn.images(), Options(), seed=1)
    assert done.quality["nDipole"] == 0
    assert sorted(done.table["isNegative"]) == [False, False, True, True]


@pytest.mark.parametrize(("length", "angle"), [(8.0, 20.0), (15.0, -65.0), (35.0, 80.0)])
def test_trail_is_one_source_with_its_length(scene, length, angle):
    flux = 6e3 + 500.0 * length
    drawn = trail(scene((256, 256), seed=5), 120.3, 131.7, flux, length, angle)
    done = measure_dia(*drawn.images(), Options(), seed=1)
    assert len(done.table) == 1
    row = done.table[0]
    assert not row["trail_flag"]
    assert abs(row["trailLength"] - length) < max(4.0 * row["trailLengthErr"], 0.3)
    assert row["trailLengthErr"] < 1.0
    assert (row["trailAngle"] - angle + 90.0) % 180.0 - 90.0 == pytest.approx(0.0, abs=3.0)
    assert abs(row["trailFlux_instFlux"] - flux) < 4.0 * row["trailFlux_instFluxErr"]
    assert abs(row["x"] - 120.3) < 4.0 * row["xErr"]
    assert abs(row["y"] - 131.7) < 4.0 * row["yErr"]
    # A point-source fit does not hold a trail's light.
    assert row["psfFlux_instFlux"] < 0.95 * row["trailFlux_instFlux"]
    assert done.quality["nStreak"] == 0


def test_points_are_no_trails(scene, grid):
    rng = np.random.default_rng(4)
    x, y = grid(8, 512, 40, rng)
    table = measure_dia(*scene((512, 512), seed=5).add(x, y, 6e3).images(), Options(), seed=1).table
    assert np.asarray(table["trail_flag"]).mean() > 0.96
    assert np.isnan(np.asarray(table["trailLength"])[np.asarray(table["trail_flag"])]).all()


@pytest.mark.parametrize(("angle", "offset", "peak"), [(0.6, 40.0, 12.0), (1.62, -150.0, 200.0)])
def test_streak_is_masked_and_its_detections_collapse(scene, angle, offset, peak):
    shape = (640, 600)
    drawn = scene(shape, seed=6).add(300.0, 520.0, 8e3)
    light, distance = line(shape, angle, offset, 2.5, peak)
    drawn.science += light
    images = drawn.images()
    done = measure_dia(*images, Options(), seed=1)
    masked = (done.exposure.mask & bit("STREAK")) != 0
    assert done.quality["nStreak"] == 1
    assert masked[distance < 2.5].mean() > 0.99
    assert not masked[distance > 30.0].any()
    alone = np.hypot(done.table["x"] - 300.0, done.table["y"] - 520.0) < 2.0
    assert alone.sum() == 1
    assert len(done.table) <= 3
    assert np.asarray(done.table["pixelFlags_streak"])[~alone].all()


def test_what_is_no_streak(scene, grid):
    shape = (600, 600)
    # Noise, a short trail, and stars in a row, as a bad column of a detector has them not.
    assert measure_dia(*scene(shape, seed=7).images(), Options(), seed=1).quality["nStreak"] == 0
    drawn = scene(shape, seed=7)
    drawn.science += line(shape, 0.4, 20.0, 2.0, 100.0, length=150.0)[0]
    drawn.add(np.array([100.0, 200.0, 300.0, 400.0]), np.full(4, 300.0), 2e4)
    assert measure_dia(*drawn.images(), Options(), seed=1).quality["nStreak"] == 0


def test_two_streaks(scene):
    shape = (640, 640)
    drawn = scene(shape, seed=6)
    for angle, offset in ((0.6, 40.0), (2.2, -100.0)):
        drawn.science += line(shape, angle, offset, 2.5, 30.0)[0]
    assert measure_dia(*drawn.images(), Options(), seed=1).quality["nStreak"] == 2
