"""Supernovae: absent from the earlier nights, rising and declining near host galaxies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.changing.hashed import uniforms
from skyassay.simulator.changing.hosts import host_share, moved, normal, offsets
from skyassay.simulator.changing.spectra import flux_of, relative_flux
from skyassay.simulator.exposure.field import PixelSky
from skyassay.simulator.galaxies import GALAXY_ID

Floats = NDArray[np.float64]
Table = dict[str, NDArray[Any]]
#: Identifiers are those of the host galaxies, moved here.
SUPERNOVA_ID = 5_000_000_000


@dataclass(frozen=True)
class Supernovae:
    """Parameters of the supernovae.

    Attributes
    ----------
    rate : float
        Explosions per square degree and year in the galaxies that images show; a galaxy's
        share goes as the root of its light.
    before, after : float
        Peaks are spread evenly from so long before the night to so long after it, days.
    thermonuclear : float
        Share of type Ia; the others are collapses of cores.
    magnitude, scatter : tuple of float
        Absolute magnitude at 550 nm at the peak, and its standard deviation: Ia, others.
    rise, fall : tuple of float
        Times of rise and decline in the rest frame, days: Ia, others.
    hot, cool, cooling : float
        Temperature at the peak and late, K, and time from one to the other, days.
    """

    rate: float = 900.0
    before: float = 150.0
    after: float = 40.0
    thermonuclear: float = 0.4
    magnitude: tuple[float, float] = (-19.2, -17.6)
    scatter: tuple[float, float] = (0.3, 0.9)
    rise: tuple[float, float] = (3.5, 3.0)
    fall: tuple[float, float] = (22.0, 40.0)
    hot: float = 10_500.0
    cool: float = 5_500.0
    cooling: float = 20.0

    def per_galaxy(self, sky: PixelSky) -> float:
        """Return the mean number in a galaxy."""
        return self.rate * (self.before + self.after) / 365.25 / (3600.0 * sky.galaxies)


def supernovae(terms: Supernovae, galaxy: Table, sky: PixelSky, start: float, seed: int) -> Table:
    """Return the supernovae of a night: at most one in a galaxy.

    Parameters
    ----------
    terms : Supernovae
    galaxy : dict
        `truth_galaxy`.
    sky : PixelSky
        The population that the galaxies are from.
    start : float
        MJD of the night.
    seed : int
    """
    ids = galaxy["objectId"]
    u = uniforms(seed, "changing.supernovae", ids, 8)
    chance = -np.expm1(-terms.per_galaxy(sky) * host_share(galaxy, sky))
    host = np.flatnonzero(u[0] < chance)
    mine = {n: c[host] for n, c in galaxy.items()}
    u = u[1:, host]
    east, north = offsets(mine, u[:4])
    ra, dec = moved(mine["coord_ra"], mine["coord_dec"], east, north)
    kind = (u[4] > terms.thermonuclear).astype(np.int64)
    mag = np.array(terms.magnitude)[kind] + np.array(terms.scatter)[kind] * normal(u[5])
    return {
        "truthId": ids[host] - GALAXY_ID + SUPERNOVA_ID,
        "ra": ra,
        "dec": dec,
        "hostId": ids[host],
        "hostSeparation": np.hypot(east, north),
        "redshift": mine["redshift"],
        "magnitude": mag + distance_modulus(mine["redshift"]),
        "peak": start - terms.before + (terms.before + terms.after) * u[6],
        "rise": np.array(terms.rise)[kind],
        "fall": np.array(terms.fall)[kind],
    }


def distance_modulus(z: Floats) -> Floats:
    """Return distance moduli in a flat universe of 70 km/s/Mpc and 0.3 of matter (astropy)."""
    from astropy.cosmology import FlatLambdaCDM

    return np.asarray(FlatLambdaCDM(H0=70.0, Om0=0.3).distmod(z).value).reshape(np.shape(z))


def rise_and_fall(t: Floats, rise: Floats, fall: Floats) -> Floats:
    """Return exp(-t / fall) / (1 + exp(-t / rise)), Bazin et al. (2009), 1 at its peak at 0.

    Parameters
    ----------
    t : ndarray, shape (n,)
        Days from the peak.
    rise, fall : ndarray, shape (n,)
        Days; rise < fall.
    """
    late = rise * np.log(fall / rise - 1.0)

    def shape(s: Floats) -> Floats:
        # Both exponentials may overflow alone, long before the peak.
        return np.asarray(-s / fall - np.logaddexp(0.0, -s / rise))

    return np.asarray(np.exp(shape(t + late) - shape(late)))


def supernova_flux(terms: Supernovae, table: Table, mjd: float, band: str) -> Floats:
    """Return fluxes above the atmosphere in a band at a time, nJy."""
    z = table["redshift"]
    t = (mjd - table["peak"]) / (1.0 + z)
    late = np.exp(-np.maximum(t, 0.0) / terms.cooling)
    temperature = terms.cool + (terms.hot - terms.cool) * late
    shape = rise_and_fall(t, table["rise"], table["fall"])
    spectrum = (1.0 + z) * relative_flux(band, temperature, z, metals=True)
    return np.asarray(flux_of(table["magnitude"]) * shape * spectrum)
