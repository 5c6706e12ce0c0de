"""PSF, zero points, sky, cloud and ghosts."""

from dataclasses import replace

import numpy as np
import pytest

from skyassay.simulator.conditions import DARK_SKY, DEPTH, DEPTH_MARGIN
from skyassay.simulator.errors import SimulatorError
from skyassay.simulator.optics import throughput
from skyassay.simulator.optics.ghosts import INNER, OUTER, ghosts
from skyassay.simulator.optics.psf import PsfField
from skyassay.simulator.optics.sky import SkyField
from skyassay.simulator.optics.terms import OpticsTerms
from skyassay.simulator.optics.waves import waves

BANDS = ("u", "g", "r", "i", "z", "y")
ROUND = OpticsTerms(
    size_slope=0.0, size_visit=0.0, shear_static=0.0, shear_visit=0.0, shear_gradient=0.0,
    speckle=0.0,
)  # fmt: skip


@pytest.mark.parametrize("seeing", [0.6, 0.85, 1.3])
def test_seeing_is_the_effective_width_with_the_pixel(seeing):
    psf = PsfField(1, seeing, 0.2, ROUND, 1)
    image = psf.galsim_object(0.0, 0.0).drawImage(nx=101, ny=101, scale=1.0).array.astype(float)
    image /= image.sum()
    width = 0.663 * 0.2 / np.sqrt(np.square(image).sum())
    assert width == pytest.approx(seeing, rel=1e-3)


def test_psf_varies_over_the_field_as_its_terms_say():
    psf = PsfField(3, 0.8, 0.2, replace(ROUND, size_slope=0.02), 1)
    edge, centre = psf.width(np.array([1.75]), np.zeros(1)), psf.width(np.zeros(1), np.zeros(1))
    assert (edge - centre)[0] / 0.8 == pytest.approx(0.02)
    terms = OpticsTerms()
    x, y = np.random.default_rng(1).uniform(-1.2, 1.2, (2, 300))
    e = []
    for visit in range(30):
        shape = PsfField(visit, 0.8, 0.2, terms, 1).shape(x, y)
        e.append(2.0 * np.hypot(shape.g1, shape.g2))
    # LPM-17, SE1: a median of at most 0.04.
    assert 0.008 < np.median(e) < 0.03


def test_a_psf_that_pixels_cannot_sample_is_refused():
    with pytest.raises(SimulatorError, match="not sampled") as found:
        PsfField(1, 0.1, 0.2, ROUND, 1).shape(np.zeros(1), np.zeros(1))
    assert found.value.code == "undersampled_psf"


@pytest.mark.parametrize("band", BANDS)
def test_zero_points_give_the_depth_of_the_dark_sky(band):
    zero = throughput.standard_zero_point(band)
    sky = 10.0 ** (-0.4 * (DARK_SKY[band] - zero)) * 0.04
    m5 = DEPTH[band] + DEPTH_MARGIN + 0.5 * (DARK_SKY[band] - 21.0)
    assert throughput.depth(zero, sky, 0.7) == pytest.approx(m5, abs=1e-9)
    # A 6.4 m telescope collects between 29 and 33 magnitudes in 30 s.
    assert 29.0 < zero < 33.0


@pytest.mark.parametrize("band", BANDS)
def test_sky_makes_an_exposure_as_deep_as_its_conditions(band):
    m5 = DEPTH[band] - 0.2
    zero = throughput.zero_point(band, 1.2, 0.1)
    sky = throughput.sky_electrons(m5, zero, 0.9)
    assert throughput.depth(zero, sky, 0.9) == pytest.approx(m5, abs=1e-9)
    brightness = throughput.sky_brightness(sky, zero)
    assert 10.0 ** (-0.4 * (brightness - zero)) * 0.04 == pytest.approx(sky)


def test_a_depth_that_reading_forbids_is_refused():
    with pytest.raises(SimulatorError) as found:
        throughput.sky_electrons(30.0, 30.0, 0.8)
    assert found.value.code == "too_deep"


def test_depth_is_that_of_noise_drawn_on_a_psf():
    # 400 fluxes fitted with the true PSF to images of nothing but sky and read noise.
    zero = throughput.standard_zero_point("r")
    sky, seeing = 900.0, 0.8
    image = PsfField(1, seeing, 0.2, ROUND, 1).galsim_object(0, 0)
    psf = image.drawImage(nx=41, ny=41, scale=1.0).array.astype(float)
    psf /= psf.sum()
    draw = np.random.default_rng(2)
    noise = draw.normal(0.0, np.sqrt(sky + 36.0), (4000, 41, 41))
    fluxes = np.tensordot(noise, psf, 2) / np.square(psf).sum()
    found = zero - 2.5 * np.log10(5.0 * fluxes.std())
    # The scatter of 4000 is known to 1.1 %.
    assert found == pytest.approx(throughput.depth(zero, sky, seeing), abs=0.04)


def test_sky_gradient_is_none_in_the_middle():
    sky = SkyField(4, 1000.0, 0.0, OpticsTerms(sky_gradient=0.01), 1)
    x = np.array([-1.75, 0.0, 1.75])
    level = sky.level(x, np.zeros(3))
    assert level[1] == 1000.0 and level[0] + level[2] == pytest.approx(2000.0)
    many = [SkyField(v, 1.0, 0.0, OpticsTerms(), 1).level(x, np.zeros(3))[2] for v in range(300)]
    assert np.std(many) == pytest.approx(0.01, rel=0.15)


def test_cloud_is_nothing_without_extinction_and_never_negative():
    x, y = np.random.default_rng(1).uniform(-1.5, 1.5, (2, 500))
    assert not SkyField(4, 1.0, 0.0, OpticsTerms(), 1).cloud(x, y).any()
    cloud = SkyField(4, 1.0, 0.2, OpticsTerms(cloud_structure=2.0), 1).cloud(x, y)
    assert cloud.min() == 0.0
    cloud = SkyField(4, 1.0, 0.2, OpticsTerms(), 1).cloud(x, y)
    assert cloud.mean() == pytest.approx(0.2, rel=0.03) and 0.0005 < cloud.std() < 0.02


def test_a_ghost_holds_its_light_in_a_ring():
    step = 1.0 / 3600.0
    line = np.arange(-100.0, 101.0) * step
    x, y = line[None, :], line[:, None]
    light = ghosts(x, y, np.zeros(1), np.zeros(1), np.array([1e6]), 1.0)
    assert light.sum() == pytest.approx(1e6, rel=1e-3)
    assert light[100, 100] == 0.0 and light[100, 100 + int(0.5 * (OUTER + INNER))] > 0.0
    assert not ghosts(x, y, np.zeros(1), np.zeros(1), np.array([1e-3]), 1.0).any()
    assert not ghosts(x, y, np.zeros(0), np.zeros(0), np.zeros(0), 1.0).any()


def test_waves_have_unit_variance_and_their_length():
    x, y = np.random.default_rng(1).uniform(-50.0, 50.0, (2, 4000))
    here, there, far = [], [], []
    for name in range(20):
        field = waves(1.0, 5, name)
        here.append(field(x, y))
        there.append(field(x + 1.0, y))
        far.append(field(x + 6.0, y))
    here = np.array(here)
    assert here.var() == pytest.approx(1.0, rel=0.05)
    assert (here * there).mean() == pytest.approx(np.exp(-0.5), abs=0.05)
    assert (here * far).mean() == pytest.approx(0.0, abs=0.06)
