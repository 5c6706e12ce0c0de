"""Pixels of patches: one grid for a tract, every pixel in one patch, the regions of the map."""

import numpy as np
import pytest
from lsst import sphgeom

from skyassay.pipeline.coadd.errors import CoaddError
from skyassay.pipeline.coadd.patches import patch_box, patch_side, shifted, tract_wcs
from skyassay.pipeline.coadd.select import Choice, best_seeing
from skyassay.pipeline.repository.skymap import SkyMap


@pytest.mark.parametrize("centre", [(0.0, 20.0), (100.0, 89.9), (250.0, -45.0)])
def test_pixels_of_a_patch_are_in_its_region(centre):
    sky = SkyMap((centre,), radius=0.2, patches=4)
    wcs = tract_wcs(sky, 0)
    assert patch_side(sky) == 1800
    regions = {number: region for number, *_, region in sky.patch_regions(0)}
    for patch in (0, 3, 6, 12, 15):
        box = patch_box(sky, patch)
        assert box.shape == (1800, 1800)
        for x in (box.x0, box.x1 - 1):
            for y in (box.y0, box.y1 - 1):
                ra, dec = wcs.pixel_to_sky(x, y)
                place = sphgeom.UnitVector3d(sphgeom.LonLat.fromDegrees(float(ra), float(dec)))
                assert [n for n, r in regions.items() if r.contains(place)] == [patch]


def test_a_shifted_wcs_says_the_same():
    sky = SkyMap(((12.0, -3.0),), radius=0.1, patches=2)
    box = patch_box(sky, 2)
    whole, part = tract_wcs(sky, 0), shifted(tract_wcs(sky, 0), box)
    one = whole.pixel_to_sky(box.x0 + 3.0, box.y0 + 4.0)
    np.testing.assert_allclose(one, part.pixel_to_sky(3.0, 4.0), rtol=0, atol=1e-12)


def test_what_is_not_on_the_map_is_named():
    sky = SkyMap(((12.0, -3.0),), patches=2)
    for call in (lambda: patch_box(sky, 4), lambda: tract_wcs(sky, 1)):
        with pytest.raises(CoaddError) as caught:
            call()
        assert (caught.value.code, caught.value.exit_code) == ("bad_patch", 4)


def test_old_maps_are_read():
    assert SkyMap.from_dict({"centres": [[1.0, 2.0]], "radius": 2.0, "patches": 8}).scale == 0.2


def test_the_best_seeing_is_taken():
    seeing = {7: 1.3, 1: 1.1, 4: 2.0, 2: float("nan"), 9: 1.2}
    assert best_seeing(seeing, Choice(0.5, 1, 9)) == (1, 9)
    assert best_seeing(seeing, Choice(0.5, 3, 9)) == (1, 7, 9)
    assert best_seeing(seeing, Choice(1.0, 1, 1)) == (1,)
    assert best_seeing({}, Choice()) == ()
