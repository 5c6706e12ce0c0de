"""Difference images drawn here: double Gaussians integrated over pixels, with white noise."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from scipy.special import erf

from skyassay.pipeline.images.exposure import Exposure
from skyassay.pipeline.psf.model import PsfModel

#: Variance of the sky in the science image and the template, electrons squared.
SCIENCE, TEMPLATE = 800.0, 100.0
CORE, WING, SHARE = 1.6, 3.2, 0.1


def cells(at, n, sigma):
    """Return the share of a Gaussian in each of n pixels."""
    edges = (np.arange(n + 1) - 0.5 - at) / (np.sqrt(2.0) * sigma)
    return np.diff(erf(edges)) / 2.0


def star(shape, x, y):
    """Return the part of an image that a star of unit flux reaches, and its light there."""
    i, j = max(round(x) - 25, 0), max(round(y) - 25, 0)
    cut = np.s_[j : min(round(y) + 26, shape[0]), i : min(round(x) + 26, shape[1])]
    ny, nx = cut[0].stop - j, cut[1].stop - i
    light = np.zeros((ny, nx))
    for sigma, share in ((CORE, 1.0 - SHARE), (WING, SHARE)):
        light += share * np.outer(cells(y - j, ny, sigma), cells(x - i, nx, sigma))
    return cut, light


def psf_model(shape):
    """Return the PSF of `star`: pixels widen a Gaussian of sigma**2 by a twelfth."""
    coefficients = np.array([[CORE**2 + 1.0 / 12.0, 0.0, CORE**2 + 1.0 / 12.0]])
    widths = np.sqrt(np.array([CORE**2, WING**2]) + 1.0 / 12.0) / np.sqrt(CORE**2 + 1.0 / 12.0)
    shares = np.array([1.0 - SHARE, SHARE])
    return PsfModel(coefficients, widths, shares, np.zeros((3, 3)), 20, shape)


@dataclass(eq=False)
class Scene:
    """A science image and a template on the same pixels, and their difference."""

    shape: tuple[int, int] = (512, 512)
    seed: int = 1
    science: np.ndarray = field(init=False)
    template: np.ndarray = field(init=False)

    def __post_init__(self):
        self.science, self.template = np.zeros(self.shape), np.zeros(self.shape)
        self.mask = np.zeros(self.shape, dtype=np.int32)

    def add(self, x, y, flux, template=0.0):
        """Put stars on both images."""
        for a, b, f, t in np.broadcast(x, y, flux, template):
            cut, light = star(self.shape, a, b)
            self.science[cut] += f * light
            self.template[cut] += t * light
        return self

    def images(self):
        """Return difference, science and template with noise."""
        rng = np.random.default_rng(self.seed)
        made, psf = [], psf_model(self.shape)
        for light, sky in ((self.science, SCIENCE), (self.template, TEMPLATE)):
            variance = (np.maximum(light, 0.0) + sky).astype(np.float32)
            image = (light + rng.normal(size=self.shape) * np.sqrt(variance)).astype(np.float32)
            made.append(Exposure(image, self.mask.copy(), variance, psf=psf))
        science, template = made
        difference = science.with_(
            image=science.image - template.image, variance=science.variance + template.variance
        )
        return difference, science, template


@pytest.fixture(scope="session")
def scene():
    return Scene


def places(n, side, margin, rng):
    """Return n x n positions on a grid with random offsets of half a pixel."""
    at = np.linspace(margin, side - 1 - margin, n)
    x, y = (axis.ravel() + rng.uniform(-0.5, 0.5, n * n) for axis in np.meshgrid(at, at))
    return x, y


@pytest.fixture(scope="session")
def grid():
    return places
