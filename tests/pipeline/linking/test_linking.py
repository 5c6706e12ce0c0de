"""Nights linked into objects: truth closure, the clock, precovery, bad input."""

from __future__ import annotations

import numpy as np
import pytest

from skyassay.pipeline.linking import tables
from skyassay.pipeline.linking.clock import DaytimeClock
from skyassay.pipeline.linking.daily import link_daily
from skyassay.pipeline.linking.errors import LinkingError
from skyassay.pipeline.linking.link import link
from skyassay.pipeline.linking.options import LinkingOptions
from skyassay.pipeline.orbits.ephemeris import predict
from skyassay.simulator.solar_system.trajectories import ALL_PLANETS, positions

#: Guesses that find the main belt: enough for these tests.
OPTIONS = LinkingOptions(distances=(2.6, 3.2, 2.0, 5.2), radial=(0.0, -0.12, 0.12), window=10.0)


@pytest.fixture(scope="module")
def daily(twin):
    """Return days of linking, each of 90 recorded seconds."""
    nights = np.unique(np.floor(twin["dia_source"]["midpointMjdTai"] - 0.5))
    return link_daily(twin["dia_source"], OPTIONS, seconds={int(n): 90.0 for n in nights})


@pytest.fixture(scope="module")
def once(twin):
    """Return one linking of all nights."""
    return link(twin["dia_source"], OPTIONS)


def owners(twin, found):
    """Return the true owner of every linked detection, and of every link its most frequent."""
    truth = twin["truth_moving_source"]
    owner = dict(zip(truth["diaSourceId"].tolist(), truth["ssObjectId"].tolist(), strict=True))
    whose = np.array([owner[int(i)] for i in found.detections.id[found.links.rows]])
    of = [np.bincount(whose[found.links.owner == k]).argmax() for k in range(len(found.links))]
    return whose, np.array(of)


def detections_nights(found):
    """Return the night of every linked detection."""
    return found.detections.night[found.links.rows]


def test_links_are_objects(twin, daily):
    """Nearly all that can be linked is, and nothing else."""
    whose, of = owners(twin, daily)
    assert (whose == of[daily.links.owner]).mean() > 0.999
    assert (of > 0).all()
    assert len(set(of)) == len(of)
    can = twin["truth_linkable_object"]
    linkable = can["ssObjectId"][can["isLinkable"]]
    assert len(linkable) > 60
    assert np.isin(linkable, of).mean() > 0.95


def test_no_detection_is_in_two_links(daily):
    """Each row once."""
    assert len(np.unique(daily.links.rows)) == len(daily.links.rows)


def test_orbits_predict_the_truth(twin, daily):
    """New orbits are where the objects truly are between the nights, to a tenth of an arcsec."""
    _, of = owners(twin, daily)
    mjd = 61004.7
    found = predict(tables.orbits(daily), mjd)
    row = np.searchsorted(twin["truth_ss_object"]["ssObjectId"], of)
    truth = {k: v[row] for k, v in twin["truth_ss_object"].items()}
    seen = positions(truth, mjd, planets=ALL_PLANETS)
    east = (found["ra"] - seen["ra"]) * np.cos(np.radians(seen["dec"]))
    off = np.hypot(east, found["dec"] - seen["dec"]) * 3600.0
    assert np.median(off) < 0.1
    assert np.median(np.abs(found["Vmag"] - seen["vMag"])) < 0.1


def test_chi2_is_what_the_errors_say(daily):
    """The quoted errors explain the residuals."""
    assert 0.8 < np.mean(daily.links.reduced) < 1.2


def test_the_clock_runs_from_the_first_exposure_of_the_night(daily):
    """Two hours of waiting, 90 s of work, one hour to the release, and the night itself."""
    work = 2.0 + 90.0 / 3600.0 + 1.0
    assert daily.delay.min() > work + 0.3
    assert daily.delay.max() < work + 0.7
    assert set(daily.seconds.values()) == {90.0}
    with pytest.raises(LinkingError) as error:
        DaytimeClock().released(61000.0, float("nan"))
    assert error.value.code == "bad_clock"


def test_earlier_detections_are_precovered(twin, daily):
    """Single detections of weeks before are found by the new orbits, and are right."""
    whose, of = owners(twin, daily)
    early = daily.precovered
    taken = detections_nights(daily)[early]
    assert (taken < 60999).sum() >= 10
    assert (whose[early] == of[daily.links.owner][early]).all()
    assert taken.max() < detections_nights(daily).max()


def test_all_at_once_finds_as_much(twin, daily, once):
    """One linking at the end has the same objects, give or take a few."""
    found = once
    _, of = owners(twin, found)
    _, before = owners(twin, daily)
    assert len(set(of) ^ set(before)) <= 3
    assert found.n_tracklets > len(found.links) * 3


def test_products_have_their_columns(daily):
    """Ids start where asked; an orbit has all elements."""
    table = tables.linked_source(daily, first_id=100)
    assert table["linkId"].min() == 100
    assert table.colnames == ["linkId", "diaSourceId", "orbitRms", "night", "delay", "isPrecovered"]
    orbits = tables.orbits(daily)
    assert len(orbits) == len(daily.links)
    assert all(np.isfinite(orbits[c]).all() for c in ("q", "e", "i", "t_p", "mpc_H"))
    assert (orbits["nobs_total"] >= 6).all()


def test_false_detections_alone_are_no_objects(twin):
    """Without the real ones nothing is linked."""
    false = twin["truth_moving_source"]["ssObjectId"] == 0
    alone = {k: v[false] for k, v in twin["dia_source"].items()}
    found = link(alone, OPTIONS)
    assert len(found.links) == 0
    assert len(tables.orbits(link_daily(alone, OPTIONS))) == 0


def test_two_nights_are_not_enough(twin):
    """Links need three nights."""
    some = twin["dia_source"]["midpointMjdTai"] < 61003.0
    found = link({k: v[some] for k, v in twin["dia_source"].items()}, OPTIONS)
    assert len(found.links) == 0


def test_order_of_rows_does_not_matter(twin, once):
    """Shuffled detections give the same links."""
    mix = np.random.default_rng(1).permutation(len(twin["dia_source"]["ra"]))
    again = link({k: v[mix] for k, v in twin["dia_source"].items()}, OPTIONS)
    np.testing.assert_array_equal(
        once.detections.id[once.links.rows], again.detections.id[again.links.rows]
    )


def test_unusable_detections_are_refused(twin):
    """Missing columns, and values that are not finite."""
    table = dict(twin["dia_source"])
    with pytest.raises(LinkingError) as error:
        link({k: v for k, v in table.items() if k != "raErr"})
    assert error.value.code == "missing_columns"
    table["ra"] = table["ra"].copy()
    table["ra"][0] = np.nan
    with pytest.raises(LinkingError) as error:
        link(table)
    assert error.value.code == "bad_positions"


def test_nothing_at_all_is_no_link(twin):
    """An empty table."""
    empty = {k: v[:0] for k, v in twin["dia_source"].items()}
    assert len(link(empty).links) == 0
    assert len(tables.linked_source(link_daily(empty))) == 0
