"""Which known orbits are expected in an image."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.table import Table

from skyassay.pipeline.astrometry.wcs import SkyWcs
from skyassay.pipeline.orbits.ephemeris import predict
from skyassay.pipeline.prompt.ephemerides import objects_in_image

MJD = 61345.2
SHAPE = (300, 400)


@pytest.fixture(scope="module")
def orbits():
    """Return orbits of the main belt."""
    rng = np.random.default_rng(4)
    n = 60
    return Table(
        {
            "ssObjectId": np.arange(100, 100 + n),
            "unpacked_primary_provisional_designation": [f"2026 X{i}" for i in range(n)],
            "q": rng.uniform(1.8, 2.4, n),
            "e": rng.uniform(0.0, 0.3, n),
            "i": rng.uniform(0, 20, n),
            "node": rng.uniform(0, 360, n),
            "argperi": rng.uniform(0, 360, n),
            "t_p": MJD + rng.uniform(-700, 700, n),
            "epoch_mjd": np.full(n, MJD - 2.0),
            "mpc_H": rng.uniform(10, 20, n),
            "mpc_G": np.full(n, 0.15),
        }
    )


def looking_at(place):
    scale = np.array([[-0.2, 0.0], [0.0, 0.2]]) / 3600
    centre = ((SHAPE[1] - 1) / 2, (SHAPE[0] - 1) / 2)
    nothing = np.zeros((4, 4))
    return SkyWcs(
        (float(place["ra"]), float(place["dec"])), centre, scale, nothing, nothing, SHAPE[::-1]
    )


def test_what_is_in_the_image_is_found_where_it_is(orbits):
    places = predict(orbits, MJD)
    for k in (3, 17):
        wcs = looking_at(places[k])
        found = objects_in_image(orbits, wcs, SHAPE, MJD, 10.0)
        row = found[found["ssObjectId"] == orbits["ssObjectId"][k]][0]
        assert (row["x"], row["y"]) == pytest.approx((199.5, 149.5), abs=1e-6)
        assert row["designation"] == f"2026 X{k}"
        assert row["q"] == orbits["q"][k]
        assert row["id"] == k + 1
        assert list(found["ssObjectId"]) == sorted(found["ssObjectId"])


@pytest.mark.parametrize(("beyond", "there"), [(-1.0, True), (8.0, True), (20.0, False)])
def test_the_margin(orbits, beyond, there):
    """Error of these places: 0.05 arcsec and more, a pixel or two of five errors."""
    places = predict(orbits, MJD)
    wcs = looking_at(places[5])
    ra, dec = wcs.pixel_to_sky(SHAPE[1] / 2, 149.5 + SHAPE[0] / 2 + beyond)
    turned = looking_at({"ra": 2 * places["ra"][5] - ra, "dec": 2 * places["dec"][5] - dec})
    found = objects_in_image(orbits, turned, SHAPE, MJD, 10.0)
    assert (orbits["ssObjectId"][5] in found["ssObjectId"]) is there


def test_none_is_a_table_with_all_columns(orbits):
    pole = looking_at({"ra": 10.0, "dec": -89.0})
    found = objects_in_image(orbits, pole, SHAPE, MJD, 10.0)
    assert len(found) == 0
    somewhere = objects_in_image(orbits, looking_at(predict(orbits, MJD)[0]), SHAPE, MJD, 10.0)
    assert found.colnames == somewhere.colnames
