"""The scatter of galaxies against that of stars: analytic truth, selection, refusals."""

import numpy as np
import pytest

from skyassay.metrics.contract import state_digest
from skyassay.metrics.registry import make

RADIUS, DIAMETER = "photometry.resolved.ratio_radius", "photometry.resolved.ratio_diameter"


def catalog(ratio=1.5, stars=60, galaxies=80, visits=8, seed=1, *, shared=3.0, radius=1.0):
    """Stars of 4 mmag beside galaxies of `ratio` times that; a visit moves all by `shared`."""
    rng = np.random.default_rng(seed)
    own = 4.0 * np.r_[np.ones(stars), np.full(galaxies, ratio)]
    n = stars + galaxies
    off = shared * rng.standard_normal(visits) + own[:, None] * rng.standard_normal((n, visits))
    mag = rng.uniform(18.0, 19.9, n)[:, None] + 1e-3 * off
    flux = 10.0 ** (0.4 * (31.4 - mag)).ravel()
    resolved = np.repeat(np.arange(n) >= stars, visits)
    return {
        "objectId": np.repeat(np.arange(1, n + 1), visits),
        "visit": np.tile(np.arange(visits), n),
        "band": np.full(flux.size, "i"),
        "coord_ra": np.zeros(flux.size),
        "coord_dec": np.zeros(flux.size),
        "psfFlux": np.where(resolved, 0.5 * flux * (1.0 + 0.1 * rng.random(flux.size)), flux),
        "psfFluxErr": flux / 500.0,
        "cModelFlux": flux,
        "cModelFluxErr": flux / 500.0,
        "effectiveRadius": np.where(resolved, radius, 0.0),
        "extendedness": np.where(resolved, 1.0, 0.0),
    }


def measured(table, metric=RADIUS):
    plugin = make(metric)
    return plugin.finish(plugin.fold({"matched_source": table}), {})[0]


@pytest.mark.parametrize("ratio", [1.0, 2.0])
def test_the_ratio_of_population_scatters_is_found(ratio):
    true = np.sqrt((9.0 + 16.0 * ratio**2) / (9.0 + 16.0))
    m = measured(catalog(ratio, stars=300, galaxies=300, visits=30))
    assert m.interval.low < true < m.interval.high
    assert m.value == pytest.approx(true, rel=0.1)
    assert (m.band, m.n, m.diagnostics["n_units"]) == ("i", 300, 30)
    visit = m.diagnostics["budget_visit"]
    assert visit == pytest.approx(9.0 / (9.0 + 16.0 * ratio**2), rel=0.5)
    assert visit + m.diagnostics["budget_own"] == pytest.approx(1.0)


def test_the_shared_term_cancels_where_stars_and_galaxies_are_alike():
    m = measured(catalog(1.0, shared=50.0, visits=4, stars=200, galaxies=200))
    assert m.value == pytest.approx(1.0, abs=0.01)
    assert m.interval.upper < 1.1


def test_stars_are_weighted_to_the_magnitudes_of_the_galaxies():
    """Faint stars scatter more: without weights their number would decide."""
    bright, faint = catalog(1.0, seed=2), catalog(3.0, seed=3, stars=400, galaxies=0)
    faint["objectId"] = faint["objectId"] + 1000
    rng = np.random.default_rng(4)
    noisy = 0.03 * rng.standard_normal(len(faint["visit"]))
    faint["psfFlux"] = faint["psfFlux"] * 0.15 * (1.0 + noisy)
    faint["psfFluxErr"] = faint["psfFluxErr"] * 0.15
    both = {n: np.concatenate([bright[n], faint[n]]) for n in bright}
    assert measured(both).value == pytest.approx(measured(bright).value, rel=0.25)
    assert measured(both).diagnostics["star_rms"] < 10.0


def test_radius_and_diameter_are_two_readings():
    large = catalog(2.5, radius=7.0)
    assert measured(large).status == "MEASURED"
    m = measured(large, DIAMETER)
    assert (m.status, m.reason) == ("NOT_MEASURED", "too_few_galaxies")
    assert measured(catalog(radius=4.9), DIAMETER).status == "MEASURED"
    larger = measured(catalog(radius=10.1))
    assert larger.reason == "too_few_galaxies"


def test_unknown_size_or_class_is_no_galaxy():
    for column in ("effectiveRadius", "extendedness"):
        table = catalog()
        table[column][table["extendedness"] > 0.5] = np.nan
        assert measured(table).reason == "too_few_galaxies"


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        (catalog(visits=2), "too_few_visits"),
        (catalog(stars=5), "too_few_stars"),
        (catalog(galaxies=5), "too_few_galaxies"),
    ],
)
def test_too_little_is_not_measured(table, reason):
    m = measured(table)
    assert (m.status, m.value, m.reason) == ("NOT_MEASURED", None, reason)


def test_copies_are_no_repeats():
    table = catalog()
    first = np.searchsorted(table["objectId"], table["objectId"])
    for name in ("psfFlux", "cModelFlux"):
        table[name] = table[name][first]
    assert measured(table).reason == "no_scatter"


def test_no_common_magnitudes():
    table = catalog()
    galaxy = table["extendedness"] > 0.5
    table["cModelFlux"] = np.where(galaxy, table["cModelFlux"] * 5.0, table["cModelFlux"])
    table["cModelFluxErr"] = table["cModelFlux"] / 500.0
    assert measured(table).reason == "no_common_magnitudes"


def test_split_and_order_do_not_matter():
    table = catalog()
    plugin = make(RADIUS)
    rng = np.random.default_rng(7)
    part = rng.permutation(1000)[table["objectId"]] % 3
    state = plugin.zero()
    for k in range(3):
        rows = rng.permutation(np.flatnonzero(part == k))
        state = plugin.merge(
            plugin.fold({"matched_source": {n: c[rows] for n, c in table.items()}}), state
        )
    whole = plugin.fold({"matched_source": table})
    assert state_digest(state) == state_digest(whole)
    assert plugin.finish(state, {}) == plugin.finish(whole, {})
    assert plugin.finish(plugin.zero(), {}) == []
