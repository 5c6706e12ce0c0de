"""Cosmic rays and satellite trails."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from skyassay.pipeline.instrument.layouts import camera
from skyassay.simulator.camera.cosmics import CosmicRay, draw_rays, ray_electrons
from skyassay.simulator.camera.streaks import Streak, draw_streaks, offset, streak_electrons
from skyassay.simulator.camera.terms import CameraTerms
from skyassay.simulator.random import rng

TERMS = CameraTerms()
CAMERA = camera("tiny")


def test_ten_rays_in_30_s_on_a_megapixel():
    counts = [len(draw_rays((1024, 1024), 30.0, TERMS, rng(1, "t", k))) for k in range(100)]
    expected = TERMS.cosmic_rate * (1024 * 10e-4) ** 2 * 30.0
    assert expected == pytest.approx(10.0, rel=0.05)
    # Poisson: the mean of 100 counts is known to 0.32.
    assert np.mean(counts) == pytest.approx(expected, abs=1.3)
    assert draw_rays((1024, 1024), 0.0, TERMS, rng(1, "t")) == ()


def test_rays_have_the_lengths_and_charges_of_muons():
    rays = draw_rays((1024, 1024), 30_000.0, TERMS, rng(1, "many"))
    length = np.array([np.hypot(r.x1 - r.x0, r.y1 - r.y0) for r in rays])
    # tan(theta) = length / 10 pixels of thickness; half the rays have cos^4(theta) > 1/2.
    assert np.median(length) == pytest.approx(10.0 * np.sqrt(2.0**0.5 - 1.0), rel=0.05)
    path = 10.0 * np.hypot(length, 10.0)
    charge = np.array([r.electrons for r in rays]) / path
    assert np.median(charge) == pytest.approx(80.0, rel=0.02)
    assert charge.min() > 0.0


def test_a_track_is_a_line_with_all_its_charge():
    ray = CosmicRay(20.0, 30.0, 60.0, 60.0, 40_000.0)
    image = ray_electrons((ray,), (100, 90), 0.4, rng(1, "one"))
    assert image.sum() == pytest.approx(40_000.0, rel=1e-4)
    y, x = np.mgrid[:100, :90]
    weight = image / image.sum()
    assert np.sum(weight * x) == pytest.approx(40.0, abs=0.1)
    assert np.sum(weight * y) == pytest.approx(45.0, abs=0.1)
    across = ((y - 45.0) * 40.0 - (x - 40.0) * 30.0) / 50.0
    # Diffusion, and 1/12 for the pixel.
    assert np.sum(weight * across**2) == pytest.approx(0.4**2 + 1.0 / 12.0, rel=0.1)


def test_charge_beside_the_detector_is_not_on_it():
    ray = CosmicRay(-10.0, 5.0, 10.0, 5.0, 1000.0)
    image = ray_electrons((ray,), (11, 200), 0.0, rng(1, "edge"))
    assert image.sum() == pytest.approx(525.0, abs=10.0)
    assert ray_electrons((), (3, 4), 0.4, rng(1, "none")).shape == (3, 4)


def test_a_trail_has_its_brightness_per_pixel_of_length_and_its_width():
    detector = CAMERA[1]
    streak = Streak(detector.x, detector.y, 0.0, 500.0)
    image, crossing = streak_electrons((streak,), detector, 0.2, 4.0)
    assert crossing == (streak,)
    # What lies beyond four full widths is left out: half a per cent.
    assert image.sum(axis=0) == pytest.approx(np.full(512, 500.0), rel=0.01)
    assert (image.argmax(axis=0) // 2 == 127).all() or (image.argmax(axis=0) == 256).all()
    turned, _ = streak_electrons((replace(streak, angle=90.0),), detector, 0.2, 4.0)
    assert turned == pytest.approx(image.T, abs=1e-3)
    slanted, _ = streak_electrons((replace(streak, angle=30.0),), detector, 0.2, 4.0)
    assert slanted.sum() == pytest.approx(image.sum() / np.cos(np.radians(30.0)), rel=0.01)


def test_a_trail_goes_on_in_the_next_detector():
    """On the line through both centres a trail crosses both; one beside the camera none."""
    streak = Streak(CAMERA[0].x, 0.0, 0.0, 100.0)
    for detector in CAMERA.detectors:
        assert offset(streak, detector, 0.2) == pytest.approx(0.0, abs=1e-9)
        assert streak_electrons((streak,), detector, 0.2, 4.0)[1]
    up = replace(streak, angle=45.0)
    step = (CAMERA[1].x - CAMERA[0].x) * 3600.0 / 0.2
    assert offset(up, CAMERA[1], 0.2) == pytest.approx(-step / np.sqrt(2.0))
    image, crossing = streak_electrons((up,), CAMERA[1], 0.2, 4.0)
    assert crossing == ()
    assert not image.any()


def test_trails_of_an_exposure_are_the_same_for_all_who_ask():
    first = draw_streaks(CAMERA, 3, 77, mean=3.0, electrons=(50.0, 5000.0))
    assert first == draw_streaks(CAMERA, 3, 77, mean=3.0, electrons=(50.0, 5000.0))
    counts = [
        len(draw_streaks(CAMERA, 3, k, mean=0.5, electrons=(50.0, 5000.0))) for k in range(400)
    ]
    assert np.mean(counts) == pytest.approx(0.5, abs=0.15)
    assert all(50.0 <= s.electrons <= 5000.0 for s in first)
