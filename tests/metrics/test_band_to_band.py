"""AB1, ABF1 and AB2 in both readings: positions see an offset, separations do not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

BB = "astrometry.band_to_band."
DEGREE = 1.0 / 3.6e6


@pytest.fixture(scope="session")
def two_bands(stars, joined, field):
    """Make the same stars in r and i, normal errors in mas, i displaced by `offset` east."""

    def make(n_stars, visits, own, *, shared=0.0, offset=0.0, bands=("r", "i"), seed=0):
        rng = np.random.default_rng(seed)
        ra, dec = field(n_stars, 5.0, seed)
        tables = []
        for k, (band, n) in enumerate(zip(bands, visits, strict=True)):
            east, north = (
                rng.normal(0, shared, (1, n)) + rng.normal(0, own, (n_stars, n)) for _ in "xy"
            )
            east = east + (offset if k else 0.0)
            tables.append(
                stars(
                    18.0,
                    ra + east * DEGREE,
                    dec + north * DEGREE,
                    shape=(n_stars, n),
                    band=band,
                    first_visit=100 * k,
                )
            )
        return joined(*tables)

    return make


def by_component(found):
    return {m.component: m for m in found}


@pytest.mark.parametrize("visits", [(3, 3), (12, 5)])
def test_ab1_is_the_rms_of_a_single_difference(two_bands, measure, visits) -> None:
    found = by_component(measure(BB + "ab1", two_bands(600, visits, 5.0)))
    assert set(found) == {"ra", "dec"}
    for m in found.values():
        assert m.band == "i"
        assert m.value == pytest.approx(5.0 * np.sqrt(2.0), rel=0.05)


def test_positions_see_a_constant_offset_in_full(two_bands, measure) -> None:
    """The scatter of a distance, as one peer has it, cannot see that a band is displaced."""
    table = two_bands(200, (6, 6), 2.0, offset=30.0)
    found = by_component(measure(BB + "ab1", table))
    assert found["ra"].value == pytest.approx(np.sqrt(30.0**2 + 8.0), rel=0.01)
    assert found["dec"].value == pytest.approx(np.sqrt(8.0), rel=0.05)
    assert found["ra"].diagnostics["offset"] == pytest.approx(30.0, abs=0.2)
    assert found["ra"].interval.lower > 25.0
    (faro,) = measure(BB + "ab1", table, "faro")
    assert faro.value < 3.5


def test_separations_do_not_see_a_constant_offset(two_bands, measure_one) -> None:
    values = [
        measure_one(BB + "ab1_separations", two_bands(80, (6, 6), 2.0, offset=o)).value
        for o in (0.0, 30.0)
    ]
    assert values[0] == pytest.approx(2.0 * 2.0, rel=0.05)
    assert values[1] == pytest.approx(values[0], rel=1e-4)


@pytest.mark.parametrize("offset", [0.0, -20.0])
def test_fraction_and_limit_of_positions(two_bands, measure, offset) -> None:
    table = two_bands(500, (8, 8), 6.0, offset=offset)
    sigma = 6.0 * np.sqrt(2.0)
    abf = by_component(measure(BB + "abf1", table, at={"AB2": {"i": (15.0,)}}))
    want = 100.0 * (norm.sf((15.0 - offset) / sigma) + norm.cdf((-15.0 - offset) / sigma))
    assert abf["ra"].value == pytest.approx(want, rel=0.06)
    assert abf["dec"].value == pytest.approx(200.0 * norm.sf(15.0 / sigma), rel=0.1)
    ab2 = by_component(measure(BB + "ab2", table, at={"ABF1": {"i": (10.0,)}}))
    assert ab2["dec"].value == pytest.approx(sigma * norm.isf(0.05), rel=0.05)
    if offset:
        assert ab2["ra"].value == pytest.approx(20.0 + sigma * norm.isf(0.1), rel=0.05)


def test_fraction_and_limit_agree(two_bands, measure) -> None:
    for seed in range(4):
        table = two_bands(40, (4, 3), 9.0, shared=4.0, seed=seed)
        for reading in ("", "_separations"):
            abf = measure(f"{BB}abf1{reading}", table, at={"AB2": {"i": (20.0,)}})
            ab2 = measure(f"{BB}ab2{reading}", table, at={"ABF1": {"i": (10.0,)}})
            for f, limit in zip(abf, ab2, strict=True):
                assert f.component == limit.component
                assert (f.value <= 10.0) == (limit.value <= 20.0)


def test_a_shared_shift_of_each_visit_counts_and_widens(two_bands, measure) -> None:
    found = by_component(measure(BB + "ab1", two_bands(60, (40, 40), 2.0, shared=4.0, seed=2)))
    for m in found.values():
        assert m.value == pytest.approx(np.sqrt(2 * (16.0 + 4.0)), rel=0.2)
        assert m.interval.upper > 1.1 * m.value


def test_every_band_is_measured_against_r_and_r_is_not(two_bands, measure) -> None:
    table = two_bands(30, (3, 3, 3, 3), 3.0, bands=("r", "g", "i", "N921"))
    found = {m.band for m in measure(BB + "ab1", table)}
    assert found == {"g", "i", "N921"}


@pytest.mark.parametrize("reading", ["", "_separations"])
@pytest.mark.parametrize("name", ["ab1", "abf1", "ab2"])
def test_without_r_there_is_a_reason(two_bands, measure_one, taken, name, reading) -> None:
    table = two_bands(30, (3, 3), 3.0)
    found = measure_one(f"{BB}{name}{reading}", taken(table, table["band"] == "i"))
    assert (found.status, found.reason) == ("NOT_MEASURED", "no_reference_band")
    table["extendedness"][table["band"] == "r"] = 1.0
    found = measure_one(f"{BB}{name}{reading}", table)
    assert (found.status, found.reason) == ("NOT_MEASURED", "no_reference_band")


def test_only_stars_of_both_bands_count(two_bands, measure, taken) -> None:
    table = two_bands(40, (4, 4), 3.0)
    half = taken(table, (table["band"] == "r") | (table["objectId"] > 25))
    assert {m.n for m in measure(BB + "ab1", half)} == {15}
    few = taken(table, (table["band"] == "r") | (table["objectId"] > 31))
    (found,) = measure(BB + "ab1", few)
    assert found.reason == "too_few_stars"
    assert "9 stars" in found.hint


def test_right_ascension_counts_on_the_sky(two_bands, measure) -> None:
    """At declination 60 a shift in right ascension is half as long on the sky."""
    table = two_bands(100, (5, 5), 1e-3, offset=30.0)
    high = {**table, "coord_dec": table["coord_dec"] + 60.0}
    found = by_component(measure(BB + "ab1", high))
    assert found["ra"].value == pytest.approx(15.0, rel=1e-3)
    assert found["dec"].value < 0.1


def test_across_zero_nothing_changes(two_bands, measure) -> None:
    table = two_bands(60, (5, 5), 5.0, offset=3.0)
    moved = {**table, "coord_ra": (table["coord_ra"] - 150.0) % 360.0}
    for metric in ("ab1", "ab1_separations"):
        before, after = (measure(BB + metric, t) for t in (table, moved))
        for a, b in zip(before, after, strict=True):
            assert b.value == pytest.approx(a.value, rel=1e-6)


def test_faro_is_the_mean_scatter_of_the_distance(two_bands, measure_one) -> None:
    table = two_bands(25, (3, 4), 5.0)
    ra, dec = np.radians(table["coord_ra"]), np.radians(table["coord_dec"])
    ref = table["band"] == "r"
    ra_r, dec_r = (v[ref].reshape(25, 3) for v in (ra, dec))
    ra_i, dec_i = (v[~ref].reshape(25, 4) for v in (ra, dec))
    want = []
    for j in range(3):
        for k in range(4):
            h = np.sin((dec_i[:, k] - dec_r[:, j]) / 2) ** 2
            h += (
                np.cos(dec_i[:, k])
                * np.cos(dec_r[:, j])
                * np.sin((ra_i[:, k] - ra_r[:, j]) / 2) ** 2
            )
            want.append(np.std(2 * np.arcsin(np.sqrt(h)) / DEGREE * 180 / np.pi, ddof=1))
    assert measure_one(BB + "ab1", table, "faro").value == pytest.approx(np.mean(want), rel=1e-6)


@pytest.mark.parametrize("name", ["abf1", "ab2", "ab1_separations", "abf1_separations"])
def test_faro_publishes_nothing_else(two_bands, measure, name) -> None:
    (found,) = measure(BB + name, two_bands(25, (3, 3), 5.0), "faro")
    assert (found.status, found.reason) == ("NOT_MEASURED", "not_in_recipe")
