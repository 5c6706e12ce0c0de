"""What is fixed in a detector has the sizes that its terms say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from skyassay.pipeline.instrument.layouts import camera
from skyassay.simulator.camera.defects import defect_mask
from skyassay.simulator.camera.electronics import true_detector
from skyassay.simulator.camera.flat import illumination
from skyassay.simulator.camera.terms import CameraTerms

CAMERA = camera("small")
TERMS = CameraTerms()


@pytest.fixture(scope="module")
def detectors():
    return [true_detector(CAMERA, d.id, 3, TERMS) for d in CAMERA.detectors[:4]]


def test_true_amplifiers_scatter_about_the_nominal_ones(detectors):
    amps = [a for d in detectors for a in d.amplifiers]
    gains = np.array([a.gain / a.nominal.gain for a in amps])
    noise = np.array([a.read_noise / a.nominal.read_noise for a in amps])
    # 32 amplifiers: a scatter is known to 13 %.
    assert gains.std() == pytest.approx(TERMS.gain_scatter, rel=0.5)
    assert noise.std() == pytest.approx(TERMS.read_noise_scatter, rel=0.5)
    assert abs(gains.mean() - 1.0) < 4.0 * TERMS.gain_scatter / np.sqrt(gains.size)
    bend = np.mean([a.nonlinearity for a in amps])
    assert bend * 70_000 == pytest.approx(-0.0105, rel=0.1)


def test_crosstalk_is_large_between_neighbours_of_a_row_only(detectors):
    signs = set()
    for detector in detectors:
        c = detector.crosstalk
        assert (np.diag(c) == 0.0).all()
        near = np.abs(np.subtract.outer(np.arange(8), np.arange(8))) == 1
        near[3, 4] = near[4, 3] = False
        assert (np.abs(c[near]) >= 1e-4).all()
        assert (np.abs(c[near]) <= 4e-4).all()
        assert np.abs(c[~near]).max() < 6e-5
        signs |= set(np.sign(c[near]))
    assert signs == {-1.0, 1.0}


def test_defects_are_three_pixels_in_a_thousand(detectors):
    shares = [defect_mask(d.defects, d.nominal).mean() for d in detectors]
    assert 0.0015 < np.mean(shares) < 0.0045
    kinds = {item.kind for d in detectors for item in d.defects}
    assert kinds == {"HOT_PIXEL", "DEAD_COLUMN", "TRAP_COLUMN", "BAD_BLOCK"}


def test_defects_are_where_their_boxes_are(detectors):
    for true in detectors:
        amps = true.nominal.amplifiers
        for item in true.defects:
            inside = true.sensitivity[item.box]
            assert inside.shape == (item.height, item.width)
            if item.kind == "DEAD_COLUMN":
                assert (inside == 0.0).all()
                assert (item.y0, item.height) in {(a.y0, a.height) for a in amps}
            if item.kind == "HOT_PIXEL":
                assert (true.dark[item.box] >= TERMS.hot_rate[0]).all()
            if item.kind == "TRAP_COLUMN":
                # It reaches the middle of the detector, away from the register.
                assert 512 in (item.y0, item.y0 + item.height)


def test_good_pixels_scatter_by_half_a_per_cent(detectors):
    for true in detectors:
        good = ~defect_mask(true.defects, true.nominal)
        for amp in true.nominal.amplifiers:
            q = true.sensitivity[amp.box][good[amp.box]]
            width = 0.7413 * np.subtract(*np.percentile(q, (75, 25)))
            assert width / np.median(q) == pytest.approx(TERMS.pixel_sensitivity, rel=0.05)


def test_a_dust_grain_takes_a_ring_of_light():
    dusty = replace(
        TERMS, doughnuts=8.0, doughnut_depth=0.5, pixel_sensitivity=0.0, hot_share=0.0,
        dead_columns=0.0, bad_blocks=0.0, amplifier_sensitivity=0.0, detector_sensitivity=0.0,
    )  # fmt: skip
    found = true_detector(CAMERA, 0, 5, dusty).sensitivity
    dark = (found < 0.9).mean()
    assert found.max() == pytest.approx(1.0)
    # A ring's area is pi r^2 (1 - 0.61^2), with r from 20 to 40 pixels.
    assert 0.25 < dark / (8 * np.pi * 933 * (1 - 0.61**2) / 2**20) < 2.5


def test_vignetting_is_of_the_field_angle():
    even = replace(TERMS, illumination_slope=0.0)
    depths = []
    for detector in camera("lsst").detectors[::20]:
        small = replace(detector, nx=3, ny=3)
        light = illumination(small, 0.2, "r_sim", even, 1)[1, 1]
        angle = np.hypot(detector.x, detector.y) / even.vignetting_radius
        if angle > 0.3:
            depths.append((1.0 - light) / angle**4)
    assert depths == pytest.approx([depths[0]] * len(depths), rel=1e-3)
    assert 0.08 <= depths[0] <= 0.12


def test_bands_are_lit_differently_and_detectors_share_the_pattern():
    r, i = (illumination(CAMERA[0], 0.2, f"{b}_sim", TERMS, 1) for b in "ri")
    assert np.abs(r / i - 1.0).max() > 1e-4
    # The right edge of one detector and the left one of a fictitious neighbour agree.
    width = CAMERA[0].nx * 0.2 / 3600.0
    beside = illumination(replace(CAMERA[0], x=CAMERA[0].x + width), 0.2, "r_sim", TERMS, 1)
    assert np.abs(beside[:, 0] - r[:, -1]).max() < 1e-5


def test_the_bias_pattern_is_in_the_image_and_not_in_the_overscan(detectors):
    for true in detectors:
        amp = true.nominal.amplifiers[0]
        image = true.bias[:, : amp.height, amp.prescan : amp.prescan + amp.width]
        rows = np.diff(image.mean(axis=2), axis=1).std() / np.sqrt(2.0)
        columns = image.mean(axis=1).std(axis=1).mean()
        assert rows == pytest.approx(TERMS.bias_pattern, rel=0.1)
        assert columns == pytest.approx(TERMS.bias_pattern, rel=0.2)
        over = true.bias[:, :, -amp.overscan :].mean(axis=2)
        assert np.diff(over, axis=1).std() < 0.05
