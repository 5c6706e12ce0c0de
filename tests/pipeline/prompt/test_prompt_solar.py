"""Solar System objects: which sources they are, and what is said of them."""

from __future__ import annotations

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord

from skyassay.pipeline.products.catalog import product
from skyassay.pipeline.prompt.options import Options
from skyassay.pipeline.prompt.rows import Rows
from skyassay.pipeline.prompt.solar import ecliptic, match_solar, ss_source_table

ARCSEC = 1 / 3600
RA, DEC = 150.0, 2.0


def place(east, north):
    return RA + east * ARCSEC / np.cos(np.radians(DEC)), DEC + north * ARCSEC


def sources(made, *offsets, ids=None, fluxes=None):
    table = made.source_table(made.VISIT, [place(*o) for o in offsets], made.MJD, fluxes)
    table["ssObjectId"] = np.zeros(len(table), dtype=np.int64) if ids is None else np.array(ids)
    return Rows.of(table)


def orbits(made, *rows):
    return Rows.of(made.ephemeris([(k, *place(e, n), err) for k, e, n, err in rows]))


def test_each_object_has_one_source_at_most(made):
    seen = sources(made, (0.4, 0), (0.1, 0), (30, 0))
    found = match_solar(seen, orbits(made, (7, 0, 0, 0.1), (8, 30.2, 0, 0.1)), Options())
    assert list(found) == [-1, 0, 1]


def test_an_uncertain_orbit_is_looked_for_farther_away(made):
    seen = sources(made, (4, 0))
    assert list(match_solar(seen, orbits(made, (7, 0, 0, 0.1)), Options())) == [-1]
    assert list(match_solar(seen, orbits(made, (7, 0, 0, 1.0)), Options())) == [0]
    # But not anywhere.
    far = sources(made, (12, 0))
    assert list(match_solar(far, orbits(made, (7, 0, 0, 60.0)), Options())) == [-1]


def test_what_is_missing_from_the_image_is_no_object(made):
    seen = sources(made, (0, 0), fluxes=[-500.0])
    assert list(match_solar(seen, orbits(made, (7, 0, 0, 0.1)), Options())) == [-1]


def test_none_of_one_or_the_other(made):
    assert list(match_solar(sources(made, (0, 0)), orbits(made), Options())) == [-1]
    assert list(match_solar(sources(made), orbits(made, (7, 0, 0, 1.0)), Options())) == []


def with_rates(rows, east, north):
    n = len(rows)
    return rows.with_({"rate_ra": np.full(n, east), "rate_dec": np.full(n, north)})


def test_residuals_along_and_across(made):
    orbit = with_rates(orbits(made, (7, 0, 0, 0.1)), 0.3, 0.4)
    table = ss_source_table(sources(made, (0.6, 0.8), ids=[7]), orbit)
    row = table[0]
    assert row["ephOffsetRa"] == pytest.approx(0.6, abs=1e-5)
    assert row["ephOffsetDec"] == pytest.approx(0.8, abs=1e-5)
    assert row["ephOffset"] == pytest.approx(1.0, abs=1e-5)
    assert row["ephOffsetAlongTrack"] == pytest.approx(1.0, abs=1e-5)
    assert row["ephOffsetCrossTrack"] == pytest.approx(0.0, abs=1e-5)
    assert row["ephRate"] == pytest.approx(0.5)
    # It moves to the east, left on the sky; what lies south of it is to its left.
    south = ss_source_table(
        sources(made, (0, -0.5), ids=[7]), with_rates(orbits(made, (7, 0, 0, 0.1)), 1.0, 0.0)
    )
    assert south["ephOffsetCrossTrack"][0] == pytest.approx(0.5, abs=1e-5)


def test_what_stands_still_has_no_track(made):
    orbit = with_rates(orbits(made, (7, 0, 0, 0.1)), 0.0, 0.0)
    table = ss_source_table(sources(made, (0.6, 0.8), ids=[7]), orbit)
    assert np.isnan(table["ephOffsetAlongTrack"][0])
    assert table["ephOffset"][0] == pytest.approx(1.0, abs=1e-5)


def test_the_rank_counts_every_source_of_the_image(made):
    seen = sources(made, (0.2, 0), (0.5, 0), (9, 0), ids=[0, 7, 0])
    table = ss_source_table(seen, orbits(made, (7, 0, 0, 0.1)))
    assert list(table["diaDistanceRank"]) == [2]


def test_the_frames_of_the_sky():
    rng = np.random.default_rng(2)
    v = rng.normal(size=(50, 3))
    v /= np.linalg.norm(v, axis=1)[:, None]
    sky = SkyCoord(*v.T, representation_type="cartesian")
    ours = SkyCoord(*ecliptic(v), unit="deg")
    # J2000 to ICRS is 0.02 arcsec; the library's obliquity (2006) differs by 0.04 arcsec.
    mean = sky.transform_to("barycentricmeanecliptic")
    theirs = SkyCoord(mean.lon, mean.lat)
    assert ours.separation(theirs).max() < 0.1 * u.arcsec


def test_galactic_coordinates(made):
    table = ss_source_table(sources(made, (0, 0), ids=[7]), orbits(made, (7, 0, 0, 0.1)))
    theirs = SkyCoord(RA, DEC, unit="deg").galactic
    assert table["galLon"][0] == pytest.approx(theirs.l.deg, abs=1e-5)
    assert table["galLat"][0] == pytest.approx(theirs.b.deg, abs=1e-5)


def test_the_table_is_that_of_the_product(made):
    known = product("ss_source").columns
    full = ss_source_table(sources(made, (0, 0), ids=[7]), orbits(made, (7, 0, 0, 0.1)))
    none = ss_source_table(sources(made, (0, 0)), orbits(made))
    assert set(full.colnames) == set(known)
    assert none.colnames == full.colnames
    assert len(none) == 0
    for name in full.colnames:
        if known[name].dtype != "string":
            assert full[name].dtype == none[name].dtype == np.dtype(known[name].dtype)
    assert full["helio_vtot"][0] == pytest.approx(
        np.sqrt(np.sum([full[f"helio_v{a}"][0] ** 2 for a in "xyz"]))
    )
    # A caller may change what it was given.
    none["ephRa"].name = "mine"
    assert "ephRa" in ss_source_table(sources(made, (0, 0)), orbits(made)).colnames
