"""Cosmic rays are found, stars of every seeing are left alone."""

from __future__ import annotations

import numpy as np
import pytest

from skyassay.pipeline.images.mask import bit
from skyassay.pipeline.isr.cosmic_rays import find_cosmic_rays

N, SKY, NOISE2 = 256, 800.0, 36.0


def moffat(fwhm: float, beta: float, dx: float, dy: float, half: int = 20) -> np.ndarray:
    """Return a star, of unit sum, averaged over 5 x 5 points of each pixel."""
    alpha = fwhm / (2.0 * np.sqrt(2.0 ** (1.0 / beta) - 1.0))
    sub = (np.arange(5 * (2 * half + 1)) - 2.0) / 5.0 - half
    x, y = np.meshgrid(sub - dx, sub - dy)
    value = (1.0 + (x * x + y * y) / alpha**2) ** -beta
    n = 2 * half + 1
    value = value.reshape(n, 5, n, 5).mean(axis=(1, 3))
    return value / value.sum()


def exposure(truth: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    image = (rng.poisson(truth) + rng.normal(0.0, np.sqrt(NOISE2), truth.shape)).astype(np.float32)
    variance = (np.maximum(image, 0.0) + np.float32(NOISE2)).astype(np.float32)
    return image, variance, np.zeros(truth.shape, np.int32)


@pytest.mark.parametrize("fwhm", [2.5, 3.0, 4.0, 6.0])
@pytest.mark.parametrize("beta", [2.5, 4.765])
def test_star_cores_are_not_eaten(fwhm, beta):
    rng = np.random.default_rng(int(10 * fwhm + beta))
    truth = np.full((N, N), SKY)
    for y in range(24, N - 24, 26):
        for x in range(24, N - 24, 26):
            star = moffat(fwhm, beta, *rng.uniform(-0.5, 0.5, 2))
            truth[y - 20 : y + 21, x - 20 : x + 21] += 10.0 ** rng.uniform(3.0, 6.3) * star
    image, variance, mask = exposure(truth, 7)
    before = image.copy()
    n = find_cosmic_rays(image, variance, mask)
    assert n == np.count_nonzero(mask & bit("CR"))
    assert n <= 1, "of 64 stars and 65,536 pixels"
    if n == 0:
        np.testing.assert_array_equal(image, before)


def test_rays_are_found_and_repaired():
    truth = np.full((N, N), SKY)
    image, variance, mask = exposure(truth, 3)
    rays = np.zeros((N, N))
    rng = np.random.default_rng(4)
    for _ in range(40):
        x, y, angle = [*rng.uniform(15, N - 15, 2).tolist(), rng.uniform(0.0, np.pi)]
        for step in np.arange(0.0, rng.uniform(0.5, 10.0), 0.05):
            px = round(x + step * np.cos(angle) + rng.normal(0.0, 0.2))
            py = round(y + step * np.sin(angle) + rng.normal(0.0, 0.2))
            rays[py, px] += 50.0
    image += rays.astype(np.float32)
    variance += rays.astype(np.float32)
    find_cosmic_rays(image, variance, mask)
    found = mask & bit("CR") != 0
    strong = rays > 10.0 * np.sqrt(SKY)
    assert strong.sum() > 100
    assert found[strong].mean() > 0.95
    assert (mask[found] & bit("INTRP") != 0).all()
    assert abs(image[found & strong].mean() - SKY) < 30.0
    assert (found & (rays == 0)).sum() < 0.1 * found.sum()


def test_a_wider_seeing_finds_more():
    """A pixel on the wing of what good seeing allows is a ray when stars are known to be wide."""
    truth = np.full((64, 64), SKY)
    truth[20:61, 10:51] += 2e4 * moffat(2.6, 4.765, 0.1, 0.0)
    counts = []
    for fwhm in (2.5, 6.0):
        image, variance, mask = exposure(truth, 1)
        counts.append(find_cosmic_rays(image, variance, mask, fwhm=fwhm))
    assert counts[0] == 0
    assert counts[1] > 0


def test_noise_is_no_ray():
    image, variance, mask = exposure(np.full((1024, 512), 100.0), 5)
    assert find_cosmic_rays(image, variance, mask) <= 1


def test_degenerate_images():
    for value, plane in ((np.nan, 0), (1.0, bit("BAD")), (1.0, bit("SAT"))):
        image = np.full((8, 8), value, np.float32)
        mask = np.full((8, 8), plane, np.int32)
        assert find_cosmic_rays(image, np.ones((8, 8), np.float32), mask) == 0
        assert (mask == plane).all()
    one = np.array([[5.0]], np.float32)
    assert find_cosmic_rays(one, one.copy(), np.zeros((1, 1), np.int32)) == 0


def test_next_to_saturation_nothing_is_searched():
    image, variance, mask = exposure(np.full((64, 64), SKY), 6)
    image[10:50, 32] = 9e4
    mask[10:50, 32] = bit("SAT")
    assert find_cosmic_rays(image, variance, mask) == 0
