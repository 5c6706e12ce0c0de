"""World coordinates: both ways, at every place, and as astropy reads them."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS, FITSFixedWarning

from skyassay.pipeline.astrometry.errors import AstrometryError
from skyassay.pipeline.astrometry.nominal import initial_wcs
from skyassay.pipeline.astrometry.sphere import deproject, offsets
from skyassay.pipeline.astrometry.wcs import SkyWcs
from skyassay.pipeline.instrument.layouts import camera

PLACES = [(53.1, -27.8), (0.0, 0.0), (359.9999, 12.0), (120.0, 89.95), (10.0, 90.0), (7.0, -90.0)]


def distorted(ra, dec, n=1024, turn=0.3, side=1.0):
    """Return a WCS with a distortion of a few pixels in the corners."""
    a, b = np.zeros((4, 4)), np.zeros((4, 4))
    a[2, 0], a[1, 1], a[3, 0], a[1, 2] = 6e-6, -3e-6, 4e-9, 4e-9
    b[0, 2], b[1, 1], b[0, 3], b[2, 1] = -5e-6, 2e-6, 4e-9, 4e-9
    c, s = np.cos(turn), np.sin(turn)
    cd = 0.2 / 3600 * np.array([[side * c, -s], [side * s, c]])
    return SkyWcs((ra, dec), (500.2, 520.7), cd, a, b, (n, n))


def grid(n=1024, k=7):
    return (w.ravel() for w in np.meshgrid(np.linspace(0, n - 1, k), np.linspace(0, n - 1, k)))


@pytest.mark.parametrize(("ra", "dec"), PLACES)
@pytest.mark.parametrize("side", [1.0, -1.0])
def test_there_and_back(ra, dec, side):
    wcs = distorted(ra, dec, side=side)
    x, y = grid()
    back = wcs.sky_to_pixel(*wcs.pixel_to_sky(x, y))
    np.testing.assert_allclose(back, [x, y], atol=1e-5)


@pytest.mark.parametrize(("ra", "dec"), PLACES)
def test_astropy_reads_the_header_to_a_tenth_of_a_mas(ra, dec):
    wcs = distorted(ra, dec)
    x, y = grid()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FITSFixedWarning)
        theirs = WCS(fits.Header(wcs.to_header()))
    got = np.array(theirs.all_pix2world(x, y, 0))
    assert np.abs(offsets(*got, *wcs.pixel_to_sky(x, y))).max() < 1e-6
    # The fitted inverse, for readers that do not iterate.
    u, v = np.array(theirs.wcs_world2pix(*got, 0)) - np.array(wcs.crpix)[:, None]
    powers = np.arange(4)
    u, v = (
        w + np.einsum("pq,pn,qn->n", c, u ** powers[:, None], v ** powers[:, None])
        for w, c in ((u, theirs.sip.ap), (v, theirs.sip.bp))
    )
    np.testing.assert_allclose([u + wcs.crpix[0], v + wcs.crpix[1]], [x, y], atol=0.05)


@pytest.mark.parametrize(("ra", "dec"), PLACES)
def test_header_and_arrays_come_back(ra, dec):
    wcs = distorted(ra, dec)
    text = fits.Header(wcs.to_header()).tostring()
    for other in (
        SkyWcs.from_header(fits.Header.fromstring(text), size=wcs.size),
        SkyWcs.from_header(wcs.to_header() | {"NAXIS1": 1024, "NAXIS2": 1024}),
        SkyWcs.from_arrays(wcs.to_arrays()),
    ):
        for name, part in wcs.to_arrays().items():
            np.testing.assert_allclose(other.to_arrays()[name], part, rtol=1e-13)


@pytest.mark.parametrize(("ra", "dec"), PLACES)
def test_the_jacobian_is_that_of_small_steps(ra, dec):
    wcs = distorted(ra, dec)
    x, y = np.array([30.0, 900.0]), np.array([700.0, 12.0])
    here = wcs.pixel_to_sky(x, y)
    for axis, (dx, dy) in enumerate([(0.5, 0), (0, 0.5)]):
        ahead, behind = wcs.pixel_to_sky(x + dx, y + dy), wcs.pixel_to_sky(x - dx, y - dy)
        step = np.subtract(offsets(*ahead, *here), offsets(*behind, *here))
        np.testing.assert_allclose(step, wcs.jacobian(x, y)[:, :, axis].T, atol=1e-8)
    assert wcs.jacobian(3.0, 4.0).shape == (2, 2)
    np.testing.assert_allclose(wcs.pixel_scale(500.2, 520.7), 0.2, rtol=1e-12)


def test_no_place_is_nan_and_empty_is_empty():
    wcs = distorted(10.0, 10.0)
    assert np.isnan(wcs.sky_to_pixel(190.0, -10.0)).all()
    assert np.isnan(wcs.pixel_to_sky(np.nan, 3.0)).all()
    assert np.isnan(wcs.sky_to_pixel(np.nan, 3.0)).all()
    assert [w.shape for w in wcs.pixel_to_sky([], [])] == [(0,), (0,)]
    assert [w.shape for w in wcs.sky_to_pixel([], [])] == [(0,), (0,)]
    # Where the cubic has folded over there is no pixel, and no wrong one is given.
    far = wcs.sky_to_pixel(*deproject(60.0, 60.0, 10.0, 10.0))
    if np.isfinite(far).all():
        np.testing.assert_allclose(wcs.pixel_to_sky(*far), deproject(60.0, 60.0, 10.0, 10.0))


@pytest.mark.parametrize(("ra", "dec"), PLACES)
@pytest.mark.parametrize("layout", ["tiny", "small", "lsst"])
def test_the_nominal_wcs_is_the_plane_about_the_boresight(ra, dec, layout):
    cam = camera(layout)
    for det in (cam.detectors[0], cam.detectors[-1]):
        wcs = initial_wcs(cam, det, ra, dec, 33.0)
        x, y = grid(det.nx)
        fx = det.x + (x - (det.nx - 1) / 2) * cam.pixel_scale / 3600
        fy = det.y + (y - (det.ny - 1) / 2) * cam.pixel_scale / 3600
        c, s = np.cos(np.radians(33.0)), np.sin(np.radians(33.0))
        want = deproject(fx * c - fy * s, fx * s + fy * c, ra, dec)
        # arcsec; the limit is a tenth of a milliarcsecond.
        assert np.abs(offsets(*wcs.pixel_to_sky(x, y), *want)).max() < 1e-4


def test_at_rotation_zero_x_is_east_and_y_is_north():
    cam = camera("tiny")
    wcs = initial_wcs(cam, 1, 40.0, -5.0, 0.0)
    np.testing.assert_allclose(wcs.jacobian(255.5, 255.5), 0.2 * np.eye(2), atol=1e-9)
    np.testing.assert_allclose(wcs.pixel_to_sky(255.5, 255.5), (40.0, -5.0), atol=1e-12)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"CTYPE1": "RA---ZEA", "CTYPE2": "DEC--ZEA"}, "unsupported_wcs"),
        ({"CTYPE1": "", "CTYPE2": ""}, "no_wcs"),
        ({"RADESYS": "FK5"}, "unsupported_wcs"),
        ({"A_ORDER": 5}, "unsupported_wcs"),
        ({"A_1_0": 1e-3}, "unsupported_wcs"),
        ({"CRVAL2": 95.0}, "bad_wcs"),
        ({"CRVAL1": np.nan}, "bad_wcs"),
        ({"CD1_1": 0.0, "CD1_2": 0.0}, "bad_wcs"),
    ],
)
def test_headers_that_cannot_be_read_say_why(change, code):
    with pytest.raises(AstrometryError) as found:
        SkyWcs.from_header(distorted(10.0, 10.0).to_header() | change, size=(10, 10))
    assert found.value.code == code
    assert found.value.hint


def test_a_header_without_a_key_or_a_size_says_so():
    header = distorted(10.0, 10.0).to_header()
    with pytest.raises(AstrometryError, match="NAXIS1"):
        SkyWcs.from_header(header)
    del header["CRPIX2"]
    with pytest.raises(AstrometryError, match="CRPIX2"):
        SkyWcs.from_header(header, size=(10, 10))


def test_pc_with_cdelt_is_the_same_as_cd():
    header = distorted(10.0, 10.0).to_header()
    cd = {k: header.pop(k) for k in ("CD1_1", "CD1_2", "CD2_1", "CD2_2")}
    header |= {f"PC{k[2:]}": v / 2.0 for k, v in cd.items()} | {"CDELT1": 2.0, "CDELT2": 2.0}
    np.testing.assert_allclose(
        SkyWcs.from_header(header, size=(9, 9)).cd, distorted(10.0, 10.0).cd, rtol=1e-15
    )


def test_a_pointing_that_is_no_place_is_refused():
    with pytest.raises(AstrometryError) as found:
        initial_wcs(camera("tiny"), 0, float("nan"), 0.0, 0.0)
    assert found.value.code == "bad_pointing"
