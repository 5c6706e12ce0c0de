"""Makes the frames of a night: the release's sky, what has changed, and what is injected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.instrument.filters import physical_filter
from skyassay.simulator.camera.electronics import TrueDetector
from skyassay.simulator.camera.readout import read_out
from skyassay.simulator.changing.catalogue import Catalogue
from skyassay.simulator.changing.injected import injections
from skyassay.simulator.changing.points import Placed, draw_points, place_points, points
from skyassay.simulator.changing.truth import change_truth
from skyassay.simulator.changing.variable_stars import variations
from skyassay.simulator.errors import SimulatorError
from skyassay.simulator.exposure.draw import Seen
from skyassay.simulator.exposure.frames import FrameMaker, Made, Observatory, raw_path, sound_mean
from skyassay.simulator.exposure.output import joined
from skyassay.simulator.exposure.plan import Frame
from skyassay.simulator.exposure.visit import TrueVisit
from skyassay.simulator.optics.distortion import TruePlace, true_place
from skyassay.simulator.random import rng

Table = dict[str, NDArray[Any]]
Floats = NDArray[np.float64]
#: Folder of the frames with injected sources.
INJECTED = "injected"
#: Changes fainter than this S/N are no obstacle to an injection.
_TAKEN = 1.0


@dataclass(frozen=True)
class NightFrame(Frame):
    """One exposure of a night; with injected sources or without."""

    injected: bool = False


@dataclass(frozen=True, eq=False)
class NightMade(Made):
    """A frame of a night on disk; `changed` has the truth of what differs in it."""

    changed: Table = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class NightObservatory(Observatory):
    """An observatory under a changing sky.

    Attributes
    ----------
    catalogue : Catalogue
        All that changes.
    times : mapping
        Visit -> when its exposure was half way by a perfect clock, MJD (TAI).
    """

    catalogue: Catalogue | None = None
    times: Mapping[int, float] = field(default_factory=dict)

    def maker(self, directory: Path) -> NightMaker:
        """Return what makes its frames."""
        if self.catalogue is None:
            raise SimulatorError(
                "A night needs something that changes.",
                code="no_changes",
                hint="Give the observatory a catalogue, or take a plain one.",
            )
        return NightMaker(self, self.catalogue, directory)

    @cached_property
    def injected_noise(self) -> int:
        """Seed of the noise of the frames with injected sources: a realisation of its own."""
        return int(rng(self.seed, "changing.injected_noise").integers(1 << 62))


@dataclass(frozen=True, eq=False)
class Scene:
    """The light on a detector in a visit, before noise, and the truth about it.

    Attributes
    ----------
    light : ndarray, shape (ny, nx)
        Electrons per pixel of response 1.
    seen : Seen
    source, visit_detector, changed : dict
        Rows of the truth.
    """

    light: Floats
    seen: Seen
    source: Table
    visit_detector: Table
    changed: Table


class NightMaker(FrameMaker):
    """Makes frames of a night; keeps the scene that it drew last, for its injected copy."""

    def __init__(
        self, observatory: NightObservatory, catalogue: Catalogue, directory: Path
    ) -> None:
        super().__init__(observatory, directory)
        self.catalogue = catalogue
        self.times = observatory.times
        self.noise = {False: observatory.seed, True: observatory.injected_noise}
        self._scene: tuple[tuple[int, int], Scene] | None = None
        self._dimmed: tuple[Seen, Floats] | None = None

    def make(self, frame: Frame, detector: int) -> Made:
        """Make a frame and write it, whole or not at all."""
        true, band = self.true(detector), physical_filter(frame.band)
        injected = isinstance(frame, NightFrame) and frame.injected
        scene = self.changed_scene(frame, true, band)
        light, changed = scene.light, scene.changed
        if injected:
            light, changed = self.injected(frame, true, scene)
        raw = read_out(
            light, true, band, frame.exptime, frame.darktime, self.noise[injected],
            frame.exposure, frame.kind, self.header(frame, detector),
        )  # fmt: skip
        name = f"{INJECTED}/{raw_path(frame, detector)}" if injected else raw_path(frame, detector)
        made = self.written(name, raw, true, None, None)
        source = None if injected else scene.source
        row = None if injected else scene.visit_detector
        return NightMade(made.path, made.size, made.sha256, source, row, changed)

    def seen(self, visit: TrueVisit, place: TruePlace) -> Seen:
        """Return the stars, as bright as they are now, and galaxies."""
        seen, o = super().seen(visit, place), self.observatory
        fainter = np.zeros(seen.object_id.size)
        stars = seen.is_star
        terms = self.catalogue.terms.stars
        fainter[stars] = variations(
            terms, seen.object_id[stars], self.times[visit.visit], visit.band, o.seed
        )
        now = replace(
            seen, mag=seen.mag + fainter, electrons=seen.electrons * 10.0 ** (-0.4 * fainter)
        )
        self._dimmed = now, now.electrons - seen.electrons
        return now

    def changed_scene(self, frame: Frame, true: TrueDetector, band: str) -> Scene:
        """Return the light of a detector with all that has changed."""
        key = frame.exposure, true.nominal.id
        if self._scene is None or self._scene[0] != key:
            self._scene = key, self._drawn(frame, true, band)
        return self._scene[1]

    def _drawn(self, frame: Frame, true: TrueDetector, band: str) -> Scene:
        light, source, row = self.scene(frame, true, band)
        visit, place = self._where(frame, true)
        placed = self._placed(visit, place, frame.exptime)
        light = light + draw_points(visit, place, placed)
        response = sound_mean(true.flat(band))
        if self._dimmed is None:  # pragma: no cover - `scene` asks for what is seen
            raise AssertionError("no stars were drawn")
        seen, difference = self._dimmed
        rows = [
            change_truth(visit, place, one, light, response)
            for one in (placed, _stars(visit, place, seen, difference))
        ]
        return Scene(light, seen, source, row, _ordered(rows))

    def _where(self, frame: Frame, true: TrueDetector) -> tuple[TrueVisit, TruePlace]:
        o = self.observatory
        place = true_place(true.nominal, o.camera.pixel_scale, o.optics, o.seed)
        return self.visit(frame.exposure), place

    def _placed(self, visit: TrueVisit, place: TruePlace, exptime: float) -> Placed:
        d = place.detector
        fx, fy = place.pixel_to_focal(*(np.array([m]) for m in place.middle))
        ra, dec = visit.map.focal_to_sky(fx, fy)
        # Half the diagonal, and what reaches in from outside.
        radius = (np.hypot(d.nx, d.ny) / 2.0 + 100.0) * visit.pixel_scale / 3600.0
        found = self.catalogue.at(
            self.times[visit.visit], visit.band, float(ra[0]), float(dec[0]), radius
        )
        return place_points(visit, place, found, exptime)

    def injected(self, frame: Frame, true: TrueDetector, scene: Scene) -> tuple[Floats, Table]:
        """Return a scene's light with injected sources, and the truth about those."""
        visit, place = self._where(frame, true)
        response = sound_mean(true.flat(physical_filter(frame.band)))
        taken = np.abs(scene.changed["snr"]) > _TAKEN
        where = scene.changed["x"][taken], scene.changed["y"][taken]
        terms, seed = self.catalogue.terms.injections, self.observatory.seed
        placed = injections(terms, visit, place, scene.seen, scene.light, response, where, seed)
        light = scene.light + draw_points(visit, place, placed)
        return light, change_truth(visit, place, placed, light, response, faintest=0.0)


def _stars(visit: TrueVisit, place: TruePlace, seen: Seen, electrons: Floats) -> Placed:
    """Return the stars that are brighter or fainter than their reference."""
    k = np.flatnonzero(seen.is_star & (electrons != 0.0))
    x, y = seen.x[k], seen.y[k]
    fx, fy = place.pixel_to_focal(x, y)
    flux = electrons[k] * 10.0 ** (0.4 * (31.4 + seen.cloud[k] - visit.clear_zero_point))
    own = points(
        "variable", seen.object_id[k], seen.ra[k], seen.dec[k], flux, colour=seen.colour[k]
    )
    zero = np.zeros(k.size)
    return Placed(own, x, y, fx, fy, zero, zero, seen.cloud[k], electrons[k])


def _ordered(rows: list[Table]) -> Table:
    """Return rows of several kinds by the number of what changes."""
    found = joined(rows)
    order = np.argsort(found["truthId"], kind="stable")
    return {n: c[order] for n, c in found.items()}
