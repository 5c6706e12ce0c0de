"""The twin of moving detections."""

from __future__ import annotations

import numpy as np

from skyassay.simulator.solar_system.survey import MovingSurvey, linkable, opposition, simulate
from skyassay.simulator.solar_system.trajectories import positions

SMALL = MovingSurvey(radius=1.0, count=80)


def test_detections_are_where_and_as_bright_as_objects_are() -> None:
    """Real ones scatter by their errors about the truth; half of all are real."""
    found = simulate(SMALL, 1)
    table, owner = found["dia_source"], found["truth_moving_source"]["ssObjectId"]
    assert 0.4 < (owner > 0).mean() < 0.6
    assert len(np.unique(table["diaSourceId"])) == len(owner)
    visit = np.unique(table["visit"])[7]
    mine = (table["visit"] == visit) & (owner > 0)
    seen = positions(found["truth_ss_object"], table["midpointMjdTai"][mine][0], planets=(5,))
    row = np.searchsorted(seen["ssObjectId"], owner[mine])
    pull = (table["dec"][mine] - seen["dec"][row]) / table["decErr"][mine]
    assert 0.6 < pull.std() < 1.4


def test_the_same_seed_gives_the_same_bytes() -> None:
    """And another one does not."""
    a, b, c = simulate(SMALL, 1), simulate(SMALL, 1), simulate(SMALL, 2)
    assert all((a[p][k] == b[p][k]).all() for p in a for k in a[p])
    assert a["dia_source"]["ra"][0] != c["dia_source"]["ra"][0]


def test_opposition_is_where_the_sun_is_not() -> None:
    """In the middle of November the Sun is at 15.5 h."""
    ra, dec = opposition(61000.0)
    assert abs(ra - 57.0) < 1.5
    assert abs(dec - 20.0) < 1.0


def test_linkable_needs_pairs_in_three_nights_of_fifteen() -> None:
    """One detection in a night does not count, nor do nights too far apart."""
    objects = {"ssObjectId": np.array([1, 2, 3]), "isKnown": np.zeros(3, dtype=bool)}
    night = {1: [0, 0, 4, 4, 14, 14], 2: [0, 0, 4, 4, 15, 15], 3: [0, 0, 4, 4, 9]}
    owner = np.concatenate([np.full(len(n), k) for k, n in night.items()])
    mjd = 61000.6 + np.concatenate([np.array(n, dtype=float) for n in night.values()])
    found = linkable(owner, mjd, objects)
    assert found["isLinkable"].tolist() == [True, False, False]
    assert found["nDetections"].tolist() == [6, 6, 5]
    assert found["nNights"].tolist() == [3, 3, 3]
