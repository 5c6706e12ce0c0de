"""Scatter of faint objects in bins of signal to noise, with a known answer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from skyassay.metrics.contract import Measurement, state_digest
from skyassay.metrics.registry import make

F = "photometry.faint."
Tables = dict[str, dict[str, Any]]


def _sources(snr: float = 15.0, objects: int = 3000, visits: int = 4, seed: int = 0) -> Tables:
    rng = np.random.default_rng(seed)
    shape = (objects, visits)
    flux = 1000.0 * (1.0 + rng.standard_normal(shape) / snr)
    rows = objects * visits
    return {
        "matched_source": {
            "objectId": np.repeat(np.arange(objects), visits),
            "visit": np.tile(np.arange(visits), objects),
            "band": np.full(rows, "r"),
            "psfFlux": flux.ravel(),
            "psfFluxErr": np.full(rows, 1000.0 / snr),
            "cModelFlux": flux.ravel(),
            "cModelFluxErr": np.full(rows, 1000.0 / snr),
            "extendedness": np.zeros(rows),
        }
    }


def _found(tables: Tables, name: str = "psf_star", recipe: str | None = None):
    metric = make(F + name, recipe)
    found: list[Measurement] = metric.finish(metric.fold(tables), {})
    return {m.component: m for m in found}


@pytest.mark.parametrize("visits", [3, 12])
def test_the_photon_noise_is_found_whatever_the_number_of_visits(visits: int) -> None:
    found = _found(_sources(30.0, visits=visits))
    assert found["20-40"].value == pytest.approx(1085.7 / 30.0, rel=0.03)
    assert found["5-10"].reason == "too_few_objects"


def test_faro_keeps_the_small_sample_bias() -> None:
    ours, theirs = (_found(_sources(30.0), recipe=r)["20-40"].value for r in ("srd", "faro"))
    # median of the ddof-0 deviation of four normal values
    assert theirs / ours == pytest.approx(0.7691, rel=0.01)


def test_bins_are_of_the_object_s_median_and_flags_are_dropped() -> None:
    tables = _sources()
    table = tables["matched_source"]
    table["pixelFlags_cr"] = np.arange(len(table["visit"])) % 4 == 0
    table["psfFlux"][table["pixelFlags_cr"]] *= 5.0
    assert _found(tables)["10-20"].value == pytest.approx(1085.7 / 15.0, rel=0.05)


def test_galaxies_and_stars_are_kept_apart() -> None:
    tables = _sources()
    tables["matched_source"]["extendedness"][:] = 1.0
    assert _found(tables)["10-20"].status == "NOT_MEASURED"
    assert _found(tables, "model_star")["10-20"].status == "NOT_MEASURED"
    galaxy = _found(tables, "model_galaxy")["10-20"]
    assert galaxy.value == pytest.approx(1085.7 / 15.0, rel=0.05)


def test_copies_and_nothing_do_not_count() -> None:
    tables = _sources()
    tables["matched_source"]["psfFlux"] = np.full(12000, 1000.0)
    assert _found(tables)["10-20"].reason == "no_scatter"
    tables["matched_source"]["psfFlux"] = np.full(12000, np.nan)
    assert {m.reason for m in _found(tables).values()} == {"too_few_objects"}
    empty = {n: c[:0] for n, c in tables["matched_source"].items()}
    assert _found({"matched_source": empty}) == {}


def test_state_does_not_depend_on_partitions_or_order() -> None:
    metric, table = make(F + "psf_star"), _sources(objects=200)["matched_source"]
    turn = np.random.default_rng(1).permutation(800)
    part = table["objectId"][turn] % 3
    parts = [
        metric.fold({"matched_source": {n: c[turn[part == k]] for n, c in table.items()}})
        for k in range(3)
    ]
    merged = metric.merge(metric.merge(parts[1], parts[2]), parts[0])
    assert state_digest(merged) == state_digest(metric.fold({"matched_source": table}))
