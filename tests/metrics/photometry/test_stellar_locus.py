"""Widths of loci whose line and scatter are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from skyassay.metrics.contract import Measurement, state_digest
from skyassay.metrics.registry import make
from skyassay.metrics.statistics import locus

L = "photometry.stellar_locus."
Tables = dict[str, dict[str, Any]]


def _stars(count: int = 4000, width: float = 0.02, noise: float = 0.0, seed: int = 0) -> Tables:
    """Return stars on r-i = 0.483 (g-r) - 0.042 with a scatter across the line."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(0.1, 1.2, count)
    across = width * rng.standard_normal(count)
    tilt = np.sqrt(1.0 + 0.483**2)
    gr, ri = x - 0.483 / tilt * across, 0.483 * x - 0.042 + across / tilt
    r = np.full(count, 18.0)
    mags = {"g": r + gr, "r": r, "i": r - ri, "z": r - ri - 0.1}
    table: dict[str, Any] = {"objectId": np.arange(count)}
    for b, mag in mags.items():
        flux = 10.0 ** (0.4 * (31.4 - mag - noise * rng.standard_normal(count)))
        table |= {f"{b}_psfFlux": flux, f"{b}_psfFluxErr": flux * max(noise, 1e-4) / 1.0857}
        table[f"{b}_extendedness"] = np.zeros(count)
    return {"object": table}


def _found(tables: Tables, recipe: str | None = None, name: str = "wperp") -> Measurement:
    metric = make(L + name, recipe)
    (only,) = metric.finish(metric.fold(tables), {})
    return only


@pytest.mark.parametrize("recipe", ["srd", "analysis_tools", "faro"])
def test_every_recipe_finds_the_width_of_a_normal_locus(recipe: str) -> None:
    assert _found(_stars(), recipe).value == pytest.approx(20.0, rel=0.05)


def test_ours_takes_the_noise_out_and_theirs_does_not() -> None:
    # The noise must pass the cut on S/N of 300.
    tables = _stars(width=0.004, noise=0.003)
    weights = np.array([0.483, -1.483, 1.0])
    noise = 3.0 * np.sqrt(np.square(weights).sum() / (1.0 + 0.483**2))
    assert _found(tables).value == pytest.approx(4.0, rel=0.08)
    theirs = _found(tables, "analysis_tools").value
    assert theirs == pytest.approx(float(np.hypot(4.0, noise)), rel=0.05)


def test_outliers_do_not_widen_it_and_galaxies_do_not_count() -> None:
    tables = _stars()
    before = _found(tables).value
    tables["object"]["i_psfFlux"][::20] *= 1.2
    assert _found(tables).value == pytest.approx(before, rel=0.1)
    tables["object"]["r_extendedness"][:] = np.nan
    assert _found(tables).reason == "too_few_stars"


def test_a_line_without_scatter_is_no_measurement() -> None:
    assert _found(_stars(width=0.0)).reason == "no_scatter"


@pytest.mark.parametrize("name", ["xperp", "yperp"])
def test_blue_stars_are_not_on_the_red_loci(name: str) -> None:
    assert _found(_stars(50), name=name).reason == "too_few_stars"


def test_state_does_not_depend_on_partitions() -> None:
    metric, table = make(L + "wperp"), _stars(500)["object"]
    turn = np.random.default_rng(1).permutation(500)
    parts = [metric.fold({"object": {n: c[turn[k::2]] for n, c in table.items()}}) for k in (0, 1)]
    merged = metric.merge(parts[1], parts[0])
    assert state_digest(merged) == state_digest(metric.fold({"object": table}))


def test_a_principal_axis_does_not_care_which_axis_is_which() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.standard_normal((2, 300)) * np.array([[3.0], [0.5]])
    a, b = locus.orthogonal_line(x + y, x - y), locus.orthogonal_line(x - y, x + y)
    assert a.slope == pytest.approx(1.0 / b.slope)
    assert np.std(a.distance(x + y, x - y)) == pytest.approx(0.5 * np.sqrt(2.0), rel=0.1)
