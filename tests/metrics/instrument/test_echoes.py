"""Xtalk and GhostAF: the true value is inside, noise does not look like an echo."""

from __future__ import annotations

import numpy as np
import pytest

from skyassay.metrics.contract import state_digest
from skyassay.metrics.registry import make

XTALK, GHOSTS = "instrument.crosstalk.residual", "instrument.ghosts.area"


def echoes(seed=0, visits=14, pairs=24, stars=2, coupling=0.0, scatter=1.0, brightest=8000.0):
    """Rows of pairs of amplifiers; the first pair couples."""
    rng = np.random.default_rng(seed)
    visit, pair, star = (a.ravel() for a in np.indices((visits, pairs, stars)))
    error = rng.uniform(80.0, 120.0, len(visit))
    bright = error * brightest / (1.0 + star)
    true = np.where(pair == 0, coupling, 0.0) * bright
    return {
        "visit": visit,
        "detector": pair // 12,
        "sourceAmp": pair % 4,
        "targetAmp": 4 + pair // 4 % 3,
        "aggressorFlux": bright,
        "psfFlux": true + scatter * error * rng.standard_normal(len(visit)),
        "psfFluxErr": error,
    }


def measure(name, product, table):
    metric = make(name)
    return metric.finish(metric.fold({product: table}), {})


def xtalk(**more):
    (found,) = measure(XTALK, "crosstalk_residual", echoes(**more))
    return found


def test_noise_alone_is_well_below_three_sigma() -> None:
    found = [xtalk(seed=s) for s in range(20)]
    assert max(m.interval.upper for m in found) < 3.0
    assert all(m.diagnostics["n_pairs"] == 24 for m in found)
    assert np.mean([m.diagnostics["reduced_chi2"] for m in found]) == pytest.approx(1.0, abs=0.05)
    # A single place would not do: some of them are beyond 3 sigma in every sample.
    assert np.mean([m.diagnostics["rms_significance"] for m in found]) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("truth", [2.0, 6.0])
def test_the_interval_holds_the_echo_of_the_brightest_star(truth) -> None:
    inside = 0
    for seed in range(40):
        table = echoes(seed=seed, coupling=0.0)
        first = (table["detector"] == 0) & (table["sourceAmp"] == 0) & (table["targetAmp"] == 4)
        top = (table["aggressorFlux"] / table["psfFluxErr"])[first].max()
        found = xtalk(seed=seed, coupling=-truth / top)
        inside += found.interval.low <= truth <= found.interval.high
        assert found.value == pytest.approx(truth, abs=1.5)
    assert inside >= 36


def test_understated_errors_widen_the_interval() -> None:
    right, wrong = xtalk(scatter=1.0), xtalk(scatter=3.0)
    assert wrong.diagnostics["reduced_chi2"] == pytest.approx(9.0, rel=0.2)
    assert wrong.interval.upper > 2.5 * right.interval.upper


def test_the_worst_pair_is_named() -> None:
    found = xtalk(coupling=2e-3)
    assert found.value == pytest.approx(16.0, abs=1.0)
    worst = [found.diagnostics[f"worst_{n}"] for n in ("detector", "sourceAmp", "targetAmp")]
    assert worst == [0, 0, 4]
    metric = make(XTALK)
    evidence = metric.evidence(metric.fold({"crosstalk_residual": echoes(coupling=2e-3)}))[""]
    assert np.abs(evidence["value"]).max() == pytest.approx(found.value)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"visits": 2}, "too_few_visits"),
        ({"pairs": 4}, "too_few_pairs"),
        ({"stars": 1, "visits": 3, "pairs": 12}, "too_few_echoes"),
    ],
)
def test_too_little_is_not_measured(change, reason) -> None:
    assert xtalk(**change).reason == reason


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *(
            (c, v)
            for c in ("psfFlux", "psfFluxErr", "aggressorFlux")
            for v in (np.nan, np.inf, 0.0)
        ),
        ("psfFluxErr", -1.0),
        ("aggressorFlux", -1.0),
    ],
)
def test_unsound_rows_are_refused(column, value) -> None:
    table = echoes()
    table[column] = np.full(len(table["visit"]), value)
    (found,) = measure(XTALK, "crosstalk_residual", table)
    assert found.status == "NOT_MEASURED"
    assert found.hint


def ghosts(seed=0, visits=10, detectors=9, share=0.3):
    rng = np.random.default_rng(seed)
    visit, detector = (a.ravel() for a in np.indices((visits, detectors)))
    own = rng.gamma(4.0, share / 4.0, visits)[visit]
    total = rng.integers(800_000, 1_000_000, len(visit))
    return {
        "visit": visit,
        "detector": detector,
        "nPixel": total,
        "nPixelGhost": rng.binomial(total, np.clip(own / 100.0, 0.0, 1.0)),
        "skyNoise": np.full(len(visit), 80.0),
    }


def area(table):
    (found,) = measure(GHOSTS, "ghost_area", table)
    return found


def test_share_is_that_of_all_pixels_and_visits_count() -> None:
    table = ghosts()
    found = area(table)
    exact = 100.0 * table["nPixelGhost"].sum() / table["nPixel"].sum()
    assert found.value == pytest.approx(exact, rel=1e-12)
    assert found.interval.low < found.value < found.interval.high
    assert found.diagnostics["n_units"] == 10
    inside = [area(ghosts(seed=s)).interval for s in range(60)]
    assert sum(i.low <= 0.3 <= i.high for i in inside) >= 50


def test_ghosts_that_nobody_counted_or_too_few_visits() -> None:
    table = ghosts()
    none = table | {"nPixelGhost": np.zeros_like(table["nPixelGhost"])}
    assert area(none).reason == "no_gradients"
    assert area(ghosts(visits=2)).reason == "too_few_visits"
    lost = table | {"skyNoise": np.where(table["detector"] == 0, np.nan, 80.0)}
    assert area(lost).reason == "rows_incomplete"
    assert area(table | {"nPixelGhost": table["nPixel"] + 1}).reason == "rows_incomplete"


@pytest.mark.parametrize(
    ("name", "product", "table"),
    [(XTALK, "crosstalk_residual", echoes()), (GHOSTS, "ghost_area", ghosts())],
)
def test_order_and_partitions_do_not_matter(name, product, table) -> None:
    metric = make(name)
    whole = metric.fold({product: table})
    mixed = np.random.default_rng(3).permutation(len(table["visit"]))
    state = metric.zero()
    for rows in (mixed[50:], mixed[:10], mixed[10:50], mixed[:0]):
        state = metric.merge(metric.fold({product: {k: v[rows] for k, v in table.items()}}), state)
    assert state_digest(state) == state_digest(whole)
    assert metric.finish(metric.zero(), {}) == []
