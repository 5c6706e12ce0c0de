"""Templates on the pixels of a science image: seams, tracts, borders, RA 0 and the pole."""

import numpy as np
import pytest

from skyassay.pipeline.astrometry.wcs import SkyWcs
from skyassay.pipeline.coadd.patches import patch_box, shifted, tract_wcs
from skyassay.pipeline.coadd.warp import Box
from skyassay.pipeline.difference.border import padded
from skyassay.pipeline.difference.errors import DifferenceError
from skyassay.pipeline.difference.template import build_template
from skyassay.pipeline.images.exposure import Exposure, PhotoCalib
from skyassay.pipeline.images.mask import bit
from skyassay.pipeline.repository.skymap import SkyMap

PLACES = [(0.0, 12.0), (80.0, 89.98), (200.0, -89.99), (60.0, -30.0)]
SHAPE = (220, 240)


def science_wcs(centre, angle=0.3, offset=(0.0, 0.0)):
    c, s = np.cos(angle), np.sin(angle)
    cd = 0.2 / 3600.0 * np.array([[-c, s], [s, c]])
    nothing = np.zeros((4, 4))
    crpix = (SHAPE[1] / 2 + offset[0], SHAPE[0] / 2 + offset[1])
    return SkyWcs(centre, crpix, cd, nothing, nothing.copy(), (SHAPE[1], SHAPE[0]))


def patch(sky, tract, box, places, value=5.0, visits=(1, 2)):
    """Return a coadd with Gaussian stars of 1000 nJy at sky positions on a flat sky."""
    wcs = shifted(tract_wcs(sky, tract), box)
    image = np.full(box.shape, value)
    rows, columns = np.mgrid[: box.shape[0], : box.shape[1]]
    for x, y in zip(*wcs.sky_to_pixel(*places), strict=True):
        q = (columns - x) ** 2 + (rows - y) ** 2
        image += 1000.0 * np.exp(-0.5 * q / 1.5**2) / (2 * np.pi * 1.5**2)
    return Exposure(
        image.astype(np.float32),
        np.zeros(box.shape, np.int32),
        np.full(box.shape, 2.0, np.float32),
        wcs=wcs,
        photo_calib=PhotoCalib(31.4, 0.0),
        models={
            "INPUTS": {"visits": np.array(visits), "weights": np.ones(2), "epochs": np.ones(2)}
        },
        summary={"psfSigma": 1.5, "meanEpoch": 60000.0, "nTemplateVisits": 2.0},
    )


def four(sky, places, side=400):
    """Return the corners of four patches about the middle of a tract."""
    parts = []
    for number in (5, 6, 9, 10):
        box = patch_box(sky, number)
        middle = sky.patches * (box.x1 - box.x0) // 2
        near = Box(middle - side, middle + side, middle - side, middle + side)
        parts.append(patch(sky, 0, box.meet(near), places))
    return parts


@pytest.mark.parametrize("centre", PLACES)
def test_stars_of_four_patches_arrive_without_a_seam(centre):
    sky = SkyMap((centre,), radius=0.2, patches=4)
    wcs = science_wcs(centre)
    # The first lies on the corner of all four.
    x, y = np.array([120.0, 60.3, 200.6]), np.array([110.0, 160.2, 50.7])
    made = build_template(four(sky, wcs.pixel_to_sky(x, y)), wcs, SHAPE)
    assert made.summary["templateCoverage"] == 1.0
    assert made.summary["nTemplateVisits"] == 2.0
    assert not (made.mask & bit("NO_DATA")).any()
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    expected = np.full(SHAPE, 5.0)
    for u, v in zip(x, y, strict=True):
        q = (columns - u) ** 2 + (rows - v) ** 2
        expected += 1000.0 * np.exp(-0.5 * q / 1.5**2) / (2 * np.pi * 1.5**2)
    # The window of three pixels is good to a percent of the peak of so narrow a star.
    np.testing.assert_allclose(made.image, expected, atol=0.7)
    np.testing.assert_allclose(made.variance, 2.0, rtol=1e-3)


def test_the_pixels_about_the_image_are_kept():
    sky = SkyMap(((10.0, 5.0),), radius=0.2, patches=4)
    wcs = science_wcs((10.0, 5.0))
    made = build_template(four(sky, wcs.pixel_to_sky([-4.0], [100.0])), wcs, SHAPE)
    wide, whole = padded(made, 16)
    assert whole and wide.shape == (SHAPE[0] + 32, SHAPE[1] + 32)
    np.testing.assert_array_equal(wide[16:-16, 16:-16], made.image)
    # A star beside the image is there.
    assert np.unravel_index(np.argmax(wide), wide.shape) == (116, 12)
    bare, known = padded(made.with_(models={}), 16)
    assert not known
    np.testing.assert_array_equal(bare[:16, 16:-16], np.repeat(made.image[:1], 16, axis=0))


def test_what_a_tract_lacks_another_one_has():
    centre = (0.0, 0.0)
    sky = SkyMap((centre, (359.99, 0.01)), radius=0.05, patches=1)
    wcs = science_wcs(centre)
    star = wcs.pixel_to_sky([200.0, 40.0], [110.0, 100.0])
    parts = []
    for tract, west in ((0, True), (1, False)):
        x, y = tract_wcs(sky, tract).sky_to_pixel(*wcs.pixel_to_sky(120.0, 110.0))
        i, j = int(x), int(y)
        # One ends 20 pixels beyond the middle, the other begins 60 before it.
        box = (
            Box(i - 20, i + 300, j - 300, j + 300)
            if west
            else Box(i - 300, i + 60, j - 300, j + 300)
        )
        parts.append(patch(sky, tract, box, star, visits=(1, 2) if west else (3, 4)))
    alone = build_template(parts[:1], wcs, SHAPE)
    assert 0.3 < alone.summary["templateCoverage"] < 0.8
    both = build_template(parts, wcs, SHAPE)
    assert both.summary["templateCoverage"] == 1.0
    assert both.summary["nTemplateVisits"] == 4.0
    for x, y in ((200, 110), (40, 100)):
        assert both.image[y, x] == pytest.approx(5.0 + 1000.0 / (2 * np.pi * 2.25), rel=0.01)


def test_no_cover_is_named():
    sky = SkyMap(((10.0, 5.0),), radius=0.2, patches=4)
    wcs = science_wcs((10.0, 5.0))
    far = patch(sky, 0, Box(100, 200, 100, 200), wcs.pixel_to_sky([50.0], [50.0]))
    for patches in ([], [far]):
        with pytest.raises(DifferenceError) as caught:
            build_template(patches, wcs, SHAPE)
        assert caught.value.code == "no_template" and "0.0 %" in str(caught.value)


def test_patches_of_another_grid_are_refused():
    sky = SkyMap(((10.0, 5.0),), radius=0.2, patches=4)
    wcs = science_wcs((10.0, 5.0))
    parts = four(sky, wcs.pixel_to_sky([50.0], [50.0]), side=100)
    own = parts[1].wcs
    moved = SkyWcs(own.crval, (own.crpix[0] + 0.3, own.crpix[1]), own.cd, own.a, own.b, own.size)
    with pytest.raises(DifferenceError) as caught:
        build_template([parts[0], parts[1].with_(wcs=moved)], wcs, SHAPE)
    assert caught.value.code == "wrong_shape"
