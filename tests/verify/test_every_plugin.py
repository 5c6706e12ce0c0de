"""Every metric of matched stars in every recipe: the same bytes and verdicts however it is run.

The other products have `tests/matrix/test_partition_invariance.py`; here the stars fill three
scales, so that every pair metric is measured.
"""

from __future__ import annotations

import numpy as np
import pytest

from skyassay.metrics.registry import load_metrics
from skyassay.requirements_map import load
from skyassay.simulator.quantities import QUANTITIES
from skyassay.verify.bindings import bindings
from skyassay.verify.execution import Outcome, run
from skyassay.verify.executors import Processes, Serial
from skyassay.verify.judging import judge_recipes
from skyassay.verify.measuring import choose
from skyassay.verify.memory import MemorySource
from skyassay.verify.records import Run

RUN = Run("r", "test", "real", "2030-01-01T00:00:00Z")
N_STARS, N_VISITS = 120, 5
STARS = {q.metric for q in QUANTITIES}


def table() -> dict:
    """Stars in clusters 5, 20 and 200 arcmin apart, six bands, shared and own errors."""
    rng = np.random.default_rng(11)
    centre = np.array([0.0, 5.0, 20.0, 200.0])[np.arange(N_STARS) % 4] / 60.0
    ra, dec = centre + rng.normal(0, 0.003, N_STARS), rng.normal(0, 0.003, N_STARS)
    star = np.tile(np.repeat(np.arange(N_STARS), N_VISITS), 6)
    step = np.tile(np.arange(N_VISITS), N_STARS * 6)
    band = np.repeat(np.arange(6), N_STARS * N_VISITS)
    visit = band * 100 + step
    n = len(star)
    shared = rng.normal(0, 0.003, 600)[visit]
    mag = rng.uniform(17.1, 18.5, N_STARS)[star] + shared + rng.normal(0, 0.004, n)
    flux = 10 ** ((31.4 - mag) / 2.5)
    mas = 1.0 / 3.6e6
    flags = rng.random(n) < 0.01
    return {
        "objectId": star,
        "visit": visit,
        "band": np.array(list("ugrizy"))[band],
        "coord_ra": (ra[star] + rng.normal(0, 7 * mas, n)) % 360.0,
        "coord_dec": dec[star] + rng.normal(0, 7 * mas, n),
        "psfFlux": np.where(rng.random(n) < 0.002, np.nan, flux),
        "psfFluxErr": flux / 400,
        "extendedness": (rng.random(N_STARS) < 0.1).astype(float)[star],
        "pixelFlags_saturated": flags,
    }


@pytest.fixture(scope="module")
def requirements():
    return load()


def outcome(requirements, executor, parts: int, seed: int | None) -> Outcome:
    metrics = [m for m in choose((), "all") if m.id in STARS]
    source = MemorySource({"matched_source": table()}, parts, seed)
    at = {m.id: bindings(m, requirements) for m in metrics}
    return run(metrics, source, executor, at)


@pytest.fixture(scope="module")
def reference(requirements) -> Outcome:
    return outcome(requirements, Serial(), 1, None)


def test_every_metric_is_measured_here(reference) -> None:
    assert reference.failures == {}
    measured = {m.metric for m in reference.measurements if m.status == "MEASURED"}
    assert measured == STARS


@pytest.mark.parametrize(
    ("workers", "parts", "seed"), [(1, 7, None), (1, 64, 3), (1, 1, 4), (2, 7, 5)]
)
def test_the_same_whatever_runs_it(requirements, reference, workers, parts, seed) -> None:
    executor = Processes(2) if workers == 2 else Serial()
    other = outcome(requirements, executor, parts, seed)
    assert other.digests == reference.digests
    assert other.measurements == reference.measurements
    verdicts = [judge_recipes(requirements, o.measurements, RUN) for o in (reference, other)]
    assert verdicts[0] == verdicts[1]


def test_criteria_name_metrics_that_exist_and_the_other_way_round(requirements) -> None:
    plugins = load_metrics()
    named = {(c.metric, c.id) for c in requirements.criteria.values() if c.metric}
    offered = {(m, c) for m, plugin in plugins.items() for c in plugin.requirements}
    assert named == offered


def test_every_bound_level_is_measured(requirements, reference) -> None:
    verdicts = judge_recipes(requirements, reference.measurements, RUN)
    mine = [v for v in verdicts.record if v.metric in STARS]
    reasons = {p.reason for v in mine for p in (v, *v.parts) if v.recipe}
    assert not reasons & {"at_not_measured", "at_not_bound", "unit_mismatch", "metric_not_run"}
