"""The flux at a place: unbiased, its error right, nothing where there is nothing."""

from __future__ import annotations

import numpy as np
import pytest

from skyassay.pipeline.quality.stamps import Pixels, aperture_sums, fit_flux


def test_a_star_without_noise_is_measured_exactly_above_any_constant(sky) -> None:
    image = np.full((60, 60), 37.0)
    sky.add(image, 30.3, 28.8, 5000.0)
    found = fit_flux(sky.pixels(image), sky.psf, 30.3, 28.8)
    assert found.flux == pytest.approx(5000.0, rel=1e-5)
    assert found.covered == pytest.approx(1.0)


def test_quoted_errors_are_the_scatter(sky) -> None:
    image = sky.blank(3, 600)
    places = [(20.2 + 26 * i, 20.7 + 26 * j) for i in range(22) for j in range(22)]
    fits = [fit_flux(sky.pixels(image), sky.psf, x, y) for x, y in places]
    pull = np.array([f.flux / f.error for f in fits])
    assert abs(pull.mean()) < 4.0 / np.sqrt(len(pull))
    assert pull.std() == pytest.approx(1.0, abs=4.0 / np.sqrt(2 * len(pull)))


def test_pixels_without_a_sound_value_are_left_out(sky) -> None:
    image = np.zeros((60, 60))
    sky.add(image, 30.0, 30.0, 1000.0)
    whole = sky.pixels(image)
    spoilt = whole.image.copy()
    spoilt[30, 31], spoilt[29, 30] = np.nan, np.inf
    variance = whole.variance.copy()
    variance[28, 28], variance[27, 27] = 0.0, np.nan
    found = fit_flux(Pixels(spoilt, variance, whole.usable), sky.psf, 30.0, 30.0)
    assert found.flux == pytest.approx(1000.0, rel=1e-5)
    assert found.covered < 1.0


@pytest.mark.parametrize("place", [(-100.0, 5.0), (5.0, 1e5)])
def test_outside_there_is_nothing(sky, place) -> None:
    found = fit_flux(sky.pixels(np.zeros((60, 60))), sky.psf, *place)
    assert np.isnan(found.flux)
    assert found.covered == 0.0


def test_nothing_usable_and_a_flat_psf_give_no_flux(sky) -> None:
    none = Pixels(np.zeros((60, 60)), np.ones((60, 60)), np.zeros((60, 60), dtype=bool))
    assert np.isnan(fit_flux(none, sky.psf, 30.0, 30.0).flux)
    flat = fit_flux(sky.pixels(np.zeros((60, 60))), lambda *_: np.full((5, 5), 0.04), 30.0, 30.0)
    assert np.isnan(flat.flux)


def test_aperture_sums() -> None:
    image = np.ones((20, 20))
    image[10, 10], image[3, 3] = 7.0, np.nan
    places = [10.0, 3.0, np.nan, 500.0]
    sums, peaks = aperture_sums(image, np.array(places), np.array(places), 1.0)
    assert sums[0] == 11.0
    assert peaks[0] == 7.0
    assert sums[1] == 4.0
    assert np.isnan(sums[2:]).all()
    assert aperture_sums(image, np.empty(0), np.empty(0), 2.0)[0].shape == (0,)
