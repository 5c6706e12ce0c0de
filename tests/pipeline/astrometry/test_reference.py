"""Reference stars at the epoch of an exposure."""

from __future__ import annotations

import numpy as np
import pytest

from skyassay.pipeline.astrometry.errors import AstrometryError
from skyassay.pipeline.astrometry.reference import UNKNOWN_MOTION, at_epoch, earth, select
from skyassay.pipeline.astrometry.sphere import offsets


def catalog(ra, dec, **columns):
    n = len(ra)
    table = {"id": np.arange(n), "coord_ra": np.array(ra), "coord_dec": np.array(dec)}
    return table | {k: np.broadcast_to(np.asarray(v, float), n).copy() for k, v in columns.items()}


@pytest.mark.parametrize(("ra", "dec"), [(0.0, 0.0), (359.99999, -30.0), (77.0, 89.999)])
def test_ten_years_of_proper_motion(ra, dec):
    stars = at_epoch(
        catalog([ra], [dec], epochMjdTai=50000.0, pmRa=100.0, pmDec=-50.0), 50000.0 + 3652.5
    )
    moved = np.array(offsets(stars.ra, stars.dec, ra, dec))
    np.testing.assert_allclose(moved.T, [[1.0, -0.5]], atol=1e-5)
    assert 0 <= stars.ra[0] < 360


def test_the_parallax_draws_an_ellipse_of_one_year():
    days = 60000.0 + np.arange(0, 366, 5)
    table = catalog([0.0, 0.0], [66.56, 0.0], parallax=100.0)
    # One of the two stands near the ecliptic's pole (RA 18 h would be it), the other in it.
    table["coord_ra"][0] = 270.0
    pole, plane = (
        np.array(
            [
                np.array(offsets(s.ra, s.dec, table["coord_ra"], table["coord_dec"]))
                for s in (at_epoch(table, d) for d in days)
            ]
        ).transpose(2, 0, 1)
        * 1000
    )
    np.testing.assert_allclose(np.hypot(*pole.T), 100.0, rtol=0.03)
    assert np.ptp(np.hypot(*plane.T)) > 90.0
    # In January the Earth is nearest to the Sun, by 1.67 percent.
    assert np.linalg.norm(earth(60313.0)) == pytest.approx(0.983, abs=0.01)


def test_errors_grow_and_what_is_not_known_counts():
    table = catalog(
        [10.0, 11.0, 12.0],
        [0.0, 0.0, 0.0],
        epochMjdTai=50000.0,
        pmRa=1.0,
        pmDec=1.0,
        raErr=3.0,
        decErr=4.0,
        pmRaErr=0.4,
        r_mag=18.0,
    )
    table["pmRa"][1] = np.nan
    table["coord_ra"][2] = np.nan
    stars = at_epoch(table, 50000.0 + 3652.5)
    assert stars.id.tolist() == [0, 1]
    np.testing.assert_allclose(stars.east_err, [0.005, np.hypot(3, UNKNOWN_MOTION * 10) / 1000])
    np.testing.assert_allclose(stars.north_err, 0.004)
    np.testing.assert_allclose(stars.mags["r"], 18.0)
    np.testing.assert_allclose(stars.mag_errs["r"], 0.0)


def test_selection_by_place_and_magnitude():
    table = catalog([359.9, 0.1, 0.1, 5.0], [0.0] * 4, r_mag=18.0)
    table["r_mag"][2] = np.nan
    stars = at_epoch(table, 60000.0)
    assert select(stars, 0.0, 0.0, 0.2).id.tolist() == [0, 1, 2]
    assert select(stars, 0.0, 0.0, 0.2, band="r").id.tolist() == [0, 1]
    assert len(select(stars, 0.0, 0.0, 0.2, band="r", faint=17.0)) == 0
    assert len(select(stars, 0.0, 0.0, 0.2, band="u")) == 0


def test_what_cannot_be_done_is_said():
    with pytest.raises(AstrometryError) as found:
        at_epoch({"id": np.arange(2)}, 60000.0)
    assert found.value.code == "bad_reference_catalog"
    with pytest.raises(AstrometryError) as found:
        at_epoch(catalog([1.0], [1.0]), float("nan"))
    assert found.value.code == "bad_epoch"
    assert len(at_epoch(catalog([], []), 60000.0)) == 0
