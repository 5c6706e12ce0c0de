"""Zero points: recovered, with honest errors, or refused with a reason."""

from __future__ import annotations

import numpy as np
import pytest

from skyassay.pipeline.photocal.errors import PhotocalError
from skyassay.pipeline.photocal.zero_point import ZeroPointConfig, fit_zero_point

TRUE = 31.234


def stars(rng, n=30, more=0.0, ref=0.004, zero=TRUE, sky=900.0):
    """Return flux, error, reference magnitude and error of stars of 15.5 to 20.5 mag."""
    mag = rng.uniform(15.5, 20.5, n)
    flux = 10 ** (-0.4 * (mag - zero))
    err = np.sqrt(flux + sky**2)
    noisy = flux * (1 + rng.normal(0, more, n)) + rng.normal(0, err)
    return noisy, err, mag + rng.normal(0, ref, n), np.full(n, ref)


def test_thirty_stars_give_a_millimagnitude():
    fits = [
        fit_zero_point(*stars(np.random.default_rng(s), ref=0.003, sky=500)) for s in range(300)
    ]
    off = np.array([f.value - TRUE for f in fits])
    assert off.std() < 1e-3
    assert abs(off.mean()) < 2e-4


@pytest.mark.parametrize(("n", "more"), [(5, 0.0), (30, 0.0), (30, 0.02), (200, 0.01)])
def test_the_errors_are_honest(n, more):
    fits = [fit_zero_point(*stars(np.random.default_rng([s, n]), n, more)) for s in range(400)]
    pulls = [(f.value - TRUE) / f.error for f in fits]
    # An intrinsic scatter that is never negative makes the errors of a few stars cautious.
    assert np.std(pulls) == pytest.approx(0.85 if n < 10 else 1.0, abs=0.1)
    assert abs(np.mean(pulls)) < 0.2
    if more and n > 100:
        assert np.mean([f.intrinsic for f in fits]) == pytest.approx(more * 1.0857, rel=0.1)


def test_noisy_stars_have_no_bias():
    # Signal to noise 25 at best: magnitudes would be faint by a millimagnitude.
    def faint(seed):
        rng = np.random.default_rng(seed)
        flux = np.full(4000, 1e5)
        return fit_zero_point(
            flux + rng.normal(0, 4e3, 4000),
            np.full(4000, 4e3),
            np.full(4000, TRUE - 12.5),
            np.zeros(4000),
            config=ZeroPointConfig(min_snr=5.0),
        )

    off = [faint(s).value - TRUE for s in range(30)]
    assert abs(np.mean(off)) < 4 * 0.04 * 1.0857 / np.sqrt(4000 * 30)


def test_outliers_and_colours():
    rng = np.random.default_rng(3)
    flux, err, mag, mag_err = stars(rng)
    colour = rng.normal(0, 0.5, 30)
    flux = flux * 10 ** (-0.4 * 0.05 * colour)
    flux[[4, 9]] *= 1.5
    fit = fit_zero_point(flux, err, mag, mag_err, colour=colour, colour_term=0.05)
    assert fit.value == pytest.approx(TRUE, abs=3e-3)
    assert np.flatnonzero(~fit.used).tolist() == [4, 9]
    assert fit.n_clipped == fit.rejected["clipped"] == 2
    assert fit.n_used == 28
    np.testing.assert_allclose(fit.residual[[4, 9]], -0.5 * 1.0857, atol=0.05)
    colour[0] = np.nan
    other = fit_zero_point(flux, err, mag, mag_err, colour=colour, colour_term=0.05)
    assert other.rejected["no_reference_mag"] == 1


def test_the_order_of_rows_does_not_matter():
    data = stars(np.random.default_rng(4))
    order = np.random.default_rng(5).permutation(30)
    a, b = fit_zero_point(*data), fit_zero_point(*(c[order] for c in data))
    assert a.value == pytest.approx(b.value, abs=1e-12)
    assert np.array_equal(a.used[order], b.used)


def test_a_shift_of_magnitudes_shifts_the_zero_point():
    flux, err, mag, mag_err = stars(np.random.default_rng(6))
    a, b = fit_zero_point(flux, err, mag, mag_err), fit_zero_point(flux, err, mag + 2.5, mag_err)
    assert b.value - a.value == pytest.approx(2.5, abs=1e-9)
    c = fit_zero_point(100 * flux, 100 * err, mag, mag_err)
    assert c.value - a.value == pytest.approx(5.0, abs=1e-9)


@pytest.mark.parametrize("n", [1, 2])
def test_one_or_two_stars_are_used(n):
    fit = fit_zero_point(*stars(np.random.default_rng(7), n))
    assert fit.n_used == n
    assert abs(fit.value - TRUE) < 5 * fit.error
    assert np.isnan(fit.scatter) == (n == 1)


def test_no_star_is_an_error_with_the_reasons():
    with pytest.raises(PhotocalError, match="none given") as found:
        fit_zero_point([], [], [], [])
    assert found.value.code == "no_reference_stars"
    with pytest.raises(PhotocalError, match="flagged 1, no_flux 2, no_reference_mag 1, low_snr 2"):
        fit_zero_point(
            [1e5, np.nan, 1e5, 1e5, 10.0, -5.0],
            [1e2, 1e2, 0.0, 1e2, 10.0, 1.0],
            [18.0, 18.0, 18.0, np.nan, 18.0, 18.0],
            [0.01] * 6,
            flagged=[True] + [False] * 5,
        )
    with pytest.raises(PhotocalError):
        fit_zero_point(*stars(np.random.default_rng(0), 4), config=ZeroPointConfig(min_stars=5))
