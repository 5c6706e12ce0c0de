"""Clouds and atmospheric seeing, correlated within a night and from night to night."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
#: Steps of the weather in a night: every ten minutes, over fifteen hours.
STEP, STEPS = 10.0 / 1440.0, 90


@dataclass(frozen=True)
class Climate:
    """Sizes and times of the weather.

    Attributes
    ----------
    night_memory : float
        Correlation of clouds from one night to the next; half of it for the seeing.
    cloud_hours, seeing_hours : float
        Correlation times within a night.
    thin, closed : float
        In standard deviations: cloud begins, the dome closes.
    thin_mag : float
        Extinction per standard deviation of cloud, mag.
    winter : float
        How many standard deviations cloudier July is than the mean.
    median : float
        Median seeing at the zenith at 500 nm, as a DIMM would measure it, arcsec.
    night_spread, spread : float
        Logarithmic scatter of the seeing between nights and within one.
    lost : float
        Share of nights lost to everything else.
    """

    night_memory: float = 0.6
    cloud_hours: float = 1.5
    seeing_hours: float = 2.0
    thin: float = 0.2
    closed: float = 0.55
    thin_mag: float = 0.4
    winter: float = 0.3
    median: float = 0.67
    night_spread: float = 0.20
    spread: float = 0.18
    lost: float = 0.06


@dataclass(frozen=True, eq=False)
class NightWeather:
    """Weather of one night, in steps from its beginning.

    Attributes
    ----------
    extinction : ndarray, shape (STEPS,)
        By cloud, mag.
    closed : ndarray of bool, shape (STEPS,)
    seeing : ndarray, shape (STEPS,)
        Atmospheric, at the zenith at 500 nm, arcsec.
    """

    extinction: Floats
    closed: NDArray[np.bool_]
    seeing: Floats


@dataclass(frozen=True)
class Memory:
    """What a night leaves to the next: latent cloud and seeing, in standard deviations."""

    cloud: float = 0.0
    seeing: float = 0.0


@dataclass(frozen=True)
class Weather:
    """Makes the weather of nights, one after the other."""

    climate: Climate = field(default_factory=Climate)

    def night(
        self, before: Memory, mjd: float, random: np.random.Generator
    ) -> tuple[NightWeather, Memory]:
        """Return the weather of the night that follows `before`.

        Parameters
        ----------
        before : Memory
        mjd : float
            Beginning of the night.
        random : numpy.random.Generator
            Of this night alone.
        """
        c = self.climate
        own = random.standard_normal(2)
        steps = random.standard_normal((2, STEPS))
        lost = random.random() < c.lost
        kept = (c.night_memory, 0.5 * c.night_memory)
        after = Memory(
            kept[0] * before.cloud + (1.0 - kept[0] ** 2) ** 0.5 * own[0],
            kept[1] * before.seeing + (1.0 - kept[1] ** 2) ** 0.5 * own[1],
        )
        season = c.winter * np.cos(2.0 * np.pi * (mjd - 61041.0 - 190.0) / 365.25)
        cloud = 0.8 * after.cloud + 0.6 * _wander(steps[0], c.cloud_hours) + season
        spread = c.night_spread * after.seeing + c.spread * _wander(steps[1], c.seeing_hours)
        extinction = np.maximum(cloud - c.thin, 0.0) * c.thin_mag
        closed = (cloud > c.closed) | lost
        return NightWeather(extinction, closed, c.median * np.exp(spread)), after


def _wander(normal: Floats, hours: float) -> Floats:
    """Return a stationary first-order process of unit variance, one value per step."""
    from scipy.signal import lfilter

    keep = float(np.exp(-STEP * 24.0 / hours))
    gain = (1.0 - keep**2) ** 0.5
    first, _ = lfilter([gain], [1.0, -keep], normal[1:], zi=[keep * normal[0]])
    return np.concatenate([normal[:1], first])
