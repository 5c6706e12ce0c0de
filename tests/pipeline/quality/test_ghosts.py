"""Ghosts: the noise makes none, a known one has its area."""

from __future__ import annotations

import numpy as np
import pytest

from skyassay.pipeline.quality.ghosts import GhostChoice, ghost_area, sky_noise, slopes

SCALE = 0.2
SIDE = 512


def nothing(side: int = SIDE) -> np.ndarray:
    return np.zeros((side, side), dtype=bool)


def noise(seed: int, side: int = SIDE, sigma: float = 10.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.0, sigma, (side, side)).astype(np.float32)


def sources(seed: int, number: int = 40) -> np.ndarray:
    mask = nothing()
    for x, y in np.random.default_rng(seed).integers(0, SIDE, (number, 2)):
        mask[max(y - 5, 0) : y + 6, max(x - 5, 0) : x + 6] = True
    return mask


def test_pure_noise_makes_next_to_no_ghost() -> None:
    """A hundredth of what the requirement allows, with sources masked and without."""
    bare = [ghost_area(noise(s), ~nothing(), nothing(), SCALE) for s in range(4)]
    masked = [ghost_area(noise(s), ~nothing(), sources(s), SCALE) for s in range(4)]
    for found in (bare, masked):
        share = sum(a.n_ghost for a in found) / sum(a.n_pixel for a in found)
        assert share < 5e-4
        assert all(a.sky_noise == pytest.approx(10.0, rel=0.02) for a in found)


@pytest.mark.parametrize("smoothing", [0.5, 0.6])
def test_the_share_of_noise_is_the_one_that_is_stated(smoothing) -> None:
    choice = GhostChoice(smoothing=smoothing)
    found = [ghost_area(noise(s), ~nothing(), nothing(), SCALE, choice) for s in range(4)]
    share = sum(a.n_ghost for a in found) / sum(a.n_pixel for a in found)
    expected = np.exp(-4.0 * np.pi * (1.0 / 9.0) * (smoothing / SCALE) ** 4 / (1.0 / SCALE) ** 2)
    assert share == pytest.approx(expected, rel=0.3)


def test_a_slope_is_found_where_it_is_beyond_the_threshold_and_not_below() -> None:
    column = np.arange(SIDE, dtype=np.float32)[None, :]
    for factor, share in ((2.0, 1.0), (0.3, 0.0)):
        per_pixel = factor * 10.0 / 3.0 * SCALE
        found = ghost_area(noise(1) + per_pixel * column, ~nothing(), nothing(), SCALE)
        assert found.n_ghost / found.n_pixel == pytest.approx(share, abs=0.01)
        assert found.sky_noise == pytest.approx(10.0, rel=0.03)


def test_the_edge_of_a_ring_has_the_area_of_its_width() -> None:
    """A disc of 3 sigma: its edge is too steep over a known width on both sides."""
    y, x = np.indices((SIDE, SIDE))
    radius = np.hypot(x - 256.0, y - 256.0)
    found = ghost_area(noise(2) + 30.0 * (radius < 150.0), ~nothing(), nothing(), SCALE)
    # The fitted slope of a step is that of a Gaussian: h / (sqrt(2 pi) s) exp(-d^2 / 2 s^2).
    s = 0.8 / SCALE
    steepest = 30.0 / (np.sqrt(2.0 * np.pi) * s)
    width = 2.0 * s * np.sqrt(2.0 * np.log(steepest / (10.0 / 3.0 * SCALE)))
    assert found.n_ghost == pytest.approx(2.0 * np.pi * 150.0 * width, rel=0.08)


def test_sources_and_unusable_pixels_are_not_ghosts() -> None:
    image = noise(3)
    image[100:110, 100:110] += 1e5
    image[300, 300] = np.nan
    usable = ~nothing()
    usable[400:, :] = False
    image[400:, :] = 1e6
    mask = nothing()
    mask[98:112, 98:112] = True
    found = ghost_area(image, usable, mask, SCALE)
    assert found.n_ghost / found.n_pixel < 1e-3
    assert found.n_pixel < 400 * SIDE
    bare = ghost_area(image, usable, nothing(), SCALE)
    assert bare.n_ghost > found.n_ghost + 100


def test_units_and_orientation_do_not_matter() -> None:
    y, x = np.indices((SIDE, SIDE))
    image = noise(4) + 40.0 * (np.hypot(x - 200.0, y - 300.0) < 100.0)
    first = ghost_area(image, ~nothing(), nothing(), SCALE)
    for other in (image * 7.0 + 3.0, image[::-1], image.T):
        again = ghost_area(np.ascontiguousarray(other), ~nothing(), nothing(), SCALE)
        assert again.n_ghost == pytest.approx(first.n_ghost, rel=0.02)


def test_a_plane_is_fitted_exactly_beside_holes() -> None:
    y, x = np.indices((80, 80)).astype(float)
    weight = (np.random.default_rng(1).random((80, 80)) > 0.3).astype(float)
    slope, covered = slopes(3.0 * x - 4.0 * y + 17.0, weight, 4.0)
    inner = covered > 0.5
    assert slope[inner] == pytest.approx(5.0, rel=1e-2)


@pytest.mark.parametrize("case", ["masked", "flat", "tiny", "nan"])
def test_where_nothing_can_be_measured_nothing_is(case) -> None:
    image, usable = noise(5), ~nothing()
    if case == "masked":
        usable[:] = False
    if case == "flat":
        image[:] = 3.0
    if case == "nan":
        image[:] = np.nan
    if case == "tiny":
        image, usable = image[:5, :5], usable[:5, :5]
    found = ghost_area(image, usable, np.zeros_like(usable), SCALE)
    assert (found.n_pixel, found.n_ghost) == (0, 0)
    assert np.isnan(found.sky_noise)


def test_noise_of_too_few_pixels_is_unknown() -> None:
    assert np.isnan(sky_noise(np.ones((9, 9)), np.ones((9, 9), dtype=bool)))
