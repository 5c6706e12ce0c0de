"""Pairs of images of the same sky with PSFs of known widths."""

from dataclasses import dataclass

import numpy as np
import pytest
from astropy.table import Table

from skyassay.pipeline.images.exposure import Exposure, PhotoCalib
from skyassay.pipeline.images.mask import bit
from skyassay.pipeline.psf.model import PsfModel

SIDE = 512
SHAPE = (SIDE, SIDE)
ZERO_POINT = 32.0
NANOJANSKY = PhotoCalib(ZERO_POINT, 0.0).nanojansky


def gaussian(width):
    """Return a PSF model of one round Gaussian."""
    coefficients = np.array([[width**2, 0.0, width**2]])
    return PsfModel(coefficients, np.ones(1), np.ones(1), np.zeros((1, 1)), 14, SHAPE)


def drawn(psf, x, y, flux):
    """Return stars on an image; all must be 15 pixels or more from the edge."""
    made = np.zeros(SHAPE)
    h = psf.half
    for u, v, f in zip(x, y, flux, strict=True):
        i, j = round(u), round(v)
        made[j - h : j + h + 1, i - h : i + h + 1] += f * psf.image(u, v)
    return made


@dataclass(frozen=True)
class Pair:
    """A science image, a template, the static stars, and transients of the science image."""

    science: Exposure
    template: Exposure
    x: np.ndarray
    y: np.ndarray
    flux: np.ndarray
    new: np.ndarray  # x, y, flux

    @property
    def sources(self):
        return Table({"x": self.x, "y": self.y})


def pair(
    science_width=1.7,
    template_width=1.3,
    *,
    n=90,
    scale=1.0,
    slope=0.0,
    background=0.0,
    shift=(0.0, 0.0),
    new_flux=4000.0,
    n_new=40,
    seed=11,
    noise=(900.0, 150.0),
):
    """Return a pair; `scale` + `slope` x multiplies the science image, x from -1 to 1."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(25.0, SIDE - 25.0, (2, n))
    flux = 10.0 ** rng.uniform(3.8, 5.2, n)
    at = rng.uniform(25.0, SIDE - 25.0, (2, n_new))
    own, other = gaussian(science_width), gaussian(template_width)
    light = drawn(own, x, y, flux)
    light += drawn(own, *at, np.full(n_new, new_flux))
    light *= scale + slope * np.linspace(-1.0, 1.0, SIDE)
    before = drawn(other, x + shift[0], y + shift[1], flux)
    image = light + rng.normal(0.0, np.sqrt(noise[0] + light)) + background
    old = before + rng.normal(0.0, np.sqrt(noise[1] + before / 6.0))
    empty = np.zeros(SHAPE, np.int32)
    detected = np.where(light > 0.5 * np.sqrt(noise[0]), bit("DETECTED"), 0).astype(np.int32)
    science = Exposure(
        image.astype(np.float32), detected, (noise[0] + light).astype(np.float32),
        psf=own, photo_calib=PhotoCalib(ZERO_POINT, 0.0), summary={"psfSigma": science_width},
    )  # fmt: skip
    template = Exposure(
        (old * NANOJANSKY).astype(np.float32), empty,
        ((noise[1] + before / 6.0) * NANOJANSKY**2).astype(np.float32),
        photo_calib=PhotoCalib(31.4, 0.0),
        summary={"psfSigma": template_width, "nTemplateVisits": 6.0},
    )  # fmt: skip
    new = np.stack([*at, np.full(n_new, new_flux)])
    return Pair(science, template, x, y, flux, new)


def psf_fluxes(exposure, x, y):
    """Return PSF fluxes and errors with the PSF model of an image, positions known."""
    h, made = exposure.psf.half, []
    for u, v in zip(x, y, strict=True):
        i, j = round(u), round(v)
        box = np.s_[j - h : j + h + 1, i - h : i + h + 1]
        psf, variance = exposure.psf.image(u, v), float(np.median(exposure.variance[box]))
        norm = (psf**2).sum()
        made.append(((exposure.image[box] * psf).sum() / norm, np.sqrt(variance / norm)))
    return np.array(made).T


@pytest.fixture(scope="session")
def plain():
    """The template is the sharper one."""
    return pair()
