"""Images with a known PSF, stars, noise and echoes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from skyassay.pipeline.instrument.layouts import camera
from skyassay.pipeline.quality.stamps import Pixels

SIGMA, HALF = 1.8, 12


def gaussian(x: float, y: float) -> np.ndarray:
    """Return a circular Gaussian where (x, y) lies in its pixel, sum 1."""
    step = np.arange(-HALF, HALF + 1)
    dx, dy = x - np.rint(x), y - np.rint(y)
    stamp = np.exp(-0.5 * ((step[None, :] - dx) ** 2 + (step[:, None] - dy) ** 2) / SIGMA**2)
    return stamp / stamp.sum()


def add(image: np.ndarray, x: float, y: float, flux: float) -> None:
    """Add a star, cut at the border."""
    x0, y0 = int(np.rint(x)), int(np.rint(y))
    stamp = flux * gaussian(x, y)
    ny, nx = image.shape
    rows = np.arange(y0 - HALF, y0 + HALF + 1)
    columns = np.arange(x0 - HALF, x0 + HALF + 1)
    a, b = (rows >= 0) & (rows < ny), (columns >= 0) & (columns < nx)
    image[np.ix_(rows[a], columns[b])] += stamp[np.ix_(a, b)]


@dataclass(frozen=True)
class Sky:
    """A detector of the tiny camera with noise of 10 per pixel."""

    noise: float = 10.0

    @property
    def amplifiers(self):
        return camera("tiny").detectors[0].amplifiers

    def blank(self, seed: int, side: int = 512) -> np.ndarray:
        return np.random.default_rng(seed).normal(0.0, self.noise, (side, side))

    def pixels(self, image: np.ndarray) -> Pixels:
        return Pixels(
            image.astype(np.float32),
            np.full(image.shape, self.noise**2, dtype=np.float32),
            np.ones(image.shape, dtype=bool),
        )

    psf = staticmethod(gaussian)
    add = staticmethod(add)


@pytest.fixture(scope="session")
def sky() -> Sky:
    return Sky()
