"""Cutouts are the bytes that astropy writes for the same image."""

import io

import astropy.units as u
import numpy as np
import pytest
from astropy.nddata import CCDData, VarianceUncertainty
from astropy.wcs import WCS
from hypothesis import given
from hypothesis import strategies as st

from skyassay.pipeline.alerts.cutouts import Frame, cut_all, cutout, frames, sides
from skyassay.pipeline.alerts.errors import AlertError

ROTATION = "Pos angle in deg of focal plane +Y wrt North"


def by_astropy(exposure, frame):
    """Return the cutout as the stock library writes it."""
    scale = exposure.photo_calib.nanojansky
    ny, nx = exposure.shape
    rows, cols = (np.arange(frame.side) + v for v in (frame.y0, frame.x0))
    inside = np.ix_((rows >= 0) & (rows < ny), (cols >= 0) & (cols < nx))
    image, variance = (np.full((frame.side, frame.side), np.nan, np.float32) for _ in range(2))
    box = np.ix_(rows[(rows >= 0) & (rows < ny)], cols[(cols >= 0) & (cols < nx)])
    image[inside] = exposure.image[box] * np.float32(scale)
    variance[inside] = exposure.variance[box] * np.float32(scale * scale)
    wcs = WCS(naxis=2)
    wcs.wcs.crpix, wcs.wcs.crval = frame.crpix, frame.crval
    wcs.wcs.pc, wcs.wcs.cdelt = np.reshape(frame.pc, (2, 2)), [1.0, 1.0]
    x, y = frame.x0 + frame.crpix[0] - 1.0, frame.y0 + frame.crpix[1] - 1.0
    data = CCDData(
        image,
        uncertainty=VarianceUncertainty(variance),
        wcs=wcs,
        psf=None if exposure.psf is None else exposure.psf.kernel(x, y),
        unit=u.nJy,
        meta={"cutMinX": frame.x0 - 1, "cutMinY": frame.y0 - 1},
    )
    data.header["ROTPA"] = (round(frame.rotation, 10), ROTATION)
    out = io.BytesIO()
    data.write(out, format="fits")
    return out.getvalue()


def sources(x, y, size):
    n = len(x)
    return {
        "x": np.array(x),
        "y": np.array(y),
        "ra": np.linspace(59.9, 60.0, n),
        "dec": np.linspace(-30.0, -29.0, n),
        "bboxSize": np.array(size),
    }


def test_the_bytes_are_those_of_astropy(exposure):
    table = sources(
        [36.0, 35.4, 2.0, 71.6, -30.0], [32.0, 30.6, 61.0, 0.2, 10.0], [9, 33, 40, 31, 9]
    )
    for frame in frames(table, exposure):
        assert cutout(exposure, frame) == by_astropy(exposure, frame)
        bare = exposure.with_(psf=None)
        assert cutout(bare, frame) == by_astropy(bare, frame)


offsets = st.floats(14.0, 53.0)
degrees = st.floats(-90.0, 90.0).map(lambda value: round(value, 12))
scales = st.floats(1e-6, 9e-5)


@given(
    crpix=st.tuples(offsets, offsets),
    crval=st.tuples(degrees.map(lambda value: value % 360.0), degrees),
    pc=st.tuples(scales, scales, scales, scales),
)
def test_any_header(exposure_once, crpix, crval, pc):
    frame = Frame(5, -3, 30, crpix, crval, pc)
    assert cutout(exposure_once, frame) == by_astropy(exposure_once, frame)


@pytest.fixture(scope="module")
def exposure_once(request):
    from skyassay.pipeline.images.exposure import Exposure, PhotoCalib

    shape = (40, 40)
    ones = np.ones(shape, dtype=np.float32)
    return Exposure(ones, np.zeros(shape, np.int32), ones, photo_calib=PhotoCalib(31.4, 0.0))


def test_the_source_is_in_the_middle(exposure):
    x, y = np.linspace(20, 50, 31), np.linspace(20.5, 43.1, 31)
    for frame in frames(sources(x, y, np.arange(31) + 20), exposure):
        for position in frame.crpix:
            assert abs(position - 0.5 * (frame.side + 1)) <= 0.5


def test_what_a_reader_sees(exposure):
    frame = frames(sources([36.2], [32.9], [12]), exposure)[0]
    found = CCDData.read(io.BytesIO(cutout(exposure, frame)), format="fits")
    nanojansky = exposure.photo_calib.nanojansky
    assert found.unit == u.nJy
    assert found.shape == (30, 30)
    box = exposure.image[frame.y0 : frame.y0 + 30, frame.x0 : frame.x0 + 30]
    np.testing.assert_allclose(found.data, box * nanojansky, rtol=1e-6)
    assert isinstance(found.uncertainty, VarianceUncertainty)
    assert found.psf.sum() == pytest.approx(1.0)
    # The linear WCS agrees with the true one about the source: both in its tangent plane.
    wcs = WCS(found.header)
    east, north = wcs.wcs_pix2world(frame.crpix[0] + 9.0, frame.crpix[1] - 4.0, 1)
    ra, dec = exposure.wcs.pixel_to_sky([36.2, 45.2], [32.9, 28.9])
    assert (east - frame.crval[0]) * 3600 == pytest.approx(
        (ra[1] - ra[0]) * np.cos(np.radians(dec[0])) * 3600, abs=1e-3
    )
    assert (north - frame.crval[1]) * 3600 == pytest.approx((dec[1] - dec[0]) * 3600, abs=1e-3)
    # Relations that the public packets have.
    assert found.header["CRPIX1"] + found.header["CUTMINX"] == pytest.approx(36.2)
    assert found.header["CRPIX2"] + found.header["CUTMINY"] == pytest.approx(32.9)
    assert found.header["ROTPA"] == pytest.approx(25.0, abs=0.01)


def test_beyond_the_edge_is_nan(exposure):
    frame = frames(sources([0.0], [0.0], [9]), exposure)[0]
    found = CCDData.read(io.BytesIO(cutout(exposure, frame)), format="fits")
    assert np.isnan(found.data[:14]).all()
    assert np.isfinite(found.data[15:, 15:]).all()
    assert np.isnan(found.uncertainty.array[:, :14]).all()


def test_sides_are_bounded():
    assert sides(np.array([0, 29, 30, 64, 102, 4000])).tolist() == [30, 30, 30, 64, 102, 102]


def test_an_image_that_is_not_there(exposure):
    made = cut_all(sources([36.0], [32.0], [9]), difference=exposure, science=None, template=None)
    assert made.difference[0] is not None
    assert made.science == made.template == [None]


def test_errors(exposure):
    table = sources([np.nan], [2.0], [9])
    with pytest.raises(AlertError) as caught:
        cut_all(table, difference=exposure, science=None, template=None)
    assert caught.value.code == "bad_position"
    with pytest.raises(AlertError) as caught:
        cut_all(table, difference=exposure.with_(wcs=None), science=None, template=None)
    assert caught.value.code == "no_wcs"
    with pytest.raises(AlertError) as caught:
        cut_all({"x": np.ones(1)}, difference=exposure, science=None, template=None)
    assert caught.value.code == "missing_column"
