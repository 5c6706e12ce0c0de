"""Images drawn here: Gaussians integrated over pixels by the error function, with noise."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy.special import erf

SKY, READ = 1000.0, 6.0


@dataclass(frozen=True, eq=False)
class Field:
    """Stars on an image: image, mask, variance, and where and how bright the stars are."""

    image: np.ndarray
    mask: np.ndarray
    variance: np.ndarray
    x: np.ndarray
    y: np.ndarray
    flux: np.ndarray

    def planes(self):
        return self.image, self.mask, self.variance

    def with_planes(self, **planes):
        return replace(self, **planes)


def cells(at, n, sigma):
    """Return the share of a Gaussian in each of n pixels."""
    edges = (np.arange(n + 1) - 0.5 - at) / (np.sqrt(2.0) * sigma)
    return np.diff(erf(edges)) / 2.0


def star(n, x, y, sx, sy, wing=0.1):
    """Return the SRD-like double Gaussian on n x n pixels: core, and wings of twice its width."""
    core = np.outer(cells(y, n, sy), cells(x, n, sx))
    return (1 - wing) * core + wing * np.outer(cells(y, n, 2 * sy), cells(x, n, 2 * sx))


def draw(shape, x, y, flux, *, fwhm=3.5, wider=0.0, change=0.04, sky=SKY, seed=1, half=30):
    """Return a Field; the PSF widens by `change` across x, sources by `wider` (pixel)."""
    image = np.zeros(shape)
    side = 2 * half + 1
    for k in range(len(x)):
        core = fwhm / 2.3548 * (1 + change * (x[k] / shape[1] - 0.5))
        extra = np.broadcast_to(wider, len(x))[k]
        sx, sy = np.hypot(core * 1.02, extra), np.hypot(core * 0.98, extra)
        i, j = round(x[k]) - half, round(y[k]) - half
        stamp = flux[k] * star(side, x[k] - i, y[k] - j, sx, sy)
        rows = slice(max(j, 0), min(j + side, shape[0]))
        columns = slice(max(i, 0), min(i + side, shape[1]))
        cut = stamp[rows.start - j : rows.stop - j, columns.start - i : columns.stop - i]
        image[rows, columns] += cut
    rng = np.random.default_rng(seed)
    data = rng.poisson(image + sky) + rng.normal(0.0, READ, shape)
    variance = np.maximum(data, 0.0) + READ**2
    mask = np.zeros(shape, dtype=np.int32)
    planes = data.astype(np.float32), mask, variance.astype(np.float32)
    return Field(*planes, np.asarray(x, float), np.asarray(y, float), np.asarray(flux, float))


def grid(n, side, margin, rng):
    """Return n x n positions with random offsets of up to 4 pixels."""
    at = np.linspace(margin, side - 1 - margin, n)
    x, y = (axis.ravel() + rng.uniform(-4, 4, n * n) for axis in np.meshgrid(at, at))
    return x, y


@pytest.fixture(scope="session")
def drawing():
    return draw


@pytest.fixture(scope="session")
def stars_field():
    """400 separate stars of S/N 5 to 600 on 1024 x 1024 pixels."""
    rng = np.random.default_rng(11)
    x, y = grid(20, 1024, 30, rng)
    return draw((1024, 1024), x, y, 10 ** rng.uniform(3.1, 5.5, 400))


@pytest.fixture(scope="session")
def small_field():
    """36 bright stars on 384 x 384 pixels."""
    rng = np.random.default_rng(12)
    x, y = grid(6, 384, 35, rng)
    return draw((384, 384), x, y, 10 ** rng.uniform(4.3, 5.4, 36))
