"""Fast transients: bright for hours to days, half of them near galaxies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.changing.hashed import uniforms
from skyassay.simulator.changing.hosts import host_share, moved, offsets
from skyassay.simulator.changing.spectra import flux_of, relative_flux
from skyassay.simulator.exposure.field import PixelSky
from skyassay.simulator.galaxies import GALAXY_ID

Floats = NDArray[np.float64]
Table = dict[str, NDArray[Any]]
#: Identifiers: of the host galaxies, moved to the first; of those without a host.
HOSTED_ID, LONELY_ID = 6_000_000_000, 7_000_000_000
#: The rise takes this share of the decline.
_RISE = 0.1


@dataclass(frozen=True)
class FastTransients:
    """Parameters of the fast transients.

    Attributes
    ----------
    rate : float
        Per square degree and day, with an r magnitude at the peak from `bright` to `faint`.
    hosted : float
        Share in galaxies, as supernovae; the others are anywhere.
    bright, faint, slope : float
        Counts per magnitude grow as 10^(slope r).
    shortest, longest : float
        Time in which they decline to 1/e, days; logarithms are spread evenly.
    temperature : float
        K.
    before : float
        Those that began up to so long before the night are followed, days.
    """

    rate: float = 40.0
    hosted: float = 0.5
    bright: float = 18.0
    faint: float = 25.0
    slope: float = 0.3
    shortest: float = 0.05
    longest: float = 3.0
    temperature: float = 15_000.0
    before: float = 10.0

    def magnitude(self, u: Floats) -> Floats:
        """Return r magnitudes at the peak of uniform variates."""
        low, high = 10.0 ** (self.slope * np.array([self.bright, self.faint]))
        return np.asarray(np.log10(low + u * (high - low)) / self.slope)


def hosted_transients(
    terms: FastTransients, galaxy: Table, sky: PixelSky, start: float, seed: int
) -> Table:
    """Return the fast transients in galaxies: at most one in each.

    Parameters
    ----------
    terms : FastTransients
    galaxy : dict
        `truth_galaxy`.
    sky : PixelSky
        The population that the galaxies are from.
    start : float
        MJD of the night.
    seed : int
    """
    ids = galaxy["objectId"]
    u = uniforms(seed, "changing.fast", ids, 8)
    mean = terms.rate * terms.hosted * (terms.before + 1.0) / (3600.0 * sky.galaxies)
    host = np.flatnonzero(u[0] < -np.expm1(-mean * host_share(galaxy, sky)))
    mine = {n: c[host] for n, c in galaxy.items()}
    u = u[1:, host]
    east, north = offsets(mine, u[:4])
    ra, dec = moved(mine["coord_ra"], mine["coord_dec"], east, north)
    return {
        "truthId": ids[host] - GALAXY_ID + HOSTED_ID,
        "ra": ra,
        "dec": dec,
        "hostId": ids[host],
        "hostSeparation": np.hypot(east, north),
        **_courses(terms, u[4:], start),
    }


def lonely_transients(terms: FastTransients, places: Table, start: float, seed: int) -> Table:
    """Return the fast transients without a host, at places scattered evenly over the sky."""
    ids = places["objectId"]
    return {
        "truthId": ids + LONELY_ID,
        "ra": places["coord_ra"],
        "dec": places["coord_dec"],
        "hostId": np.zeros(ids.size, dtype=np.int64),
        "hostSeparation": np.full(ids.size, np.nan),
        **_courses(terms, uniforms(seed, "changing.lonely", ids, 3), start),
    }


def lonely_density(terms: FastTransients) -> float:
    """Return those without a host per square degree."""
    return terms.rate * (1.0 - terms.hosted) * (terms.before + 1.0)


def _courses(terms: FastTransients, u: Floats, start: float) -> Table:
    return {
        "magnitude": terms.magnitude(u[0]),
        # To the end of the day that begins with the night.
        "begin": start - terms.before + (terms.before + 1.0) * u[1],
        "decline": terms.shortest * (terms.longest / terms.shortest) ** u[2],
    }


def outburst(t: Floats, decline: Floats) -> Floats:
    """Return the course of an outburst, 1 at its peak: zero before 0, then quick rise and decline.

    exp(-t / decline) (1 - exp(-t / rise)) with a rise in a tenth of the decline.
    """
    s = np.maximum(t, 0.0) / decline
    top = _RISE * np.log1p(1.0 / _RISE)
    peak = np.exp(-top) * -np.expm1(-top / _RISE)
    return np.asarray(np.exp(-s) * -np.expm1(-s / _RISE) / peak)


def fast_flux(terms: FastTransients, table: Table, mjd: float, band: str) -> Floats:
    """Return fluxes above the atmosphere in a band at a time, nJy."""
    here = np.zeros(table["begin"].size)
    hot = np.full(here.size, terms.temperature)
    colour = relative_flux(band, hot, here) / relative_flux("r", hot, here)
    course = outburst(mjd - table["begin"], table["decline"])
    return np.asarray(flux_of(table["magnitude"]) * course * colour)
