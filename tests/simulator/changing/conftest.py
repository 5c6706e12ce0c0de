"""A tiny night, and the light of one of its detectors."""

from dataclasses import replace
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest

from skyassay.pipeline.instrument.camera import Camera
from skyassay.pipeline.instrument.layouts import camera
from skyassay.simulator.cadence import Cadence
from skyassay.simulator.changing.catalogue import catalogue
from skyassay.simulator.changing.maker import NightFrame, NightObservatory
from skyassay.simulator.changing.night import night_order, night_size
from skyassay.simulator.changing.terms import ChangingSky
from skyassay.simulator.exposure.field import PixelSky, field_truth
from skyassay.simulator.exposure.output import observed
from skyassay.simulator.exposure.plan import science_frames, science_plan
from skyassay.simulator.exposure.sizes import PixelTerms, sized

SEED = 3


@pytest.fixture(scope="session")
def part_of_camera():
    """Return a camera of some detectors of the full one."""

    def made(first, last):
        whole = camera("lsst")
        return Camera(whole.name, whole.layout, whole.pixel_scale, whole.detectors[first:last])

    return made


@pytest.fixture(scope="session")
def changes_on(part_of_camera):
    """Return a function: detectors, seed, field -> stars, galaxies, catalogue, times."""

    @cache
    def made(first, last, seed=SEED, field=(60.0, -30.0), terms=None):
        nominal, sky = part_of_camera(first, last), replace(PixelSky(), margin=0.0)
        cadence = Cadence(fields=(field,))
        static = field_truth(sky, nominal, cadence.fields, 0.0, cadence.start, seed)
        times = cadence.start + 22.1 + 39.0 / 86400.0 * np.arange(4)
        terms = terms or ChangingSky()
        terms = replace(terms, movers=replace(terms.movers, margin=0.0))
        found = catalogue(terms, nominal, cadence, sky, static[1], times, seed)
        return static, found, times

    return made


@pytest.fixture(scope="session")
def night(tmp_path_factory):
    """Return the maker of a tiny night, and its frames."""
    size, cadence = sized("tiny", None, ("r", "i"), None, None)
    terms, changing = PixelTerms(), ChangingSky().scaled(4.0)
    visits = science_plan(cadence, terms.optics, SEED, night_order(cadence, night_size("tiny")))
    nominal = camera(size.layout)
    static = field_truth(size.sky, nominal, cadence.fields, 0.0, cadence.start, SEED)
    times = visits[0]["expMidptMJD"]
    found = catalogue(changing, nominal, cadence, size.sky, static[1], times, SEED)
    observatory = NightObservatory(
        **observed(size, terms, SEED, static, visits),
        catalogue=found,
        times={int(v): float(t) for v, t in zip(visits[0]["visit"], times, strict=True)},
    )
    frames = [NightFrame(**vars(f)) for f in science_frames(visits[0])]
    maker = observatory.maker(tmp_path_factory.mktemp("night"))
    return SimpleNamespace(
        maker=maker, frames=frames, observatory=observatory, catalogue=found, times=times
    )
