"""Universe, cadence and conditions."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from skyassay.simulator.cadence import Cadence, night_log, visit_table, visits
from skyassay.simulator.conditions import Site, airmass, condition_nodes
from skyassay.simulator.errors import SimulatorError
from skyassay.simulator.geometry import basis, separation_mas
from skyassay.simulator.universe import Universe, g_minus_i, magnitudes, star_table

CENTRES = [(60.0, -30.0), (0.0, 5.0), (33.0, -90.0)]


@pytest.mark.parametrize("centre", CENTRES)
def test_stars_fill_the_cap_evenly_and_are_isolated(centre):
    stars = star_table(Universe(stars=4000), (centre,), 3, 61041.0)
    p = basis(stars["coord_ra"], stars["coord_dec"])[0]
    assert stars["objectId"].size == 4000
    nearest = cKDTree(p.T).query(p.T, k=2)[0][:, 1]
    assert np.degrees(nearest.min()) * 3600 > 2.0
    rho = separation_mas(stars["coord_ra"], stars["coord_dec"], *np.float64(centre)[:, None])
    inside = (rho / 3.6e6 / 1.75) ** 2
    assert inside.max() <= 1.0 + 1e-9
    assert np.histogram(inside, 4, (0, 1))[0] == pytest.approx(np.full(4, 1000), rel=0.1)
    assert np.all((stars["coord_ra"] >= 0) & (stars["coord_ra"] < 360))


def test_locus_is_smooth():
    colour = g_minus_i(np.linspace(0.001, 0.999, 500))
    assert -0.2 <= colour.min() < 0.3
    assert 2.8 < colour.max() <= 3.6
    m = magnitudes(np.full(500, 18.0), np.linspace(-0.1, 3.5, 500))
    for blue, red in (("u", "g"), ("g", "r"), ("r", "i"), ("i", "z"), ("z", "y")):
        steps = np.diff(m[blue] - m[red])
        assert np.abs(steps).max() < 0.05
    assert np.median(colour) == pytest.approx(0.95, abs=0.4)


def test_too_many_isolated_stars_are_refused():
    with pytest.raises(SimulatorError) as caught:
        star_table(Universe(stars=2000, radius=0.02), ((1.0, 1.0),), 1, 0.0)
    assert caught.value.code == "too_crowded"


def test_cadence_covers_bands_and_nights_with_small_dithers():
    cadence = Cadence(visits_per_band=12, nights=5, fields=((60.0, -30.0), (64.0, -30.0)))
    table = visits(cadence, 9)
    assert table["visit"].size == 12 * 6 * 2 == np.unique(table["visit"]).size
    for band in "ugrizy":
        mine = table["band"] == band
        assert mine.sum() == 24
        assert np.unique(table["visit"][mine] // 100_000).size == 5
    for number, centre in enumerate(cadence.fields):
        away = separation_mas(table["ra"], table["dec"], *np.float64(centre)[:, None]) / 1e3
        near = away < 20.0
        assert near.sum() == 72, number
    assert np.all(np.diff(table["expMidptMJD"]) > 0)
    night = table["visit"] // 100_000
    assert night[0] == 20260101
    frac = table["expMidptMJD"] % 1.0
    assert frac.min() > 0.0
    assert frac.max() < 0.42  # before 10 h UTC, night in Chile


def test_conditions_are_sane_and_depth_follows():
    table = visits(Cadence(visits_per_band=60, nights=20), 4)
    r = table["band"] == "r"
    assert np.median(table["seeing"][r]) == pytest.approx(0.83, rel=0.12)
    assert 24.0 < np.median(table["magLim"][r]) < 24.9
    assert table["airmass"].min() >= 1.0
    assert np.corrcoef(table["seeing"][r], table["magLim"][r])[0, 1] < -0.3
    assert np.any(table["extinction"] > 0)
    assert np.all(table["extinction"] >= 0)


def test_nominal_conditions_are_those_of_many_visits():
    cadence = Cadence(visits_per_band=3000, nights=1000, bands=("r",))
    table = visits(cadence, 6)
    nodes = condition_nodes(cadence.site, "r", -30.0)
    for q in (10, 50, 90):
        assert np.percentile(nodes.m5, q) == pytest.approx(
            np.percentile(table["magLim"], q), abs=0.05
        )
        assert np.percentile(nodes.seeing, q) == pytest.approx(
            np.percentile(table["seeing"], q), rel=0.03
        )


def test_a_field_that_never_rises_is_refused():
    with pytest.raises(SimulatorError) as caught:
        visits(Cadence(fields=((0.0, 80.0),)), 1)
    assert caught.value.code == "field_too_low"
    zenith = airmass(Site(), np.full(1, Site().latitude), np.zeros(1))
    assert zenith == pytest.approx(1.0)


def test_public_table_holds_no_truth_and_the_log_is_repeatable():
    truth = visits(Cadence(visits_per_band=3), 2)
    public = visit_table(truth)
    assert not {"seeing", "magLim", "zeroPointOffset", "extinction"} & set(public)
    exposure = (public["expMidpt"] - public["obsStart"]) / np.timedelta64(1, "s")
    assert exposure == pytest.approx(np.full(18, 15.0), abs=1e-5)
    logs = [night_log(truth, s) for s in (2, 2, 3)]
    assert all(np.array_equal(logs[0][c], logs[1][c]) for c in logs[0])
    assert not np.array_equal(logs[0]["observer"], logs[2]["observer"])
    assert sum(int(t.split()[0]) for t in logs[0]["text"]) == 18


def test_more_visits_leave_earlier_draws_alone():
    one = visits(Cadence(visits_per_band=7, nights=7), 5)
    two = visits(Cadence(visits_per_band=7, nights=7, bands=("u", "g", "r", "i", "z")), 5)
    same = np.isin(one["visit"], two["visit"]) & (one["band"] == "u")
    there = np.isin(two["visit"], one["visit"][same])
    assert np.array_equal(one["seeing"][same], two["seeing"][there])
