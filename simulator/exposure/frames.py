"""Makes raw frames, one at a time, in whatever process asks for them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.instrument.camera import Camera
from skyassay.pipeline.instrument.filters import physical_filter
from skyassay.pipeline.instrument.raw import RawFrame
from skyassay.simulator.camera.electronics import TrueDetector, true_detector
from skyassay.simulator.camera.lamps import lamp_frame
from skyassay.simulator.camera.readout import read_out
from skyassay.simulator.camera.streaks import draw_streaks, streak_electrons
from skyassay.simulator.camera.terms import CameraTerms
from skyassay.simulator.exposure.draw import Seen, draw_sky, draw_sources, seen_by
from skyassay.simulator.exposure.headers import Pointing as SkyCards
from skyassay.simulator.exposure.headers import raw_header
from skyassay.simulator.exposure.plan import Frame
from skyassay.simulator.exposure.truth import detector_truth, source_truth
from skyassay.simulator.exposure.visit import TrueVisit, true_visit
from skyassay.simulator.optics.distortion import TruePlace, true_place
from skyassay.simulator.optics.terms import OpticsTerms
from skyassay.simulator.psf_terms import FWHM

Table = dict[str, NDArray[Any]]
Floats = NDArray[np.float64]
#: Science program of the visits, and why they are made.
PROGRAM, REASON = "main", "survey"


@dataclass(frozen=True)
class StreakTerms:
    """Satellites: mean number of trails per visit, and electrons per pixel of their length."""

    mean: float = 1.0
    electrons: tuple[float, float] = (300.0, 5_000.0)


@dataclass(frozen=True, eq=False)
class Observatory:
    """All that a frame depends on.

    Attributes
    ----------
    camera : Camera
        Nominal.
    seed : int
    star, galaxy : dict
        `truth_star`, `truth_galaxy`.
    plan : mapping
        Visit -> its row of the plan.
    said : mapping
        Visit -> seeing at the zenith by the monitor, arcsec.
    optics : OpticsTerms
    terms : CameraTerms
    streaks : StreakTerms
    """

    camera: Camera
    seed: int
    star: Table
    galaxy: Table
    plan: Mapping[int, Mapping[str, Any]]
    said: Mapping[int, float]
    optics: OpticsTerms = field(default_factory=OpticsTerms)
    terms: CameraTerms = field(default_factory=CameraTerms)
    streaks: StreakTerms = field(default_factory=StreakTerms)

    @property
    def response(self) -> float:
        """Mean response of the detectors by their vignetting, that of the axis being 1."""
        angle = np.array([np.hypot(d.x, d.y) for d in self.camera.detectors])
        lost = self.terms.vignetting * (angle / self.terms.vignetting_radius) ** 4
        return float(np.mean(1.0 - lost))

    def maker(self, directory: Path) -> FrameMaker:
        """Return what makes its frames."""
        return FrameMaker(self, directory)


@dataclass(frozen=True, eq=False)
class Made:
    """A frame on disk, and what is true of it.

    Attributes
    ----------
    path : str
        Relative to the release.
    size : int
        Bytes.
    sha256 : str
    source, visit_detector : dict or None
        Rows of the truth; of visits only.
    """

    path: str
    size: int
    sha256: str
    source: Table | None = None
    visit_detector: Table | None = None


class FrameMaker:
    """Makes frames of an observatory; keeps the detector that it used last."""

    def __init__(self, observatory: Observatory, directory: Path) -> None:
        self.observatory = observatory
        self.directory = directory
        self._detector: TrueDetector | None = None

    def true(self, detector: int) -> TrueDetector:
        """Return a true detector."""
        kept = self._detector
        if kept is None or kept.nominal.id != detector:
            o = self.observatory
            self._detector = kept = true_detector(o.camera, detector, o.seed, o.terms)
        return kept

    def make(self, frame: Frame, detector: int) -> Made:
        """Make a frame and write it, whole or not at all."""
        o, true = self.observatory, self.true(detector)
        source = visit_detector = None
        if frame.lamp is None:
            raw, source, visit_detector = self.sky_frame(frame, true)
        else:
            raw = lamp_frame(frame.lamp, true, o.camera, frame.exposure, frame.begin, o.seed)
        return self.written(raw_path(frame, detector), raw, true, source, visit_detector)

    def written(
        self,
        name: str,
        raw: RawFrame,
        true: TrueDetector,
        source: Table | None,
        visit_detector: Table | None,
    ) -> Made:
        """Write a frame under its name, relative to the directory."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        raw.write(path, true.nominal)
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        return Made(name, len(content), digest, source, visit_detector)

    def sky_frame(self, frame: Frame, true: TrueDetector) -> tuple[RawFrame, Table, Table]:
        """Return a raw frame of the sky, and the truth about it."""
        band, header = physical_filter(frame.band), self.header(frame, true.nominal.id)
        light, source, row = self.scene(frame, true, band)
        times = frame.exptime, frame.darktime
        seed = self.observatory.seed
        raw = read_out(light, true, band, *times, seed, frame.exposure, frame.kind, header)
        return raw, source, row

    def scene(self, frame: Frame, true: TrueDetector, band: str) -> tuple[Floats, Table, Table]:
        """Return the light of the sky on a detector, and the truth about it."""
        o = self.observatory
        visit = self.visit(frame.exposure)
        place = true_place(true.nominal, o.camera.pixel_scale, o.optics, o.seed)
        seen = self.seen(visit, place)
        sky = draw_sky(visit, place, o.star)
        trails = draw_streaks(
            o.camera, o.seed, frame.exposure, mean=o.streaks.mean, electrons=o.streaks.electrons
        )
        middle = (np.array([true.nominal.x]), np.array([true.nominal.y]))
        fwhm = FWHM * float(visit.psf.shape(*middle).sigma[0])
        trail, crossing = streak_electrons(trails, true.nominal, o.camera.pixel_scale, fwhm)
        response = sound_mean(true.flat(band))
        light = draw_sources(visit, place, seen) + sky + trail
        row = detector_truth(visit, place, response, float(sky.mean()), len(crossing))
        return light, source_truth(visit, place, response, seen), row

    def seen(self, visit: TrueVisit, place: TruePlace) -> Seen:
        """Return the stars and galaxies whose light may reach a detector."""
        return seen_by(visit, place, self.observatory.star, self.observatory.galaxy)

    def visit(self, visit: int) -> TrueVisit:
        """Return everything true of a visit."""
        o = self.observatory
        return true_visit(o.plan[visit], o.camera.pixel_scale, o.optics, o.seed, o.response)

    def header(self, frame: Frame, detector: int) -> dict[str, Any]:
        """Return the primary header of a frame of the sky."""
        o = self.observatory
        return raw_header(
            camera=o.camera,
            detector=detector,
            exposure=frame.exposure,
            kind=frame.kind,
            physical_filter=physical_filter(frame.band),
            exptime=frame.exptime,
            dark_time=frame.darktime,
            mjd_begin=frame.begin,
            seed=o.seed,
            program=PROGRAM,
            reason=REASON,
            pointing=self.sky_cards(frame),
        )

    def sky_cards(self, frame: Frame) -> SkyCards:
        """Return where the telescope was told to look, and what the seeing monitor said."""
        o = self.observatory
        visit = self.visit(frame.exposure)
        altitude, azimuth = visit.commanded.horizon
        # The sky turns by 15 degrees of hour angle in 3590 s of TAI.
        half = 0.5 * frame.exptime / 239.345
        ends = [visit.commanded.airmass_at(visit.commanded.hour_angle + h) for h in (-half, half)]
        return SkyCards(
            visit.commanded.ra,
            visit.commanded.dec,
            visit.commanded.rotation,
            altitude,
            azimuth,
            ends[0],
            ends[1],
            o.said[frame.exposure],
        )


def raw_path(frame: Frame, detector: int) -> str:
    """Return the file of a raw frame, relative to the release."""
    return f"raw/{frame.day}/SC_{frame.day}_{frame.number:05d}_{detector:03d}.fits"


def sound_mean(flat: NDArray[np.floating]) -> float:
    """Return the mean response of sound pixels: within a fifth of the median.

    A dead column is no loss of light elsewhere: with it in the mean, the scale of a flat of unit
    mean would depend on the number of defects.
    """
    middle = float(np.median(flat))
    sound = flat[np.abs(flat - middle) < 0.2 * middle]
    return float(sound.mean(dtype=np.float64))
