"""Isolated stars: found wherever they are, and the same however the rows come."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyassay.pipeline.association.errors import AssociationError
from skyassay.pipeline.association.isolated import IsolationConfig, isolated_stars
from skyassay.pipeline.association.sources import matched_sources
from skyassay.pipeline.astrometry.sphere import deproject, offsets

PLACES = [(53.0, -27.5), (0.0, 0.0), (359.9999, 60.0), (10.0, 90.0), (0.0, -89.99)]


def detections(east, north, flux, place=(53.0, -27.5), visits=6, seed=0, noise=0.02):
    """Return detections in `visits` visits, r and i by turns, of stars at offsets, arcsec."""
    rng = np.random.default_rng(seed)
    east, north, flux = (np.asarray(w, float) for w in (east, north, flux))
    n = len(east)
    xi, eta = (
        np.tile(w, visits) / 3600 + rng.normal(0, noise / 3600, n * visits) for w in (east, north)
    )
    ra, dec = deproject(xi, eta, *place)
    visit = np.repeat(np.arange(visits) + 2025010100001, n)
    return {
        "sourceId": np.arange(n * visits) * 7 + 100,
        "visit": visit,
        "detector": np.zeros(n * visits, int),
        "band": np.where(visit % 2 == 0, "r", "i"),
        "coord_ra": ra,
        "coord_dec": dec,
        "psfFlux": np.tile(flux, visits),
        "psfFluxErr": np.full(n * visits, 10.0),
        "extendedness": np.zeros(n * visits),
        "star": np.tile(np.arange(n), visits),
    }


def cut(table, rows):
    return {name: column[rows] for name, column in table.items()}


def spread(n, seed=1, side=200.0):
    """Return offsets of n stars at least 4 arcsec from each other."""
    rng = np.random.default_rng(seed)
    cells = rng.permutation(int(side / 6) ** 2)[:n]
    k = int(side / 6)
    at = np.stack([cells % k, cells // k]) * 6.0 + rng.uniform(0, 2, (2, n)) - side / 2
    return at[0], at[1], rng.uniform(500, 1e5, n)


@pytest.mark.parametrize("place", PLACES)
def test_every_star_is_one_with_all_its_detections(place):
    table = detections(*spread(80), place=place)
    found = isolated_stars(table)
    assert len(found.stars["ra"]) == 80
    assert np.all(found.stars["nsource"] == 6)
    assert np.all(found.stars["nsource_r"] == 3)
    own = table["star"][found.sources["row"]]
    by_star = own.reshape(80, 6)
    assert np.all(by_star == by_star[:, :1])
    assert len(np.unique(by_star[:, 0])) == 80
    # Its id is the smallest of its sources', its place their mean.
    np.testing.assert_array_equal(
        found.stars["isolated_star_id"], found.sources["sourceId"].reshape(80, 6).min(axis=1)
    )
    x, y, flux = spread(80)
    want = deproject(x[by_star[:, 0]] / 3600, y[by_star[:, 0]] / 3600, *place)
    off = offsets(found.stars["ra"], found.stars["dec"], *want)
    assert np.std(off) == pytest.approx(0.02 / np.sqrt(6), rel=0.2)
    np.testing.assert_allclose(found.stars["r_psfFlux"], flux[by_star[:, 0]])


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_neither_order_nor_partition_changes_a_star(seed):
    rng = np.random.default_rng(seed)
    n = 60
    # Crowded on purpose: pairs, blends and singles at random.
    table = detections(*rng.uniform(-15, 15, (2, n)), rng.lognormal(7, 2, n), noise=0.2, seed=seed)
    table = cut(table, rng.random(len(table["visit"])) < 0.8)
    whole = isolated_stars(table)
    order = rng.permutation(len(table["visit"]))
    other = isolated_stars(cut(table, order))
    for name, column in whole.stars.items():
        np.testing.assert_array_equal(column, other.stars[name], err_msg=name)
    np.testing.assert_array_equal(whole.sources["sourceId"], other.sources["sourceId"])
    np.testing.assert_array_equal(
        table["sourceId"][whole.sources["row"]], whole.sources["sourceId"]
    )
    np.testing.assert_array_equal(order[other.sources["row"]], whole.sources["row"])


def test_partitions_with_a_margin_give_the_same_stars():
    table = detections(*spread(200), noise=0.05)
    whole = isolated_stars(table)
    east = offsets(table["coord_ra"], table["coord_dec"], 53.0, -27.5)[0]
    parts = []
    for low, high in ((-1e3, 0.0), (0.0, 1e3)):
        part = isolated_stars(cut(table, (east > low - 10) & (east < high + 10)))
        at = offsets(part.stars["ra"], part.stars["dec"], 53.0, -27.5)[0]
        parts.append(part.select((at >= low) & (at < high)))
    for name, column in whole.stars.items():
        both = np.concatenate([p.stars[name] for p in parts])
        ids = np.concatenate([p.stars["isolated_star_id"] for p in parts])
        np.testing.assert_array_equal(both[np.argsort(ids)], column)
    assert sum(len(p.sources["visit"]) for p in parts) == len(whole.sources["visit"])


@pytest.mark.parametrize(
    ("apart", "flux", "isolated"),
    [
        (5.0, 1e4, 2),
        (1.5, 1e4, 0),
        # A neighbour a hundredth as bright does not matter; the faint one is not isolated.
        (1.5, 1e2, 1),
        (1.5, 9e2, 0),
        # Too near to be told apart: one group with two detections in each visit.
        (0.5, 1e4, 0),
    ],
)
def test_neighbours(apart, flux, isolated):
    found = isolated_stars(detections([0.0, apart], [0.0, 0.0], [1e4, flux]))
    assert len(found.stars["ra"]) == isolated
    assert sum(found.rejected.values()) == (1 if apart < 1 else 2 - isolated)


def test_an_artefact_in_one_visit_is_no_neighbour():
    table = detections([0.0, 1.5, 0.3], [0.0, 0.0, 0.0], [1e4, 1e4, 1e4])
    later = (table["visit"] > table["visit"].min()) & (table["star"] > 0)
    found = isolated_stars(cut(table, ~later), IsolationConfig(stray_share=0.3))
    # The visit with a second detection within the radius is left out: which one is the star?
    assert found.stars["nsource"].tolist() == [5]
    strict = isolated_stars(cut(table, ~later), IsolationConfig(stray_share=0.0))
    assert len(strict.stars["ra"]) == 0


def test_reasons_are_counted():
    table = detections([0.0, 10.0, 20.0, 30.0], [0.0] * 4, [1e4, 50.0, 1e4, 1e4])
    table["extendedness"][table["star"] == 2] = 1.0
    once = (table["star"] == 3) & (table["visit"] > table["visit"].min())
    found = isolated_stars(cut(table, ~once))
    assert len(found.stars["ra"]) == 1
    counted = {name: n for name, n in found.rejected.items() if n}
    assert counted == {"few_detections": 1, "faint": 1, "extended": 1}


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_rows(n):
    found = isolated_stars(cut(detections([0.0], [0.0], [1e4]), slice(0, n)))
    assert len(found.stars["ra"]) == (n == 2)
    assert len(found.sources["row"]) == (2 if n == 2 else 0)


def test_bad_tables_are_refused():
    table = detections([0.0], [0.0], [1e4])
    with pytest.raises(AssociationError) as found:
        isolated_stars({name: c for name, c in table.items() if name != "visit"})
    assert found.value.code == "bad_detections"
    table["sourceId"][1] = table["sourceId"][0]
    with pytest.raises(AssociationError) as found:
        isolated_stars(table)
    assert found.value.code == "duplicate_source"


def test_rows_that_are_not_finite_are_left_out():
    table = detections([0.0], [0.0], [1e4])
    table["coord_ra"][0] = table["psfFlux"][1] = np.nan
    assert isolated_stars(table).stars["nsource"].tolist() == [4]


@pytest.mark.parametrize("place", PLACES)
def test_sources_are_matched_by_place(place):
    table = detections(*spread(50), place=place)
    stars = isolated_stars(table).stars
    again = detections(*spread(50), place=place, seed=5)
    again["sourceId"] += 10**9
    got = matched_sources(again, stars)
    assert len(got["objectId"]) == 300
    key = np.unique(np.stack([got["objectId"], got["star"]]), axis=1)
    assert key.shape[1] == 50
    rng = np.random.default_rng(0)
    shuffled = matched_sources(cut(again, rng.permutation(300)), cut(stars, rng.permutation(50)))
    for name, column in got.items():
        np.testing.assert_array_equal(column, shuffled[name], err_msg=name)


def test_a_visit_has_one_source_of_a_star():
    stars = isolated_stars(detections([0.0], [0.0], [1e4])).stars
    two = detections([0.05, 0.6, 30.0], [0.0] * 3, [1e4] * 3, noise=0.0)
    two["coord_dec"][5] = np.nan
    got = matched_sources(two, stars)
    assert got["star"].tolist() == [0] * 6
    assert len(matched_sources(cut(two, slice(0)), stars)["objectId"]) == 0
    assert len(matched_sources(two, cut(stars, slice(0)))["objectId"]) == 0
    with pytest.raises(AssociationError):
        matched_sources({}, stars)
