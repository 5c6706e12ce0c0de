"""The metric of the plugin package: its value, its certificate, what it refuses."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from scipy.stats import binom

from skyassay.metrics.family import NotMeasured
from skyassay.metrics.states.star_sample import BandStars, StarSample, sorted_band

#: Population value of the trials, mmag: 5 % beyond a limit of 4.
TRUTH = 4.2
LIMIT = 4.0
TRIALS = 500


@pytest.fixture(scope="module")
def plugin():
    """Return the module of the package, without installing it."""
    from importlib.util import module_from_spec, spec_from_file_location
    from pathlib import Path

    path = Path(__file__).parent.parent / "plugin_package" / "assay_visit_zeropoint.py"
    spec = spec_from_file_location("assay_visit_zeropoint_alone", path)
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def state(mag: np.ndarray) -> StarSample:
    """Return a state with these magnitudes, shape (stars, visits)."""
    star, visit = (a.ravel() for a in np.indices(mag.shape))
    none = np.zeros(mag.size)
    return StarSample({"r": sorted_band(BandStars(star, visit, mag.ravel(), none, none), 10**6)})


def measure(plugin, mag: np.ndarray):
    metric = plugin.VisitScatter(plugin.VisitScatter.recipes["medians"])
    (found,) = metric.finish(state(mag), {})
    return found


def test_the_value_is_the_standard_deviation_over_visits(plugin) -> None:
    zero_point = np.array([1.0, 2.0, 4.0, 9.0]) * 1e-3
    found = measure(plugin, 18.0 + np.arange(40)[:, None] / 40 + zero_point)
    assert found.value == pytest.approx(np.std([1.0, 2.0, 4.0, 9.0], ddof=1), rel=1e-9)
    assert (found.n, found.diagnostics["n_visits"]) == (4, 4)
    assert found.interval.certified


def test_what_it_refuses(plugin) -> None:
    constant = measure(plugin, np.full((40, 6), 18.0))
    assert (constant.status, constant.reason) == ("NOT_MEASURED", "no_scatter")
    few = measure(plugin, np.random.default_rng(1).normal(18.0, 0.01, (19, 6)))
    assert (few.status, few.reason) == ("NOT_MEASURED", "too_few_visits")
    with pytest.raises(NotMeasured):
        plugin.spread_interval(1.0, 0, "one value")


def test_two_visits_are_not_certified(plugin) -> None:
    found = measure(plugin, np.random.default_rng(1).normal(18.0, 0.01, (40, 2)))
    assert not found.interval.certified


def test_the_certificate_holds(plugin) -> None:
    """With the truth 5 % beyond the limit it passes, and covers, as often as it says."""
    own, stars = 4.0, 60
    shared = np.sqrt(TRUTH**2 - np.pi / 2 * own**2 / stars)  # the median adds its own noise
    rng = np.random.default_rng(20)
    for visits in (3, 6, 12, 30):
        passed = covered = 0
        for _ in range(TRIALS):
            zero_point = rng.normal(0, shared, visits)
            mag = 18.0 + (zero_point + rng.normal(0, own, (stars, visits))) / 1e3
            interval = measure(plugin, mag).interval
            passed += interval.upper <= LIMIT
            covered += interval.low <= TRUTH <= interval.high
        assert passed <= binom.ppf(0.999, TRIALS, 0.05)
        low, high = binom.ppf([0.0005, 0.9995], TRIALS, [0.93, 0.97])
        assert low <= covered <= high
