"""The error model: its own parameters come back, and the scatter beyond it is found."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from skyassay.metrics.contract import Measurement, state_digest
from skyassay.metrics.photometry.error_model import Model, fit_quoted
from skyassay.metrics.plugin import NotMeasured
from skyassay.metrics.registry import make

ID = "photometry.error_model.systematic"
Tables = dict[str, dict[str, Any]]
TRUE = Model(24.4, 0.039)


def _sources(systematic: float = 4.0, quoted: float = 1.0, stars: int = 3000) -> Tables:
    """Return stars with photon noise and a systematic scatter (mmag), in six visits."""
    rng = np.random.default_rng(2)
    mag = np.repeat(rng.uniform(16.0, 22.0, stars), 6)
    photon = np.sqrt(TRUE.variance(mag))
    error = np.hypot(photon, systematic) * rng.standard_normal(mag.size)
    flux = 10.0 ** (0.4 * (31.4 - mag - 1e-3 * error))
    return {
        "matched_source": {
            "objectId": np.repeat(np.arange(stars), 6),
            "visit": np.tile(np.arange(6), stars),
            "band": np.full(mag.size, "r"),
            "extendedness": np.zeros(mag.size),
            "psfFlux": flux,
            "psfFluxErr": quoted * flux * photon / 1085.7,
        }
    }


def _found(tables: Tables) -> Measurement:
    metric = make(ID)
    (only,) = metric.finish(metric.fold(tables), {})
    return only


@pytest.mark.parametrize(("m5", "gamma"), [(24.4, 0.039), (22.0, 0.037), (27.0, 0.02)])
def test_a_fit_returns_the_parameters(m5: float, gamma: float) -> None:
    mag = np.linspace(16.0, 22.0, 20)
    found = fit_quoted(mag, Model(m5, gamma).variance(mag), np.full(20, 50.0))
    assert found.m5 == pytest.approx(m5, abs=1e-6)
    assert found.gamma == pytest.approx(gamma, abs=1e-8)


def test_errors_that_follow_no_model_are_no_fit() -> None:
    mag = np.linspace(16.0, 22.0, 20)
    with pytest.raises(NotMeasured):
        fit_quoted(mag, np.exp(-mag), np.ones(20))


def test_the_systematic_scatter_is_found_beside_the_noise() -> None:
    found = _found(_sources())
    assert found.value == pytest.approx(4.0, rel=0.05)
    assert found.diagnostics["m5"] == pytest.approx(24.4, abs=0.02)
    assert found.diagnostics["gamma"] == pytest.approx(0.039, abs=2e-4)
    # stars of 16.8 to 19.8 in r: the median is at 18.3
    expected = np.hypot(4.0, np.sqrt(TRUE.variance(np.array([18.3]))[0]))
    assert found.diagnostics["pa1_model"] == pytest.approx(expected, rel=0.05)


def test_errors_quoted_too_large_give_a_negative_part() -> None:
    assert (_found(_sources(0.0, quoted=1.5)).value or 0.0) < -1.0


def test_constant_quoted_errors_are_not_taken_for_a_model() -> None:
    tables = _sources()
    flux = tables["matched_source"]["psfFlux"]
    tables["matched_source"]["psfFluxErr"] = 0.01 * flux
    assert _found(tables).reason in {"fit_unphysical", "fit_failed"}


def test_few_stars_and_copies_are_not_measured() -> None:
    assert _found(_sources(stars=20)).reason == "too_few_stars"
    tables = _sources()
    table = tables["matched_source"]
    table["psfFlux"] = np.repeat(table["psfFlux"][::6], 6)
    assert _found(tables).reason == "no_scatter"


def test_state_does_not_depend_on_partitions_or_order() -> None:
    metric, table = make(ID), _sources(stars=100)["matched_source"]
    turn = np.random.default_rng(1).permutation(600)
    part = table["objectId"][turn] % 2
    parts = [
        metric.fold({"matched_source": {n: c[turn[part == k]] for n, c in table.items()}})
        for k in (0, 1)
    ]
    merged = metric.merge(parts[1], parts[0])
    assert state_digest(merged) == state_digest(metric.fold({"matched_source": table}))
