"""Which fields are visited when, in which band: greedy, night by night.

A night is cut into blocks. For each the pair of bands is chosen that the survey lacks most
among those that the Moon allows, and the patch of fields whose visits lag behind most, a
little of it given up for low airmass.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.conditions import Site
from skyassay.simulator.random import rng
from skyassay.simulator.survey import ephemeris as sky
from skyassay.simulator.survey.blocks import Block, deep_block, pair_block, patch
from skyassay.simulator.survey.fields import PROGRAMS, WEIGHTS, Fields, fields
from skyassay.simulator.survey.filters import BANDS, GOAL, pairs
from skyassay.simulator.survey.weather import STEP, STEPS, Climate, Memory, NightWeather, Weather

Floats = NDArray[np.float64]
#: Cerro Pachon, degrees east.
LONGITUDE = -70.7494
_SECONDS = 86400.0
#: What airmass above a field's least costs, in visits; the highest airmass that is observed,
#: of fields of the main survey and of the others, some of which never rise high.
_AIRMASS_COST, _AIRMASS_MAX, _AIRMASS_SPECIAL = 14.0, 1.75, 2.1
#: Degrees kept from the Moon; visits that a second pair in one night costs.
_MOON_MIN, _TONIGHT_COST = 30.0, 8.0
#: A field's visits by which its progress is measured.
_YARDSTICK = 150.0
#: Fields of a block: the fewest, and how many more there may be.
LONG_BLOCK, SHORT_BLOCK = (29.0, 16.0), (2.0, 26.0)
#: Fields below which a block keeps one filter: a change would take as long as the block.
ONE_FILTER = 12.0
#: Largest offset of a pointing from its field, deg.
_DITHER = 1.6


@dataclass(frozen=True)
class DeepDrilling:
    """How often a deep field is visited: share of nights, visits per band, dither in deg."""

    share: float = 0.6
    each: int = 9
    dither: float = 0.6


@dataclass(frozen=True)
class Strategy:
    """When the survey begins, where it is, and its weather.

    Attributes
    ----------
    start : float
        MJD of the day on which the first night begins.
    nights : int
    site : Site
    climate : Climate
    long_share : float
        Share of blocks that last as long as a pair of 18 to 28 min; the others are shorter,
        so that revisits come after any time from a minute up.
    """

    start: float = 61041.0
    nights: int = 3652
    site: Site = field(default_factory=Site)
    climate: Climate = field(default_factory=Climate)
    long_share: float = 0.5
    deep: DeepDrilling = field(default_factory=DeepDrilling)


@dataclass
class _Progress:
    """Visits so far, while the survey is laid out."""

    goal: Floats
    count: Floats

    def add(self, block: Block) -> None:
        """Count a block."""
        np.add.at(self.count, (block.field, block.band), 1.0)

    def done(self) -> Floats:
        """Return the share of its goal that each field and band has, in main-survey visits."""
        return self.count / self.goal

    def band_progress(self, main: NDArray[np.bool_]) -> Floats:
        """Return how far the main survey is in each band."""
        return np.asarray(self.count[main].sum(axis=0) / self.goal[main].sum(axis=0))


def schedule(strategy: Strategy, seed: int) -> Iterator[dict[str, NDArray[Any]]]:
    """Yield the visits of one night after the other; nights without visits are left out.

    Yields
    ------
    dict
        ``night`` (number from 0), ``mjd`` (middle of the exposure), ``field``, ``band``
        (index into "ugrizy"), ``ra``, ``dec`` (deg, dithered), ``program``, ``dimm`` (arcsec),
        ``extinction`` (mag) and ``rotation`` (deg).
    """
    known = fields()
    weight = np.array(WEIGHTS)[known.program]
    progress = _Progress(
        np.maximum(weight, 1e-3)[:, None] * GOAL, np.zeros((len(known.ra), len(BANDS)))
    )
    evening = strategy.start + np.arange(strategy.nights, dtype=np.float64)
    place = strategy.site.latitude, LONGITUDE
    dusk, dawn = sky.night_bounds(evening, *place, sky.NAUTICAL)
    dark, light = sky.night_bounds(evening, *place, sky.ASTRONOMICAL)
    memory, weather = Memory(), Weather(strategy.climate)
    for night in range(strategy.nights):
        random = rng(seed, "survey.night", night)
        tonight, memory = weather.night(memory, float(dusk[night]), random)
        hours = (dusk[night], dark[night], light[night], dawn[night])
        made = _Night(strategy, known, progress, tonight, hours, random).visits()
        if made is not None:
            yield {"night": np.full(len(made["mjd"]), night), **made}


class _Night:
    """One night while it is planned."""

    def __init__(
        self,
        strategy: Strategy,
        known: Fields,
        progress: _Progress,
        weather: NightWeather,
        hours: tuple[float, float, float, float],
        random: np.random.Generator,
    ) -> None:
        self.strategy, self.fields, self.progress, self.weather = strategy, known, progress, weather
        self.dusk, self.dark, self.light, self.dawn = hours
        self.random = random
        self.tonight = np.zeros(len(known.ra))
        middle = np.array([0.5 * (self.dusk + self.dawn)])
        self.moon = sky.moon(middle)
        self.lit = float(sky.illumination(middle)[0])
        near = sky.separation(sky.Place(known.ra, known.dec), self.moon) < _MOON_MIN
        self.near_moon = near & (self.lit > 0.1)
        self.main = known.program == 0
        self.deep = known.program == PROGRAMS.index("deep_drilling")
        lat = np.radians(strategy.site.latitude)
        self.sine = np.sin(lat) * np.sin(np.radians(known.dec))
        self.cosine = np.cos(lat) * np.cos(np.radians(known.dec))
        self.best = 1.0 / (self.sine + self.cosine)
        self.lowest = np.where(self.main, _AIRMASS_MAX, _AIRMASS_SPECIAL)

    def visits(self) -> dict[str, NDArray[Any]] | None:
        """Return the visits of the night; None without any."""
        blocks: list[tuple[float, Block]] = []
        time = self.dusk
        deep_at = self.deep_time()
        while time < self.dawn - 120.0 / _SECONDS:
            if self.closed(time):
                time += STEP
                continue
            deep = time >= deep_at
            block = self.deep_drilling(time) if deep else self.pair(time)
            if deep:
                deep_at = np.inf
            if block is None:
                time += 0.0 if deep else STEP
                continue
            block = self._until_closed(time, block)
            self.progress.add(block)
            blocks.append((time, block))
            time += block.seconds / _SECONDS
        return self._table(blocks) if blocks else None

    def deep_time(self) -> float:
        """Return when a deep field is due; infinite on nights without."""
        draw = self.random.random(2)
        due = self.dark + draw[1] * (self.light - self.dark)
        return due if draw[0] < self.strategy.deep.share else np.inf

    def closed(self, time: float) -> bool:
        """Return whether the dome is closed."""
        return bool(self.weather.closed[self._step(np.array([time]))[0]])

    def _until_closed(self, time: float, block: Block) -> Block:
        """Return the visits of a block that are made before the dome closes."""
        closed = self.weather.closed[self._step(time + block.start / _SECONDS)]
        return block.first(int(np.argmax(closed))) if closed.any() else block

    def airmass(self, time: float) -> Floats:
        """Return the airmass of every field; infinite below the horizon."""
        turn = np.radians(sky.sidereal(np.array([time]), LONGITUDE)[0] - self.fields.ra)
        sine = self.sine + self.cosine * np.cos(turn)
        return np.asarray(np.where(sine > 0.1, 1.0 / np.maximum(sine, 0.1), np.inf))

    def pair(self, time: float) -> Block | None:
        """Return a patch of fields to be visited twice; None where nothing can be seen."""
        draw = self.random.random(2)
        # Airmass of the middle of a block of usual length.
        x = self.airmass(time + 12.0 / 1440.0)
        can = (x < self.lowest) & ~self.near_moon & ~self.deep
        if not can.any():
            return None
        up = sky.altitude(
            self.moon, sky.sidereal(np.array([time]), LONGITUDE), self.strategy.site.latitude
        )
        twilight = not self.dark <= time <= self.light
        allowed = pairs(self.lit, bool(up[0] > 0.0), twilight)
        so_far = self.progress.band_progress(self.main)
        bands = min(allowed, key=lambda p: so_far[p[0]] + so_far[p[1]])
        longest = (self.dawn - time) * _SECONDS / 72.0
        fewest, more = LONG_BLOCK if draw[0] < self.strategy.long_share else SHORT_BLOCK
        number = fewest + more * draw[1]
        if number < ONE_FILTER:
            bands = (bands[0], bands[0])
        done = self.progress.done()[:, bands].mean(axis=1)
        score = (done[can & self.main].mean() if (can & self.main).any() else 0.0) - done
        score = score * _YARDSTICK - _AIRMASS_COST * (x - self.best) - _TONIGHT_COST * self.tonight
        path = patch(self.fields, np.where(can, score, -np.inf), max(1, int(min(number, longest))))
        self.tonight[path] += 1.0
        return pair_block(self.fields, path, bands)

    def deep_drilling(self, time: float) -> Block | None:
        """Return a sequence on the deep field that was visited least; None if all are low."""
        x = self.airmass(time + 0.3 / 24.0)
        can = np.flatnonzero(self.deep & (x < 1.6) & ~self.near_moon)
        if not len(can):
            return None
        target = int(can[np.argmin(self.progress.count[can].sum(axis=1))])
        bands = (0, 1, 2, 3, 4) if self.lit < 0.4 else (1, 2, 3, 4, 5)
        return deep_block(self.fields, target, bands, self.strategy.deep.each)

    def _step(self, time: Floats) -> NDArray[np.int64]:
        """Return the weather's step at each time."""
        steps = np.floor((time - self.dusk) / STEP).astype(np.int64)
        return np.clip(steps, 0, STEPS - 1)

    def _table(self, blocks: list[tuple[float, Block]]) -> dict[str, NDArray[Any]]:
        """Return the visits of the night's blocks, dithered, with their weather."""
        field_ = np.concatenate([b.field for _, b in blocks])
        middle = [t + (b.start + 15.0) / _SECONDS for t, b in blocks]
        mjd = np.concatenate(middle)
        # One dither per field and night, so that both visits of a pair see the same sky.
        u = self.random.random((2, len(self.fields.ra)))[:, field_]
        reach = np.where(self.deep[field_], self.strategy.deep.dither, _DITHER)
        ra, dec = _moved(self.fields, field_, reach * np.sqrt(u[0]), 2.0 * np.pi * u[1])
        step, part = self._step(mjd), ((mjd - self.dusk) / STEP) % 1.0
        after = np.minimum(step + 1, STEPS - 1)
        angle = np.repeat(self.random.uniform(-80.0, 80.0, len(blocks)), [len(m) for m in middle])

        def between(values: Floats) -> Floats:
            return np.asarray(values[step] * (1.0 - part) + values[after] * part)

        return {
            "mjd": mjd,
            "field": field_,
            "band": np.concatenate([b.band for _, b in blocks]),
            "ra": ra,
            "dec": dec,
            "program": self.fields.program[field_],
            "dimm": between(self.weather.seeing),
            "extinction": between(self.weather.extinction),
            "rotation": angle,
        }


def _moved(
    known: Fields, index: NDArray[np.int64], radius: Floats, angle: Floats
) -> tuple[Floats, Floats]:
    """Return field centres moved by `radius` (deg) towards `angle` (from north over east)."""
    a, d, r = np.radians(known.ra[index]), np.radians(known.dec[index]), np.radians(radius)
    sine = np.sin(d) * np.cos(r) + np.cos(d) * np.sin(r) * np.cos(angle)
    turn = np.arctan2(np.sin(angle) * np.sin(r) * np.cos(d), np.cos(r) - np.sin(d) * sine)
    return np.degrees(a + turn) % 360.0, np.degrees(np.arcsin(np.clip(sine, -1.0, 1.0)))
