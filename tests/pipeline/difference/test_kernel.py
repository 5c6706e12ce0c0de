"""The kernel: its basis, its fit, its dictionary."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import fftconvolve

from skyassay.pipeline.difference.basis import Basis
from skyassay.pipeline.difference.blocks import match_blocks, pad_width, resampled_power, whitening
from skyassay.pipeline.difference.errors import DifferenceError
from skyassay.pipeline.difference.kernel import Kernel
from skyassay.pipeline.difference.options import Options
from skyassay.pipeline.difference.solve import fit_kernel
from skyassay.pipeline.difference.stars import cut_stars

from .conftest import SIDE, pair


def fitted(scene, **more):
    options = Options(**more)
    stamps = cut_stars(scene.science, in_electrons(scene), scene.sources, options, False)
    return fit_kernel(stamps, scene.science.shape, options, "template")


def in_electrons(scene):
    from skyassay.pipeline.difference.subtract import _in_electrons

    return _in_electrons(scene.template, scene.science)


def test_only_the_first_function_has_a_sum():
    basis = Basis((0.7, 1.5), (3, 2), 8)
    assert len(basis) == 10 + 6
    sums = basis.images.sum(axis=(1, 2))
    np.testing.assert_allclose(sums, [1.0] + [0.0] * 15, atol=1e-12)


def test_convolutions_by_matrices_are_convolutions():
    basis = Basis((0.8, 2.0), (2, 1), 5)
    stamps = np.random.default_rng(0).normal(size=(3, 20, 20))
    made = basis.convolved(stamps)
    assert made.shape == (len(basis), 3, 10, 10)
    for k in (0, 3, 8):
        for s in range(3):
            expected = fftconvolve(stamps[s], basis.images[k], mode="valid")
            np.testing.assert_allclose(made[k, s], expected, atol=1e-10)


def test_two_gaussians_give_the_gaussian_between_them():
    kernel = fitted(pair(noise=(0.01, 0.01), n_new=0), order=0).kernel
    y, x = np.mgrid[-20:21, -20:21]
    one, other = (np.exp(-0.5 * (x * x + y * y) / w**2) / (2 * np.pi * w**2) for w in (1.3, 1.7))
    # Beyond the frequencies that the PSF passes no star tells what the kernel does.
    made = fftconvolve(one, kernel.at(200.0, 100.0)[0], mode="same")
    np.testing.assert_allclose(made, other, atol=0.003 * other.max())
    assert kernel.sum_at(10.0, 20.0)[0] == pytest.approx(1.0, abs=0.002)


@pytest.mark.parametrize("shift", [(0.4, -0.3), (-0.2, 0.5)])
def test_a_shift_between_the_images_is_in_the_kernel(shift):
    kernel = fitted(pair(shift=shift, n_new=0), order=0).kernel
    image = kernel.at(SIDE / 2, SIDE / 2)[0]
    half = kernel.basis.half
    y, x = np.mgrid[-half : half + 1, -half : half + 1]
    found = (image * x).sum() / image.sum(), (image * y).sum() / image.sum()
    np.testing.assert_allclose(found, (-shift[0], -shift[1]), atol=0.02)


def test_scale_its_slope_and_the_background_are_found():
    fit = fitted(pair(scale=1.08, slope=0.05, background=7.0, n_new=0), order=1, stars_per_term=10)
    edge = SIDE - 1
    np.testing.assert_allclose(
        fit.kernel.sum_at([0.0, edge / 2, edge], [100.0, 300.0, 200.0]),
        (1.03, 1.08, 1.13), atol=0.006,
    )  # fmt: skip
    assert fit.kernel.background_image().mean() == pytest.approx(7.0, abs=0.6)


def test_what_changed_is_clipped(plain):
    scene = pair(n_new=0)
    image = scene.science.image.copy()
    for k in np.argsort(-scene.flux)[3:6]:
        i, j = round(scene.x[k]), round(scene.y[k])
        image[j - 9 : j + 10, i - 9 : i + 10] *= 1.25
    changed = replace(scene, science=scene.science.with_(image=image))
    fit = fitted(changed, order=0)
    assert (~fit.used).sum() >= 3
    assert fit.kernel.sum_at(9.0, 9.0)[0] == pytest.approx(1.0, abs=0.006)


def test_the_order_of_the_sources_does_not_matter(plain):
    options = Options()
    turned = plain.sources[np.random.default_rng(3).permutation(len(plain.x))]
    one, other = (
        cut_stars(plain.science, in_electrons(plain), table, options, False)
        for table in (plain.sources, turned)
    )
    np.testing.assert_array_equal(one.x, other.x)
    np.testing.assert_array_equal(one.target, other.target)


def test_without_sources_the_peaks_of_the_image_serve(plain):
    found = cut_stars(plain.science, in_electrons(plain), None, Options(), False)
    near = np.hypot(found.x[:, None] - plain.x, found.y[:, None] - plain.y).min(axis=1)
    assert len(found.x) > 40 and (near < 1.5).all()


def test_too_few_stars_are_named(plain):
    with pytest.raises(DifferenceError) as caught:
        cut_stars(plain.science, in_electrons(plain), plain.sources[:3], Options(), False)
    assert caught.value.code == "too_few_kernel_stars"
    with pytest.raises(DifferenceError) as caught:
        fitted(plain, least_stars=100000)
    assert caught.value.code == "too_few_kernel_stars"


def test_a_kernel_survives_its_file(plain):
    kernel = fitted(plain).kernel
    again = Kernel.from_dict(json.loads(json.dumps(kernel.to_dict())))
    np.testing.assert_array_equal(again.at(5.0, 400.0), kernel.at(5.0, 400.0))
    np.testing.assert_array_equal(again.background_image(), kernel.background_image())
    assert again.convolved == kernel.convolved == "template"


def test_blocks_apply_the_kernel_as_a_convolution_does():
    shape = (150, 170)
    rng = np.random.default_rng(1)
    basis = Basis((1.0,), (2,), 6)
    coefficients = np.zeros((1, len(basis)))
    coefficients[0, :3] = (1.3, 0.2, -0.1)
    kernel = Kernel(basis, coefficients, np.zeros(1), shape, "template")
    pad = pad_width(6)
    wide = rng.normal(size=(shape[0] + 2 * pad, shape[1] + 2 * pad)).astype(np.float32)
    target = np.zeros_like(wide)
    blocks = np.ones((3, 3), np.float32)
    made = match_blocks(wide, target, blocks, blocks, kernel, block=64, decorrelate=False)
    expected = fftconvolve(wide, kernel.at(0.0, 0.0)[0], mode="same")[pad:-pad, pad:-pad]
    np.testing.assert_allclose(made.matched, expected, atol=1e-5)
    np.testing.assert_allclose(made.difference, -expected, atol=1e-5)


def test_what_a_poor_kernel_leaves_is_measured():
    scene = pair(n_new=0)
    assert fitted(scene, order=0).relative_error < 0.01
    # One Gaussian cannot make the template wide enough.
    poor = fitted(scene, order=0, widths=(0.7,), degrees=(0,), clip=1e9)
    assert poor.relative_error > 0.03


def test_power_that_resampling_leaves():
    np.testing.assert_array_equal(resampled_power(64, 0), 1.0)
    once, twice = resampled_power(64, 1), resampled_power(64, 2)
    assert once.shape == (64, 33)
    assert once[0, 0] == pytest.approx(1.0, abs=1e-5)
    np.testing.assert_allclose(twice, once**2, rtol=1e-5)
    # The PSF's frequencies pass, the highest do not.
    assert once[8, 8] > 0.97 and once[32, 32] < 0.5


def test_the_whitening_makes_the_power_flat_as_far_as_it_may():
    k = np.array([[[1.1, 0.5, 0.0]]], np.complex64)
    phi = whitening(k, np.array([1.1]), np.array([50.0]), np.array([200.0]))
    power = phi**2 * (np.abs(k) ** 2 * 50.0 + 200.0)
    np.testing.assert_allclose(power, 200.0 + 1.21 * 50.0, rtol=1e-5)
    assert phi[0, 0, 0] == pytest.approx(1.0)
    without = whitening(k, np.array([1.1]), np.array([50.0]), np.array([0.0]))
    assert without.max() <= 6.0
