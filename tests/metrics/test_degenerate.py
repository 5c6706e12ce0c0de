"""Bad catalogs: a status with a reason for every metric, never a traceback, never a good value."""

from __future__ import annotations

import numpy as np
import pytest

from skyassay.metrics.family import StarMetric
from skyassay.metrics.registry import load_metrics, make

DEGREE = 1.0 / 3.6e6
EVERY = sorted(
    (name, recipe)
    for name, plugin in load_metrics().items()
    for recipe in plugin.recipes
    if issubclass(plugin, StarMetric)
)
every = pytest.mark.parametrize(("name", "recipe"), EVERY)


@pytest.fixture(scope="session")
def catalog(stars, joined):
    """Make stars 5, 20 and 200 arcmin from a group in two bands, normal errors."""

    def make_it(n_stars=24, visits=4, bands="ri", mmag=4.0, mas=5.0, seed=0):
        rng = np.random.default_rng(seed)
        step = np.array([0.0, 5.0, 20.0, 200.0])[np.arange(n_stars) % 4] / 60.0
        angle = rng.uniform(0, 2 * np.pi, n_stars)
        ra, dec = 150.0 + step * np.cos(angle), step * np.sin(angle)
        tables = []
        for k, band in enumerate(bands):
            shape = (n_stars, visits)
            east, north = (rng.normal(0, 1, shape) * mas * DEGREE for _ in "xy")
            mag = 18.0 + rng.normal(0, 1, shape) * mmag / 1e3
            tables.append(stars(mag, ra[:, None] + east, dec[:, None] + north, band=band))
            tables[-1]["visit"] += 100 * k
        return joined(*tables)

    return make_it


def sound(found):
    """Assert the law of measurements: a finite value, or a reason with a hint."""
    for m in found:
        if m.status == "MEASURED":
            assert np.isfinite(m.value)
            assert m.value >= 0
            if m.interval:
                assert m.interval.low <= m.value <= m.interval.high
        else:
            assert m.value is None
            assert m.reason
            assert m.hint
    return found


def nothing_measured(found):
    assert {m.status for m in sound(found)} <= {"NOT_MEASURED"}
    return {m.reason for m in found}


@every
@pytest.mark.parametrize("rows", [0, 1, 2])
def test_hardly_any_rows(catalog, measure, taken, name, recipe, rows) -> None:
    found = measure(name, taken(catalog(), np.arange(rows)), recipe)
    assert nothing_measured(found) <= {
        "too_few_stars",
        "too_few_pairs",
        "no_reference_band",
        "not_in_recipe",
    }
    assert bool(found) == (rows > 0 and "band_to_band" not in name)


NO_NUMBERS = [
    *((c, v) for c in ("psfFlux", "coord_ra", "coord_dec") for v in (np.nan, np.inf, -np.inf)),
    *(("psfFlux", v) for v in (-100.0, 0.0)),
    *(("psfFluxErr", v) for v in (np.nan, np.inf, 0.0, -1.0)),
    *(("extendedness", v) for v in (np.nan, np.inf)),
]


@every
def test_a_column_of_useless_numbers(catalog, measure, name, recipe) -> None:
    for column, value in NO_NUMBERS:
        table = catalog()
        table[column][:] = value
        reasons = nothing_measured(measure(name, table, recipe))
        assert "band_to_band" in name or reasons, (column, value)


@every
def test_one_visit(catalog, measure, name, recipe) -> None:
    found = measure(name, catalog(visits=1), recipe)
    assert nothing_measured(found) <= {"too_few_stars", "no_reference_band", "not_in_recipe"}
    for m in found:
        assert m.n == 0
        if m.reason == "too_few_stars":
            assert m.diagnostics["rejected_too_few_visits"] == 24


@every
def test_two_visits(catalog, measure, name, recipe) -> None:
    """The fewest that have a scatter; no campaign vouches for them."""
    for m in sound(measure(name, catalog(visits=2), recipe)):
        assert not (m.interval and m.interval.certified)


@every
def test_all_flags_set(catalog, measure, name, recipe) -> None:
    table = catalog()
    n = len(table["visit"])
    for flag in ("saturated", "cr", "bad", "edge"):
        table[f"pixelFlags_{flag}"] = np.ones(n, dtype=bool)
    table["detect_isPrimary"] = np.zeros(n, dtype=bool)
    found = sound(measure(name, table, recipe))
    if recipe != "faro" or "photometry" not in name:
        nothing_measured(found)
    else:
        assert recipe == "faro"  # this recipe takes its flags from the catalog it is given


@every
def test_values_that_are_copies_are_no_evidence(catalog, measure, name, recipe) -> None:
    """The same number in every visit is a copied number: it must not pass with a scatter of 0."""
    found = sound(measure(name, catalog(mmag=0.0, mas=0.0), recipe))
    for m in found:
        if recipe == "srd":
            assert (m.status, m.reason) == ("NOT_MEASURED", "no_scatter")
        elif m.status == "MEASURED":
            assert m.value == pytest.approx(0.0, abs=1e-4)
            assert m.interval is None


@pytest.mark.parametrize(
    "name",
    [
        "photometry.repeatability.pa1",
        "astrometry.relative.am1",
    ],
)
def test_copies_of_most_stars_are_no_evidence(catalog, measure, name) -> None:
    """The median star has no scatter when two thirds are copies: that is not a value of 0."""
    real, copied = catalog(48, 4), catalog(48, 4, mmag=0.0, mas=0.0)
    third = real["objectId"] % 3 == 0
    mixed = {k: np.where(third, real[k], copied[k]) for k in real}
    for m in measure(name, mixed):
        assert m.status == "NOT_MEASURED" or m.interval.upper > 2.0


@every
def test_some_bad_rows_leave_the_rest(catalog, measure, name, recipe) -> None:
    """One star in six has a broken row in each band; the others are measured as ever."""
    table = catalog(48, 5)
    table["psfFlux"][::30] = [np.nan, np.inf, -5.0, 0.0] * 4
    found = sound(measure(name, table, recipe))
    clean = measure(name, catalog(48, 5), recipe)
    for m, c in zip(found, clean, strict=True):
        assert (m.status, m.reason) == (c.status, c.reason)
        if m.status == "MEASURED" and m.unit != "%":
            assert m.value == pytest.approx(c.value, rel=0.5)


@every
def test_doubled_rows_change_nothing(catalog, measure, joined, name, recipe) -> None:
    table = catalog()
    assert measure(name, joined(table, table), recipe) == measure(name, table, recipe)


@every
def test_one_band_only(catalog, measure, name, recipe) -> None:
    found = sound(measure(name, catalog(bands="i"), recipe))
    assert {m.band for m in found} == {"i"}
    if "band_to_band" in name:
        assert nothing_measured(found) <= {"no_reference_band"}


@every
def test_a_band_nobody_expects(catalog, measure, name, recipe) -> None:
    found = sound(measure(name, catalog(bands=["r", "N921"]), recipe))
    assert "N921" in {m.band for m in found}


@every
def test_absurd_values_do_not_break_it(catalog, measure, name, recipe) -> None:
    """Every star jumps by magnitudes and degrees, one visit by far more."""
    table = catalog(40, 4, mmag=700.0, mas=5e6)
    table["coord_dec"] = np.clip(table["coord_dec"], -90, 90)
    sound(measure(name, table, recipe))
    table = catalog(40, 4)
    table["psfFlux"][table["visit"] == 2] *= 1.5
    table["coord_dec"][table["visit"] == 2] += 0.01
    sound(measure(name, table, recipe))


@every
def test_one_huge_outlier_is_not_a_good_survey(catalog, measure, name, recipe) -> None:
    table = catalog(40, 4)
    table["psfFlux"][5] *= 3.0
    table["coord_ra"][5] += 0.2
    sound(measure(name, table, recipe))


@every
def test_stars_at_one_place(catalog, measure, name, recipe) -> None:
    table = catalog(mas=0.0)
    table["coord_ra"][:] = 10.0
    table["coord_dec"][:] = -5.0
    found = sound(measure(name, table, recipe))
    if "relative" in name or "separations" in name:
        nothing_measured(found)


@every
def test_no_star_in_common(catalog, measure, name, recipe) -> None:
    """Two bands that share no object."""
    table = catalog()
    table["objectId"] = np.where(table["band"] == "r", table["objectId"], table["objectId"] + 900)
    found = sound(measure(name, table, recipe))
    if "band_to_band" in name:
        assert nothing_measured(found) <= {"too_few_stars", "not_in_recipe"}


@every
def test_visits_that_share_no_star(catalog, measure, taken, name, recipe) -> None:
    """Two fields, each with visits of its own."""
    table = catalog(48, 6)
    keep = (table["objectId"] // 4 % 2) == (table["visit"] % 2)
    sound(measure(name, taken(table, keep), recipe))


@every
def test_a_mean_of_huge_ids(catalog, measure, name, recipe) -> None:
    table = catalog()
    table["objectId"] = table["objectId"] + 2**62
    table["visit"] = table["visit"] + 2**61
    assert [m.n for m in measure(name, table, recipe)] == [
        m.n for m in measure(name, catalog(), recipe)
    ]


def test_every_metric_is_measured_on_the_sound_catalog(catalog, measure) -> None:
    """Else the tests here would find nothing wrong with anything."""
    for name, recipe in EVERY:
        reasons = {m.reason for m in measure(name, catalog(48, 5), recipe) if m.reason}
        assert reasons <= {"not_in_recipe"}


def test_a_metric_measures_its_own_bands_when_one_fails(catalog, measure, joined) -> None:
    table = joined(catalog(40, 4, bands="i"), catalog(3, 4, bands="g"))
    found = {m.band: m.status for m in measure("photometry.repeatability.pa1", table)}
    assert found == {"g": "NOT_MEASURED", "i": "MEASURED"}


def test_finishing_nothing_gives_nothing() -> None:
    for name, recipe in EVERY:
        metric = make(name, recipe)
        assert metric.finish(metric.zero(), {}) == []
        assert dict(metric.evidence(metric.zero())) == {}
