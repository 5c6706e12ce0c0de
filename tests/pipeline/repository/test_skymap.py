"""The sky map: regions and which tract a place is of."""

from __future__ import annotations

import numpy as np
import pytest
from lsst import sphgeom

from skyassay.pipeline.repository.skymap import SkyMap


@pytest.mark.parametrize("centre", [(60.0, -30.0), (0.02, 10.0), (200.0, 89.5), (10.0, -90.0)])
def test_every_place_of_a_tract_is_in_one_patch(centre):
    sky = SkyMap((centre,), radius=1.0, patches=4)
    tract = sky.tract_region(0)
    patches = [region for *_, region in sky.patch_regions(0)]
    assert len(patches) == 16
    rng = np.random.default_rng(1)
    centre3 = sphgeom.UnitVector3d(sphgeom.LonLat.fromDegrees(*centre))
    assert tract.contains(centre3)
    for patch in patches:
        assert tract.relate(patch) & sphgeom.CONTAINS or tract.overlaps(patch) is not False
    for _ in range(50):
        e, n = np.radians(rng.uniform(-0.99, 0.99, 2))
        a, d = np.radians(centre)
        p = np.array([np.cos(a) * np.cos(d), np.sin(a) * np.cos(d), np.sin(d)])
        east = np.array([-np.sin(a), np.cos(a), 0.0])
        place = sphgeom.UnitVector3d(*(p + e * east + n * np.cross(p, east)))
        assert tract.contains(place)
        assert sum(region.contains(place) for region in patches) == 1


def test_the_nearest_tract_and_whether_a_field_is_known():
    sky = SkyMap(((0.5, 0.0), (358.0, 0.0)))
    assert list(sky.tract_of(np.array([359.9, 359.0, 0.0]), np.zeros(3))) == [0, 1, 0]
    assert sky.near(359.9, 0.1)
    assert not sky.near(3.0, 0.0)
    assert SkyMap.from_dict(sky.to_dict()) == sky
