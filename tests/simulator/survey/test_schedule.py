"""The scheduler: what a month of nights must look like."""

import numpy as np
import pytest

from skyassay.simulator.survey import ephemeris as sky
from skyassay.simulator.survey.fields import PROGRAMS, fields
from skyassay.simulator.survey.filters import GOAL
from skyassay.simulator.survey.scheduler import LONGITUDE, Strategy, schedule
from skyassay.simulator.survey.weather import Climate, Memory, Weather

MONTH = Strategy(nights=30)


def planned(strategy=MONTH, seed=7):
    nights = list(schedule(strategy, seed))
    return {name: np.concatenate([n[name] for n in nights]) for name in nights[0]}


@pytest.fixture(scope="module")
def month():
    return planned()


@pytest.fixture(scope="module")
def heights(month):
    turn = sky.sidereal(month["mjd"], LONGITUDE)
    place = sky.Place(month["ra"], month["dec"])
    return {
        "field": sky.altitude(place, turn, MONTH.site.latitude),
        "sun": sky.altitude(sky.sun(month["mjd"]), turn, MONTH.site.latitude),
        "moon": sky.separation(place, sky.moon(month["mjd"])),
    }


def test_one_exposure_after_the_other_in_the_dark(month, heights):
    assert np.diff(month["mjd"]).min() * 86400.0 >= 35.0 - 1e-3
    assert heights["sun"].max() < -11.5
    assert 350 < np.bincount(month["night"]).max() < 1100


def test_fields_are_high_and_away_from_the_moon(month, heights):
    airmass = 1.0 / np.sin(np.radians(heights["field"]))
    main = month["program"] == 0
    assert np.quantile(airmass[main], 0.99) < 1.75
    assert airmass.max() < 2.8
    lit = sky.illumination(month["mjd"]) > 0.15
    assert heights["moon"][lit].min() > 25.0  # 30 less the dither and half a night's way


def test_pairs_come_back_within_half_an_hour(month):
    main = month["program"] == 0
    field, mjd = month["field"][main], month["mjd"][main]
    order = np.lexsort((mjd, field))
    gap = np.diff(mjd[order]) * 1440.0
    again = gap[(np.diff(field[order]) == 0) & (gap < 30.0)]
    assert len(again) > 0.35 * main.sum()
    shares = np.histogram(again, [40 / 60, 10.0, 20.0, 30.0])[0] / len(again)
    assert shares.min() > 0.05  # all scales
    same = (np.diff(field[order]) == 0) & (gap < 30.0)
    for name in ("ra", "dec"):  # both visits of a pair point alike
        moved = np.abs(np.diff(month[name][main][order]))[same]
        assert np.median(moved) == 0.0


def test_bands_follow_their_goal_and_programmes_their_share(month):
    main = month["program"] == 0
    shares = np.bincount(month["band"][main], minlength=6) / main.sum()
    assert shares == pytest.approx(GOAL / GOAL.sum(), abs=0.06)
    assert 0.7 < main.mean() < 0.95  # special fields are seen first
    deep = month["program"] == PROGRAMS.index("deep_drilling")
    assert 0.005 < deep.mean() < 0.05


def test_dithers_are_of_the_night_and_not_larger_than_a_field(month):
    known = fields()
    centre = sky.Place(known.ra[month["field"]], known.dec[month["field"]])
    away = sky.separation(sky.Place(month["ra"], month["dec"]), centre)
    main = month["program"] == 0
    assert away[main].max() <= 1.6 + 1e-6
    assert np.median(away[main]) == pytest.approx(1.6 / np.sqrt(2.0), rel=0.05)
    assert away[month["program"] == PROGRAMS.index("deep_drilling")].max() <= 0.6 + 1e-6


def test_a_short_survey_is_the_beginning_of_a_longer_one(month):
    short = planned(Strategy(nights=6))
    for name, column in short.items():
        assert (column == month[name][: len(column)]).all()
    other = planned(Strategy(nights=6), seed=8)
    assert len(other["mjd"]) != len(short["mjd"]) or (other["ra"] != short["ra"]).any()


def test_weather_remembers_within_a_night_and_from_night_to_night():
    weather, memory = Weather(Climate(lost=0.0)), Memory()
    random = np.random.default_rng(4)
    cloud, seeing, closed = [], [], []
    for night in range(1500):
        made, memory = weather.night(memory, 61041.0 + night, random)
        cloud.append(made.extinction.mean())
        seeing.append(np.log(made.seeing))
        closed.append(made.closed.mean())
    assert np.corrcoef(cloud[1:], cloud[:-1])[0, 1] > 0.25
    inside = np.array(seeing)
    assert np.exp(np.median(inside)) == pytest.approx(0.67, rel=0.05)
    residual = inside - inside.mean(axis=1, keepdims=True)
    assert (residual[:, 1:] * residual[:, :-1]).mean() > 0.7 * residual.var()
    assert 0.2 < np.mean(closed) < 0.4
