"""Resampling: positions, flux, noise, masks; at the pole and across RA 0."""

import numpy as np
import pytest

from skyassay.pipeline.astrometry.wcs import SkyWcs
from skyassay.pipeline.coadd.lanczos import table, widen
from skyassay.pipeline.coadd.warp import Box, Planes, footprint, mapping, warp
from skyassay.pipeline.images.mask import bit

SCALE = 0.2 / 3600.0
#: Where a tangent plane is hardest: RA 0, the pole, and somewhere.
PLACES = [(0.0001, 10.0), (359.9999, -5.0), (33.0, 89.999), (200.0, -89.99), (60.0, -30.0)]


def wcs(centre, size=(200, 180), shift=(0.0, 0.0), angle=0.0, bend=0.0, scale=SCALE):
    c, s = np.cos(angle), np.sin(angle)
    cd = scale * np.array([[-c, s], [s, c]])
    a, b = np.zeros((4, 4)), np.zeros((4, 4))
    a[2, 0], b[1, 1] = bend, -bend
    crpix = (size[0] / 2 + shift[0], size[1] / 2 + shift[1])
    return SkyWcs(centre, crpix, cd, a, b, size)


def stars(places, shape, sigma=1.6, flux=10000.0):
    """Gaussians sampled at pixel centres; unlike a real image there is no pixel to integrate."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    made = np.zeros(shape)
    for u, v in places:
        made += np.exp(-0.5 * ((x - u) ** 2 + (y - v) ** 2) / sigma**2)
    return (flux / (2 * np.pi * sigma**2) * made).astype(np.float32)


def planes(image, variance=4.0):
    return Planes(
        image,
        np.full(image.shape, variance, np.float32),
        np.zeros(image.shape, np.int32),
    )


def test_the_weights_of_a_position_sum_to_one_and_a_pixel_centre_is_the_pixel():
    weights = table()
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=1e-6)
    np.testing.assert_allclose(weights[0], [0, 0, 1, 0, 0, 0], atol=1e-7)
    np.testing.assert_allclose(weights[-1], [0, 0, 0, 1, 0, 0], atol=1e-7)


@pytest.mark.parametrize("centre", PLACES)
def test_stars_arrive_where_the_sky_says_with_their_flux(centre):
    source = wcs(centre, bend=2e-6)
    target = wcs(centre, shift=(10.3, -7.6), angle=0.4, scale=1.02 * SCALE)
    u, v = np.array([60.2, 140.7, 100.0]), np.array([50.5, 120.1, 90.0])
    image = stars(zip(u, v, strict=True), (180, 200))
    box = footprint(source, image.shape, target)
    made, filled = warp(planes(image), source, target, box)
    assert filled == np.count_nonzero((made.mask & bit("NO_DATA")) == 0)
    x, y = target.sky_to_pixel(*source.pixel_to_sky(u, v))
    for k in range(3):
        i, j = round(x[k]) - box.x0, round(y[k]) - box.y0
        stamp = made.image[j - 9 : j + 10, i - 9 : i + 10].astype(float)
        rows, columns = np.mgrid[-9:10, -9:10]
        total = stamp.sum()
        assert total == pytest.approx(10000.0, rel=2e-3)
        assert (stamp * columns).sum() / total + i + box.x0 == pytest.approx(x[k], abs=0.01)
        assert (stamp * rows).sum() / total + j + box.y0 == pytest.approx(y[k], abs=0.01)


def test_positions_between_the_nodes_are_good_to_a_thousandth_of_a_pixel():
    source = wcs((0.01, 60.0), size=(4000, 4000), bend=1e-6)
    target = wcs((0.05, 60.0), size=(4000, 4000), angle=1.0)
    box = Box(1000, 1000 + 65, 2000, 2000 + 65)
    coarse, fine = mapping(source, target, box, 32), mapping(source, target, box, 1)
    middle = coarse[:2, :2, :2].mean(axis=(0, 1))
    np.testing.assert_allclose(middle, fine[16, 16, :2], atol=1e-3)


def test_noise_of_small_scales_is_lost_but_not_that_of_large_ones():
    rng = np.random.default_rng(5)
    n = 512
    image = rng.normal(0.0, 2.0, (n, n)).astype(np.float32)
    source = wcs((10.0, 0.0), size=(n, n))
    target = wcs((10.0, 0.0), size=(n, n), shift=(0.37, 0.41))
    made, _ = warp(planes(image), source, target, Box(8, n - 8, 8, n - 8))
    inner = made.image[:480, :480]
    assert 0.6 < inner.std() / 2.0 < 0.95
    np.testing.assert_allclose(made.variance[5:-5, 5:-5], 4.0, rtol=1e-5)
    # Means of 8 x 8 pixels have the noise that the variance promises.
    means = inner.reshape(60, 8, 60, 8).mean(axis=(1, 3))
    assert means.std() * 8.0 / 2.0 == pytest.approx(1.0, abs=0.04)


def test_defects_are_carried_and_widened_and_outside_is_no_data():
    image = np.ones((60, 60), np.float32)
    source = planes(image)
    source.mask[30, 20] = bit("BAD") | bit("DETECTED")
    same = wcs((1.0, 1.0), size=(60, 60))
    made, filled = warp(source, same, same, Box(-10, 70, -10, 70))
    bad = (made.mask & bit("BAD")) != 0
    rows, columns = np.nonzero(bad)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (38, 42, 28, 32)
    # Detections are of one image, not of the sky.
    assert not (made.mask & bit("DETECTED")).any()
    assert (made.mask[0, 0], made.image[0, 0]) == (bit("NO_DATA"), 0.0)
    # Rounding decides about one row and column.
    assert 55 * 55 <= filled <= 56 * 56
    np.testing.assert_allclose(made.image[30:40, 30:40], 1.0, rtol=1e-5)


def test_widening_is_that_of_every_bit():
    mask = np.zeros((9, 9), np.int32)
    mask[4, 4], mask[4, 6] = 1, 2
    out = np.empty_like(mask)
    widen(mask, 1, out)
    assert out[3, 5] == 3 and out[3, 3] == 1 and out[5, 7] == 2 and out[4, 8] == 0


def test_an_image_of_the_other_side_of_the_sky_has_no_place():
    one, other = wcs((10.0, 0.0)), wcs((190.0, 0.0))
    assert footprint(one, (180, 200), other) is None
