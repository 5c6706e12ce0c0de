"""The walk over a cutout's headers agrees with astropy about what is sound."""

import io
import warnings

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

from skyassay.verify.alerts.stamps import Stamp, examine

from .alert_making import stamp

HOLE = np.ones((31, 31), dtype=np.float32)
HOLE[15, 15] = np.nan
BROKEN = {
    "a hole in the middle": {"image": HOLE},
    "an infinite variance": {"variance": np.full((31, 31), np.inf, np.float32)},
    "no variance in the middle": {"variance": np.zeros((31, 31), np.float32)},
    "an empty PSF": {"psf": np.zeros((11, 11))},
    "a PSF with a hole": {"psf": np.full((11, 11), np.nan)},
    "no PSF": {"psf": None},
    "no reference point": {"without": ["CRVAL2"]},
    "no matrix": {"without": ["PC1_1", "PC2_2", "CDELT1", "CDELT2"]},
    "a matrix of nothing": {"header": {"CDELT1": 0.0, "CDELT2": 1.0}},
}


def test_a_sound_one():
    assert examine(stamp()) == Stamp(31, True)


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN)
def test_what_makes_it_unsound(change):
    assert examine(stamp(**change)) == Stamp(31, False)


def test_a_corner_that_is_beyond_the_image_is_no_fault():
    image = np.ones((31, 31), dtype=np.float32)
    image[:, :12] = np.nan
    assert examine(stamp(image=image)) == Stamp(31, True)


@pytest.mark.parametrize(("known", "sound"), [(15, True), (14, False)])
def test_the_middle_of_an_even_side_is_two_pixels(known, sound):
    image = np.full((30, 30), np.nan, dtype=np.float32)
    image[:, :known] = 1.0
    made = stamp(image=image, variance=image)
    assert examine(made) == Stamp(30, sound)


def test_other_matrices():
    header = {"CD1_1": -5e-5, "CD2_2": 5e-5}
    assert examine(stamp(header=header, without=["PC1_1", "PC2_2"])).sound
    assert not examine(stamp(header={"CD1_1": -5e-5}, without=["PC1_1", "PC2_2"])).sound


def test_without_an_image():
    out = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(HOLE, name="UNCERT")]).writeto(out)
    assert examine(out.getvalue()) == Stamp()
    cube = io.BytesIO()
    fits.PrimaryHDU(np.ones((3, 31, 31), np.float32)).writeto(cube)
    assert examine(cube.getvalue()) == Stamp()


@pytest.mark.parametrize("data", [b"", b"SIMPLE", b"x" * 5760, b"\xff" * 2880, b" " * 2880])
def test_what_is_no_fits(data):
    assert examine(data) == Stamp()


def by_astropy(data):
    """Return whether the library opens it, and reads all three images to their end."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with fits.open(io.BytesIO(data)) as hdus:
                return [hdu.data.shape for hdu in hdus]
    except Exception:  # noqa: BLE001
        return None


def test_cut_short():
    whole = stamp()
    for end in range(0, len(whole) - 2880, 400):
        assert by_astropy(whole[:end]) != by_astropy(whole)
        assert not examine(whole[:end]).sound


@given(st.sampled_from(["BITPIX", "NAXIS", "NAXIS1", "SIMPLE"]), st.integers(-70, 70))
def test_any_number_in_a_structural_card(name, value):
    data = stamp()
    at = data.index(name.ljust(8).encode() + b"=")
    changed = data[: at + 10] + f"{value:>20}".encode() + data[at + 30 :]
    if examine(changed).sound:
        assert by_astropy(changed) == by_astropy(data)
