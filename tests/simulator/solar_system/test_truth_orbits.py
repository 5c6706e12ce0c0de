"""Truth orbits: elements and states, the integrated motion, families and catalogues."""

from __future__ import annotations

import numpy as np
import pytest

from skyassay.simulator.errors import SimulatorError
from skyassay.simulator.solar_system import catalogue, orbits
from skyassay.simulator.solar_system.brightness import band_magnitude, dimming
from skyassay.simulator.solar_system.near import near
from skyassay.simulator.solar_system.observer import ecliptic, equatorial
from skyassay.simulator.solar_system.population import population
from skyassay.simulator.solar_system.trajectories import ALL_PLANETS, Trajectories, positions

EPOCH = 61000.0


def one(**changed: float) -> orbits.Table:
    """Return one orbit."""
    plain = {
        "ssObjectId": 1,
        "q": 2.0,
        "e": 0.2,
        "incl": 10.0,
        "node": 80.0,
        "argPeri": 70.0,
        "tPeriMjdTai": EPOCH - 100.0,
        "epochMjdTai": EPOCH,
        "H": 18.0,
    }
    return {k: np.array([v]) for k, v in (plain | changed).items()}


@pytest.mark.parametrize(("q", "e"), [(2.0, 0.2), (0.3, 0.97), (1.0, 0.0), (0.8, 1.3), (3.0, 6.0)])
def test_states_and_elements_are_each_others_inverse(q: float, e: float) -> None:
    """The state that elements mean has these elements."""
    orbit = one(q=q, e=e)
    found = orbits.elements(*orbits.states(orbit, EPOCH), EPOCH)
    again = orbits.states({**orbit, **found}, EPOCH)[0]
    np.testing.assert_allclose(again, orbits.states(orbit, EPOCH)[0], atol=1e-11)
    np.testing.assert_allclose([found["q"][0], found["e"][0]], [q, e], atol=1e-10)


def test_a_circular_orbit_turns_evenly() -> None:
    """On a circle of 1 AU a quarter of the sidereal year is a quarter turn."""
    orbit = one(q=1.0, e=0.0, incl=0.0, node=0.0, argPeri=0.0, tPeriMjdTai=EPOCH)
    year = 2.0 * np.pi / np.sqrt(orbits.GM)
    assert abs(year - 365.2569) < 1e-3
    place = Trajectories(orbit, EPOCH, EPOCH + year / 4).helio(EPOCH + year / 4)[0]
    np.testing.assert_allclose(ecliptic(place), [[0.0, 1.0, 0.0]], atol=1e-10)


def test_axes_turn_back() -> None:
    """Ecliptic and equatorial axes are one turn apart."""
    v = np.array([[0.3, -0.4, 0.9]])
    np.testing.assert_allclose(ecliptic(equatorial(v)), v, atol=1e-15)


def test_jupiter_pulls_a_main_belt_object_within_a_month() -> None:
    """About an arcsecond in 30 days, nothing at the epoch."""
    objects = population(3, 40, EPOCH, shares={"main_belt": 1.0})
    alone = Trajectories(objects, EPOCH, EPOCH + 30)
    pulled = Trajectories(objects, EPOCH, EPOCH + 30, planets=ALL_PLANETS)
    np.testing.assert_array_equal(alone.helio(EPOCH)[0], pulled.helio(EPOCH)[0])
    shift = np.linalg.norm(alone.helio(EPOCH + 30)[0] - pulled.helio(EPOCH + 30)[0], axis=1)
    assert 0.1 < np.degrees(np.median(shift)) * 3600.0 < 3.0


@pytest.mark.parametrize("field", [(20.0, 8.0), (60.0, -30.0)])
def test_objects_drawn_near_a_field_are_seen_there(field: tuple[float, float]) -> None:
    """All of them, with the brightness asked for, and the same with the same seed."""
    objects = near(field, 0.2, EPOCH, 60, 5, mag=(19.0, 23.0))
    seen = positions(objects, EPOCH)
    east = (seen["ra"] - field[0]) * np.cos(np.radians(field[1]))
    assert np.hypot(east, seen["dec"] - field[1]).max() < 0.2001
    assert seen["vMag"].min() > 18.999
    assert seen["vMag"].max() < 23.001
    assert set(objects["family"]) >= {"main_belt"}
    again = near(field, 0.2, EPOCH, 60, 5, mag=(19.0, 23.0))
    assert all((objects[k] == again[k]).all() for k in objects)
    assert (near(field, 0.2, EPOCH, 60, 6)["q"] != objects["q"]).any()


def test_a_field_that_no_family_passes_is_an_error() -> None:
    """Trojans are never near the ecliptic's pole."""
    with pytest.raises(SimulatorError) as error:
        near((270.0, 66.5), 0.1, EPOCH, 5, 1, shares={"trojan": 1.0})
    assert error.value.code == "no_orbit_there"


def test_shares_must_name_families() -> None:
    """A family that does not exist is refused."""
    with pytest.raises(SimulatorError) as error:
        population(1, 5, EPOCH, shares={"vulcanoid": 1.0})
    assert error.value.code == "bad_shares"


def test_times_outside_what_was_integrated_are_refused() -> None:
    """As are orbits of several epochs, and parabolas."""
    with pytest.raises(SimulatorError) as error:
        Trajectories(one(), EPOCH, EPOCH + 1).seen(EPOCH + 2)
    assert error.value.code == "outside_span"
    both = {k: np.concatenate([v, one(epochMjdTai=EPOCH + 1)[k]]) for k, v in one().items()}
    with pytest.raises(SimulatorError) as error:
        Trajectories(both, EPOCH, EPOCH)
    assert error.value.code == "mixed_epochs"
    with pytest.raises(SimulatorError) as error:
        positions(one(e=1.0), EPOCH)
    assert error.value.code == "bad_orbit"


def test_the_catalogue_holds_the_known_objects_with_small_errors() -> None:
    """Elements differ from the truth, and only known objects are in it."""
    objects = near((20.0, 8.0), 0.5, EPOCH, 200, 2, known=0.7)
    table = catalogue.mpcorb(objects, 2)
    assert list(table["ssObjectId"]) == list(objects["ssObjectId"][objects["isKnown"]])
    assert 100 < len(table) < 180
    difference = table["q"] - objects["q"][objects["isKnown"]]
    assert 0 < np.median(np.abs(difference)) < 1e-4
    assert len(set(table["packed_primary_provisional_designation"])) == len(table)
    nobody = {**objects, "isKnown": np.zeros(200, dtype=bool)}
    assert len(catalogue.mpcorb(nobody, 2)) == 0


@pytest.mark.parametrize(
    ("number", "plain", "packed"),
    [(0, "2026 AA", "K26A00A"), (25, "2026 AA1", "K26A01A"), (2524, "2026 AZ100", "K26AA0Z")],
)
def test_designations(number: int, plain: str, packed: str) -> None:
    """The Minor Planet Center's forms."""
    assert catalogue.designation(number) == (plain, packed)


def test_brightness_falls_with_phase_angle() -> None:
    """0 at opposition, about half a magnitude at 10 degrees for G = 0.15; and colours."""
    assert abs(dimming(np.array([0.0]))[0]) < 1e-9
    assert 0.5 < dimming(np.radians([10.0]))[0] < 0.8
    assert band_magnitude(np.array([20.0]), "r")[0] < 20.0
    with pytest.raises(SimulatorError):
        band_magnitude(np.array([20.0]), "w")
