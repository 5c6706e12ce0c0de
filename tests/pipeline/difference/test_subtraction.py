"""Difference images: noise, fluxes, stars, planes, both ways of convolving."""

from dataclasses import replace

import numpy as np
import pytest

from skyassay.pipeline.difference.errors import DifferenceError
from skyassay.pipeline.difference.options import Options
from skyassay.pipeline.difference.quality import empty_sky
from skyassay.pipeline.difference.subtract import subtract
from skyassay.pipeline.images.mask import bit

from .conftest import pair, psf_fluxes

#: Template sharper, template wider: what is convolved.
WAYS = {"template": (1.7, 1.3), "science": (1.3, 1.7)}


@pytest.fixture(scope="module", params=WAYS)
def done(request):
    scene = pair(*WAYS[request.param], scale=1.1, noise=(900.0, 450.0))
    made = subtract(scene.science, scene.template, scene.sources, Options())
    assert made.kernel.convolved == request.param
    return scene, made


def pulls(scene, made):
    at = empty_sky(made.difference, made.matched_template, scene.science)
    return made.difference.image / np.sqrt(made.difference.variance), at


def test_noise_is_as_quoted_and_white(done):
    pull, at = pulls(*done)
    assert pull[at].std() == pytest.approx(1.0, abs=0.03)
    assert pull[at].mean() == pytest.approx(0.0, abs=0.03)
    for dy, dx in ((0, 1), (1, 0), (1, 1), (0, 2), (2, 1)):
        both = at[2:-2, 2:-2] & np.roll(at, (-dy, -dx), (0, 1))[2:-2, 2:-2]
        product = (pull * np.roll(pull, (-dy, -dx), (0, 1)))[2:-2, 2:-2][both]
        assert product.mean() == pytest.approx(0.0, abs=0.01)


def test_without_whitening_the_noise_is_not_white(done):
    scene, _ = done
    plain = subtract(scene.science, scene.template, scene.sources, Options(decorrelate=False))
    pull, at = pulls(scene, plain)
    both = at[:, :-1] & at[:, 1:]
    assert abs((pull[:, :-1] * pull[:, 1:])[both].mean()) > 0.02


def test_quality_says_what_is_measured(done):
    scene, made = done
    pull, at = pulls(scene, made)
    assert made.quality["pullStd"] == pytest.approx(pull[at].std(), abs=0.002)
    assert made.quality["nPixel"] == pytest.approx(at.sum(), abs=5)
    scale = 1.1 if made.kernel.convolved == "template" else 1.0 / 1.1
    assert made.quality["kernelSum"] == pytest.approx(scale, abs=0.008)
    assert made.quality["nTemplateVisits"] == 6.0
    assert made.quality["templateCoverage"] == 1.0
    assert 20 <= made.quality["nKernelStars"] <= 90


def test_new_sources_have_their_flux_and_errors(done):
    scene, made = done
    x, y, flux = scene.new
    found, error = psf_fluxes(made.difference, x, y)
    alone = np.hypot(x[:, None] - scene.x, y[:, None] - scene.y).min(axis=1) > 15.0
    apart = np.hypot(x[:, None] - x, y[:, None] - y) + 1e9 * np.eye(len(x))
    alone &= apart.min(axis=1) > 20.0
    pull = (found - 1.1 * flux)[alone] / error[alone]
    assert alone.sum() > 12
    assert abs(pull.mean()) < 4.0 / np.sqrt(alone.sum())
    assert 0.5 < pull.std() < 1.6


def test_empty_places_have_the_noise_of_a_psf_flux(done):
    scene, made = done
    _, at = pulls(scene, made)
    rng = np.random.default_rng(4)
    x, y = rng.integers(20, 490, (2, 4000))
    from skyassay.pipeline.detection.grow import grow

    free = ~grow(~at, 8)[y, x]
    found, error = psf_fluxes(made.difference, x[free], y[free])
    assert free.sum() > 300
    assert (found / error).std() == pytest.approx(1.0, abs=0.1)


def test_static_stars_are_gone(done):
    scene, made = done
    pull = made.difference.image / np.sqrt(made.difference.variance)
    bright = np.argsort(-scene.flux)[:20]
    far = np.hypot(scene.x[:, None] - scene.new[0], scene.y[:, None] - scene.new[1]).min(axis=1)
    for k in bright[far[bright] > 25.0]:
        i, j = round(scene.x[k]), round(scene.y[k])
        assert (pull[j - 4 : j + 5, i - 4 : i + 5] ** 2).mean() < 2.0


def test_a_noiseless_source_has_its_flux_to_a_part_in_a_thousand():
    # The same noise; a source so bright that it does not matter.
    scene = pair(n_new=0)
    from .conftest import drawn

    x, y = np.array([100.3, 303.8, 410.5]), np.array([240.1, 77.5, 399.9])
    flux = np.full(3, 3e6)
    image = scene.science.image + drawn(scene.science.psf, x, y, flux)
    made = subtract(
        scene.science.with_(image=image.astype(np.float32)), scene.template, scene.sources,
        Options(),
    )  # fmt: skip
    found, _ = psf_fluxes(made.difference, x, y)
    np.testing.assert_allclose(found, flux, rtol=3e-3)


def test_planes_come_from_both_images(plain):
    science, template = plain.science, plain.template
    own, other = science.mask.copy(), template.mask.copy()
    own[50, 60] = bit("CR")
    other[200:204, 300:304] = bit("SAT")
    other[:, 500:] = bit("NO_DATA")
    made = subtract(science.with_(mask=own), template.with_(mask=other), plain.sources, Options())
    mask = made.difference.mask
    assert mask[50, 60] & bit("CR") and mask[201, 301] & bit("SAT")
    assert mask[201, 298] & bit("SAT") and not mask[201, 280] & bit("SAT")
    assert mask[10, 505] & bit("NO_DATA") and mask[10, 498] & bit("NO_DATA")
    # Without pixels about the template its convolution is wrong at the edge.
    assert mask[0, 250] & bit("EDGE") and not mask[30, 250] & bit("EDGE")
    assert made.quality["templateCoverage"] == pytest.approx(500 / 512)


def test_the_mode_can_be_chosen(plain):
    made = subtract(plain.science, plain.template, plain.sources, Options(mode="science"))
    assert made.kernel.convolved == "science"


def test_images_that_cannot_be_subtracted_are_named(plain):
    science, template = plain.science, plain.template
    nothing = np.full_like(template.mask, bit("NO_DATA"))
    cases = [
        (science.cut(0, 100, 0, 100), template, "wrong_shape", 4),
        (science.with_(psf=None), template, "not_calibrated", 4),
        (science, template.with_(photo_calib=None), "not_calibrated", 4),
        (science, template.with_(mask=nothing), "no_template", 3),
        (science, template.with_(image=np.zeros_like(template.image)), "too_few_kernel_stars", 3),
    ]
    for one, other, code, number in cases:
        with pytest.raises(DifferenceError) as caught:
            subtract(one, other, plain.sources, Options())
        assert (caught.value.code, caught.value.exit_code) == (code, number)
        assert caught.value.hint


def test_pixels_without_a_number_do_no_harm(plain):
    image = plain.science.image.copy()
    image[300, 300] = np.nan
    mask = plain.science.mask.copy()
    mask[300, 300] = bit("UNMASKEDNAN")
    scene = replace(plain, science=plain.science.with_(image=image, mask=mask))
    made = subtract(scene.science, scene.template, scene.sources, Options())
    assert np.isfinite(made.difference.image).all()
    assert made.quality["pullStd"] == pytest.approx(1.0, abs=0.03)
