"""What a detector makes of even light: quantum efficiency, dust, vignetting."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.instrument.camera import Detector
from skyassay.simulator.camera.defects import Defect, dim
from skyassay.simulator.camera.terms import CameraTerms
from skyassay.simulator.random import rng

Floats = NDArray[np.float32]
#: The lit ring of a dust grain's shadow: inner over outer radius, the telescope's obscuration.
_HOLE = 0.61


def sensitivity(
    detector: Detector,
    terms: CameraTerms,
    defects: Sequence[Defect],
    stream: np.random.Generator,
) -> Floats:
    """Return the relative response of the pixels to light that is even on the detector.

    Returns
    -------
    ndarray of float32, shape (ny, nx)
        About 1; the same in all bands.
    """
    shape = (detector.ny, detector.nx)
    found = stream.standard_normal(shape, dtype=np.float32)
    found *= np.float32(terms.pixel_sensitivity)
    found += 1.0
    # A sensor's own efficiency and the steps at the borders of its amplifiers.
    found *= np.float32(1.0 + terms.detector_sensitivity * stream.standard_normal())
    for amp in detector.amplifiers:
        found[amp.box] *= 1.0 + terms.amplifier_sensitivity * np.float32(stream.standard_normal())
    for _ in range(int(stream.poisson(terms.doughnuts * found.size / 2**20))):
        _shade(found, terms, stream)
    dim(found, defects)
    return found


def _shade(found: Floats, terms: CameraTerms, stream: np.random.Generator) -> None:
    """Darken a ring: the shadow of a grain of dust out of focus, in place."""
    ny, nx = found.shape
    x, y = stream.uniform(0, nx), stream.uniform(0, ny)
    radius = terms.doughnut_radius * stream.uniform(0.5, 1.0)
    depth = terms.doughnut_depth * stream.uniform(0.3, 1.0)
    x0, x1 = max(int(x - radius), 0), min(int(x + radius) + 2, nx)
    y0, y1 = max(int(y - radius), 0), min(int(y + radius) + 2, ny)
    distance = np.hypot(np.arange(x0, x1) - x, np.arange(y0, y1)[:, None] - y)
    # One pixel of penumbra, so that the border does not jump.
    ring = np.clip(radius - distance, 0.0, 1.0) * np.clip(distance - _HOLE * radius, 0.0, 1.0)
    found[y0:y1, x0:x1] *= (1.0 - depth * ring).astype(np.float32)


def illumination(
    detector: Detector, pixel_scale: float, physical_filter: str, terms: CameraTerms, seed: int
) -> Floats:
    """Return the light that reaches the pixels, relative to that on the optical axis.

    Parameters
    ----------
    detector : Detector
    pixel_scale : float
        Arcsec per pixel.
    physical_filter : str
        Its coating gives a gradient of its own, the same for all detectors.
    terms : CameraTerms
    seed : int

    Returns
    -------
    ndarray of float32, shape (ny, nx)
    """
    stream = rng(seed, "illumination", physical_filter)
    slope_x, slope_y = terms.illumination_slope * stream.standard_normal(2)
    depth = terms.vignetting * stream.uniform(0.8, 1.2)
    u = _angles(detector.x, detector.nx, pixel_scale) / terms.vignetting_radius
    v = _angles(detector.y, detector.ny, pixel_scale) / terms.vignetting_radius
    # 1 + a u + b v - d (u^2 + v^2)^2 as sums of products of rows and columns.
    across = (1.0 + slope_x * u - depth * u**4).astype(np.float32)
    along = (slope_y * v - depth * v**4).astype(np.float32)
    mixed = np.outer((2.0 * depth * v**2).astype(np.float32), (u**2).astype(np.float32))
    found: Floats = across[None, :] + along[:, None] - mixed
    return found


def _angles(centre: float, n: int, pixel_scale: float) -> NDArray[np.float64]:
    """Return field angles of the pixels of a row or column, degrees."""
    pixels = np.arange(n, dtype=np.float64) - (n - 1) / 2.0
    return np.asarray(centre + pixels * pixel_scale / 3600.0)
