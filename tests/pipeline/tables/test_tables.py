"""Public tables: ids, units, positions, depth."""

from __future__ import annotations

import astropy.units as u
import numpy as np
import pytest
from astropy.table import Table
from hypothesis import given
from hypothesis import strategies as st

from skyassay.pipeline.astrometry.nominal import initial_wcs
from skyassay.pipeline.images.exposure import PhotoCalib
from skyassay.pipeline.instrument.layouts import camera
from skyassay.pipeline.products.catalog import product
from skyassay.pipeline.products.errors import ProductError
from skyassay.pipeline.tables.depth import effective_time, limiting_magnitude
from skyassay.pipeline.tables.ids import source_ids
from skyassay.pipeline.tables.standardize import Origin, standardize

WHOSE = Origin(2026010100001, 2, "r", "r_sim")


@given(
    st.tuples(
        st.integers(20200101, 20351231).filter(
            lambda d: 1 <= d // 100 % 100 <= 12 and 1 <= d % 100 <= 28
        ),
        st.integers(0, 9999),
        st.integers(0, 255),
    ),
    st.tuples(st.integers(0, 9999), st.integers(0, 255)),
)
def test_ids_of_different_images_never_meet(one, other):
    night, sequence, detector = one
    mine = source_ids(night * 100_000 + sequence, detector, 5)
    theirs = source_ids(night * 100_000 + other[0], other[1], 5)
    assert np.all(mine > 0)
    assert (set(mine) & set(theirs) == set()) == ((sequence, detector) != other)


@pytest.mark.parametrize(
    ("visit", "detector"), [(2026013200001, 0), (2026010100001, 256), (1, 0), (2026010199999, 0)]
)
def test_what_does_not_fit_is_refused(visit, detector):
    with pytest.raises(ProductError) as caught:
        source_ids(visit, detector, 3)
    assert caught.value.code == "id_overflow"


def _measured(n: int) -> Table:
    rng = np.random.default_rng(n)
    return Table(
        {
            "x": rng.uniform(0, 511, n),
            "y": rng.uniform(0, 511, n),
            "xErr": np.full(n, 0.02),
            "yErr": np.full(n, 0.01),
            "psfFlux_instFlux": np.full(n, 1000.0),
            "psfFlux_instFluxErr": np.full(n, 10.0),
            "ap12_instFlux": np.full(n, 1100.0),
            "psfFlux_flag": np.zeros(n, bool),
            "parent": np.full(n, -1),
            "deblend_nChild": np.zeros(n, int),
        }
    )


@pytest.mark.parametrize("n", [0, 1, 2, 50])
def test_fluxes_positions_types_and_units(n):
    wcs = initial_wcs(camera("tiny"), 1, 359.999, -30.0, 30.0)
    table = standardize(_measured(n), wcs, PhotoCalib(31.4, 0.001), WHOSE)
    assert len(table) == n
    # A zero point of 31.4: one electron is one nJy.
    assert np.allclose(table["psfFlux"], 1000.0)
    assert np.allclose(table["ap12Flux"], 1100.0)
    assert table["psfFlux"].unit == u.nJy
    back = wcs.sky_to_pixel(np.asarray(table["ra"]), np.asarray(table["dec"]))
    assert np.allclose(back, [_measured(n)["x"], _measured(n)["y"]], atol=1e-6)
    known = product("source").columns
    for name in table.colnames:
        if name in known and known[name].dtype.startswith(("float", "int", "bool")):
            assert table[name].dtype == np.dtype(known[name].dtype), name


def test_position_errors_are_those_of_pixels_turned():
    wcs = initial_wcs(camera("tiny"), 1, 0.0, 60.0, 90.0)
    table = standardize(_measured(20), wcs, PhotoCalib(31.4, 0.001), WHOSE)
    # Turned by 90 degrees the columns run north: the error of x is that of declination.
    assert np.allclose(table["decErr"] * 3600, 0.02 * 0.2, rtol=1e-3)
    assert np.allclose(table["raErr"] * 3600, 0.01 * 0.2, rtol=1e-3)


def test_depth_is_where_signal_is_five_times_noise():
    zero, area, noise = 32.0, 35.0, 20.0
    flux = 10 ** (0.4 * (zero - limiting_magnitude(zero, area, noise)))
    assert flux / np.sqrt(flux + area * noise**2) == pytest.approx(5.0)


@pytest.mark.parametrize("bad", [float("nan"), 0.0, -1.0])
def test_depth_of_what_was_not_measured_is_not_a_number(bad):
    assert np.isnan(limiting_magnitude(32.0, bad, 20.0))
    assert np.isnan(limiting_magnitude(32.0, 30.0, bad))
    assert np.isnan(limiting_magnitude(float("nan"), 30.0, 20.0))


def test_effective_time_of_fiducial_conditions_is_the_exposure():
    sky = 10 ** (0.4 * (28.36 + 2.5 * np.log10(30.0) - 21.20)) * 0.04
    sigma = 0.83 / 0.2 / np.sqrt(8 * np.log(2))
    found = effective_time("r", 30.0, 28.36 + 2.5 * np.log10(30.0), sigma, sky, 0.2)
    assert found["effTime"] == pytest.approx(30.0)
    # Half the sky is worth twice the time; half the light a quarter.
    assert effective_time("r", 30.0, 28.36 + 2.5 * np.log10(30.0), sigma, sky / 2, 0.2)[
        "effTime"
    ] == pytest.approx(60.0)
    faint = 28.36 + 2.5 * np.log10(30.0) - 2.5 * np.log10(2.0)
    assert effective_time("r", 30.0, faint, sigma, sky, 0.2)["effTime"] == pytest.approx(7.5)
