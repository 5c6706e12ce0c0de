"""One visit of the tiny layout."""

from dataclasses import replace

import pytest

from skyassay.pipeline.instrument.layouts import camera
from skyassay.simulator.exposure.field import PixelSky, field_truth
from skyassay.simulator.exposure.plan import science_plan
from skyassay.simulator.exposure.visit import true_visit
from skyassay.simulator.optics.distortion import true_place
from skyassay.simulator.optics.terms import OpticsTerms
from skyassay.simulator.presets import preset

SEED = 11
TERMS = OpticsTerms()


@pytest.fixture(scope="session")
def cadence():
    return replace(preset("tiny").cadence, bands=("r", "i"), visits_per_band=3, nights=3)


@pytest.fixture(scope="session")
def plan(cadence):
    return science_plan(cadence, TERMS, SEED)[0]


@pytest.fixture(scope="session")
def sky_tables(cadence):
    return field_truth(PixelSky(), camera("tiny"), cadence.fields, 0.0, cadence.start, SEED)


@pytest.fixture
def visit(plan):
    return true_visit({n: c[0].item() for n, c in plan.items()}, 0.2, TERMS, SEED)


@pytest.fixture
def place():
    return true_place(camera("tiny")[1], 0.2, TERMS, SEED)
