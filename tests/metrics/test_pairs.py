"""Pairs: who is paired with whom, and how far apart they are."""

from __future__ import annotations

import numpy as np
import pytest

from skyassay.metrics.astrometry.pairs import (
    MAS,
    distortion_basis,
    find_pairs,
    pairs_at,
    separations,
    tangent_axes,
)
from skyassay.metrics.selection import Selection
from skyassay.metrics.visit_table import sky_cells, visit_table

ARCMIN = np.pi / 180.0 / 60.0


def vectors(ra, dec):
    ra, dec = np.radians(ra), np.radians(dec)
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=-1)


def great_circle(ra1, dec1, ra2, dec2):
    """Return the distance in arcmin by the haversine formula."""
    ra1, dec1, ra2, dec2 = (np.radians(v) for v in (ra1, dec1, ra2, dec2))
    h = np.sin((dec2 - dec1) / 2) ** 2
    h = h + np.cos(dec1) * np.cos(dec2) * np.sin((ra2 - ra1) / 2) ** 2
    return 2 * np.arcsin(np.sqrt(h)) / ARCMIN


@pytest.mark.parametrize(("ra", "dec"), [(150.0, 2.0), (0.0, -60.0), (10.0, 89.99), (359.9, 0.0)])
def test_pairs_are_those_in_the_annulus(ra, dec) -> None:
    rng = np.random.default_rng(1)
    n = 300
    dec_i = np.clip(dec + rng.uniform(-0.1, 0.1, n), -90, 90)
    ra_i = (ra + rng.uniform(-0.1, 0.1, n) / np.cos(np.radians(dec_i))) % 360.0
    ends, available = find_pairs(vectors(ra_i, dec_i), np.arange(n), 5.0, 1.0, None)
    i, j = np.triu_indices(n, 1)
    apart = great_circle(ra_i[i], dec_i[i], ra_i[j], dec_i[j])
    want = {(a, b) for a, b, d in zip(i, j, apart, strict=True) if 4.0 <= d < 6.0}
    assert {tuple(p) for p in ends} == want
    assert available == len(ends) == len(want) > 1000


def test_the_annulus_is_closed_below_and_open_above() -> None:
    mean = vectors(np.zeros(3), np.array([0.0, 4.0001 / 60, -6.0001 / 60]))
    assert find_pairs(mean, np.arange(3), 5.0, 1.0, None)[0].tolist() == [[0, 1]]


def test_a_bound_keeps_the_same_pairs_whatever_the_order() -> None:
    rng = np.random.default_rng(2)
    mean = vectors(rng.uniform(0, 0.1, 80), rng.uniform(0, 0.1, 80))
    star = rng.permutation(10_000)[:80]
    ends, available = find_pairs(mean, star, 3.0, 1.0, 100)
    assert (len(ends), available > 500) == (100, True)
    everything, _ = find_pairs(mean, star, 3.0, 1.0, None)
    np.testing.assert_array_equal(everything[:100], ends)


def test_no_pairs_at_all() -> None:
    ends, available = find_pairs(vectors(np.zeros(2), np.array([0.0, 1.0])), np.arange(2), 5, 1, 9)
    assert (ends.shape, available) == ((0, 2), 0)


def table_of(stars, ra, dec, mag=18.0):
    return visit_table(Selection().apply(stars(mag, ra, dec)).bands["i"])


def test_separations_are_between_the_right_stars(stars) -> None:
    """One peer forgot to shift the inner index and measured distances between wrong stars.

    Each star moves by an amount of its own, so that a wrong partner has another separation.
    """
    rng = np.random.default_rng(3)
    dec = rng.uniform(0, 0.3, (40, 1)) + np.arange(40)[:, None] * np.arange(4) * 1e-7
    ra = rng.uniform(0, 0.3, (40, 1)) + np.zeros((1, 4))
    table = table_of(stars, ra, dec)
    ends, _ = find_pairs(table.mean_direction, table.star, 5.0, 1.0, None)
    found = separations(table, ends) / MAS / ARCMIN
    at = table.star[ends] - 1
    want = great_circle(ra[at[:, 0]], dec[at[:, 0]], ra[at[:, 1]], dec[at[:, 1]])
    assert len(ends) > 20
    np.testing.assert_allclose(found, want, rtol=1e-9)
    assert np.all((found > 3.99) & (found < 6.01))


def test_a_hundredth_of_a_milliarcsecond_is_seen(stars) -> None:
    dec = np.array([[0.0, 0.0], [5 / 60, 5 / 60 + 1e-2 / 3.6e6]])
    sep = separations(table_of(stars, 10.0, dec), np.array([[0, 1]]))[0]
    assert abs(sep[1] - sep[0]) == pytest.approx(1e-2, rel=1e-3)


def test_positions_are_averaged_across_zero(stars) -> None:
    """A mean of right ascensions, not of directions, puts 359.99999 and 0.00001 at 180."""
    table = table_of(stars, np.array([[359.99999, 0.00001], [0.08, 0.08]]), 0.0)
    where = table.mean_direction[table.star == 1][0]
    np.testing.assert_allclose(where, [1.0, 0.0, 0.0], atol=1e-9)
    assert len(pairs_at(table, 5.0, 1.0, None).ends) == 1


def test_positions_are_averaged_over_a_pole(stars) -> None:
    ra = np.array([[0.0, 180.0], [0.0, 0.0]])
    table = table_of(stars, ra, np.array([[89.9999, 89.9999], [90 - 5 / 60, 90 - 5 / 60]]))
    where = table.mean_direction[table.star == 1][0]
    np.testing.assert_allclose(where, [0.0, 0.0, 1.0], atol=1e-9)
    assert len(pairs_at(table, 5.0, 1.0, None).ends) == 1


def test_pairs_seen_together_less_than_twice_are_no_pairs(stars) -> None:
    """A published AM2 entered such pairs as 0.0 and was perfect."""
    mag = np.array([[18, 18, 18, 18.0], [np.nan, np.nan, 18, 18], [18, 18, np.nan, np.nan]])
    mag = np.vstack([mag, [[18, np.nan, np.nan, 18]]])
    table = table_of(stars, 10.0, np.array([[0.0], [5.0], [5.0], [5.0]]) / 60.0, mag)
    pairs = pairs_at(table, 5.0, 1.0, None)
    assert pairs.available == 3
    assert {frozenset(table.star[e]) for e in pairs.ends} == {
        frozenset(p) for p in ((1, 2), (1, 3), (1, 4))
    }
    far = table_of(stars, 10.0, np.array([[0.0], [0.0], [5.0], [5.0]]) / 60.0, mag)
    pairs = pairs_at(far, 5.0, 1.0, None)
    # 2 and 3 were never seen together, 2 and 4 once
    assert {frozenset(far.star[e]) for e in pairs.ends} == {frozenset((1, 3)), frozenset((1, 4))}
    assert pairs.separation.shape == (2, 4)


@pytest.mark.parametrize(("ra", "dec"), [(30.0, -20.0), (359.9, 0.0), (77.0, 90.0), (0.0, -90.0)])
def test_east_and_north_are_unit_and_square(ra, dec) -> None:
    d = vectors(np.array([ra]), np.array([dec]))
    east, north = tangent_axes(d)
    frame = np.stack([east[0], north[0], d[0]])
    np.testing.assert_allclose(frame @ frame.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(frame) == pytest.approx(1.0)


def test_east_is_the_way_of_growing_right_ascension() -> None:
    here, there = vectors(np.array([30.0]), np.array([40.0])), vectors(30.001, 40.0)
    assert (there - here[0]) @ tangent_axes(here)[0][0] > 0
    up = vectors(30.0, 40.001)
    assert (up - here[0]) @ tangent_axes(here)[1][0] > 0


def test_a_linear_distortion_stretches_pairs_as_the_basis_says() -> None:
    rng = np.random.default_rng(4)
    flat = rng.uniform(-1, 1, (50, 2)) * 10 * ARCMIN
    ends = np.stack([np.arange(25), np.arange(25, 50)], axis=1)
    scale, s1, s2 = 3e-6, 2e-6, -1e-6
    # stretch along a pair of position angle phi: scale - s1 cos 2phi + s2 sin 2phi
    moved = flat @ np.array([[scale + s1, s2], [s2, scale - s1]]).T
    d = flat[ends[:, 1]] - flat[ends[:, 0]]
    stretch = ((moved[ends[:, 1]] - moved[ends[:, 0]]) * d).sum(axis=1) / (d**2).sum(axis=1)
    mean = np.stack([np.ones(50), flat[:, 0], flat[:, 1]], axis=1)
    mean /= np.linalg.norm(mean, axis=1)[:, None]
    basis = distortion_basis(mean, ends)
    left = stretch - basis @ np.linalg.lstsq(basis, stretch, rcond=None)[0]
    assert np.abs(left).max() < 1e-3 * np.abs(stretch).max()
    normal = basis.T @ basis
    np.testing.assert_allclose(normal, np.diag(np.diag(normal)), atol=1e-9)
    assert np.all(basis[:, 0] == 1.0)


@pytest.mark.parametrize(("spread", "modes"), [(180.0, 3), (5.0, 1), (40.0, 2)])
@pytest.mark.parametrize("towards", [0.0, 33.0, 90.0])
def test_pairs_along_one_direction_cannot_tell_scale_from_shear(spread, modes, towards) -> None:
    """Two modes that stretch every pair alike are one term, not two independent ones."""
    angle = np.radians(towards + np.linspace(-spread / 2, spread / 2, 61)[:-1])
    far = 5 * ARCMIN * np.stack([np.sin(angle), np.cos(angle)], axis=1)
    mean = np.stack([np.ones(120), *np.vstack([np.zeros_like(far), far]).T], axis=1)
    mean /= np.linalg.norm(mean, axis=1)[:, None]
    basis = distortion_basis(mean, np.stack([np.arange(60), 60 + np.arange(60)], axis=1))
    assert basis.shape == (60, modes)


def test_no_pairs_have_no_modes_but_a_shape() -> None:
    none = np.empty((0, 2), dtype=np.intp)
    assert distortion_basis(vectors(np.zeros(2), np.zeros(2)), none).shape[0] == 0


def test_cells_are_fixed_on_the_sky() -> None:
    rng = np.random.default_rng(5)
    d = vectors(rng.uniform(10, 12, 900), rng.uniform(-1, 1, 900))
    whole = sky_cells(d)
    assert whole is not None
    assert 1 < len(np.unique(whole)) <= 75
    part = sky_cells(d[::2])
    assert part is not None
    if len(np.unique(part)) == len(np.unique(whole)):
        np.testing.assert_array_equal(part, whole[::2])
    assert sky_cells(d[:20]) is None


def test_a_dense_field_is_searched_by_fewer_stars(monkeypatch) -> None:
    """Those with the smallest hashes: the pairs are the ones that these stars have."""
    rng = np.random.default_rng(4)
    mean = vectors(150.0 + rng.uniform(-0.1, 0.1, 400), rng.uniform(-0.1, 0.1, 400))
    star = np.arange(400)
    whole, available = find_pairs(mean, star, 5.0, 1.0, 50)
    monkeypatch.setattr("skyassay.metrics.astrometry.pairs._MOST_PAIRS", 4_000)
    few, searched = find_pairs(mean, star, 5.0, 1.0, 50)
    assert len(whole) == len(few) == 50
    assert 50 < searched < available
    used = int(few.max()) + 1
    every, _ = find_pairs(mean[:used], star[:used], 5.0, 1.0, None)
    assert {tuple(p) for p in few} <= {tuple(p) for p in every}
