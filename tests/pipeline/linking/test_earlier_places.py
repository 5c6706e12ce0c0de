"""Places of new objects in earlier visits, and their errors."""

from __future__ import annotations

import numpy as np
import pytest

from skyassay.pipeline.linking.link import link
from skyassay.pipeline.linking.options import LinkingOptions
from skyassay.pipeline.linking.precovery import earlier_places
from skyassay.simulator.solar_system.survey import opposition
from skyassay.simulator.solar_system.trajectories import ALL_PLANETS, positions


@pytest.fixture(scope="module")
def found(twin):
    """Return the links of forty objects."""
    owner = twin["truth_moving_source"]["ssObjectId"]
    few = (owner > 0) & (owner <= 40) & (twin["dia_source"]["midpointMjdTai"] > 60999.0)
    options = LinkingOptions(distances=(2.6, 3.2), radial=(0.0, -0.12, 0.12))
    return link({k: v[few] for k, v in twin["dia_source"].items()}, options)


def visits(*mjd, radius=180.0):
    ra, dec = opposition(61003.0)
    size = len(mjd)
    return {
        "visit": np.arange(size) + 2030010100001,
        "mjd": np.array(mjd),
        "ra": np.full(size, ra),
        "dec": np.full(size, dec),
        "radius": np.full(size, radius),
    }


def test_places_are_off_by_their_errors(twin, found):
    """Offsets from the truth, over the quoted ellipse, are unit normal."""
    table = earlier_places(found.links, visits(60996.2, 60999.7), first_id=1, largest=60.0)
    assert len(table) > 30
    truth = twin["truth_moving_source"]
    owner = dict(zip(truth["diaSourceId"].tolist(), truth["ssObjectId"].tolist(), strict=True))
    links, square = found.links, []
    for row in table:
        first = links.rows[links.owner == row["ssObjectId"] - 1][0]
        mine = twin["truth_ss_object"]["ssObjectId"] == owner[int(found.detections.id[first])]
        one = {k: v[mine] for k, v in twin["truth_ss_object"].items()}
        seen = positions(one, float(row["mjd"]), planets=ALL_PLANETS)
        east = (row["ra"] - seen["ra"][0]) * np.cos(np.radians(row["dec"])) * 3600.0
        north = (row["dec"] - seen["dec"][0]) * 3600.0
        c, s = np.cos(np.radians(row["errAngle"])), np.sin(np.radians(row["errAngle"]))
        square.append(((c * east + s * north) / row["errMajor"]) ** 2)
        square.append(((c * north - s * east) / row["errMinor"]) ** 2)
    assert 0.5 < np.mean(square) < 2.0
    assert (table["errMajor"] >= table["errMinor"]).all()
    assert table["visit"].dtype == np.int64


def test_errors_grow_with_the_time_before(found):
    """And places that are not known well enough are left out."""
    near = earlier_places(found.links, visits(60999.0), largest=1e9)
    far = earlier_places(found.links, visits(60970.0), largest=1e9)
    assert np.median(far["errMajor"]) > 5.0 * np.median(near["errMajor"])
    assert len(earlier_places(found.links, visits(60970.0), largest=0.01)) == 0


def test_only_what_is_in_the_circle_is_returned(found):
    """A field without any."""
    away = visits(60999.0, radius=1.0)
    away["dec"] -= 40.0
    assert len(earlier_places(found.links, away)) == 0
    assert len(earlier_places(found.links, visits())) == 0
