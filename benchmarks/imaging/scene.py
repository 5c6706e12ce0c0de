"""Raw frames of one detector from the simulator, their truth, and calibrations for them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from astropy.table import Table

from skyassay.pipeline.calibs.bias import build_bias
from skyassay.pipeline.calibs.crosstalk import build_crosstalk
from skyassay.pipeline.calibs.dark import build_dark
from skyassay.pipeline.calibs.defects import build_defects
from skyassay.pipeline.calibs.flats import build_flat
from skyassay.pipeline.calibs.linearizer import build_linearizer
from skyassay.pipeline.calibs.ptc import build_ptc
from skyassay.pipeline.instrument.camera import Camera, Detector, amplifiers
from skyassay.pipeline.instrument.layouts import camera as layout
from skyassay.pipeline.instrument.raw import RawFrame
from skyassay.pipeline.isr.calibrations import Calibrations
from skyassay.simulator.camera.lamps import calibration_plan, lamp_frame
from skyassay.simulator.exposure.field import PixelSky, field_truth
from skyassay.simulator.exposure.frames import FrameMaker, Observatory, StreakTerms
from skyassay.simulator.exposure.plan import science_frames, science_plan
from skyassay.simulator.exposure.reference import reference_catalogue
from skyassay.simulator.optics.terms import OpticsTerms
from skyassay.simulator.optics.throughput import depth, zero_point
from skyassay.simulator.presets import preset

SEED, BAND = 7, "r"
#: Dark sky, mag/arcsec^2.
SKY = 21.2


@dataclass(frozen=True, eq=False)
class Shot:
    """A raw frame and what is true of it: rows of `truth_source`, the row of the detector."""

    raw: RawFrame
    source: dict
    detector: dict


@dataclass(frozen=True, eq=False)
class Scene:
    """Frames of one detector with what is needed to calibrate them."""

    name: str
    camera: Camera
    detector: Detector
    calibs: Calibrations
    reference: Table
    shots: tuple[Shot, ...]

    @property
    def megapixels(self) -> float:
        """Of all frames together."""
        return len(self.shots) * self.detector.nx * self.detector.ny / 1e6


def large(side: int) -> Scene:
    """One frame of 0.7 arcsec seeing under a dark sky: 1,500 stars to r = 24.5 on 2048 pixels.

    Stars go on to r = 26 with the same counts, so that completeness can be seen to fall;
    3,000 galaxies to i = 24.5.
    """
    area = (2048 * 0.2 / 3600.0) ** 2
    sky = PixelSky(
        stars=1500 / area, bright=16.0, bright_limit=24.5, faint=26.0, separation=0.0,
        galaxies=3000 / area / 3600.0,
    )  # fmt: skip
    detector = Detector(0, "R22_S11", "R22", 0.0, 0.0, side, side, amplifiers(side, side, 4))
    camera = Camera("SimCam", "one", 0.2, (detector,))
    zero = zero_point(BAND, 1.0, 0.0)
    deep = depth(zero, 10.0 ** (0.4 * (zero - SKY)) * 0.2**2, 0.7)
    true = {"seeing": 0.7, "airmass": 1.0, "extinction": 0.0, "magLim": deep}
    return _scene(f"{side} x {side}, dense", camera, sky, 1, true)


def like_demo(frames: int) -> Scene:
    """Return frames of a detector of the demonstration, under the conditions of its visits."""
    camera = layout("small")
    camera = replace(camera, detectors=camera.detectors[:1])
    return _scene("1024 x 1024, as in the demo", camera, PixelSky(), frames, {})


def _scene(name: str, camera: Camera, sky: PixelSky, count: int, true: dict) -> Scene:
    cadence = replace(preset("small").cadence, bands=(BAND,), visits_per_band=count, nights=count)
    plan, said = science_plan(cadence, OpticsTerms(), SEED)
    star, galaxy = field_truth(sky, camera, cadence.fields, cadence.rotation, cadence.start, SEED)
    observatory = Observatory(
        camera, SEED, star, galaxy,
        {int(v): {n: plan[n][k].item() for n in plan} | true for k, v in enumerate(plan["visit"])},
        {int(v): float(s) for v, s in zip(said["visit"], said["atmosphericSeeing"], strict=True)},
        streaks=StreakTerms(mean=0.0),
    )  # fmt: skip
    # In memory: nothing is written, so there is no directory.
    maker = FrameMaker(observatory, None)
    detector = camera.detectors[0]
    made = [maker.sky_frame(f, maker.true(detector.id)) for f in science_frames(plan)]
    return Scene(
        name, camera, detector, _calibrations(maker, detector),
        Table(reference_catalogue(star, SEED)), tuple(Shot(*parts) for parts in made),
    )  # fmt: skip


def _calibrations(maker: FrameMaker, detector: Detector) -> Calibrations:
    """Return calibrations built from lamp frames, in the order that the pipeline has."""
    true = maker.true(detector.id)
    raws: dict[str, list[RawFrame]] = {"BIAS": [], "DARK": [], "FLAT": [], "SPOT": [], "RAMP": []}
    for k, lamp in enumerate(calibration_plan("tiny").frames([BAND])):
        raw = lamp_frame(lamp, true, maker.observatory.camera, k, 61000.0 + k / 1440.0, SEED)
        raws["RAMP" if lamp.pair else lamp.kind].append(raw)
    known = Calibrations(bias=build_bias(raws["BIAS"], detector))
    known = replace(known, crosstalk=build_crosstalk(raws["SPOT"], detector, known)[0])
    known = replace(known, linearizer=build_linearizer(raws["RAMP"], detector, known)[0])
    known = replace(known, ptc=build_ptc(raws["RAMP"], detector, known)[0])
    known = replace(known, dark=build_dark(raws["DARK"], detector, known))
    known = replace(known, flat=build_flat(raws["FLAT"], detector, known))
    faint = [r for r in raws["RAMP"] if r.header["FLATLEV"] < 1e4]
    dim = build_flat(faint, detector, known)
    return replace(known, defects=build_defects(known.dark, known.flat, dim)[0])
