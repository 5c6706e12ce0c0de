"""Active nuclei of galaxies: they flicker as a damped random walk about their mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.changing.hashed import uniforms
from skyassay.simulator.changing.hosts import normal
from skyassay.simulator.changing.spectra import WAVELENGTH, flux_of
from skyassay.simulator.exposure.mixtures import DE_VAUCOULEURS, EXPONENTIAL, Mixture

Floats = NDArray[np.float64]
Table = dict[str, NDArray[Any]]
#: Waves whose sum is a random walk.
_WAVES = 48
#: Standard deviation of the best core of a PSF, arcsec: of a FWHM of 0.45.
_BEST = 0.19


@dataclass(frozen=True)
class ActiveNuclei:
    """Parameters of the active nuclei.

    Attributes
    ----------
    share : float
        Of the galaxies.
    light : tuple of float
        Range of the nucleus' share of its galaxy's light. Images show it as part of the galaxy:
        never more than the galaxy has within a point source, so that no place gets dark.
    amplitude, amplitude_scatter : float
        Median standard deviation at 500 nm, mag, and scatter of its natural logarithm.
    colour : float
        Amplitudes go as the wavelength to this power.
    time, time_scatter : float
        Median damping time, days, and scatter of its natural logarithm.
    """

    share: float = 0.08
    light: tuple[float, float] = (0.3, 0.9)
    amplitude: float = 0.25
    amplitude_scatter: float = 0.3
    colour: float = -0.45
    time: float = 200.0
    time_scatter: float = 0.7


def active_nuclei(terms: ActiveNuclei, galaxy: Table, seed: int) -> Table:
    """Return the active nuclei; their number is that of the galaxy."""
    u = uniforms(seed, "changing.nuclei", galaxy["objectId"], 4)
    host = np.flatnonzero(u[0] < terms.share)
    mine = {n: c[host] for n, c in galaxy.items()}
    u = u[1:, host]
    low, high = terms.light
    size = terms.amplitude * np.exp(terms.amplitude_scatter * normal(u[1]))
    time = terms.time * np.exp(terms.time_scatter * normal(u[2]))
    waves = uniforms(seed, "changing.nuclei.waves", mine["objectId"], 2 * _WAVES)
    return {
        "truthId": mine["objectId"],
        "ra": mine["coord_ra"],
        "dec": mine["coord_dec"],
        "hostId": mine["objectId"],
        "hostSeparation": np.zeros(host.size),
        "colour": mine["g_mag"] - mine["i_mag"],
        "light": np.minimum(low + (high - low) * u[0], core_light(mine)),
        "amplitude": size,
        # Cauchy's law: the power spectrum of the walk.
        "frequency": (np.tan(np.pi * (waves[:_WAVES] - 0.5)) / time).T,
        "phase": (2.0 * np.pi * waves[_WAVES:]).T,
        **{n: c for n, c in mine.items() if n.endswith("_mag")},
    }


def core_light(galaxy: Table) -> Floats:
    """Return the largest share of a galaxy's light that a point source in its middle may have.

    Of a Gaussian of covariance P + G the same one of covariance P may be taken away up to
    sqrt(det P / det (P + G)): their ratio is least in the middle. P is the best PSF.
    """
    g = np.hypot(galaxy["ellipticity1"], galaxy["ellipticity2"])
    total = np.zeros(g.size)
    for mixture, part in (
        (EXPONENTIAL, 1.0 - galaxy["bulgeFraction"]),
        (DE_VAUCOULEURS, galaxy["bulgeFraction"]),
    ):
        total += part * _core(mixture, galaxy["effectiveRadius"], g)
    return total


def _core(mixture: Mixture, radius: Floats, g: Floats) -> Floats:
    """Return the share of one mixture; a shear g has axes (1 + g) / (1 - g) in ratio."""
    stretch = (1.0 + g) / (1.0 - g)
    found = np.zeros(radius.size)
    for share, sigma in zip(mixture.share, mixture.sigma, strict=True):
        w = np.square(sigma * radius / _BEST)
        found += share / np.sqrt((1.0 + w * stretch) * (1.0 + w / stretch))
    return found


def walk(frequency: Floats, phase: Floats, mjd: float) -> Floats:
    """Return damped random walks of unit variance at a time.

    A sum of waves whose frequencies follow Cauchy's law of width 1 / tau has the
    autocorrelation exp(-|dt| / tau) (Rahimi and Recht 2007). So a nucleus has a value at every
    time, whichever other times are asked for.

    Parameters
    ----------
    frequency, phase : ndarray, shape (n, waves)
        Radians per day, and radians.
    mjd : float
    """
    count = frequency.shape[1]
    return np.asarray(np.sqrt(2.0 / count) * np.cos(frequency * mjd + phase).sum(axis=1))


def nucleus_flux(terms: ActiveNuclei, table: Table, mjd: float, band: str) -> Floats:
    """Return how much brighter nuclei are than on average, nJy above the atmosphere."""
    mean = table["light"] * flux_of(table[f"{band}_mag"])
    size = table["amplitude"] * (WAVELENGTH[band] / 500.0) ** terms.colour
    return np.asarray(
        mean * np.expm1(-0.4 * np.log(10.0) * size * walk(table["frequency"], table["phase"], mjd))
    )
