"""Light on a detector: exact fluxes and places, against GalSim."""

from dataclasses import replace

import numpy as np
import pytest

from skyassay.simulator.exposure.draw import draw_sky, draw_sources, seen_by
from skyassay.simulator.exposure.gaussians import add_gaussians
from skyassay.simulator.exposure.truth import psf_truth, source_truth
from skyassay.simulator.optics.ghosts import OUTER


def star_table(ra, dec, mag):
    n = len(ra)
    zero = np.zeros(n)
    table = {"objectId": np.arange(1, n + 1), "coord_ra": ra, "coord_dec": dec}
    table |= {f"{b}_mag": mag + 0.0 for b in "ugrizy"}
    table["g_mag"] = mag + 1.0
    return table | {
        "pmRa": zero, "pmDec": zero, "parallax": zero, "epochMjdTai": zero + 61041.0,
    }  # fmt: skip


def galaxy_table(ra, dec, mag, **shape):
    n = len(ra)
    base = {"effectiveRadius": 0.6, "ellipticity1": 0.0, "ellipticity2": 0.0, "bulgeFraction": 0.0}
    table = star_table(ra, dec, mag)
    return table | {name: np.full(n, value) for name, value in (base | shape).items()}


def none(table):
    return {name: column[:0] for name, column in table.items()}


def at_pixels(visit, place, x, y):
    """Sky places of pixels, for stars that are not refracted by colour."""
    return visit.map.focal_to_sky(*place.pixel_to_focal(np.asarray(x), np.asarray(y)))


@pytest.mark.parametrize("mag", [16.0, 20.0, 24.0])
def test_a_star_gives_its_electrons_at_its_place(visit, place, mag):
    x, y = np.array([200.3]), np.array([310.8])
    ra, dec = at_pixels(visit, place, x, y)
    star = star_table(ra, dec, np.array([mag]))
    seen = seen_by(visit, place, star, none(galaxy_table(ra, dec, np.array([mag]))))
    assert abs(seen.x[0] - x[0]) < 1e-5 and abs(seen.y[0] - y[0]) < 1e-5
    image = draw_sources(visit, place, seen)
    want = 10.0 ** (-0.4 * (mag - visit.clear_zero_point + seen.cloud[0]))
    assert image.sum() == pytest.approx(want, rel=1e-4)
    j, i = np.mgrid[: image.shape[0], : image.shape[1]]
    # The image is symmetric about the star, so that its first moments are its place.
    assert (image * i).sum() / image.sum() == pytest.approx(x[0], abs=1e-3)
    assert (image * j).sum() / image.sum() == pytest.approx(y[0], abs=1e-3)


def test_a_star_is_what_galsim_draws(visit, place):
    x, y = np.array([255.2]), np.array([256.4])
    ra, dec = at_pixels(visit, place, x, y)
    star = star_table(ra, dec, np.array([18.0]))
    seen = seen_by(visit, place, star, none(galaxy_table(ra, dec, np.array([18.0]))))
    image = draw_sources(visit, place, seen)[236:277, 235:276]
    fx, fy = place.pixel_to_focal(x, y)
    psf = visit.psf.galsim_object(float(fx[0]), float(fy[0]))
    want = psf.drawImage(nx=41, ny=41, scale=1.0, offset=(0.2, 0.4), dtype=float).array
    assert np.abs(image / image.sum() - want / want.sum()).max() < 3e-6


def test_a_galaxy_is_nearly_what_galsim_draws(visit, place):
    import galsim

    x, y = np.array([255.0]), np.array([256.0])
    ra, dec = at_pixels(visit, place, x, y)
    shape = {"effectiveRadius": 0.8, "ellipticity1": 0.3, "ellipticity2": -0.2}
    galaxy = galaxy_table(ra, dec, np.array([20.0]), **shape, bulgeFraction=0.3)
    seen = seen_by(visit, place, none(star_table(ra, dec, np.array([18.0]))), galaxy)
    image = draw_sources(visit, place, seen)
    assert image.sum() == pytest.approx(seen.electrons[0], rel=2e-3)
    fx, fy = place.pixel_to_focal(x, y)
    disc = galsim.Exponential(half_light_radius=4.0, flux=0.7)
    bulge = galsim.DeVaucouleurs(half_light_radius=4.0, flux=0.3)
    light = (disc + bulge).shear(g1=0.3, g2=-0.2)
    both = galsim.Convolve(light, visit.psf.galsim_object(float(fx[0]), float(fy[0])))
    want = both.drawImage(nx=101, ny=101, scale=1.0, dtype=float).array
    got = image[206:307, 205:306] / seen.electrons[0]
    assert np.abs(got - want).max() < 0.02 * want.max()


def test_rotation_turns_a_galaxy_with_the_sky(visit, place):
    turned = replace(visit, commanded=replace(visit.commanded, rotation=90.0))
    x, y = np.array([255.0]), np.array([256.0])
    moments = []
    for one in (visit, turned):
        ra, dec = at_pixels(one, place, x, y)
        galaxy = galaxy_table(ra, dec, np.array([19.0]), effectiveRadius=2.0, ellipticity1=0.5)
        seen = seen_by(one, place, none(star_table(ra, dec, np.array([18.0]))), galaxy)
        image = draw_sources(one, place, seen)
        j, i = np.mgrid[: image.shape[0], : image.shape[1]]
        moments.append([(image * (c - m) ** 2).sum() for c, m in ((i, x[0]), (j, y[0]))])
    assert moments[0][0] > 3.0 * moments[0][1]
    assert moments[1][1] > 3.0 * moments[1][0]


def test_light_of_objects_beyond_the_edge_reaches_the_detector(visit, place):
    ra, dec = at_pixels(visit, place, [-4.0, -400.0], [100.0, 100.0])
    star = star_table(ra, dec, np.array([16.0, 16.0]))
    seen = seen_by(visit, place, star, none(galaxy_table(ra, dec, np.array([16.0, 16.0]))))
    assert seen.object_id.tolist() == [1]
    image = draw_sources(visit, place, seen)
    assert 0.0 < image.sum() < 0.2 * seen.electrons[0]
    rows = source_truth(visit, place, 0.9, seen)
    assert rows["seen"].tolist() == [False]
    assert rows["electrons"][0] == pytest.approx(0.9 * seen.electrons[0])
    assert rows["flux"][0] == pytest.approx(3630.78e9 * 10.0 ** (-0.4 * 16.0), rel=1e-3)


def test_no_objects_give_no_light(visit, place):
    star = none(star_table(np.zeros(1), np.zeros(1), np.zeros(1)))
    seen = seen_by(visit, place, star, none(galaxy_table(np.zeros(1), np.zeros(1), np.zeros(1))))
    assert not draw_sources(visit, place, seen).any()
    assert source_truth(visit, place, 1.0, seen)["seen"].size == 0


def test_sky_is_the_field_and_ghosts_are_on_it(visit, place):
    empty = none(star_table(np.zeros(1), np.zeros(1), np.zeros(1)))
    sky = draw_sky(visit, place, empty)
    middle = visit.sky.level(*place.pixel_to_focal(np.array([100.0]), np.array([200.0])))[0]
    assert sky[200, 100] == pytest.approx(middle, rel=1e-9)
    bright = replace(visit, terms=replace(visit.terms, ghost=1e-3))
    ra, dec = at_pixels(visit, place, [256.0], [256.0])
    ghost = draw_sky(bright, place, star_table(ra, dec, np.array([10.0]))) - sky
    assert ghost.max() > 1.0 and ghost[256, 256] == pytest.approx(0.0, abs=1e-6)
    # The ring is wider than the detector: as much light as of its area falls on it.
    assert ghost[256, 10] > 0.0 and OUTER > 0.5 * 512 * 0.2


def test_rough_integration_over_pixels_is_near_the_fine_one():
    one = np.ones(1)
    for sigma, worst in ((1.5, 5e-4), (3.0, 5e-5)):
        images = []
        for fine in (True, False):
            image = np.zeros((61, 61))
            c = sigma**2 * one
            add_gaussians(image, 30.3 * one, 29.6 * one, one, c, 0.2 * c, 1.1 * c, fine)
            images.append(image)
        assert np.abs(images[0] - images[1]).max() < worst * images[0].max()
        assert images[0].sum() == pytest.approx(1.0, abs=3e-5)


def test_truth_of_the_psf_is_that_of_its_double_gaussian(visit):
    found = psf_truth(visit, 0.0, 0.0)
    width = 0.663 * visit.pixel_scale * np.sqrt(found.area)
    assert width == pytest.approx(float(visit.psf.width(np.zeros(1), np.zeros(1))[0]), rel=2e-3)
    shape = visit.psf.shape(np.zeros(1), np.zeros(1))
    # A distortion is about twice a reduced shear; the round pixel takes some of it.
    assert found.e1 == pytest.approx(2.0 * shape.g1[0], rel=0.1, abs=2e-4)
    assert found.e2 == pytest.approx(2.0 * shape.g2[0], rel=0.1, abs=2e-4)
