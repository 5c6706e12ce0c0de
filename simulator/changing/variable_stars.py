"""Variable stars: a share of the stars, at their reference brightness in the earlier nights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.changing.hashed import uniforms
from skyassay.simulator.changing.hosts import normal

Floats = NDArray[np.float64]
#: Amplitude in the other bands relative to r: pulsating stars vary most in the blue.
_PULSATION = {"u": 1.4, "g": 1.3, "r": 1.0, "i": 0.85, "z": 0.8, "y": 0.78}
#: Saw-tooth of an RR Lyrae star: sines of the first harmonics with amplitudes 1 / k falling off;
#: quick rise to the maximum, slow decline. Peak to peak it is 2 after division.
_HARMONICS = (1.0, 0.45, 0.25, 0.1)
_SAW = 1.3397


@dataclass(frozen=True)
class VariableStars:
    """Parameters of the variable stars.

    Attributes
    ----------
    share : float
        Of all stars.
    pulsating, eclipsing : float
        Shares of the variables that have the light curve of an RR Lyrae star, and eclipses;
        the others are sinusoids.
    amplitude, amplitude_scatter : float
        Median semi-amplitude in r, mag, and the scatter of its natural logarithm; sinusoids.
    largest : float
        No semi-amplitude is larger, mag.
    saw : tuple of float
        Range of the semi-amplitude of RR Lyrae-like stars in r, mag.
    depth : tuple of float
        Range of the depth of eclipses, mag in all bands; the secondary one has a third of it.
    width : tuple of float
        Range of an eclipse's standard deviation, as a share of the period.
    shortest, longest : float
        Periods of sinusoids, days; their logarithms are spread evenly.
    """

    share: float = 0.04
    pulsating: float = 0.1
    eclipsing: float = 0.15
    amplitude: float = 0.15
    amplitude_scatter: float = 0.6
    largest: float = 1.0
    saw: tuple[float, float] = (0.2, 0.6)
    depth: tuple[float, float] = (0.1, 1.0)
    width: tuple[float, float] = (0.02, 0.08)
    shortest: float = 0.3
    longest: float = 300.0


def variations(
    terms: VariableStars, ids: NDArray[np.int64], mjd: float, band: str, seed: int
) -> Floats:
    """Return by how many magnitudes stars are fainter than their reference; 0 for constant ones.

    Parameters
    ----------
    terms : VariableStars
    ids : ndarray of int64, shape (n,)
        Of the stars.
    mjd : float
    band : str
    seed : int
    """
    u = uniforms(seed, "changing.variable", ids, 7)
    found = np.zeros(ids.size)
    varies = u[0] < terms.share
    saw = varies & (u[1] < terms.pulsating)
    dips = varies & ~saw & (u[1] < terms.pulsating + terms.eclipsing)
    wave = varies & ~saw & ~dips
    if saw.any():
        found[saw] = _saw_mag(terms, u[:, saw], mjd, band)
    if dips.any():
        found[dips] = _dip_mag(terms, u[:, dips], mjd)
    if wave.any():
        found[wave] = _wave_mag(terms, u[:, wave], mjd, band)
    return found


def _wave_mag(terms: VariableStars, u: Floats, mjd: float, band: str) -> Floats:
    size = terms.amplitude * np.exp(terms.amplitude_scatter * normal(u[2]))
    period = terms.shortest * (terms.longest / terms.shortest) ** u[3]
    turn = np.sin(2.0 * np.pi * (mjd / period + u[4]))
    return np.asarray(_PULSATION[band] * np.minimum(size, terms.largest) * turn)


def _saw_mag(terms: VariableStars, u: Floats, mjd: float, band: str) -> Floats:
    low, high = terms.saw
    # Periods of RRab stars, days.
    phase = mjd / (0.45 + 0.3 * u[3]) + u[4]
    return np.asarray(_PULSATION[band] * (low + (high - low) * u[2]) * saw_tooth(phase))


def saw_tooth(phase: Floats) -> Floats:
    """Return a saw-tooth of zero mean and peak to peak 2, in magnitudes: short, steep rise."""
    waves = (
        a * np.sin(2.0 * np.pi * (k + 1) * np.asarray(phase)) for k, a in enumerate(_HARMONICS)
    )
    return np.asarray(-sum(waves) / _SAW)


def _dip_mag(terms: VariableStars, u: Floats, mjd: float) -> Floats:
    period = 0.4 * (10.0 / 0.4) ** u[3]
    depth = terms.depth[0] + (terms.depth[1] - terms.depth[0]) * u[2]
    width = terms.width[0] + (terms.width[1] - terms.width[0]) * u[5]
    return eclipses(mjd / period + u[4], depth, width)


def eclipses(phase: Floats, depth: Floats, width: Floats) -> Floats:
    """Return the magnitudes lost to a primary eclipse at phase 0 and a secondary one at 1/2."""
    near = np.abs(phase - np.round(phase))
    first = np.exp(-0.5 * np.square(near / width))
    second = np.exp(-0.5 * np.square((0.5 - near) / width))
    return np.asarray(depth * (first + second / 3.0))
