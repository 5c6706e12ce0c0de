"""The compiled way of a selection gives the bytes of the numpy way."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from skyassay.metrics import selection_compiled
from skyassay.metrics.recipes import ASTROMETRY, BAND_TO_BAND, PHOTOMETRY
from skyassay.metrics.selection import FLAGS, Selection
from skyassay.metrics.selection_compiled import band_codes, select_stars
from skyassay.metrics.states.star_counts import Counts, counted

RECIPES = {
    f"{family}-{name}": Selection.from_recipe(recipe["selection"])
    for family, recipes in (("pa", PHOTOMETRY), ("am", ASTROMETRY), ("ab", BAND_TO_BAND))
    for name, recipe in recipes.items()
}
ODD = {
    "everything ignored": Selection(unusable="ignore", flags="ignore", min_visits=1),
    "wide signal to noise": Selection(snr=(90.0, 110.0)),
    "unusable rejects": Selection(unusable="reject_object", extendedness_statistic="median"),
}


@pytest.fixture(scope="module")
def catalog(stars, joined):
    """Everything that can be wrong with a row, at every cut; by object and visit."""
    rng = np.random.default_rng(7)
    tables = []
    for k, band in enumerate("ugri"):
        # as many visits as numpy's sums take in one, two and more pieces
        mag = rng.uniform(15.5, 22.0, (120, 1)) + rng.normal(0.0, 0.02, (120, 300))
        visits = rng.integers(0, [[3], [9], [40], [301]] * 30)
        mag[np.arange(300) >= visits] = np.nan
        tables.append(stars(mag, band=band))
        tables[-1]["visit"] = tables[-1]["visit"] * 4 + k
    table = joined(*tables)
    n = len(table["visit"])
    table["psfFluxErr"] = table["psfFlux"] / rng.choice([60.0, 100.0, 110.0, 250.0], n)
    table["extendedness"] = rng.choice([0.0, 1.0, np.nan, -np.inf], n, p=[0.994, 2e-3, 2e-3, 2e-3])
    for column, value in (("psfFlux", -1.0), ("psfFlux", np.inf), ("coord_ra", np.nan)):
        table[column][rng.random(n) < 2e-3] = value
    for name in FLAGS:
        table[name] = rng.random(n) < 1e-3
    return table


def in_order(table, taken):
    return taken(table, np.lexsort((table["visit"], table["objectId"])))


@pytest.mark.parametrize("name", [*RECIPES, *ODD])
def test_bytes_are_the_same(catalog, taken, name) -> None:
    selection = {**RECIPES, **ODD}[name]
    want = selection.apply_numpy(catalog)
    assert sum(b.n_stars > 0 for b in want.bands.values()) >= 2
    for table in (in_order(catalog, taken), catalog):
        assert select_stars(selection, table).to_bytes() == want.to_bytes()


def test_beyond_the_bound_too(catalog, taken, monkeypatch) -> None:
    """Which stars are kept, and the counts of all of them."""
    from skyassay.metrics.states import star_sample

    bound = 300
    monkeypatch.setattr(selection_compiled, "ROW_BOUND", bound)
    whole = ODD["everything ignored"].apply_numpy(catalog)
    found = select_stars(ODD["everything ignored"], in_order(catalog, taken))
    for name, band in whole.bands.items():
        cut = star_sample.sorted_band(band, bound)
        assert cut.counts is not None
        assert found.bands[name].counts.scatter.total == cut.n_stars - lonely(band)
        wanted = star_sample.StarSample({name: cut})
        assert star_sample.StarSample({name: found.bands[name]}).to_bytes() == wanted.to_bytes()


def lonely(band) -> int:
    return int((np.unique(band.star, return_counts=True)[1] == 1).sum())


def test_two_rows_of_one_visit_are_left_to_numpy(catalog, joined, taken) -> None:
    twice = joined(catalog, taken(catalog, [0]))
    selection = Selection()
    assert select_stars(selection, twice) is None
    assert selection.apply(twice).to_bytes() == selection.apply(catalog).to_bytes()


def test_large_tables_take_the_compiled_way(catalog, monkeypatch) -> None:
    monkeypatch.setattr("skyassay.metrics.selection.COMPILED_ROWS", 10)
    monkeypatch.setattr(Selection, "apply_numpy", lambda *_: pytest.fail("numpy"))
    assert Selection().apply(catalog).bands.keys() == set("ugri")


@pytest.mark.parametrize("dtype", ["U1", "U7", "S1", object])
def test_bands_are_numbered_in_order(dtype) -> None:
    names, code = band_codes(np.array(["r", "g", "r", "y"]).astype(dtype))
    assert names == ["g", "r", "y"]
    assert code.tolist() == [1, 0, 1, 2]
    assert band_codes(np.arange(300).astype(str)) is None


def test_a_histogram_knows_fractions_to_a_tenth_of_a_percent() -> None:
    size = np.abs(np.random.default_rng(1).normal(0.0, 5.0, 200_000))
    counts = counted(size)
    for limit in (0.3, 4.0, 15.0):
        beyond = float((size > limit).mean())
        assert counts.fraction_beyond(limit) == pytest.approx(beyond, abs=2e-4)
        assert counts.fraction_beyond(counts.reach(beyond)) == pytest.approx(beyond, abs=1e-9)
        assert counts.reach(beyond) == pytest.approx(limit, rel=2e-3)
    both = counted(size[:7]) + counted(size[7:])
    np.testing.assert_array_equal(both.number, counts.number)
    assert [f.name for f in dataclasses.fields(Counts)] == ["number"]


@pytest.mark.parametrize("size", [0.0, 1e-9, 1e30, np.inf])
def test_what_has_no_bin_of_its_own_is_counted(size) -> None:
    counts = counted(np.array([size]))
    assert counts.total == 1
    assert counts.fraction_beyond(5.0) == float(size > 5.0)
