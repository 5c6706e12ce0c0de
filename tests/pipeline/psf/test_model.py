"""The PSF model drawn, and fitted to profiles that it is not made of."""

import galsim
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyassay.pipeline.measurement.moments import adaptive_moments
from skyassay.pipeline.measurement.options import Options
from skyassay.pipeline.psf.fit import Stars, fit_psf, place
from skyassay.pipeline.psf.model import PER_STEP, PsfModel, terms
from skyassay.pipeline.psf.render import render

SHAPE = (512, 512)


def gaussian(xx=2.2, xy=0.3, yy=1.9, half=15):
    moments = np.array([[xx, xy, yy]])
    return PsfModel(moments, np.array([1.0]), np.array([1.0]), np.zeros((1, 1)), half, SHAPE)


@given(x=st.floats(0, 511), y=st.floats(0, 511))
def test_the_image_sums_to_one_and_lies_where_the_star_does(x, y):
    stamp = gaussian().image(x, y)
    assert stamp.shape == (31, 31)
    assert stamp.sum() == pytest.approx(1.0, abs=1e-12)
    at = np.arange(31) - 15
    assert (stamp.sum(0) * at).sum() == pytest.approx(x - np.rint(x), abs=1e-4)
    assert (stamp.sum(1) * at).sum() == pytest.approx(y - np.rint(y), abs=1e-4)


def test_the_kernel_is_centred_and_symmetric():
    kernel = gaussian().kernel(17.3, 400.8)
    np.testing.assert_allclose(kernel, kernel[::-1, ::-1], atol=1e-15)


def test_moments_of_the_drawn_image():
    model = gaussian()
    np.testing.assert_allclose(model.moments(200.2, 100.7)[0], [2.2, 0.3, 1.9], rtol=1e-3)


def test_slopes_are_the_derivatives_by_position():
    model, step = gaussian(), 1e-3
    planes = [np.empty((31, 31)) for _ in range(3)]
    render(model.table, PER_STEP, model.bump, model.coefficients[0], 0.2, -0.3, *planes)
    for plane, (dx, dy) in zip(planes[1:], ((step, 0), (0, step)), strict=True):
        up = model.draw(model.coefficients[0], 0.2 + dx, -0.3 + dy)
        down = model.draw(model.coefficients[0], 0.2 - dx, -0.3 - dy)
        expected = (up - down) / (2 * step)
        assert np.abs(plane - expected).max() < 0.02 * np.abs(expected).max()


def test_arrays_and_back():
    one = gaussian()
    two = PsfModel.from_arrays(one.to_arrays())
    np.testing.assert_array_equal(one.image(3.3, 4.4), two.image(3.3, 4.4))
    assert (two.half, two.shape, two.degree) == (15, SHAPE, 0)


def test_terms_are_one_then_linear_then_quadratic():
    x, y = np.array([0.0, 511.0]), np.array([511.0, 511.0])
    assert terms(x, y, SHAPE, 0).tolist() == [[1.0], [1.0]]
    assert terms(x, y, SHAPE, 1).tolist() == [[1.0, 1.0, -1.0], [1.0, 1.0, 1.0]]
    assert terms(x, y, SHAPE, 2).shape == (2, 6)


@given(
    # Below, the narrow side of an elliptical star is less than a pixel: it is not sampled.
    size=st.floats(1.3, 3.0),
    e1=st.floats(-0.3, 0.3),
    e2=st.floats(-0.3, 0.3),
    dx=st.floats(-0.5, 0.5),
)
def test_adaptive_moments_of_a_gaussian_are_its_own(size, e1, e2, dx):
    square = size * size
    shape = np.array([square * (1 + e1), square * e2, square * (1 - e1)])
    model = gaussian(*shape, half=24)
    stamp, out = 1e4 * model.draw(shape, dx, 0.1), np.empty(6)
    good = np.ones(stamp.shape, bool)
    assert adaptive_moments(stamp, good, 24.0, 24.0, 2.0, 2.0, out)
    np.testing.assert_allclose(out, [24 + dx, 24.1, *shape, 1e4], rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("value", [0.0, -1.0, np.nan])
def test_moments_of_nothing_do_not_converge(value):
    stamp, out = np.full((31, 31), value), np.empty(6)
    assert not adaptive_moments(stamp, np.ones((31, 31), bool), 15.0, 15.0, 2.0, 2.0, out)


PROFILES = {
    "moffat": galsim.Moffat(beta=3.5, fwhm=3.5),
    "kolmogorov": galsim.Kolmogorov(fwhm=3.2),
    "double": 0.9 * galsim.Gaussian(sigma=1.3) + 0.1 * galsim.Gaussian(sigma=2.6),
    "sharp": galsim.Gaussian(fwhm=2.3),
    "trefoil": galsim.Convolve(
        galsim.Kolmogorov(fwhm=3.0),
        galsim.OpticalPSF(lam_over_diam=1.2, trefoil1=0.08, coma1=0.05),
    ),
}


def stars_of(profile, n=25, noise=30.0, seed=1):
    """Return drawn stars on a grid, with the moments that a selection would bring."""
    rng = np.random.default_rng(seed)
    side = int(np.ceil(np.sqrt(n)))
    at = np.linspace(40, 470, side)
    x, y = (axis.ravel()[:n] + rng.uniform(-3, 3, n) for axis in np.meshgrid(at, at))
    flux = 10 ** rng.uniform(4.3, 5.5, n)
    clean = galsim.ImageD(SHAPE[1], SHAPE[0], xmin=0, ymin=0)
    for k in range(n):
        where = galsim.PositionD(x[k], y[k])
        stamp = profile.shear(g1=0.03, g2=-0.02).withFlux(flux[k])
        drawn = stamp.drawImage(nx=60, ny=60, scale=1.0, center=where, dtype=float)
        clean[drawn.bounds & clean.bounds] += drawn[drawn.bounds & clean.bounds]
    image = (clean.array + rng.normal(0, noise, SHAPE)).astype(np.float32)
    column, row, rows = np.rint(x).astype(int), np.rint(y).astype(int), np.empty((n, 6))
    for k in range(n):
        cut = image[row[k] - 14 : row[k] + 15, column[k] - 14 : column[k] + 15].astype(float)
        assert adaptive_moments(cut, np.ones(cut.shape, bool), 14.0, 14.0, 2.0, 2.0, rows[k])
        rows[k, :2] += column[k] - 14, row[k] - 14
    usable = np.ones(SHAPE, bool)
    width = np.full(n, noise)
    snr = flux / np.sqrt(flux + 30.0 * noise**2)
    return Stars(image, usable, column, row, rows, width, snr), clean.array


@pytest.mark.parametrize("name", list(PROFILES))
def test_the_model_has_the_size_and_the_profile_of_the_stars(name):
    stars, clean = stars_of(PROFILES[name], noise=5.0)
    model = fit_psf(stars, Options())
    stamps, usable = stars.stamps(model.half)
    placed = place(stars, model, usable, stamps)
    h, side = model.half, 2 * model.half + 1
    shapes = model.shapes(stars.moments[:, 0], stars.moments[:, 1])
    good = np.ones((side, side), bool)
    for k in (3, 12, 20):
        # A lopsided profile has its centre where the fit puts it.
        stamp = model.draw(shapes[k], placed.x[k], placed.y[k])
        rows = slice(stars.row[k] - h, stars.row[k] + h + 1)
        true = clean[rows, stars.column[k] - h : stars.column[k] + h + 1].copy()
        true, out = true / true.sum(), np.empty((2, 6))
        for image, row in zip((stamp, true), out, strict=True):
            assert adaptive_moments(image, good, float(h), float(h), 2.0, 2.0, row)
        size = np.sqrt(out[:, 2] + out[:, 4])
        assert size[0] == pytest.approx(size[1], rel=0.002)
        np.testing.assert_allclose(out[0, 2:5], out[1, 2:5], atol=0.005 * size[1] ** 2)
        assert np.abs(stamp - true).max() < (0.03 if name == "trefoil" else 0.006) * true.max()


def test_a_handful_of_stars_makes_a_constant_psf():
    stars, _ = stars_of(PROFILES["double"], n=6)
    assert fit_psf(stars, Options()).degree == 0


def test_many_stars_make_a_quadratic_one():
    stars, _ = stars_of(PROFILES["double"], n=64)
    assert fit_psf(stars, Options()).degree == 2
