"""Public columns of `dia_source`, the row of quality, features of real tables."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.table import Table

from skyassay.pipeline.astrometry.wcs import SkyWcs
from skyassay.pipeline.dia.measure import measure_dia
from skyassay.pipeline.dia.options import Options
from skyassay.pipeline.dia.quality import quality_row
from skyassay.pipeline.dia.standardize import Exposed, sky_positions, standardize_dia
from skyassay.pipeline.images.exposure import PhotoCalib
from skyassay.pipeline.products.catalog import product
from skyassay.pipeline.reliability.features import NAMES, features
from skyassay.pipeline.reliability.model import shipped
from skyassay.pipeline.tables.ids import source_ids
from skyassay.pipeline.tables.standardize import Origin

ORIGIN = Origin(2026010100003, 20, "r", "r_sim")
SCALE = 0.2 / 3600.0


def wcs_at(ra, dec, turn=0.4):
    """Return a WCS of 0.2 arcsec per pixel, turned, its middle on the reference pixel."""
    c, s = np.cos(turn), np.sin(turn)
    cd = SCALE * np.array([[-c, s], [s, c]])
    zero = np.zeros((4, 4))
    return SkyWcs((ra, dec), (128.0, 128.0), cd, zero, zero, (256, 256))


@pytest.fixture(scope="module")
def measured(scene):
    """A bright, a dark, a dipole and a trail, and junk of one pixel."""
    drawn = scene((256, 256), seed=3)
    drawn.add(60.0, 60.0, 8e3).add(200.0, 60.0, 0.0, 8e3)
    drawn.add(60.0, 200.0, 12e3).add(63.0, 200.0, 0.0, 12e3)
    t = (np.arange(40) + 0.5) / 40 - 0.5
    drawn.add(180.0 + 12 * t, 180.0 + 5 * t, 20e3 / 40)
    difference, science, template = drawn.images()
    image = difference.image.copy()
    image[120, 120] += 3e3
    done = measure_dia(difference.with_(image=image), science, template, Options(), seed=1)
    table = done.table
    table["diaSourceId"] = source_ids(ORIGIN.visit, ORIGIN.detector, len(table))
    return table


def public(table, wcs):
    reliability = Table({"diaSourceId": table["diaSourceId"]})
    reliability["score"] = np.full(len(table), 0.7)
    reliability["version"] = np.full(len(table), "1.0")
    calib = PhotoCalib(31.4 - 2.5 * np.log10(2.0), 0.01)
    return standardize_dia(table, reliability, wcs, calib, ORIGIN, Exposed(61000.5, 30.0))


def test_columns_types_and_units_are_those_of_the_schema(measured):
    table, schema = public(measured, wcs_at(150.0, -20.0)), product("dia_source")
    unknown = set(table.colnames) - set(schema.columns)
    assert not unknown
    for name in table.colnames:
        column = schema.columns[name]
        kind = {"string": "U", "bool": "b"}.get(column.dtype)
        found = table[name].dtype
        assert found.kind == kind if kind else found == np.dtype(column.dtype), name
        assert (table[name].unit is not None) == bool(column.unit), name
    needed = {"psfFlux", "raErr", "trailLength", "dipoleLength", "ixx", "reliabilityVersion"}
    assert needed <= set(table.colnames)
    assert not any(n.startswith("feature_") for n in table.colnames)
    assert len(np.unique(table["diaSourceId"])) == len(table)


def test_values_are_in_public_units(measured):
    table = public(measured, wcs_at(150.0, -20.0))
    assert np.allclose(table["psfFlux"], 2.0 * measured["psfFlux_instFlux"], rtol=1e-6)
    ok = np.isfinite(measured["ixx"])
    assert np.allclose(table["ixx"][ok], 0.04 * measured["ixx"][ok], rtol=1e-3)
    trail = ~np.asarray(measured["trail_flag"])
    assert trail.sum() == 1
    assert table["trailLength"][trail][0] == pytest.approx(13.0 * 0.2, abs=0.2)
    assert np.asarray(table["isDipole"]).sum() == 1
    assert np.asarray(table["psfFlux"][np.asarray(table["isNegative"])]).max() < 0.0
    assert (np.asarray(table["midpointMjdTai"]) == 61000.5).all()


@pytest.mark.parametrize("place", [(0.0, 10.0), (359.999, -5.0), (123.0, 89.99), (40.0, -90.0)])
def test_positions_hold_everywhere_on_the_sky(measured, place):
    wcs = wcs_at(*place)
    table = public(measured, wcs)
    assert ((np.asarray(table["ra"]) >= 0.0) & (np.asarray(table["ra"]) < 360.0)).all()
    x, y = wcs.sky_to_pixel(table["ra"], table["dec"])
    assert np.allclose(x, measured["x"], atol=1e-4)
    assert np.allclose(y, measured["y"], atol=1e-4)


def test_covariance_turns_with_the_image(measured):
    table = measured[np.asarray(measured["trail_flag"]) & ~np.asarray(measured["centroid_flag"])]
    table["xErr"], table["yErr"], table["x_y_Cov"] = 0.3, 0.1, 0.02
    straight, turned = (sky_positions(table, wcs_at(150.0, 0.0, a)) for a in (0.0, np.pi / 2))
    assert np.allclose(straight["raErr"], 0.3 * SCALE, rtol=1e-6)
    assert np.allclose(straight["decErr"], 0.1 * SCALE, rtol=1e-6)
    assert np.allclose(straight["ra_dec_Cov"], -0.02 * SCALE**2, rtol=1e-6)
    assert np.allclose(turned["raErr"], 0.1 * SCALE, rtol=1e-6)
    assert np.allclose(turned["ra_dec_Cov"], 0.02 * SCALE**2, rtol=1e-6)


def test_an_empty_table_has_the_same_columns(measured):
    wcs = wcs_at(150.0, -20.0)
    full, empty = public(measured, wcs), public(measured[:0], wcs)
    assert len(empty) == 0
    assert empty.colnames == full.colnames
    numbers = [n for n in full.colnames if full[n].dtype.kind != "U"]
    assert [empty[n].dtype for n in numbers] == [full[n].dtype for n in numbers]
    assert features(measured[:0]).shape == (0, len(NAMES))


def test_tables_of_different_sources_are_refused(measured):
    wcs, n = wcs_at(150.0, -20.0), len(measured)
    ids = np.asarray(measured["diaSourceId"])[::-1]
    reliability = Table({"diaSourceId": ids, "score": np.zeros(n), "version": np.full(n, "1")})
    exposed = Exposed(61000.5, 30.0)
    with pytest.raises(ValueError, match="not of the same sources"):
        standardize_dia(measured, reliability, wcs, PhotoCalib(30.0, 0.0), ORIGIN, exposed)


def test_a_row_of_quality(measured):
    given = {"pullStd": 1.02, "nPixel": 900_000.0, "kernelSum": np.nan, "psfSigma": 1.6}
    row = quality_row(given, {"nSky": 100, "nStreak": 1, "threshold": 5.0}, ORIGIN)
    assert len(row) == 1
    assert set(row.colnames) == set(product("difference_quality").columns)
    assert (row["visit"][0], row["detector"][0], row["band"][0]) == (2026010100003, 20, "r")
    assert row["pullStd"][0] == 1.02
    assert row["nPixel"].dtype == np.int64
    assert np.ma.is_masked(row["kernelSum"][0])
    assert np.ma.is_masked(row["nDipole"][0])
    assert not np.ma.is_masked(row["nStreak"][0])


def test_real_sources_are_more_reliable_than_a_hot_pixel_and_a_dipole(measured):
    matrix = features(measured)
    assert np.isfinite(matrix).all()
    score = shipped().score(matrix)
    x, y = np.asarray(measured["x"]), np.asarray(measured["y"])
    at = [int(np.argmin(np.hypot(x - a, y - b))) for a, b in ((60, 60), (120, 120), (61.5, 200))]
    assert score[at[0]] > 0.5
    assert score[at[1]] < 0.5
    assert score[at[2]] < 0.5
