"""Predicted places: against the truth's other implementation, closed forms and planets."""

from __future__ import annotations

import erfa
import numpy as np
import pytest
from astropy.table import Table

from skyassay.pipeline.instrument.site import SITE
from skyassay.pipeline.orbits import elements, ephemeris, kepler
from skyassay.pipeline.orbits.errors import OrbitError
from skyassay.pipeline.orbits.observer import frame
from skyassay.simulator.solar_system.catalogue import mpcorb
from skyassay.simulator.solar_system.near import near
from skyassay.simulator.solar_system.trajectories import ALL_PLANETS, Trajectories

EPOCH = 61000.0


def offsets(found: Table, seen: dict[str, np.ndarray]) -> np.ndarray:
    """Return separations, mas."""
    east = (found["ra"] - seen["ra"] + 180.0) % 360.0 - 180.0
    east = east * np.cos(np.radians(seen["dec"]))
    return np.asarray(np.hypot(east, found["dec"] - seen["dec"]) * 3.6e6)


def catalogue(orbits: dict[str, np.ndarray]) -> Table:
    """Return the truth as a catalogue of orbits, without errors."""
    names = {
        "i": "incl",
        "argperi": "argPeri",
        "t_p": "tPeriMjdTai",
        "epoch_mjd": "epochMjdTai",
        "mpc_H": "H",
    }
    same = ("ssObjectId", "q", "e", "node")
    return Table({n: orbits[names.get(n, n)] for n in (*same, *names)})


@pytest.fixture(scope="module")
def anything() -> dict[str, np.ndarray]:
    """Return orbits of every kind, hyperbolas too."""
    rng = np.random.default_rng(1)
    n = 120
    return {
        "ssObjectId": np.arange(n),
        "q": np.concatenate([rng.uniform(0.5, 4.0, 90), rng.uniform(5.0, 40.0, 30)]),
        "e": np.concatenate([rng.uniform(0.0, 0.95, 80), rng.uniform(1.05, 3.0, 40)]),
        "incl": rng.uniform(0.0, 175.0, n),
        "node": rng.uniform(0.0, 360.0, n),
        "argPeri": rng.uniform(0.0, 360.0, n),
        "tPeriMjdTai": EPOCH + rng.uniform(-900.0, 900.0, n),
        "epochMjdTai": np.full(n, EPOCH),
        "H": np.full(n, 18.0),
    }


@pytest.mark.parametrize("days", [-30.0, -7.3, 0.0, 12.8, 30.0])
def test_both_ephemerides_agree(anything: dict[str, np.ndarray], days: float) -> None:
    """Universal variables with ERFA's observer, and DOP853 with sidereal time: 5 mas."""
    seen = Trajectories(anything, EPOCH - 30, EPOCH + 30).seen(EPOCH + days)
    found = ephemeris.predict(catalogue(anything), EPOCH + days)
    assert offsets(found, seen).max() < 5.0
    for name in ("rate_ra", "rate_dec"):
        np.testing.assert_allclose(found[name], seen[name], atol=2e-3)
    for name in ("helioRange", "topoRange"):
        np.testing.assert_allclose(found[name], seen[name], rtol=1e-7)
    for name in ("phaseAngle", "elongation"):
        np.testing.assert_allclose(found[name], seen[name], atol=1e-5)
    # H, G in its simple and its full form.
    np.testing.assert_allclose(found["Vmag"], seen["vMag"], atol=0.05)


def test_rates_are_what_places_do(anything: dict[str, np.ndarray]) -> None:
    """Rates agree with places a little before and after."""
    table, step = catalogue(anything), 0.01
    middle, before, after = (ephemeris.predict(table, EPOCH + d) for d in (0.0, -step, step))
    moved = (after["ra"] - before["ra"] + 180.0) % 360.0 - 180.0
    east = moved * np.cos(np.radians(middle["dec"])) / (2 * step)
    np.testing.assert_allclose(middle["rate_ra"], east, atol=2e-4, rtol=1e-4)
    north = (after["dec"] - before["dec"]) / (2 * step)
    np.testing.assert_allclose(middle["rate_dec"], north, atol=2e-4, rtol=1e-4)
    km = (after["topoRange"] - before["topoRange"]) / (2 * step) * ephemeris.KM_S
    np.testing.assert_allclose(middle["topoRangeRate"], km, atol=2e-3)


def test_declared_errors_hold_with_planets_and_catalogue_errors() -> None:
    """Three sigma hold 97 % or more of the coordinates at any time within 30 days."""
    objects = near((20.0, 8.0), 1.0, EPOCH, 150, 4)
    table, truth = (
        mpcorb(objects, 4),
        Trajectories(objects, EPOCH - 30, EPOCH + 30, planets=ALL_PLANETS),
    )
    for days in (-30.0, -3.0, 0.0, 15.0, 30.0):
        found, seen = ephemeris.predict(table, EPOCH + days), truth.seen(EPOCH + days)
        pull = offsets(found, seen) / 1000.0 / np.sqrt(2.0) / found["err"]
        assert (pull < 3.0).mean() >= 0.97
        assert offsets(found, seen).max() > 50.0


def test_a_planet_is_where_erfa_has_it() -> None:
    """Mars of ERFA's approximate ephemeris, its osculating orbit propagated by ten days."""
    start = erfa.plan94(2400000.5, EPOCH, 4)
    orbit = elements.from_state(start["p"][None, :], start["v"][None, :], EPOCH)
    assert abs(orbit.q[0] / (1 - orbit.e[0]) - 1.5237) < 1e-3
    assert abs(orbit.i[0] - 1.85) < 0.01
    there, _ = elements.to_state(orbit, EPOCH + 10.0)
    truth = erfa.plan94(2400000.5, EPOCH + 10.0, 4)["p"]
    assert np.degrees(np.linalg.norm(there[0] - truth)) * 3600.0 < 10.0


def test_the_observer_is_on_the_ground() -> None:
    """6,375 km from the Earth's middle, and once around in a sidereal day."""
    earth = erfa.epv00(2400000.5, EPOCH + 32.184 / 86400.0)[1]["p"]
    seen = frame(EPOCH, SITE)
    radius = np.linalg.norm(seen.observer - earth) * ephemeris.AU_M / 1000.0
    assert 6374.0 < radius < 6380.0
    assert np.linalg.norm(seen.sun - earth) == pytest.approx(1.0, abs=0.02)


def test_propagation_is_reversible_and_keeps_energy() -> None:
    """There and back again, for ellipse, parabola and hyperbola."""
    orbit = elements.Elements(
        *(
            np.array(v, dtype=float)
            for v in (
                [1.0, 0.2, 1.0, 0.5, 2.0],
                [0.0, 0.98, 1.0, 1.4, 0.3],
                [0.0, 170.0, 20.0, 90.0, 5.0],
                [0.0, 10.0, 20.0, 30.0, 40.0],
                [0.0, 50.0, 60.0, 70.0, 80.0],
                [61000.0, 60500.0, 61010.0, 60900.0, 59000.0],
            )
        )
    )
    r, v = elements.to_state(orbit, EPOCH)
    r1, v1 = kepler.propagate(r, v, np.full(5, 200.0))
    r2, v2 = kepler.propagate(r1, v1, np.full(5, -200.0))
    np.testing.assert_allclose(r2, r, atol=1e-10)
    np.testing.assert_allclose(v2, v, atol=1e-12)
    energy = (v1**2).sum(axis=1) / 2 - kepler.MU / np.linalg.norm(r1, axis=1)
    np.testing.assert_allclose(energy, -kepler.MU * (1 - orbit.e) / orbit.q / 2, atol=1e-15)
    back = elements.from_state(r, v, EPOCH)
    np.testing.assert_allclose(elements.to_state(back, EPOCH)[0], r, atol=1e-9)
    np.testing.assert_allclose(back.e, orbit.e, atol=1e-9)


def test_parabola_has_barkers_closed_form() -> None:
    """On a parabola of q = 1 the true anomaly reaches 90 degrees after 4/3 sqrt(2 / mu) days."""
    days = np.sqrt(2.0 / kepler.MU) * (1.0 + 1.0 / 3.0)
    flat = elements.Elements(*(np.array([x]) for x in (1.0, 1.0, 0.0, 0.0, 0.0, EPOCH)))
    r, _ = elements.to_state(flat, EPOCH + days)
    np.testing.assert_allclose(elements.to_ecliptic(r), [[0.0, 2.0, 0.0]], atol=1e-9)


def test_unusable_catalogues_are_refused(anything: dict[str, np.ndarray]) -> None:
    """Missing columns, elements that are none, times that are none."""
    table = catalogue(anything)
    for column in ("q", "mpc_H"):
        lacking = table.copy()
        lacking.remove_column(column)
        with pytest.raises(OrbitError) as error:
            ephemeris.predict(lacking, EPOCH)
        assert error.value.code == "missing_columns"
    table["q"][3] = np.nan
    with pytest.raises(OrbitError) as error:
        ephemeris.predict(table, EPOCH)
    assert error.value.code == "bad_elements"
    with pytest.raises(OrbitError) as error:
        ephemeris.predict(catalogue(anything), 2461000.5)
    assert error.value.code == "bad_time"
    assert len(ephemeris.predict(catalogue(anything)[:0], EPOCH)) == 0
