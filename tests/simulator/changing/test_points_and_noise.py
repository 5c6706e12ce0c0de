"""Point sources drawn with a sign, trails, and the noise of their fluxes."""

from dataclasses import replace

import numpy as np
import pytest

from skyassay.simulator.changing.noise import local_light, psf_noise, psf_stamps
from skyassay.simulator.changing.points import Placed, draw_points, place_points, points
from skyassay.simulator.optics.distortion import true_place
from skyassay.simulator.optics.throughput import READ_NOISE


@pytest.fixture(scope="module")
def there(night):
    """Return a visit and a detector."""
    o = night.observatory
    place = true_place(o.camera.detectors[1], o.camera.pixel_scale, o.optics, o.seed)
    return night.maker.visit(night.frames[0].exposure), place


def placed(there, electrons, x=250.3, y=240.8, dx=0.0, dy=0.0):
    visit, place = there
    electrons = np.atleast_1d(np.asarray(electrons, dtype=float))
    full = np.ones(electrons.size)
    fx, fy = place.pixel_to_focal(x * full, y * full)
    ra, dec = visit.map.focal_to_sky(fx, fy)
    own = points("injected", np.arange(electrons.size), ra, dec, electrons)
    return Placed(own, x * full, y * full, fx, fy, dx * full, dy * full, 0.0 * full, electrons)


def test_points_have_a_sign_and_all_their_light(there):
    plus, minus = (draw_points(*there, placed(there, e)) for e in (5000.0, -5000.0))
    assert plus.sum() == pytest.approx(5000.0, rel=1e-3) and plus.min() >= 0.0
    assert (minus == -plus).all()
    both = draw_points(*there, placed(there, [5000.0, -2000.0]))
    assert both == pytest.approx(0.6 * plus, abs=0.02)


def test_a_point_is_a_star_of_the_same_brightness(there, night):
    visit, place = there
    own = placed(there, 1e4)
    again = place_points(visit, place, own.points, 30.0)
    assert again.x == pytest.approx(own.x, abs=1e-4) and again.y == pytest.approx(own.y, abs=1e-4)
    image = draw_points(visit, place, own)
    psf = psf_stamps(visit, visit.psf.shape(own.fx, own.fy), own.x, own.y)
    assert local_light(image, own.x, own.y)[0] == pytest.approx(1e4 * psf[0], abs=1.0)
    assert psf.sum() == pytest.approx(1.0, abs=1e-3)


def test_trails_are_as_long_as_the_motion(there):
    still = draw_points(*there, placed(there, 1e5))
    trail = draw_points(*there, placed(there, 1e5, dx=12.0, dy=-5.0))
    assert trail.sum() == pytest.approx(still.sum(), rel=1e-3)
    y, x = np.mgrid[: trail.shape[0], : trail.shape[1]]

    def moments(image):
        mx, my = (x * image).sum() / image.sum(), (y * image).sum() / image.sum()
        u, v = x - mx, y - my
        second = [(a * image).sum() / image.sum() for a in (u * u, u * v, v * v)]
        return np.array([mx, my]), np.array(second)

    middle, second = moments(trail)
    assert middle == pytest.approx(moments(still)[0], abs=0.01)
    # An even trail of length L adds L^2 / 12.
    added = np.array([144.0, -60.0, 25.0]) / 12.0
    assert second - moments(still)[1] == pytest.approx(added, rel=0.01)


def test_motion_makes_a_trail_of_the_right_length(there):
    visit, place = there
    own = placed(there, 1e4)
    moving = replace(own.points, rate_ra=np.array([3.0]), rate_dec=np.array([-4.0]))
    found = place_points(visit, place, moving, 30.0)
    # 5 degrees a day in 30 s.
    length = 5.0 * 3600.0 * 30.0 / 86400.0
    assert 0.2 * np.hypot(found.dx, found.dy) == pytest.approx([length], rel=2e-3)


def test_signal_to_noise_is_that_of_many_realisations(there):
    visit, place = there
    own = placed(there, 900.0)
    response, sky = 0.93, 950.0
    light = draw_points(visit, place, own) + sky
    psf = psf_stamps(visit, visit.psf.shape(own.fx, own.fy), own.x, own.y)
    around = local_light(light, own.x, own.y)
    noise = psf_noise(psf, around, response)[0]
    draw = np.random.default_rng(5)
    expected = response * around[0]
    seen = draw.poisson(expected, (6000, *expected.shape)) + READ_NOISE * draw.standard_normal(
        (6000, *expected.shape)
    )
    flux = ((seen - response * sky) * psf[0]).sum(axis=(1, 2)) / np.square(psf[0]).sum() / response
    assert flux.mean() == pytest.approx(900.0, abs=5 * noise / np.sqrt(6000))
    assert flux.std() == pytest.approx(noise, rel=0.04)


def test_pieces_of_images_at_the_edge_go_on_outwards():
    image = np.arange(50.0 * 60.0).reshape(50, 60)
    piece = local_light(image, np.array([0.0, 30.2]), np.array([49.0, 25.4]))
    assert piece[0, 20, 5] == image[49, 0]
    assert piece[1, 14, 14] == image[25, 30]
