"""The fitted WCS: the truth within honest errors."""

from __future__ import annotations

import numpy as np
import pytest

from skyassay.pipeline.astrometry.correction import corrected
from skyassay.pipeline.astrometry.errors import AstrometryError
from skyassay.pipeline.astrometry.fit import fit_wcs
from skyassay.pipeline.astrometry.nominal import initial_wcs
from skyassay.pipeline.astrometry.polynomial import design, terms
from skyassay.pipeline.astrometry.scatter import intrinsic_scatter
from skyassay.pipeline.astrometry.sphere import deproject, offsets, project
from skyassay.pipeline.instrument.layouts import camera

PLACES = [(53.0, -27.5), (0.0, 0.0), (359.9999, 45.0), (20.0, 89.9), (0.0, -90.0)]
#: Linear and quadratic, on the unit square, arcsec: a few pixels.
BEND = np.array([[3.0, 0.1, -0.12, 0.03, -0.02, 0.01], [-2.0, 0.05, 0.1, 0.01, 0.02, -0.03]])


def truth(place=PLACES[0], bend=BEND):
    nominal = initial_wcs(camera("small"), 0, *place, 0.0)
    return corrected(nominal, bend, 2), nominal


def pairs(true, rng, n=30, px=0.03, mas=5.0, more=0.0):
    """Return the arguments of `fit_wcs` but the start, with normal errors."""
    x, y = rng.uniform(0, 1023, (2, n))
    ra, dec = true.pixel_to_sky(x, y)
    err = rng.uniform(0.5, 1.5, (4, n)) * np.array([px, px, mas / 1e3, mas / 1e3])[:, None]
    wobble = rng.normal(0, 1, (4, n)) * np.hypot(err, more * np.array([[1], [1], [0], [0]]))
    xi, eta = wobble[2:] / 3600
    # Each star has a plane of its own.
    moved = np.array(
        [deproject(a, b, r, d) for a, b, r, d in zip(xi, eta, ra, dec, strict=True)]
    ).reshape(n, 2)
    return x + wobble[0], y + wobble[1], err[0], err[1], *moved.T, err[2], err[3]


@pytest.mark.parametrize("place", PLACES)
def test_a_correction_is_what_it_says(place):
    true, nominal = truth(place)
    x, y = np.random.default_rng(0).uniform(0, 1023, (2, 50))
    half = 512.0
    want = BEND @ design((x - 511.5) / half, (y - 511.5) / half, terms(2)).T
    at = [np.array(project(*w.pixel_to_sky(x, y), *nominal.crval)) for w in (true, nominal)]
    np.testing.assert_allclose((at[0] - at[1]) * 3600, want, atol=1e-8)
    np.testing.assert_allclose(true.pixel_to_sky(*true.crpix)[1], nominal.crval[1], atol=1e-12)


@pytest.mark.parametrize("place", PLACES)
def test_without_noise_the_truth_comes_back(place):
    true, nominal = truth(place)
    data = pairs(true, np.random.default_rng(1), px=1e-9, mas=1e-6)
    # Errors as usual, so that the priors weigh as usual.
    fit = fit_wcs(*data[:2], *np.full((2, 30), 0.01), *data[4:6], *np.full((2, 30), 1e-3), nominal)
    x, y = np.random.default_rng(2).uniform(0, 1023, (2, 100))
    off = offsets(*fit.wcs.pixel_to_sky(x, y), *true.pixel_to_sky(x, y))
    assert np.abs(off).max() < 2e-4
    assert fit.order == 2
    assert fit.intrinsic == 0.0


@pytest.mark.parametrize(("n", "more"), [(6, 0.0), (30, 0.0), (30, 0.1), (150, 0.0)])
def test_the_errors_are_honest(n, more):
    # Six stars do not determine a bend, and no error is quoted for one.
    true, nominal = truth(bend=BEND * (np.arange(6) < (3 if n < 12 else 6)))
    pulls, of_data = [], []
    for seed in range(80):
        rng = np.random.default_rng([seed, n])
        fit = fit_wcs(*pairs(true, rng, n=n, more=more), nominal)
        x, y = np.array([511.5, 150.0, 900.0]), np.array([511.5, 850.0, 700.0])
        off = np.array(offsets(*fit.wcs.pixel_to_sky(x, y), *true.pixel_to_sky(x, y)))
        pulls.append(off / np.array(fit.position_error(x, y)))
        of_data.append(fit.chi2 / fit.dof)
    pulls = np.array(pulls)
    assert pulls.std() == pytest.approx(1.0, abs=0.1)
    assert np.abs(pulls.mean(axis=0)).max() < 0.3
    # The intrinsic scatter takes what exceeds 1, so that the mean of few stars lies below.
    assert np.mean(of_data) == pytest.approx(1.0 if n > 12 else 0.8, abs=0.1)


def test_the_intrinsic_scatter_is_found():
    true, nominal = truth()
    found = [
        fit_wcs(*pairs(true, np.random.default_rng(s), n=100, more=0.1), nominal).intrinsic
        for s in range(20)
    ]
    assert np.mean(found) == pytest.approx(0.02, rel=0.1)


def test_outliers_are_clipped_and_named():
    true, nominal = truth()
    data = [np.array(c) for c in pairs(true, np.random.default_rng(4))]
    data[0][[3, 17]] += 2.5
    fit = fit_wcs(*data, nominal)
    assert np.flatnonzero(~fit.used).tolist() == [3, 17]
    assert fit.table()["residualEast"][[3, 17]] == pytest.approx(-0.5, abs=0.1)
    assert fit.offset_mean < 0.02
    assert 0 < fit.offset_std < 0.01


def test_the_order_of_rows_does_not_matter():
    true, nominal = truth()
    data = pairs(true, np.random.default_rng(5))
    order = np.random.default_rng(6).permutation(30)
    a, b = fit_wcs(*data, nominal), fit_wcs(*(c[order] for c in data), nominal)
    np.testing.assert_allclose(a.east[order], b.east, atol=1e-9)
    np.testing.assert_allclose(a.wcs.cd, b.wcs.cd, rtol=1e-9)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_too_few_pairs_are_an_error(n):
    true, nominal = truth()
    with pytest.raises(AstrometryError) as found:
        fit_wcs(*(c[:n] for c in pairs(true, np.random.default_rng(0))), nominal)
    assert found.value.code == "too_few_matches"


def test_three_pairs_on_a_line_do_not_run_away():
    true, nominal = truth(bend=np.array([[3.0, 0, 0, 0, 0, 0], [1.0, 0, 0, 0, 0, 0]]))
    data = [c[:3].copy() for c in pairs(true, np.random.default_rng(0), px=1e-4, mas=0.1)]
    data[0], data[1] = np.array([100.0, 500.0, 900.0]), np.array([100.0, 500.0, 900.0])
    data[4], data[5] = true.pixel_to_sky(data[0], data[1])
    fit = fit_wcs(*data, nominal)
    off = offsets(*fit.wcs.pixel_to_sky(100.0, 900.0), *true.pixel_to_sky(100.0, 900.0))
    assert np.abs(off).max() < 0.01
    assert min(fit.position_error(100.0, 900.0)) > 0.1


def test_rows_that_are_not_finite_are_not_used():
    true, nominal = truth()
    data = [np.array(c) for c in pairs(true, np.random.default_rng(7))]
    data[1][2] = data[5][8] = np.nan
    fit = fit_wcs(*data, nominal)
    assert not fit.used[[2, 8]].any()
    assert np.isnan(fit.north[[2, 8]]).all()
    assert np.isfinite(fit.north[fit.used]).all()
    data[2][4] = 0.0
    with pytest.raises(AstrometryError) as found:
        fit_wcs(*data, nominal)
    assert found.value.code == "bad_centroid_errors"


def test_intrinsic_scatter_of_nothing_and_of_known_noise():
    rng = np.random.default_rng(0)
    sigma = rng.uniform(0.5, 2.0, 4000)
    assert intrinsic_scatter(np.zeros(5), np.ones(5), 1) == 0.0
    assert intrinsic_scatter(np.ones(1), np.ones(1), 1) == 0.0
    assert intrinsic_scatter(0.9 * sigma, sigma, 1) == 0.0
    noise = rng.normal(0, np.hypot(sigma, 1.5))
    assert intrinsic_scatter(noise, sigma, 0) == pytest.approx(1.5, rel=0.05)
    assert intrinsic_scatter(noise, np.zeros(4000), 0) == pytest.approx(noise.std(), rel=1e-3)
