"""Cosmic rays: straight tracks through the silicon."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.camera.terms import CameraTerms

Floats = NDArray[np.float32]
#: Pieces of charge per pixel of track: many, so that a track looks even.
_PIECES = 50
#: Width of the fluctuation of energy loss over its median: Landau's in 100 um of silicon.
_FLUCTUATION = 0.1
#: Longest track over the thickness: one that grazes the detector leaves it at its edge.
_LONGEST = 30.0


@dataclass(frozen=True)
class CosmicRay:
    """One ray.

    Attributes
    ----------
    x0, y0, x1, y1 : float
        Where it enters and leaves the silicon, pixels.
    electrons : float
        Charge that it sets free, part of which may fall beside the detector.
    """

    x0: float
    y0: float
    x1: float
    y1: float
    electrons: float


def draw_rays(
    shape: tuple[int, int], dark_time: float, terms: CameraTerms, stream: np.random.Generator
) -> tuple[CosmicRay, ...]:
    """Return the rays that hit a detector while it collects charge.

    Parameters
    ----------
    shape : tuple of int
        (ny, nx).
    dark_time : float
        Seconds.
    terms : CameraTerms
    stream : numpy.random.Generator

    Notes
    -----
    The flux of muons per solid angle falls as the square of the cosine of the zenith angle,
    and the detector lies flat: the squared cosine of those that cross it is uniform^(1/2).
    Energy loss follows Moyal's approximation to Landau's distribution (Moyal 1955, Phil.
    Mag. 46, 263): -ln(z^2) of a normal z.
    """
    ny, nx = shape
    area = nx * ny * (terms.pixel_size * 1e-4) ** 2
    n = int(stream.poisson(terms.cosmic_rate * area * dark_time))
    x, y = stream.uniform(-0.5, nx - 0.5, n), stream.uniform(-0.5, ny - 0.5, n)
    cos2 = np.sqrt(stream.uniform(size=n))
    slope = np.minimum(np.sqrt(1.0 / np.maximum(cos2, 1e-9) - 1.0), _LONGEST)
    angle = stream.uniform(0.0, 2.0 * np.pi, n)
    reach = slope * terms.thickness / terms.pixel_size
    loss = -np.log(stream.standard_normal(n) ** 2)
    per_um = terms.cosmic_charge * (1.0 + _FLUCTUATION * (loss - 0.788))
    total = per_um * terms.thickness * np.hypot(1.0, slope)
    x1, y1 = x + reach * np.cos(angle), y + reach * np.sin(angle)
    return tuple(CosmicRay(*map(float, row)) for row in zip(x, y, x1, y1, total, strict=True))


def ray_electrons(
    rays: tuple[CosmicRay, ...],
    shape: tuple[int, int],
    diffusion: float,
    stream: np.random.Generator,
) -> Floats:
    """Return the charge of the rays, electrons, shape (ny, nx).

    Parameters
    ----------
    rays : tuple of CosmicRay
    shape : tuple of int
    diffusion : float
        Scatter of charge about the track, pixels.
    stream : numpy.random.Generator
    """
    ny, nx = shape
    image = np.zeros(shape, dtype=np.float32)
    for ray in rays:
        length = float(np.hypot(ray.x1 - ray.x0, ray.y1 - ray.y0))
        n = _PIECES * (2 + int(length))
        place = np.linspace(0.0, 1.0, n)
        spread = diffusion * stream.standard_normal((2, n))
        x = np.rint(ray.x0 + (ray.x1 - ray.x0) * place + spread[0]).astype(np.int64)
        y = np.rint(ray.y0 + (ray.y1 - ray.y0) * place + spread[1]).astype(np.int64)
        inside = (x >= 0) & (x < nx) & (y >= 0) & (y < ny)
        np.add.at(image, (y[inside], x[inside]), np.float32(ray.electrons / n))
    return image
