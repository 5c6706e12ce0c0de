"""Truth orbits, integrated step by step, and where they are seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import erfa
import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.instrument.site import SITE, Site
from skyassay.simulator.errors import SimulatorError
from skyassay.simulator.geometry import to_sky
from skyassay.simulator.solar_system.brightness import dimming
from skyassay.simulator.solar_system.observer import KM_PER_AU, equatorial, look
from skyassay.simulator.solar_system.orbits import GM, Floats, Table, states

_JD = 2400000.5
_LIGHT = 299792.458 * 86400.0 / KM_PER_AU
#: Mass over that of the Sun of Venus, Earth with Moon, Jupiter and Saturn, by ERFA's number.
MASS = {2: 1 / 408523.72, 3: 1 / 328900.56, 5: 1 / 1047.3486, 6: 1 / 3497.898}
ALL_PLANETS = tuple(MASS)
#: Planets' places are tabulated so often, d, and interpolated between.
_GRID = 0.5
#: Objects integrated together: the step is the one that the fastest of them needs.
_TOGETHER = 256


class Trajectories:
    """Solar System objects between two times.

    The equation of motion about the Sun, with the planets' pull when asked, is integrated by
    DOP853 in rectangular coordinates from each orbit's own state at its epoch; light time is
    taken off by a Taylor series of the motion.

    Parameters
    ----------
    objects : mapping
        Columns of `truth_ss_object`; all of one epoch.
    first, last : float
        Times that may be asked, MJD TAI.
    planets : tuple of int
        Numbers of `MASS` whose pull counts; none: motion about the Sun alone.
    """

    def __init__(
        self,
        objects: Mapping[str, NDArray[Any]],
        first: float,
        last: float,
        *,
        planets: tuple[int, ...] = (),
    ) -> None:
        self.objects = {name: np.asarray(values) for name, values in objects.items()}
        self.size = len(self.objects["q"])
        self.span = (float(first), float(last))
        epochs = np.unique(self.objects["epochMjdTai"])
        if len(epochs) > 1:
            raise SimulatorError(
                "Orbits of several epochs cannot be integrated together.",
                code="mixed_epochs",
                hint="Bring them to one epoch, or integrate each by itself.",
            )
        self._parts: list[tuple[slice, Callable[[float], Floats]]] = []
        if not self.size:
            return
        epoch = float(epochs[0])
        pull = _pull(planets, min(first, epoch) - 1.0, max(last, epoch) + 1.0)
        place, speed = states(self.objects, epoch)
        start = np.concatenate([equatorial(place), equatorial(speed)], axis=1)
        for k in range(0, self.size, _TOGETHER):
            some = slice(k, min(k + _TOGETHER, self.size))
            self._parts.append((some, _integrate(start[some], epoch, self.span, pull)))

    def helio(self, mjd_tai: float) -> tuple[Floats, Floats]:
        """Return heliocentric places (AU) and velocities (AU/d), (n, 3), equatorial J2000.

        Raises
        ------
        SimulatorError
            ``outside_span`` for a time that was not integrated.
        """
        if not self.span[0] <= mjd_tai <= self.span[1]:
            raise SimulatorError(
                f"MJD {mjd_tai} is outside the integrated {self.span[0]} to {self.span[1]}.",
                code="outside_span",
                hint="Make the trajectories for a longer time.",
            )
        state = np.zeros((self.size, 6))
        for some, at in self._parts:
            state[some] = at(mjd_tai)
        return state[:, :3], state[:, 3:]

    def seen(self, mjd_tai: float, site: Site = SITE) -> Table:
        """Return where the objects are seen at MJD TAI.

        Returns
        -------
        dict
            ``ssObjectId``; astrometric ``ra``, ``dec``, deg; ``rate_ra`` (with cos dec),
            ``rate_dec``, deg/d; ``vMag``; ``helioRange``, ``topoRange``, AU; ``phaseAngle``,
            ``elongation``, deg; ``helio`` and ``topo``, AU, (n, 3).
        """
        there = look(mjd_tai, site)
        place, speed = self.helio(mjd_tai)
        delay = np.linalg.norm(place + there.sun - there.observer, axis=1) / _LIGHT
        for _ in range(3):
            helio = _earlier(place, speed, delay)
            topo = helio + there.sun - delay[:, None] * there.sun_velocity - there.observer
            delay = np.linalg.norm(topo, axis=1) / _LIGHT
        return self._table(helio, topo, speed, mjd_tai, site)

    def _table(
        self, helio: Floats, topo: Floats, speed: Floats, mjd_tai: float, site: Site
    ) -> Table:
        """Return the columns of `seen`."""
        there = look(mjd_tai, site)
        sun, observer = np.linalg.norm(helio, axis=1), np.linalg.norm(topo, axis=1)
        apart = there.sun - there.observer
        phase = np.arccos(np.clip((helio * topo).sum(axis=1) / (sun * observer), -1.0, 1.0))
        facing = (topo @ apart) / (observer * np.linalg.norm(apart))
        ra, dec = to_sky(*topo.T)
        drift = speed + there.sun_velocity - there.observer_velocity
        east, north = _turning(topo, drift)
        lost = dimming(phase)
        return {
            "ssObjectId": self.objects["ssObjectId"].astype(np.int64),
            "ra": ra,
            "dec": dec,
            "rate_ra": east,
            "rate_dec": north,
            "vMag": self.objects["H"] + 5.0 * np.log10(sun * observer) + lost,
            "helioRange": sun,
            "topoRange": observer,
            "phaseAngle": np.degrees(phase),
            "elongation": np.degrees(np.arccos(np.clip(facing, -1.0, 1.0))),
            "helio": helio,
            "topo": topo,
        }


def positions(
    objects: Mapping[str, NDArray[Any]],
    mjd_tai: float,
    site: Site = SITE,
    *,
    planets: tuple[int, ...] = (),
) -> Table:
    """Return where objects (columns of `truth_ss_object`) are seen at MJD TAI.

    The columns are those of `Trajectories.seen`. For many times make one `Trajectories`.
    """
    return Trajectories(objects, mjd_tai, mjd_tai, planets=planets).seen(mjd_tai, site)


def _earlier(place: Floats, speed: Floats, delay: Floats) -> Floats:
    """Return places a light time earlier, to the fourth order of the motion about the Sun."""
    r2 = (place * place).sum(axis=1)
    u = GM / r2**1.5
    p = (place * speed).sum(axis=1) / r2
    w = (speed * speed).sum(axis=1) / r2 - u
    t = -delay
    f = 1.0 - u * t**2 / 2 + u * p * t**3 / 2 + u * (3 * w - 15 * p**2 + u) * t**4 / 24
    g = t - u * t**3 / 6 + u * p * t**4 / 4
    return np.asarray(f[:, None] * place + g[:, None] * speed)


def _turning(topo: Floats, drift: Floats) -> tuple[Floats, Floats]:
    """Return rates towards east and north, deg/d."""
    direction = topo / np.linalg.norm(topo, axis=1)[:, None]
    flat = np.hypot(direction[:, 0], direction[:, 1])
    east = np.stack([-direction[:, 1], direction[:, 0], 0.0 * flat], axis=1) / flat[:, None]
    north = np.cross(direction, east)
    rate = drift / np.linalg.norm(topo, axis=1)[:, None]
    return np.degrees((rate * east).sum(axis=1)), np.degrees((rate * north).sum(axis=1))


Pull = Callable[[float], tuple[Floats, Floats]]


def _pull(planets: tuple[int, ...], first: float, last: float) -> Pull:
    """Return a function of time: masses (k,) times GM, and places (k, 3) of the planets."""
    if not planets:
        return _none
    from scipy.interpolate import CubicSpline

    mjd = np.arange(first, last + _GRID, _GRID)
    where = np.stack([erfa.plan94(_JD, mjd, number)["p"] for number in planets], axis=1)
    spline = CubicSpline(mjd, where)
    mass = GM * np.array([MASS[number] for number in planets])

    def pull(t: float) -> tuple[Floats, Floats]:
        return mass, np.asarray(spline(t))

    return pull


def _none(_: float) -> tuple[Floats, Floats]:
    """Return no planets."""
    return np.empty(0), np.empty((0, 3))


def _integrate(
    start: Floats, epoch: float, span: tuple[float, float], pull: Pull
) -> Callable[[float], Floats]:
    """Return a function of time giving states (n, 6) of orbits that start with (n, 6)."""
    from scipy.integrate import solve_ivp

    def motion(t: float, flat: Floats) -> Floats:
        state = flat.reshape(-1, 6)
        place = state[:, :3]
        bend = -GM * place / ((place * place).sum(axis=1) ** 1.5)[:, None]
        for mass, planet in zip(*pull(t), strict=True):
            gap = planet - place
            bend = bend + mass * gap / ((gap * gap).sum(axis=1) ** 1.5)[:, None]
            bend = bend - mass * planet / (planet @ planet) ** 1.5
        return np.concatenate([state[:, 3:], bend], axis=1).ravel()

    legs: dict[bool, Callable[[float], Floats]] = {}
    for end in {min(span[0], epoch), max(span[1], epoch)} - {epoch}:
        made = solve_ivp(
            motion,
            (epoch, end),
            start.ravel(),
            method="DOP853",
            rtol=1e-12,
            atol=1e-14,
            dense_output=True,
        )
        if not made.success or made.sol is None:
            raise SimulatorError(
                f"An orbit could not be integrated: {made.message}",
                code="not_integrated",
                hint="Look for an orbit that falls into the Sun.",
            )
        legs[end < epoch] = made.sol

    def at(mjd: float) -> Floats:
        return start if mjd == epoch else np.asarray(legs[mjd < epoch](mjd)).reshape(-1, 6)

    return at
