"""Galaxies: what they are, and every term of how well they are found, classed and measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri
from scipy.stats import gamma

from skyassay.simulator.geometry import offset_positions
from skyassay.simulator.random import rng

Floats = NDArray[np.float64]
Table = dict[str, NDArray[Any]]
#: Identifiers of galaxies and of false detections begin here.
GALAXY_ID, FALSE_ID = 3_000_000_000, 4_000_000_000
#: Mean colours, and their change with redshift; a band minus the next redder one.
_COLOURS = {"u-g": (1.0, 0.1), "g-r": (0.55, 0.2), "r-i": (0.3, 0.15), "i-z": (0.2, 0.1),
            "z-y": (0.1, 0.05)}  # fmt: skip


@dataclass(frozen=True)
class Galaxies:
    """Parameters of the galaxies, and sizes of the errors of their catalog.

    Attributes
    ----------
    per_star : float
        Galaxies per star of the preset's universe.
    bright, faint : float
        Range of the true i magnitude.
    slope : float
        Counts per magnitude grow as 10^(slope i).
    size, size_scatter : float
        Median effective radius, arcsec, and the scatter of its natural logarithm.
    size_max : float
        No galaxy is larger, arcsec.
    shape : float
        Standard deviation of each ellipticity component.
    depth : float
        Five-sigma i depth of the detection coadd for a point source, mag.
    blur : float
        A radius of this, arcsec, raises the noise of a flux by a factor of sqrt(2).
    threshold : float
        S/N above which a source is detected; its noise is that of the image.
    false_share : float
        Share of the detections on the field that belong to nothing.
    class_gain : float
        S/N of the difference between a galaxy's model and PSF flux, per S/N of its flux,
        where the galaxy is as large as `blur`.
    class_threshold : float
        Galaxies whose difference is less significant are called stars.
    unclassified : float
        Share of the galaxies' rows without a class.
    z_sigma, z_bias : float
        Core of (z_phot - z) / (1 + z): normal, with this width and offset.
    z_outliers, z_low, z_high : float
        Share of the outliers; they are too high by `z_low` to `z_high`, evenly.
    z_missing : float
        Share of the objects without a photometric redshift, all flagged.
    missing : float
        Share of the galaxies' fluxes that are missing, in each band.
    model_mmag : float
        Error of a galaxy's model flux in one visit beyond its photon noise.
    measured_to : float
        Galaxies brighter than this in i are measured visit by visit.
    """

    per_star: float = 6.0
    bright: float = 17.0
    faint: float = 27.0
    slope: float = 0.22
    size: float = 0.5
    size_scatter: float = 0.5
    size_max: float = 12.0
    shape: float = 0.25
    depth: float = 25.8
    blur: float = 0.8
    threshold: float = 5.0
    false_share: float = 2.0e-4
    class_gain: float = 0.5
    class_threshold: float = 3.0
    unclassified: float = 0.003
    z_sigma: float = 0.011
    z_bias: float = 0.0005
    z_outliers: float = 0.04
    z_low: float = 0.1
    z_high: float = 0.5
    z_missing: float = 0.02
    missing: float = 0.002
    model_mmag: float = 1.5
    measured_to: float = 20.5

    def i_magnitude(self, u: Floats) -> Floats:
        """Return i magnitudes of uniform variates."""
        low, high = 10.0 ** (self.slope * self.bright), 10.0 ** (self.slope * self.faint)
        return np.asarray(np.log10(low + u * (high - low)) / self.slope)

    def radius(self, u: Floats) -> Floats:
        """Return effective radii of uniform variates, arcsec."""
        return np.minimum(self.size * np.exp(self.size_scatter * ndtri(u)), self.size_max)

    def noise_factor(self, radius: Floats) -> Floats:
        """Return the photon noise of a galaxy's flux relative to that of a star's."""
        return np.sqrt(1.0 + np.square(radius / self.blur))

    def signal_to_noise(self, i: Floats, radius: Floats) -> Floats:
        """Return the S/N on the detection coadd."""
        return 5.0 * 10.0 ** (-0.4 * (i - self.depth)) / self.noise_factor(radius)

    def detected(self, i: Floats, radius: Floats) -> Floats:
        """Return the probability of being detected."""
        return np.asarray(ndtr(self.signal_to_noise(i, radius) - self.threshold))

    def called_star(self, i: Floats, radius: Floats) -> Floats:
        """Return the probability that a galaxy with a class is called a star."""
        excess = self.class_gain * np.square(radius / self.blur) * self.signal_to_noise(i, radius)
        return np.asarray(ndtr(self.class_threshold - excess))


def redshift(u: Floats) -> Floats:
    """Return redshifts of uniform variates: a smooth peak near 0.6 with a tail."""
    return np.asarray(0.05 + gamma.ppf(u, 2.5, scale=0.33))


def colours(i: Floats, z: Floats, scatter: Floats | None = None) -> dict[str, Floats]:
    """Return magnitudes in all bands of galaxies with i magnitude `i` and redshift `z`."""
    c = {k: a + b * np.minimum(z, 2.0) for k, (a, b) in _COLOURS.items()}
    r = i + c["r-i"]
    g = r + c["g-r"]
    found = {
        "u": g + c["u-g"], "g": g, "r": r, "i": i, "z": i - c["i-z"],
        "y": i - c["i-z"] - c["z-y"],
    }  # fmt: skip
    if scatter is None:
        return found
    return {b: m if b == "i" else m + s for (b, m), s in zip(found.items(), scatter, strict=True)}


def galaxy_table(
    terms: Galaxies, number: int, fields: tuple[tuple[float, float], ...], radius: float, seed: int
) -> Table:
    """Return the `truth_galaxy` product: galaxies evenly over the fields.

    Parameters
    ----------
    terms : Galaxies
    number : int
        Galaxies per field.
    fields : tuple of (ra, dec)
        Degrees.
    radius : float
        Of each field, degrees.
    seed : int
    """
    parts = [_field(terms, number, f, radius, seed, k) for k, f in enumerate(fields)]
    joined: Table = {n: np.concatenate([p[n] for p in parts]) for n in parts[0]}
    count = joined["coord_ra"].size
    return {"objectId": GALAXY_ID + np.arange(1, count + 1, dtype=np.int64), **joined}


def _field(
    terms: Galaxies, number: int, field: tuple[float, float], radius: float, seed: int, index: int
) -> Table:
    """Return the galaxies of one field."""
    draw = rng(seed, "galaxies", index)
    u = draw.random((5, number))
    shapes = np.clip(terms.shape * draw.standard_normal((2, number)), -0.7, 0.7)
    scatter = 0.1 * draw.standard_normal((6, number))
    ra, dec = around(field, radius, u[0], u[1])
    z, i = redshift(u[3]), terms.i_magnitude(u[2])
    mags = colours(i, z, scatter)
    return {
        "coord_ra": ra,
        "coord_dec": dec,
        "redshift": z,
        "effectiveRadius": terms.radius(u[4]),
        "ellipticity1": shapes[0],
        "ellipticity2": shapes[1],
        **{f"{b}_mag": m for b, m in mags.items()},
    }


def around(
    field: tuple[float, float], radius: float, u: Floats, v: Floats
) -> tuple[Floats, Floats]:
    """Return positions spread evenly over a cap, of uniform variates; degrees."""
    cosine = 1.0 - u * (1.0 - np.cos(np.radians(radius)))
    rho, phi = np.degrees(np.arccos(cosine)), 2.0 * np.pi * v
    return offset_positions(*field, rho * np.cos(phi), rho * np.sin(phi))
