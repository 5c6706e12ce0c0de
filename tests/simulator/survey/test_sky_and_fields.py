"""Sun, Moon, night lengths, the tiling and the brightness of the sky."""

import numpy as np
import pytest

from skyassay.simulator.survey import ephemeris as sky
from skyassay.simulator.survey.brightness import sky_brightness
from skyassay.simulator.survey.fields import PROGRAMS, fields, footprint
from skyassay.simulator.survey.filters import pairs

LATITUDE, LONGITUDE = -30.2446, -70.7494
EVENINGS = np.arange(61041.0, 61041.0 + 3652.0)


def test_sun_and_moon_are_where_astropy_puts_them():
    from astropy.coordinates import get_body
    from astropy.time import Time

    mjd = np.linspace(61041.0, 61400.0, 40)
    for name, ours in (("sun", sky.sun(mjd)), ("moon", sky.moon(mjd))):
        body = get_body(name, Time(mjd, format="mjd", scale="tdb"))
        away = sky.separation(ours, sky.Place(body.ra.deg, body.dec.deg))
        # Ours are of the date, astropy's of 2000: 0.4 deg apart.
        assert away.max() < 0.8, name


def test_the_moon_is_lit_by_its_age():
    new = np.array([61058.83])  # 2026-01-18 19:52 UTC
    assert sky.illumination(new)[0] < 0.01
    assert sky.illumination(new + 14.8)[0] > 0.98


def test_nights_are_long_in_winter_and_end_at_the_given_altitude():
    dusk, dawn = sky.night_bounds(EVENINGS[:366], LATITUDE, LONGITUDE, sky.NAUTICAL)
    hours = (dawn - dusk) * 24.0
    assert hours.min() == pytest.approx(7.9, abs=0.2)
    assert hours.max() == pytest.approx(11.9, abs=0.2)
    assert abs(np.argmax(hours) - 171) < 10  # June
    for time in (dusk, dawn):
        height = sky.altitude(sky.sun(time), sky.sidereal(time, LONGITUDE), LATITUDE)
        assert height == pytest.approx(np.full(366, -12.0), abs=0.1)
    dark, light = sky.night_bounds(EVENINGS[:366], LATITUDE, LONGITUDE, sky.ASTRONOMICAL)
    assert ((dark > dusk) & (light < dawn)).all()


def test_a_star_culminates_north_or_south():
    time = np.array([61041.2])
    turn = sky.sidereal(time, LONGITUDE)
    for dec, north in ((0.0, 0.0), (-60.0, 180.0)):
        place = sky.Place(turn, np.array([dec]))
        assert sky.altitude(place, turn, LATITUDE) == pytest.approx([90.0 - abs(dec - LATITUDE)])
        assert np.cos(np.radians(sky.azimuth(place, turn, LATITUDE) - north)) == pytest.approx(1.0)


def test_main_survey_is_large_enough_and_out_of_the_plane():
    known = fields()
    area = (known.program == 0).sum() * 7.5
    assert 19_500 < area < 21_000
    assert (known.program == PROGRAMS.index("deep_drilling")).sum() == 6
    main = known.program == 0
    assert known.dec[main].min() >= -72.0
    assert known.dec[main].max() <= 13.0
    centre, pole = footprint(np.array([266.4, 192.86]), np.array([-28.9, -27.1]))
    assert PROGRAMS[centre] == "galactic_plane"
    assert PROGRAMS[pole] == "main"
    assert footprint(np.array([0.0, 100.0]), np.array([60.0, 23.0])).tolist() == [-1, 1]


def test_fields_leave_no_hole():
    from scipy.spatial import cKDTree

    known = fields()
    lattice = known.program != PROGRAMS.index("deep_drilling")
    inner = known.vector[(known.program == 0) & (np.abs(known.dec + 30.0) < 20.0)]
    nearest = cKDTree(known.vector[lattice]).query(inner, k=2)[0][:, 1]
    degrees = np.degrees(2.0 * np.arcsin(0.5 * nearest))
    assert 2.3 < degrees.min() < degrees.max() < 3.2  # a round field has a radius of 1.75 deg


def brightness(moon_altitude, separation, phase, sun=-40.0, airmass=1.0):
    one = np.ones(6)
    return sky_brightness(
        np.arange(6), airmass * one, moon_altitude * one, separation * one, phase * one, sun * one
    )


def test_moonlight_twilight_and_airmass_brighten_the_sky():
    dark = brightness(-10.0, 90.0, 0.0)
    assert dark == pytest.approx([22.99, 22.26, 21.20, 20.48, 19.60, 18.61], abs=0.01)
    full = dark - brightness(45.0, 60.0, 0.0)
    assert (np.diff(full) < 0).all()  # blue most
    assert 2.5 < full[0] < 5.0
    assert full[5] < 0.6
    assert (dark - brightness(45.0, 60.0, 90.0) < full).all()
    assert (dark - brightness(45.0, 30.0, 0.0) > full).all()
    assert (brightness(-10.0, 90.0, 0.0, sun=-13.0) < dark).all()
    assert (brightness(-10.0, 90.0, 0.0, airmass=1.5) < dark - 0.2).all()


def test_u_waits_for_a_dark_sky():
    assert any(0 in p for p in pairs(0.1, False, False))
    for lit, up in ((0.3, True), (0.5, False), (0.9, True)):
        assert not any(0 in p for p in pairs(lit, up, False))
    assert all(set(p) <= {3, 4, 5} for lit in (0.1, 0.9) for p in pairs(lit, True, True))
