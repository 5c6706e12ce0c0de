"""Which stars a recipe takes, and why it refuses the others."""

from __future__ import annotations

import numpy as np
import pytest

from skyassay.metrics.selection import FLAGS, Selection

PLAIN = Selection()


def ids(sample, band: str = "i") -> list[int]:
    return sorted({int(s) for s in sample.bands[band].star})


def refused(sample, band: str = "i") -> dict[str, int]:
    return dict(sample.bands[band].rejected)


@pytest.fixture
def catalog(stars):
    """Four stars, three visits, magnitudes 17, 18, 19, 20."""
    return stars(np.repeat([[17.0], [18.0], [19.0], [20.0]], 3, axis=1))


def test_magnitudes_are_ab_of_nanojansky(stars) -> None:
    table = stars(np.full((1, 2), 18.0))
    table["psfFlux"][:] = 3631e9  # the AB zero point
    assert PLAIN.apply(table).bands["i"].mag == pytest.approx(0.0, abs=1e-4)


def test_positions_become_radians(stars) -> None:
    kept = PLAIN.apply(stars(np.full((1, 2), 18.0), ra=180.0, dec=-90.0)).bands["i"]
    assert kept.ra == pytest.approx(np.pi)
    assert kept.dec == pytest.approx(-np.pi / 2)


def test_magnitude_range_is_low_in_high_out(catalog) -> None:
    cuts = Selection(mag={"*": (18.0, 20.0)})
    catalog["psfFlux"] = 10.0 ** ((31.4 - np.repeat([17.0, 18.0001, 19.0, 20.0], 3)) / 2.5)
    sample = cuts.apply(catalog)
    assert ids(sample) == [2, 3]
    assert refused(sample) == {"magnitude": 2}


def test_a_band_has_its_own_magnitude_range(catalog) -> None:
    cuts = Selection(mag={"i": (16.0, 17.5), "*": (0.0, 1.0)})
    assert ids(cuts.apply(catalog)) == [1]


def test_a_band_nobody_named_is_not_cut_in_magnitude(catalog) -> None:
    catalog["band"] = np.full(12, "N921")
    assert ids(Selection(mag={"i": (16.0, 17.5)}).apply(catalog), "N921") == [1, 2, 3, 4]


def test_signal_to_noise_is_the_median_of_the_object(stars) -> None:
    table = stars(np.full((2, 3), 18.0))
    table["psfFluxErr"] = table["psfFlux"] / np.array([50.0, 100.0, 9999.0, 1.0, 99.0, 9999.0])
    sample = Selection(snr=(99.5, np.inf)).apply(table)
    assert ids(sample) == [1]
    assert refused(sample) == {"signal_to_noise": 1}


def test_median_of_two_is_their_middle(stars) -> None:
    table = stars(np.full((1, 2), 18.0))
    table["psfFluxErr"] = table["psfFlux"] / np.array([100.0, 300.0])
    assert ids(Selection(snr=(199.0, 201.0)).apply(table)) == [1]
    assert ids(Selection(snr=(201.0, 300.0)).apply(table)) == []


def test_a_cut_on_rows_thins_faint_stars(stars) -> None:
    """The peers' S/N cut row by row keeps a faint star's bright visits: scatter biased low."""
    rng = np.random.default_rng(1)
    noise = rng.normal(0.0, 0.2, (400, 8))
    table = stars(18.0 + noise)
    table["psfFluxErr"][:] = np.median(table["psfFlux"]) / 50.0
    whole, thinned = PLAIN.apply(table), Selection(row_snr_min=50.0).apply(table)
    a, b = whole.bands["i"], thinned.bands["i"]
    assert len(a.star) == 3200
    assert 0.4 < len(b.star) / len(a.star) < 0.6
    assert np.std(b.mag) < 0.7 * np.std(a.mag)


def test_default_recipes_never_cut_single_rows_by_signal_to_noise() -> None:
    from skyassay.metrics.recipes import ASTROMETRY, BAND_TO_BAND, PHOTOMETRY

    for family in (PHOTOMETRY, ASTROMETRY, BAND_TO_BAND):
        assert Selection.from_recipe(family["srd"]["selection"]).row_snr_min == 0.0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_extendedness_that_is_not_finite_refuses_the_object(stars, bad) -> None:
    table = stars(np.full((2, 3), 18.0))
    table["extendedness"][1] = bad
    sample = PLAIN.apply(table)
    assert ids(sample) == [2]
    assert refused(sample) in ({"no_extendedness": 1}, {"extended": 1})


def test_extendedness_by_largest_or_median(stars) -> None:
    table = stars(np.full((1, 3), 18.0))
    table["extendedness"][:] = [0.0, 0.0, 1.0]
    assert ids(PLAIN.apply(table)) == []
    assert ids(Selection(extendedness_statistic="median").apply(table)) == [1]
    table["extendedness"][2] = np.nan
    assert ids(Selection(extendedness_statistic="median").apply(table)) == []


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("psfFlux", np.nan),
        ("psfFlux", np.inf),
        ("psfFlux", -5.0),
        ("psfFlux", 0.0),
        ("psfFluxErr", np.nan),
        ("psfFluxErr", np.inf),
        ("psfFluxErr", 0.0),
        ("psfFluxErr", -1.0),
        ("coord_ra", np.nan),
        ("coord_dec", np.inf),
    ],
)
def test_an_unusable_row_drops_or_rejects(stars, column, value) -> None:
    table = stars(np.full((2, 3), 18.0))
    table[column][0] = value
    dropped = PLAIN.apply(table).bands["i"]
    assert np.bincount(dropped.star, minlength=3).tolist() == [0, 2, 3]
    assert np.isfinite(dropped.mag).all()
    rejected = Selection(unusable="reject_object").apply(table)
    assert ids(rejected) == [2]
    assert refused(rejected) == {"flagged_or_unusable": 1}


@pytest.mark.parametrize("name", [*FLAGS, "detect_isPrimary"])
def test_flags_drop_reject_or_are_ignored(stars, name) -> None:
    table = stars(np.full((2, 3), 18.0))
    good = name == "detect_isPrimary"
    table[name] = np.full(6, good)
    table[name][0] = not good
    assert np.bincount(PLAIN.apply(table).bands["i"].star).tolist() == [0, 2, 3]
    assert ids(Selection(flags="reject_object").apply(table)) == [2]
    ignored = Selection(flags="ignore").apply(table).bands["i"]
    assert np.bincount(ignored.star).tolist() == [0, 3, 3]


def test_all_flags_set_leaves_no_star_and_says_so(stars) -> None:
    table = stars(np.full((5, 3), 18.0))
    table["pixelFlags_saturated"] = np.ones(15, dtype=bool)
    sample = PLAIN.apply(table)
    assert ids(sample) == []
    assert refused(sample) == {"no_usable_row": 5}


def test_every_object_is_kept_or_refused_once(stars) -> None:
    rng = np.random.default_rng(3)
    table = stars(rng.uniform(15.0, 22.0, (300, 1)) + rng.normal(0.0, 0.01, (300, 4)))
    n = len(table["objectId"])
    table["extendedness"] = rng.choice([0.0, 1.0, np.nan], n, p=[0.9, 0.05, 0.05])
    table["psfFlux"][rng.random(n) < 0.2] = np.nan
    table["pixelFlags_bad"] = rng.random(n) < 0.3
    cuts = Selection(mag={"*": (16.0, 21.0)}, min_visits=3)
    band = cuts.apply(table).bands["i"]
    assert band.n_stars == len(np.unique(band.star))
    assert band.n_stars + band.n_rejected == 300
    assert len(band.rejected) >= 4


def test_too_few_visits(stars) -> None:
    mag = np.array([[18.0, np.nan, np.nan], [18.0, 18.0, np.nan], [18.0, 18.0, 18.0]])
    assert ids(PLAIN.apply(stars(mag))) == [2, 3]
    assert ids(Selection(min_visits=3).apply(stars(mag))) == [3]


def test_one_row_per_star_and_visit(stars, joined, taken) -> None:
    table = stars(18.0 + np.arange(6.0).reshape(2, 3) / 100)
    twice = joined(table, taken(table, [0, 0, 4]))
    assert PLAIN.apply(twice).to_bytes() == PLAIN.apply(table).to_bytes()


def test_which_duplicate_stays_does_not_depend_on_the_order(stars, joined, taken) -> None:
    """Two rows of one star and visit that differ in anything that is kept."""
    table = stars(np.full((2, 3), 18.0), ra=10.0, dec=1.0)
    for column, value in (
        ("coord_ra", 10.5),
        ("coord_dec", 1.5),
        ("psfFlux", 1e6),
        ("psfFluxErr", 7.0),
        ("extendedness", 1.0),
    ):
        other = taken(table, [0])
        other[column] = np.array([value])
        there, back = joined(table, other), joined(other, table)
        assert PLAIN.apply(there).to_bytes() == PLAIN.apply(back).to_bytes(), column


def test_a_flagged_duplicate_rejects_its_object_in_any_order(stars, joined, taken) -> None:
    cuts = Selection(flags="reject_object")
    table = stars(np.full((2, 3), 18.0))
    table["pixelFlags_cr"] = np.zeros(6, dtype=bool)
    other = taken(table, [0])
    other["pixelFlags_cr"] = np.array([True])
    for both in (joined(table, other), joined(other, table)):
        assert ids(cuts.apply(both)) == [2]


def test_row_order_does_not_matter(stars, taken) -> None:
    rng = np.random.default_rng(5)
    table = stars(rng.normal(18.0, 0.1, (40, 5)))
    for _ in range(3):
        shuffled = taken(table, rng.permutation(200))
        assert PLAIN.apply(shuffled).to_bytes() == PLAIN.apply(table).to_bytes()


def test_empty_and_single_rows(stars, taken) -> None:
    table = stars(np.full((1, 2), 18.0))
    assert PLAIN.apply(taken(table, [])).bands == {}
    one = PLAIN.apply(taken(table, [0])).bands["i"]
    assert (len(one.star), one.n_rejected, one.rejected) == (0, 1, {"too_few_visits": 1})


def test_the_input_is_not_changed(stars) -> None:
    table = stars(np.full((3, 3), 18.0))
    table["psfFlux"][0] = np.nan
    before = {k: v.copy() for k, v in table.items()}
    for column in table.values():
        column.flags.writeable = False
    PLAIN.apply(table)
    for name, column in before.items():
        np.testing.assert_array_equal(table[name], column)


def test_bands_as_bytes_or_objects(stars) -> None:
    table = stars(np.full((2, 3), 18.0))
    want = PLAIN.apply(table).to_bytes()
    for dtype in ("S1", object):
        assert PLAIN.apply({**table, "band": table["band"].astype(dtype)}).to_bytes() == want


def test_from_recipe_reads_open_ends() -> None:
    cuts = Selection.from_recipe({"snr": [50, None], "mag": {"g": [1, 2]}, "flags": "ignore"})
    assert cuts.snr == (50.0, np.inf)
    assert cuts.mag == {"g": (1.0, 2.0)}
    with pytest.raises(TypeError):
        Selection.from_recipe({"snr_min": 3})
