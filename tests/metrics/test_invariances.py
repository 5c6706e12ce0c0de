"""What must not matter: order, partitions, processes, where on the sky, the zero point."""

from __future__ import annotations

import functools
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyassay.metrics.contract import state_digest
from skyassay.metrics.family import PRODUCT, StarMetric
from skyassay.metrics.registry import load_metrics, make

DEGREE = 1.0 / 3.6e6
EVERY = sorted(
    (name, recipe)
    for name, plugin in load_metrics().items()
    for recipe in plugin.recipes
    if issubclass(plugin, StarMetric)
)
FOLDS = sorted({make(*which).state_key: which for which in EVERY}.values())


@pytest.fixture(scope="session")
def catalog(stars, joined):
    """Stars 5, 20 and 200 arcmin from a group, all around; three bands, holes, galaxies."""
    rng = np.random.default_rng(1)
    n, visits = 72, 5
    step = np.array([0.0, 5.0, 20.0, 200.0])[np.arange(n) % 4] / 60.0
    angle = rng.uniform(0, 2 * np.pi, n)
    ra = 150.0 + step * np.cos(angle) + rng.uniform(-3e-3, 3e-3, n)
    dec = step * np.sin(angle) + rng.uniform(-3e-3, 3e-3, n)
    mag = rng.uniform(17.3, 18.4, (n, 1))
    tables = []
    for k, band in enumerate("gri"):
        m = mag + rng.normal(0, 4e-3, (n, visits)) + rng.normal(0, 3e-3, (1, visits))
        m[rng.random(m.shape) < 0.05] = np.nan
        east, north = (rng.normal(0, 6, m.shape) * DEGREE for _ in "xy")
        tables.append(stars(m, ra[:, None] + east, dec[:, None] + north, band=band))
        tables[-1]["visit"] += 100 * k
    table = joined(*tables)
    rows = len(table["visit"])
    table["extendedness"] = (rng.random(n + 1) < 0.05)[table["objectId"]].astype(float)
    table["pixelFlags_cr"] = rng.random(rows) < 0.005
    table["psfFlux"][rng.random(rows) < 0.003] = np.nan
    return table


def partitions(table, count, seed):
    """Return the rows by object in so many parts, rows and parts in random order."""
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(len(table["objectId"]))
    part = rng.permutation(10_000)[table["objectId"]] % count
    rows = [shuffled[part[shuffled] == k] for k in rng.permutation(count)]
    return [{PRODUCT: {name: c[r] for name, c in table.items()}} for r in rows]


def result(metric, parts):
    state = functools.reduce(metric.merge, map(metric.fold, parts), metric.zero())
    return state_digest(state), metric.finish(state, {})


@pytest.mark.parametrize(("name", "recipe"), EVERY)
def test_partitions_and_order_do_not_matter(catalog, name, recipe) -> None:
    metric = make(name, recipe)
    whole = result(metric, [{PRODUCT: catalog}])
    assert whole[1]
    for count in (1, 7, 64):
        assert result(metric, partitions(catalog, count, seed=count)) == whole


@given(count=st.integers(1, 80), seed=st.integers(0, 10_000))
def test_any_partitions(catalog, count, seed) -> None:
    metric = make("photometry.repeatability.pa1")
    parts = partitions(catalog, count, seed)
    assert result(metric, parts) == result(metric, [{PRODUCT: catalog}])


def test_the_catalog_measures_everything(catalog) -> None:
    """Else the tests here would compare reasons, not values."""
    for name, recipe in EVERY:
        found = result(make(name, recipe), [{PRODUCT: catalog}])[1]
        reasons = {m.reason for m in found if m.status == "NOT_MEASURED"}
        assert reasons <= {"not_in_recipe"}


@pytest.mark.parametrize(("name", "recipe"), FOLDS)
def test_zero_and_empty_parts_are_neutral(catalog, name, recipe) -> None:
    metric = make(name, recipe)
    some = metric.fold({PRODUCT: catalog})
    empty = metric.fold({PRODUCT: {k: v[:0] for k, v in catalog.items()}})
    assert state_digest(empty) == state_digest(metric.zero())
    for other in (metric.merge(some, empty), metric.merge(metric.zero(), some)):
        assert state_digest(other) == state_digest(some)
    assert metric.finish(metric.zero(), {}) == []


@pytest.mark.parametrize(("name", "recipe"), FOLDS)
def test_folding_leaves_the_table_alone(catalog, name, recipe) -> None:
    table = {k: v.copy() for k, v in catalog.items()}
    for column in table.values():
        column.flags.writeable = False
    make(name, recipe).fold({PRODUCT: table})
    for key, column in catalog.items():
        np.testing.assert_array_equal(table[key], column)


def test_finishing_twice_gives_the_same(catalog) -> None:
    for name, recipe in EVERY:
        metric = make(name, recipe)
        state = metric.fold({PRODUCT: catalog})
        before = state_digest(state)
        assert metric.finish(state, {}) == metric.finish(state, {})
        assert state_digest(state) == before


def test_other_processes_find_the_same(catalog) -> None:
    metrics = [make(*which) for which in FOLDS]
    parts = partitions(catalog, 4, seed=3)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        for metric in metrics:
            there = functools.reduce(metric.merge, pool.map(metric.fold, parts))
            here = functools.reduce(metric.merge, map(metric.fold, parts))
            assert state_digest(there) == state_digest(here)
            assert metric.finish(there, {}) == metric.finish(here, {})


def by_id(found):
    return {(m.band, m.component, *m.at.values()): m for m in found}


@pytest.mark.parametrize(("name", "recipe"), EVERY)
def test_the_sky_can_turn_through_right_ascension_zero(catalog, measure, name, recipe) -> None:
    moved = {**catalog, "coord_ra": (catalog["coord_ra"] + 209.99) % 360.0}
    before, after = (by_id(measure(name, t, recipe)) for t in (catalog, moved))
    assert before.keys() == after.keys()
    for key, m in before.items():
        assert after[key].n == m.n
        if m.status == "MEASURED" and "photometry" not in name:
            assert after[key].value == pytest.approx(m.value, rel=1e-6)
            if m.interval:
                assert after[key].interval.upper == pytest.approx(m.interval.upper, rel=1e-3)


def turned(table, dec):
    """Return the catalog with its middle at a declination, by a rigid rotation."""
    ra, d = np.radians(table["coord_ra"] - 150.0), np.radians(table["coord_dec"])
    x, y, z = np.cos(d) * np.cos(ra), np.cos(d) * np.sin(ra), np.sin(d)
    t = np.radians(dec)
    x, z = x * np.cos(t) - z * np.sin(t), x * np.sin(t) + z * np.cos(t)
    new_ra = np.degrees(np.arctan2(y, x)) % 360.0
    # exact at a pole too, where arcsin is not
    return {
        **table,
        "coord_ra": new_ra,
        "coord_dec": np.degrees(np.arctan2(z, np.hypot(x, y))),
    }


@pytest.mark.parametrize("dec", [60.0, -89.9, 90.0])
@pytest.mark.parametrize(
    ("name", "recipe"), [w for w in EVERY if "relative" in w[0] or "separations" in w[0]]
)
def test_separations_are_the_same_everywhere(catalog, measure, name, recipe, dec) -> None:
    before, after = (by_id(measure(name, t, recipe)) for t in (catalog, turned(catalog, dec)))
    for key, m in before.items():
        assert (after[key].status, after[key].n) == (m.status, m.n)
        if m.status == "MEASURED":
            assert after[key].value == pytest.approx(m.value, rel=1e-5)
            if m.interval:
                assert after[key].interval.upper == pytest.approx(m.interval.upper, rel=1e-3)


@pytest.mark.parametrize("dec", [60.0, -89.9, 90.0])
def test_position_offsets_keep_their_length_everywhere(catalog, measure, dec) -> None:
    """East and north turn at a pole; the sum of their squares does not."""

    def squares(table):
        found = by_id(measure("astrometry.band_to_band.ab1", table))
        return [found[b, "ra"].value ** 2 + found[b, "dec"].value ** 2 for b in "gi"]

    assert squares(turned(catalog, dec)) == pytest.approx(squares(catalog), rel=1e-5)


@pytest.mark.parametrize("recipe", ["srd", "faro", "validate_drp", "analysis_tools"])
@pytest.mark.parametrize("name", ["pa1", "pf1", "pa2"])
def test_the_zero_point_does_not_matter(catalog, measure, name, recipe) -> None:
    """A tenth of a magnitude keeps every star inside the cuts."""
    factor = 10 ** (0.1 / 2.5)
    moved = {
        **catalog,
        "psfFlux": catalog["psfFlux"] * factor,
        "psfFluxErr": catalog["psfFluxErr"] * factor,
    }
    metric = f"photometry.repeatability.{name}"
    before, after = (by_id(measure(metric, t, recipe)) for t in (catalog, moved))
    for key, m in before.items():
        assert after[key].n == m.n
        if m.status == "MEASURED":
            assert after[key].value == pytest.approx(m.value, rel=1e-6)


@pytest.mark.parametrize("factor", [0.5, 3.0])
@pytest.mark.parametrize("recipe", ["srd", "faro", "validate_drp", "analysis_tools"])
def test_scatter_scales_with_its_unit(stars, measure_one, recipe, factor) -> None:
    rng = np.random.default_rng(2)
    noise = rng.normal(0, 4e-3, (40, 5))
    pa1, scaled = (
        measure_one("photometry.repeatability.pa1", stars(18.0 + f * noise), recipe)
        for f in (1.0, factor)
    )
    assert scaled.value == pytest.approx(factor * pa1.value, rel=1e-6)
    if recipe == "srd":
        assert scaled.interval.upper == pytest.approx(factor * pa1.interval.upper, rel=1e-6)


def test_names_of_objects_and_visits_do_not_matter(catalog, measure) -> None:
    """Only which pairs are kept beyond a bound may depend on ids; here none are dropped."""
    renamed = {
        **catalog,
        "objectId": catalog["objectId"] * -7919 + 2**50,
        "visit": 10**12 - catalog["visit"],
    }
    for name in ("photometry.repeatability.pa1", "astrometry.relative.am1"):
        for recipe in ("srd", "faro", "analysis_tools"):
            before, after = (by_id(measure(name, t, recipe)) for t in (catalog, renamed))
            for key, m in before.items():
                assert after[key].value == pytest.approx(m.value, rel=1e-6)
