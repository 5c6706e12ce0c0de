"""The true point-spread function: the double Gaussian of LPM-17 with smooth size and shear.

A pure Kolmogorov profile has wings that fail SR3 at any size, so the profile is the one
that the requirements document states for seeing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.errors import SimulatorError
from skyassay.simulator.optics.terms import FIELD_RADIUS, OpticsTerms
from skyassay.simulator.optics.waves import Waves, waves
from skyassay.simulator.psf_terms import PsfTerms, effective_width
from skyassay.simulator.random import rng

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PsfShape:
    """The profile at some places.

    Attributes
    ----------
    sigma : ndarray, shape (n,)
        Of the core, pixels; the wide component has `width_ratio` times this.
    g1, g2 : ndarray, shape (n,)
        Reduced shear along the pixel axes; it keeps the area.
    """

    sigma: Floats
    g1: Floats
    g2: Floats


def profile(terms: OpticsTerms) -> PsfTerms:
    """Return the double Gaussian's constants as the twin has them."""
    return replace(PsfTerms(), amplitude_ratio=terms.amplitude_ratio, width_ratio=terms.width_ratio)


def pixel_share(terms: PsfTerms) -> float:
    """Return by how much a variance added to both components adds to the effective one.

    To first order in the variance added; what is left out is 1e-4 of the width for a pixel
    and seeing of 0.8 arcsec.
    """
    energy = np.array([terms.core_share, 1.0 - terms.core_share])
    variance = np.array([1.0, terms.width_ratio**2])
    pairs = energy[:, None] * energy
    both = variance[:, None] + variance[None, :]
    return float(2.0 * (pairs / both**2).sum() / (pairs / both).sum())


@dataclass(frozen=True)
class PsfField:
    """Size and shear of the PSF over the focal plane of one visit.

    Parameters
    ----------
    visit : int
    seeing : float
        Effective width 0.663 pixel sqrt(n_eff) of the visit's images, arcsec: pixels add to it.
    pixel_scale : float
        arcsec.
    terms : OpticsTerms
    seed : int
    """

    visit: int
    seeing: float
    pixel_scale: float
    terms: OpticsTerms
    seed: int

    @cached_property
    def _drawn(self) -> Floats:
        """Variates of the visit: gradient of size (2), shear (2), its gradients (4)."""
        return rng(self.seed, "optics.psf", self.visit).standard_normal(8)

    @cached_property
    def _speckle(self) -> tuple[Waves, Waves]:
        first, second = (
            waves(self.terms.speckle_deg, self.seed, "speckle", self.visit, k) for k in (0, 1)
        )
        return first, second

    def width(self, x: Floats, y: Floats) -> Floats:
        """Return the effective width, pixel included, in arcsec at focal plane places (deg)."""
        u, v = np.asarray(x) / FIELD_RADIUS, np.asarray(y) / FIELD_RADIUS
        # Zero mean over the field, whose mean squared radius is one half.
        relative = self.terms.size_slope * (u * u + v * v - 0.5)
        relative = relative + self.terms.size_visit * (self._drawn[0] * u + self._drawn[1] * v)
        return np.asarray(self.seeing * (1.0 + relative))

    def shape(self, x: Floats, y: Floats) -> PsfShape:
        """Return the profile at focal plane places (degrees)."""
        u, v = np.asarray(x) / FIELD_RADIUS, np.asarray(y) / FIELD_RADIUS
        t, d = self.terms, self._drawn
        # The constant part is radial, as of a field curvature with astigmatism.
        static = t.shear_static * (u * u - v * v), t.shear_static * 2.0 * u * v
        g = [
            static[k]
            + t.shear_visit * d[2 + k]
            + t.shear_gradient * (d[4 + 2 * k] * u + d[5 + 2 * k] * v)
            + t.speckle * self._speckle[k](np.asarray(x), np.asarray(y))
            for k in (0, 1)
        ]
        return PsfShape(self._sigma(self.width(x, y)), np.asarray(g[0]), np.asarray(g[1]))

    def _sigma(self, width: Floats) -> Floats:
        """Return the core's sigma in pixels, before the pixel, of an effective width."""
        constants = profile(self.terms)
        whole = width / self.pixel_scale / effective_width(constants)
        square = whole**2 - pixel_share(constants) / 12.0
        if not np.all(square > 0.25 * whole**2):
            raise SimulatorError(
                f"A PSF of {np.min(width):.2f} arcsec is not sampled by pixels of "
                f"{self.pixel_scale} arcsec.",
                code="undersampled_psf",
                hint="Simulate better sampled images: the seeing of a survey is above 0.4 arcsec.",
            )
        return np.asarray(np.sqrt(square))

    def galsim_object(self, x: float, y: float) -> Any:
        """Return the PSF at one place as a GalSim object in pixels, before the pixel."""
        import galsim

        found = self.shape(np.array([x]), np.array([y]))
        constants = profile(self.terms)
        share = constants.core_share
        sigma = float(found.sigma[0])
        both = galsim.Gaussian(sigma=sigma, flux=share) + galsim.Gaussian(
            sigma=constants.width_ratio * sigma, flux=1.0 - share
        )
        return both.shear(g1=float(found.g1[0]), g2=float(found.g2[0]))
