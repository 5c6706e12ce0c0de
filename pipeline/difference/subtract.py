"""A difference image by matching PSFs: all of `subtractImages` (Alard & Lupton 1998)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from skyassay.pipeline.coadd.lanczos import widen
from skyassay.pipeline.difference.blocks import Matched, block_noise, match_blocks, pad_width
from skyassay.pipeline.difference.border import BORDER, RESAMPLED, padded
from skyassay.pipeline.difference.errors import DifferenceError
from skyassay.pipeline.difference.kernel import Kernel
from skyassay.pipeline.difference.options import Options
from skyassay.pipeline.difference.psf import filtered_psf
from skyassay.pipeline.difference.quality import difference_quality
from skyassay.pipeline.difference.solve import Fit, fit_kernel
from skyassay.pipeline.difference.stars import UNUSABLE, cut_stars
from skyassay.pipeline.images.exposure import Exposure
from skyassay.pipeline.images.mask import bit, bits
from skyassay.pipeline.psf.model import PsfModel

Pixels = NDArray[np.float32]
#: Planes of the template that a difference image inherits.
INHERITED = bits("BAD", "SAT", "NO_DATA", "UNMASKEDNAN", "SUSPECT")
#: Share of the kernel's absolute sum beyond which a bad pixel does not reach.
REACHED = 0.02


@dataclass(frozen=True, eq=False)
class Subtraction:
    """A difference image and how it was made.

    Attributes
    ----------
    difference : Exposure
        Science minus template in electrons of the science image; white noise, with the PSF
        of the difference.
    matched_template : Exposure
        The template in electrons of the science image; where it was convolved, with the PSF
        of the science image, else without a model.
    kernel : Kernel
    quality : dict
        Keys of the product `difference_quality` that are known here.
    """

    difference: Exposure
    matched_template: Exposure
    kernel: Kernel
    quality: dict[str, float]


def subtract(
    science: Exposure, template: Exposure, sources: Table | None, options: Options
) -> Subtraction:
    """Return the science image minus the template.

    Parameters
    ----------
    science : Exposure
        Calibrated and without sky, electrons.
    template : Exposure
        On the same pixels, in units of its zero point; `models["BORDER"]` as `build_template`
        leaves it.
    sources : Table or None
        Sources of the science image with x, y in pixels; None: its peaks.
    options : Options

    Raises
    ------
    DifferenceError
        ``wrong_shape``, ``not_calibrated``, ``no_template``, ``too_few_kernel_stars``,
        ``kernel_failed``.
    """
    _check(science, template)
    scaled = _in_electrons(template, science)
    convolved = _convolved(science, scaled, options)
    stamps = cut_stars(science, scaled, sources, options, convolved == "science")
    fit = fit_kernel(stamps, science.shape, options, convolved)
    usable = ((science.mask | scaled.mask) & UNUSABLE) == 0
    pad = pad_width(options.half)
    (sky_image, _), (template_image, whole) = padded(science, pad), padded(scaled, pad)
    noise = [block_noise(e.variance, usable, options.block) for e in (science, scaled)]
    one, other = (0, 1) if convolved == "science" else (1, 0)
    images = (sky_image, template_image)
    made = match_blocks(
        images[one], images[other], noise[one], noise[other], fit.kernel,
        block=options.block, decorrelate=options.decorrelate,
        resampled=int(template.metadata.get(RESAMPLED, 0)),
    )  # fmt: skip
    difference, matched = _exposures(science, scaled, fit, made, whole)
    quality = {
        **difference_quality(difference, matched, science),
        **_of_fit(fit),
        "nTemplateVisits": float(template.summary.get("nTemplateVisits", np.nan)),
        "templateCoverage": float(np.mean((template.mask & bit("NO_DATA")) == 0)),
    }
    return Subtraction(difference.with_(summary={**science.summary}), matched, fit.kernel, quality)


def _check(science: Exposure, template: Exposure) -> None:
    if science.shape != template.shape:
        raise DifferenceError(
            f"The science image has {science.shape} pixels, the template {template.shape}.",
            code="wrong_shape",
            hint="Build the template on the pixels of the science image.",
            exit_code=4,
        )
    if science.psf is None or science.photo_calib is None or template.photo_calib is None:
        raise DifferenceError(
            "The science image lacks its PSF or zero point, or the template its zero point.",
            code="not_calibrated",
            hint="Run calibrateImage and assembleTemplateCoadd first.",
            exit_code=4,
        )
    if ((template.mask & bit("NO_DATA")) != 0).all():
        raise DifferenceError(
            "The template has no pixel on this detector.",
            code="no_template",
            hint="Make a template of this field and band from earlier visits.",
        )


def _in_electrons(template: Exposure, science: Exposure) -> Exposure:
    """Return the template in electrons of the science image."""
    assert template.photo_calib is not None and science.photo_calib is not None  # noqa: S101 - _check
    scale = np.float32(template.photo_calib.nanojansky / science.photo_calib.nanojansky)
    models = dict(template.models)
    if BORDER in models:
        models[BORDER] = {k: v * scale for k, v in models[BORDER].items()}
    return template.with_(
        image=np.nan_to_num(template.image) * scale,
        variance=np.nan_to_num(template.variance) * scale * scale,
        photo_calib=science.photo_calib,
        models=models,
    )


def _convolved(
    science: Exposure, template: Exposure, options: Options
) -> Literal["template", "science"]:
    """Return which image is convolved."""
    if options.mode != "auto":
        return options.mode
    theirs, own = template.summary.get("psfSigma", np.nan), science.summary.get("psfSigma", np.nan)
    # Not known: the template is made of the visits with the best seeing.
    return "science" if theirs > options.auto_margin * own else "template"


def _exposures(
    science: Exposure, template: Exposure, fit: Fit, made: Matched, whole: bool
) -> tuple[Exposure, Exposure]:
    """Return difference and matched template."""
    shape, kernel = science.shape, fit.kernel
    reach = _reach(kernel)
    inherited = _grown(template.mask, reach)
    mask = science.mask | inherited
    if not whole or kernel.convolved == "science":
        mask |= _edge(shape, reach)
    scale = _scale_image(kernel)
    behind = kernel.background_image()
    if kernel.convolved == "template":
        image, matched = made.difference - behind, made.matched
        variance = science.variance + scale**2 * template.variance
    else:
        image, matched = (behind - made.difference) / scale, template.image / scale
        variance = science.variance + template.variance / scale**2
        mask |= _grown(science.mask, reach)
    # The kernel is as good as its stars showed: a bright star leaves more than its noise.
    light = np.maximum(matched, 0.0)
    variance += np.float32(fit.relative_error**2) * light * light
    assert science.psf is not None  # noqa: S101 - _check
    return (
        science.with_(
            image=image, mask=mask, variance=variance, psf=_psf(science.psf, kernel, made)
        ),
        science.with_(
            image=matched,
            mask=inherited,
            variance=scale**2 * template.variance,
            psf=science.psf if kernel.convolved == "template" else None,
            models={},
            summary=dict(template.summary),
        ),
    )


def _psf(psf: PsfModel, kernel: Kernel, made: Matched) -> PsfModel:
    """Return the PSF of the difference."""
    response = made.phi.astype(np.float64)
    if kernel.convolved == "science":
        side, n = 2 * kernel.basis.half + 1, response.shape[0]
        wide = np.zeros((n, n))
        middle = kernel.at((kernel.shape[1] - 1) / 2.0, (kernel.shape[0] - 1) / 2.0)[0]
        wide[:side, :side] = middle / middle.sum()
        wide = np.roll(wide, (-kernel.basis.half,) * 2, axis=(0, 1))
        response = np.fft.irfft2(np.fft.rfft2(wide) * np.fft.rfft2(response), s=(n, n))
    return filtered_psf(psf, response / response.sum())


def _reach(kernel: Kernel) -> int:
    """Return how far a bad pixel spoils its neighbours, pixel."""
    ny, nx = kernel.shape
    image = np.abs(kernel.at((nx - 1) / 2.0, (ny - 1) / 2.0)[0])
    half = kernel.basis.half
    at = np.abs(np.arange(-half, half + 1))
    ring = np.maximum(at[:, None], at[None, :])
    outside = [image[ring > r].sum() / image.sum() for r in range(half + 1)]
    return int(np.argmax(np.array(outside) < REACHED))


def _grown(mask: NDArray[np.int32], reach: int) -> NDArray[np.int32]:
    """Return the inherited planes, widened."""
    made = np.empty_like(mask)
    widen(mask & np.int32(INHERITED), reach, made)
    return made


def _edge(shape: tuple[int, int], reach: int) -> NDArray[np.int32]:
    made = np.zeros(shape, np.int32)
    if reach:
        value = bit("EDGE")
        made[:reach], made[-reach:], made[:, :reach], made[:, -reach:] = (value,) * 4
    return made


def _scale_image(kernel: Kernel) -> Pixels:
    """Return the flux scale of every pixel."""
    flat = Kernel(
        kernel.basis, kernel.coefficients, kernel.coefficients[:, 0], kernel.shape, kernel.convolved
    )
    return flat.background_image()


def _of_fit(fit: Fit) -> dict[str, float]:
    """Return the entries about the kernel."""
    ny, nx = fit.kernel.shape
    grid = np.meshgrid(np.linspace(0, nx - 1, 9), np.linspace(0, ny - 1, 9))
    sums = fit.kernel.sum_at(grid[0].ravel(), grid[1].ravel())
    return {
        "kernelSum": float(sums.mean()),
        "kernelSumScatter": float(sums.std()),
        "nKernelStars": float(fit.used.sum()),
    }
