"""How much changes, and that it does not depend on who looks."""

from dataclasses import replace

import numpy as np
import pytest

from skyassay.simulator.changing.fast import FastTransients, lonely_density, lonely_transients
from skyassay.simulator.changing.spectra import flux_of
from skyassay.simulator.changing.supernovae import Supernovae, supernovae
from skyassay.simulator.changing.terms import ChangingSky
from skyassay.simulator.changing.variable_stars import variations
from skyassay.simulator.errors import SimulatorError
from skyassay.simulator.exposure.field import PixelSky
from skyassay.simulator.geometry import separation_mas

#: Square degrees of a detector of 4k x 4k pixels.
AREA = (4096 * 0.2 / 3600.0) ** 2
#: Depth and zero point of a mean visit in r.
M5, ZERO = 24.45, 32.12


def significant(flux, mean):
    """Return which differences have a signal to noise above 5, with a star's own photons."""
    to_electrons = 10.0 ** (-0.4 * (31.4 - ZERO))
    background = flux_of(M5) / 5.0 * to_electrons
    light = np.maximum(mean + flux, 0.0) * to_electrons
    return np.abs(flux * to_electrons) > 5.0 * np.hypot(background, np.sqrt(4.0 / 3.0 * light))


def test_a_visit_has_about_a_thousand_changes_per_square_degree(changes_on):
    (star, _), found, times = changes_on(90, 98)
    p = found.at(float(times[0]), "r", 60.0, -30.0, 5.0)
    fainter = variations(found.terms.stars, star["objectId"], float(times[0]), "r", 3)
    mean = flux_of(star["r_mag"])
    stars = significant(mean * np.expm1(-0.4 * np.log(10.0) * fainter), mean)
    others = significant(p.flux, 0.0)
    density = (stars.sum() + others.sum()) / (8 * AREA)
    assert density == pytest.approx(1000.0, abs=200.0)
    # Each kind has its share, and some of them got fainter.
    assert {k: (p.kind[others] == k).any() for k in np.unique(p.kind)} == dict.fromkeys(
        ["agn", "fast", "solar_system", "supernova"], True
    )
    assert stars.sum() > 0.2 * (stars.sum() + others.sum())
    assert (p.flux[p.kind != "agn"] >= 0.0).all() and (p.flux[p.kind == "agn"] < 0.0).any()


def test_numbers_are_those_of_poisson(changes_on):
    (_, galaxy), _, _ = changes_on(90, 91)
    terms, sky = Supernovae(rate=4_000.0), PixelSky()
    counts = np.array(
        [supernovae(terms, galaxy, sky, 61000.0, seed)["truthId"].size for seed in range(30)]
    )
    # At most one in a galaxy: the brightest have fewer than a Poisson law gives.
    expected = terms.rate * 190.0 / 365.25 * AREA
    assert counts.mean() == pytest.approx(expected, rel=0.1)
    assert 0.5 < counts.var(ddof=1) / counts.mean() < 1.7


def test_fast_transients_without_a_host_are_as_many_as_said():
    terms = FastTransients(rate=100.0)
    assert lonely_density(terms) == pytest.approx(550.0)
    places = {
        "objectId": np.arange(1, 20_001), "coord_ra": np.zeros(20_000),
        "coord_dec": np.zeros(20_000),
    }  # fmt: skip
    found = lonely_transients(terms, places, 61000.0, 1)
    assert found["begin"].min() > 60990.0 and found["begin"].max() < 61001.0
    assert found["magnitude"].min() >= 18.0 and found["magnitude"].max() <= 25.0
    brighter = np.mean(found["magnitude"] < 24.0)
    assert brighter == pytest.approx(10.0**-0.3, abs=0.02)
    assert np.median(np.log(found["decline"])) == pytest.approx(np.log(0.05 * 3.0) / 2, abs=0.1)


def tables(found):
    return {
        "supernova": found.supernova, "hosted": found.hosted, "lonely": found.lonely,
        "nucleus": found.nucleus, "mover": found.mover,
    }  # fmt: skip


def test_another_detector_adds_changes_and_moves_none(changes_on):
    more = ChangingSky().scaled(3.0)
    _, few, times = changes_on(90, 91, terms=more)
    _, many, _ = changes_on(90, 92, terms=more)
    for kind, table in tables(few).items():
        key = "ssObjectId" if kind == "mover" else "truthId"
        others = tables(many)[kind]
        assert 0 < table[key].size < others[key].size
        where = {int(v): k for k, v in enumerate(others[key])}
        rows = np.array([where[int(v)] for v in table[key]])
        for name, column in table.items():
            assert np.array_equal(others[name][rows], column, equal_nan=column.dtype.kind == "f")
    mjd = float(times[1])
    one, two = few.tracks[mjd], many.tracks[mjd]
    where = {int(v): k for k, v in enumerate(two["ssObjectId"])}
    rows = np.array([where[int(v)] for v in one["ssObjectId"]])
    apart = separation_mas(one["ra"], one["dec"], two["ra"][rows], two["dec"][rows])
    assert apart.max() < 0.01


def test_changes_are_there_on_both_sides_of_ra_0(changes_on):
    _, found, times = changes_on(94, 95, field=(0.0, -12.0), terms=ChangingSky().scaled(4.0))
    p = found.at(float(times[0]), "r", 0.0, -12.0, 0.5)
    for kind in ("agn", "supernova", "solar_system"):
        ra = p.ra[p.kind == kind]
        assert (ra >= 0.0).all() and (ra < 360.0).all()
        assert (ra < 1.0).any() and (ra > 359.0).any()
    hosted = ~np.isnan(p.separation)
    assert (p.separation[hosted] < 40.0).all() and (p.host_id[hosted] > 0).all()


def test_movers_pass_the_detectors_at_the_rates_of_the_solar_system(changes_on):
    _, found, times = changes_on(90, 94)
    count = found.mover["q"].size
    assert count == pytest.approx(400.0 * 4 * AREA, abs=5 * np.sqrt(400.0 * 4 * AREA))
    known = found.mover["isKnown"].mean()
    assert known == pytest.approx(0.8, abs=5 * 0.4 / np.sqrt(count))
    first, last = (found.tracks[float(t)] for t in (times[0], times[-1]))
    moved = separation_mas(first["ra"], first["dec"], last["ra"], last["dec"]) / 3.6e6
    rate = np.hypot(first["rate_ra"], first["rate_dec"])
    assert moved == pytest.approx(rate * (times[-1] - times[0]), rel=1e-3)
    assert 0.1 < np.median(rate) < 0.4
    with pytest.raises(SimulatorError) as error:
        found.at(float(times[0]) + 0.1, "r", 60.0, -30.0, 1.0)
    assert error.value.code == "unknown_time"


def test_without_any_rate_nothing_changes(changes_on):
    none = ChangingSky().scaled(0.0)
    _, found, times = changes_on(90, 91, terms=none)
    assert len(found.at(float(times[0]), "r", 60.0, -30.0, 5.0)) == 0
    assert not variations(none.stars, np.arange(1000), 61000.0, "r", 1).any()


def test_scaling_multiplies_the_rates_up_to_half_of_all():
    base = ChangingSky()
    twice, huge = base.scaled(2.0), base.scaled(1e3)
    assert twice.supernovae.rate == 2.0 * base.supernovae.rate
    assert twice.movers.density == 2.0 * base.movers.density
    assert huge.stars.share == huge.nuclei.share == 0.5
    assert replace(twice, injections=base.injections).injections == base.injections
