"""PA3, PF2, PA4 on samples whose population value is known, and on what must not pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from skyassay.metrics.contract import Measurement, state_digest
from skyassay.metrics.registry import make
from skyassay.simulator.samples.model import Draw
from skyassay.simulator.samples.zero_points import draw_pa3, sky_sample

U = "photometry.uniformity."
Tables = dict[str, dict[str, Any]]


def _sample(size: int = 12, target: float = 6.0, seed: int = 0, share: float = 0.5) -> Tables:
    made: Mapping[str, Any] = draw_pa3(Draw({"g": target, "u": target}, size, seed, share))
    return {name: dict(table) for name, table in made.items()}


def _found(metric: str, tables: Tables, at: Any = None) -> dict[str, Measurement]:
    one = make(U + metric)
    return {str(m.band): m for m in one.finish(one.fold(tables), at or {})}


def _rows(tables: Tables, keep: np.ndarray) -> Tables:
    return {n: {c: v[keep] for c, v in t.items()} for n, t in tables.items()}


def test_the_known_scatter_is_found_with_the_global_offset_ignored() -> None:
    tables = _sample(size=60)
    for name in ("g_psfFlux", "g_psfFluxErr"):
        tables["object"][name] = tables["object"][name] * 1.05
    found = _found("pa3", tables)
    assert found["g"].value == pytest.approx(6.0, rel=0.25)
    assert found["g"].interval is not None
    assert found["g"].interval.low < 6.0 < found["g"].interval.high
    assert found["g"].diagnostics["mean_error"] == pytest.approx(-53.0, abs=3.0)
    assert found["g"].diagnostics["n_units"] == 60


def test_fraction_and_limit_are_two_views_of_one_thing() -> None:
    tables = _sample(target=8.0, seed=4)
    fraction = _found("pf2", tables, {"PA4": {"g": (10.0,)}})["g"].value
    assert fraction is not None
    assert 0.0 < fraction < 100.0
    at = {"PF2": {"g": (fraction,)}}
    assert _found("pa4", tables, at)["g"].value == pytest.approx(10.0, abs=3.0)
    assert (_found("pa4", tables, at)["g"].value or 99.0) <= 10.0


def test_state_does_not_depend_on_partitions_or_order() -> None:
    metric, tables = make(U + "pa3"), _sample(size=3)
    count = len(tables["object"]["objectId"])
    turn = np.random.default_rng(0).permutation(count)
    parts = [metric.fold(_rows(tables, turn[k::3])) for k in range(3)]
    merged = metric.merge(metric.merge(parts[2], parts[0]), parts[1])
    assert state_digest(merged) == state_digest(metric.fold(tables))


def test_galaxies_and_strangers_do_not_count() -> None:
    tables = _sample(size=4)
    before = _found("pa3", tables)["g"].value
    extra = {c: np.concatenate([v, v[:500]]) for c, v in tables["object"].items()}
    extra["objectId"] = np.arange(1, len(extra["objectId"]) + 1)
    extra["g_psfFlux"][-500:] *= 2.0
    assert _found("pa3", {**tables, "object": extra})["g"].value == before


def test_variable_and_flagged_stars_are_left_out() -> None:
    tables = _sample(size=4)
    count = len(tables["object"]["objectId"])
    bad = np.zeros(count, dtype=bool)
    bad[::5] = True
    tables["truth_star"]["isVariable"] = bad
    found = _found("pa3", tables)["g"]
    assert (found.status, found.reason) == ("NOT_MEASURED", "too_few_cells")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("copies", "no_scatter"),
        ("one_region", "too_few_regions"),
        ("few_stars", "too_few_cells"),
        ("all_nan", "no_stars"),
        ("no_band", "no_band_columns"),
    ],
)
def test_what_must_not_pass(change: str, reason: str) -> None:
    tables = _sample(size=4)
    table, truth = tables["object"], tables["truth_star"]
    if change == "copies":
        for b in "gu":
            table[f"{b}_psfFlux"] = np.float32(10.0 ** (0.4 * (31.4 - truth[f"{b}_mag"])))
    elif change == "one_region":
        sample = sky_sample(Draw({}, 1, 0), {"g": 0.0}, {"g": 5.0}, cells=16, stars=50)
        tables = {n: dict(t) for n, t in sample.items()}
    elif change == "few_stars":
        tables = _rows(tables, np.arange(len(table["objectId"])) % 50 < 49)
    elif change == "all_nan":
        for b in "gu":
            table[f"{b}_psfFlux"] = np.full(len(table["objectId"]), np.nan)
    else:
        for b in "gu":
            del table[f"{b}_psfFluxErr"]
    for m in _found("pa3", tables).values():
        assert (m.status, m.reason) == ("NOT_MEASURED", reason)
        assert m.hint


def test_many_noisy_cells_are_no_measurement() -> None:
    tables = _sample(size=4, target=2.0)
    noise = 60.0 * np.random.default_rng(5).standard_normal(len(tables["object"]["objectId"]))
    tables["object"]["g_psfFlux"] = tables["object"]["g_psfFlux"] * 10.0 ** (-0.4e-3 * noise)
    found = _found("pa3", tables)
    assert found["g"].reason == "noisy_cells"
    assert found["u"].status == "MEASURED"


def test_a_cell_that_is_torn_apart_is_not_left_out() -> None:
    tables = _sample(size=6, target=1.0)
    tables["object"]["g_psfFlux"][:25] *= 1.2  # half of the first cell's stars
    torn = _found("pa3", tables)["g"]
    assert torn.n == 48
    assert (torn.value or 0.0) > 8.0


def test_no_row_is_no_measurement() -> None:
    empty = _rows(_sample(size=3), np.zeros(0, dtype=int))
    assert _found("pa3", empty) == {}


def test_evidence_is_a_row_per_cell() -> None:
    metric, tables = make(U + "pa3"), _sample(size=5)
    table = metric.evidence(metric.fold(tables))["g"]  # type: ignore[attr-defined]
    assert {"value", "ra", "dec"} <= set(table)
    assert len(table["value"]) == 40
    assert abs(table["value"].mean()) < 1e-9


def test_cells_whose_fluxes_are_missing_are_not_left_out_in_silence() -> None:
    tables = _sample(size=20)
    some = tables["object"]["coord_ra"] % 1.0 < 0.4
    gone = np.where(some, np.nan, tables["object"]["g_psfFlux"])
    sound = _found("pa3", tables)
    tables["object"]["g_psfFlux"] = gone
    found = _found("pa3", tables)
    assert (found["g"].status, found["g"].reason) == ("NOT_MEASURED", "fluxes_missing")
    assert found["u"].value == sound["u"].value
