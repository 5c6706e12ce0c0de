"""Random numbers of ids, and places that follow the light of galaxies."""

import numpy as np
import pytest
from scipy import stats

from skyassay.simulator.changing.hashed import uniforms
from skyassay.simulator.changing.hosts import REACH, host_share, moved, offsets
from skyassay.simulator.exposure.field import PixelSky
from skyassay.simulator.exposure.mixtures import DE_VAUCOULEURS, EXPONENTIAL
from skyassay.simulator.geometry import separation_mas


def test_numbers_of_ids_are_uniform_and_independent():
    u = uniforms(1, "a", np.arange(3_000_000_000, 3_000_050_000), 4)
    assert u.min() > 0.0 and u.max() < 1.0
    for row in u:
        assert stats.kstest(row, "uniform").pvalue > 1e-3
        assert abs(np.corrcoef(row[1:], row[:-1])[0, 1]) < 0.02
    assert np.abs(np.corrcoef(u) - np.eye(4)).max() < 0.02


def test_numbers_depend_on_seed_module_and_id_alone():
    ids = np.array([7, 3, 12])
    u = uniforms(1, "a", ids, 5)
    assert (uniforms(1, "a", ids[::-1], 3) == u[:3, ::-1]).all()
    for other in (uniforms(2, "a", ids, 5), uniforms(1, "b", ids, 5)):
        assert (other != u).all()


def galaxies(count, bulge, e1=0.0, e2=0.0, radius=0.5):
    full = np.full(count, 1.0)
    return {
        "effectiveRadius": radius * full, "bulgeFraction": bulge * full,
        "ellipticity1": e1 * full, "ellipticity2": e2 * full,
    }  # fmt: skip


@pytest.mark.parametrize(("bulge", "mixture"), [(0.0, EXPONENTIAL), (1.0, DE_VAUCOULEURS)])
def test_separations_follow_the_light_of_round_galaxies(bulge, mixture):
    u = np.random.default_rng(1).random((4, 60_000))
    rho = np.hypot(*offsets(galaxies(60_000, bulge), u)) / 0.5

    def enclosed(r):
        light = 1.0 - np.exp(-0.5 * np.square(np.asarray(r)[..., None] / mixture.sigma))
        return light @ mixture.share

    # Half of the light is within the half-light radius, but for the tail that is cut off.
    assert np.median(rho) == pytest.approx(1.0, abs=0.17)
    assert rho.max() <= REACH
    assert stats.kstest(rho, lambda r: enclosed(r) / enclosed(REACH)).pvalue > 1e-3


def test_places_have_the_shape_of_the_galaxy():
    u = np.random.default_rng(2).random((4, 100_000))
    east, north = offsets(galaxies(100_000, 0.0, 0.2, 0.1), u)
    xx, yy, xy = np.mean(east**2), np.mean(north**2), np.mean(east * north)
    e = np.array([xx - yy, 2.0 * xy]) / (xx + yy)
    # A reduced shear g gives second moments the distortion 2 g / (1 + g^2).
    assert e == pytest.approx(np.array([0.4, 0.2]) / 1.05, abs=0.01)


def test_host_shares_average_to_one():
    sky = PixelSky()
    u = np.random.default_rng(3).random(400_000)
    low, high = 10.0 ** (sky.galaxy_slope * np.array([sky.galaxy_bright, sky.galaxy_faint]))
    mag = np.log10(low + u * (high - low)) / sky.galaxy_slope
    assert host_share({"i_mag": mag}, sky).mean() == pytest.approx(1.0, rel=0.01)


def test_offsets_are_on_the_sky_also_at_ra_0():
    ra, dec = np.array([0.0, 359.9999]), np.array([-60.0, 20.0])
    there = moved(ra, dec, np.array([-3.0, 4.0]), np.array([0.0, 3.0]))
    assert separation_mas(ra, dec, *there) == pytest.approx([3000.0, 5000.0], rel=1e-6)
    assert (there[0] >= 0.0).all() and (there[0] < 360.0).all()
