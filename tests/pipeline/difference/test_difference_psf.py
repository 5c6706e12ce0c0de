"""The PSF of a filtered image."""

import numpy as np
import pytest
from scipy.signal import fftconvolve

from skyassay.pipeline.difference.psf import filtered_psf
from skyassay.pipeline.psf.model import PsfModel
from skyassay.pipeline.psf.profile import WIDTHS


def model(bump=0.0):
    coefficients = np.array([[2.4, 0.15, 2.1], [0.05, 0.0, -0.05], [0.0, 0.02, 0.0]])
    shares = np.where(WIDTHS == 1.0, 0.85, 0.0) + np.where(WIDTHS == 2.1, 0.15, 0.0)
    left = np.zeros((7, 7))
    left[3, 3], left[3, 2] = bump, -bump
    return PsfModel(coefficients, WIDTHS, shares, left, 16, (500, 600))


def responses():
    """Return a whitening-like filter, a blur, and a shift."""
    n = 96
    k = np.fft.fftfreq(n)
    square = k[:, None] ** 2 + k[None, : n // 2 + 1] * 0 + np.fft.rfftfreq(n)[None, :] ** 2
    blur = np.exp(-2.0 * np.pi**2 * 1.3**2 * square)
    whiten = np.sqrt(1.3 / (1.0 + 0.3 * blur**2))
    return {name: np.fft.irfft2(v, s=(n, n)) for name, v in
            (("whiten", whiten), ("blur", blur), ("both", blur * whiten))}  # fmt: skip


@pytest.mark.parametrize("name", ["whiten", "blur", "both"])
@pytest.mark.parametrize("at", [(299.5, 249.5), (100.3, 400.8), (500.5, 30.25)])
def test_a_filtered_star_is_the_new_psf(name, at):
    response = responses()[name]
    psf = model(bump=0.004)
    made = filtered_psf(psf, response)
    centred = np.roll(response, (48, 48), axis=(0, 1))
    wide = PsfModel(psf.coefficients, psf.widths, psf.shares, psf.bump, 24, psf.shape)
    star = fftconvolve(wide.image(*at), centred[1:, 1:], mode="same")
    want, got = star[8:-8, 8:-8], made.image(*at)
    assert np.abs(got - want / want.sum()).max() < 0.015 * want.max()
    # The flux that the new model measures of the filtered star.
    assert (want * got).sum() / (got**2).sum() == pytest.approx(1.0, abs=2e-3)


def test_a_filter_that_does_nothing_leaves_the_psf():
    response = np.zeros((96, 96))
    response[0, 0] = 1.0
    psf = model()
    made = filtered_psf(psf, response)
    np.testing.assert_allclose(made.image(50.2, 60.9), psf.image(50.2, 60.9), atol=1e-4)
    assert (made.half, made.shape, made.degree) == (psf.half, psf.shape, psf.degree)
    again = PsfModel.from_arrays(made.to_arrays())
    np.testing.assert_array_equal(again.image(1.0, 2.0), made.image(1.0, 2.0))
