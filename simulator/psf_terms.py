"""Sizes of everything that shapes the twin's point-spread function, and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
#: Full width at half maximum of a Gaussian of unit standard deviation.
FWHM = 2.0 * float(np.sqrt(2.0 * np.log(2.0)))


@dataclass(frozen=True)
class PsfTerms:
    """Bright stars in groups that give every separation, and the terms of their images.

    Attributes
    ----------
    bands : tuple of str
        Bands with shape measurements.
    groups : int
        Groups of stars per field, evenly over the field of view, farther than 5 arcmin from
        each other: a sample of a real image in which few stars give all separations.
    pair, arm : float
        Two reserved stars of a group are `pair` arcmin apart; the third is `arm` arcmin from
        the middle of them, at a right angle.
    trained : int
        Stars per group that the PSF model is fitted to.
    bright, faint : float
        Range of magnitudes.
    zero_point : float
        Magnitude that gives one photo-electron in a visit.
    amplitude_ratio, width_ratio : float
        Double Gaussian of LPM-17, section 3.3.3.2.
    wings, wings_night : float
        Scatter of the ratio of energy radii to seeing, of visits and of nights.
    size_slope : float
        Relative size of the PSF at the edge of the field less that at its centre.
    ellipticity, ellipticity_night : float
        Scatter of e1 and of e2 at the centre of the field, of visits and of nights.
    ellipticity_slope : float
        Scatter of their gradients, per degree, of visits.
    near : float
        Median variance of the residual that a group shares: its correlation at zero lag.
    scale : float
        The correlation falls as exp(-theta^2 / 2 scale^2), arcmin.
    cross : float
        Correlation of the residual's e1 with its e2.
    near_scatter, near_night : float
        Scatter of the logarithm of `near` between images, and the share of its variance that
        a night shares.
    far : float
        Median square of the residual that a whole image shares.
    far_angle : float
        Its direction in the plane of e1 and e2, degrees.
    far_scatter, far_night : float
        As `near_scatter` and `near_night`.
    trained_share : float
        Share of its residual that a star has when the model was fitted to it.
    """

    bands: tuple[str, ...] = ("r", "i")
    groups: int = 400
    pair: float = 0.6
    arm: float = 1.5
    trained: int = 1
    bright: float = 16.3
    faint: float = 17.7
    zero_point: float = 32.2
    amplitude_ratio: float = 0.1
    width_ratio: float = 2.0
    wings: float = 0.012
    wings_night: float = 0.006
    size_slope: float = 0.03
    ellipticity: float = 0.012
    ellipticity_night: float = 0.004
    ellipticity_slope: float = 0.006
    near: float = 0.7e-5
    scale: float = 1.3
    cross: float = 0.4
    near_scatter: float = 0.3
    near_night: float = 0.3
    far: float = 1.5e-8
    far_angle: float = 30.0
    far_scatter: float = 0.4
    far_night: float = 0.3
    trained_share: float = 0.4

    @property
    def stars(self) -> int:
        """Stars per field."""
        return self.groups * (3 + self.trained)

    def kernel(self, arcmin: Floats | float) -> Floats:
        """Return the correlation of residuals relative to zero lag."""
        return np.asarray(np.exp(-0.5 * np.square(np.asarray(arcmin) / self.scale)))

    @property
    def far_direction(self) -> Floats:
        """Factors of e1 and e2 on the root of the residual that an image shares."""
        angle = np.radians(self.far_angle)
        return np.asarray(np.sqrt(2.0) * np.array([np.cos(angle), np.sin(angle)]))

    @property
    def core_share(self) -> float:
        """Share of the energy in the narrow Gaussian."""
        return 1.0 / (1.0 + self.amplitude_ratio * self.width_ratio**2)


def enclosed(radius: Floats | float, terms: PsfTerms) -> Floats:
    """Return the share of the energy within a radius in units of the core's sigma."""
    x = 0.5 * np.square(radius)
    wings = 1.0 - terms.core_share
    return np.asarray(
        1.0 - terms.core_share * np.exp(-x) - wings * np.exp(-x / terms.width_ratio**2)
    )


@cache
def energy_radius(energy: float, terms: PsfTerms) -> float:
    """Return the radius that encloses `energy`, in units of the core's sigma."""
    from scipy.optimize import brentq

    return float(brentq(lambda r: float(enclosed(r, terms)) - energy, 1e-3, 40.0))


@cache
def moment_width(terms: PsfTerms) -> float:
    """Return the sigma of the adaptive Gaussian of the profile, in units of the core's.

    Second moments are weighted with the Gaussian that has them (Bernstein and Jarvis 2002);
    a weight w turns a component of variance v into one of variance vw / (v + w) with
    w / (v + w) of its energy.
    """
    energy = np.array([terms.core_share, 1.0 - terms.core_share])
    variance = np.array([1.0, terms.width_ratio**2])
    weight = 1.0
    for _ in range(200):
        share = energy * weight / (variance + weight)
        inner = variance * weight / (variance + weight)
        weight = 2.0 * float((share * inner).sum() / share.sum())
    return float(np.sqrt(weight))


@cache
def effective_width(terms: PsfTerms) -> float:
    """Return 0.663 sqrt(n_eff), the seeing of LPM-17, in units of the core's sigma."""
    energy = np.array([terms.core_share, 1.0 - terms.core_share])
    variance = np.array([1.0, terms.width_ratio**2])
    both = variance[:, None] + variance[None, :]
    return float(0.663 / np.sqrt((energy[:, None] * energy / (2.0 * np.pi * both)).sum()))
