"""New objects on the images of the weeks before."""

from __future__ import annotations

import numpy as np
import pytest

from skyassay.pipeline.prompt.associate import associate_image
from skyassay.pipeline.prompt.precovery import EarlierImage, precover

A, B = (150.0, 2.0), (150.001, 2.001)
#: Far enough that precovery has something to tell.
NEW = (149.999, 1.9995)
NIGHT = (61345.2 + 9.5, 61345.2 + 10.5)


def earlier(image, loaded=None):
    def load():
        if loaded is not None:
            loaded.append(image.visit)
        return image.difference, image.science

    shape = image.difference.shape
    return EarlierImage(image.visit, image.detector, image.midpoint, image.wcs, shape, load)


@pytest.fixture
def night(world):
    """Return a world with a new object on day 10, and images of days 0 and 5 that have it faint."""
    x, y = world.image(0, []).wcs.sky_to_pixel(*NEW)
    stars = [(float(x), float(y), 250.0)]
    images = [world.image(0, [A], stars=stars), world.image(5, [A], stars=stars)]
    for image in (*images, world.image(10, [A, NEW])):
        associate_image(world.database, image, now=image.midpoint + 0.01)
    return world, images


def test_new_objects_get_their_past(night):
    world, images = night
    done = precover(world.database, [earlier(i) for i in images], *NIGHT, now=61356.0)
    assert (done.objects, done.images) == (1, 2)
    assert list(done.table["nStored"]) == [1, 1]
    rows = world.rows(
        "select psfFlux, psfFluxErr, scienceFlux, midpointMjdTai, timeProcessedMjdTai"
        " from DiaForcedSource where timeProcessedMjdTai = 61356.0 order by midpointMjdTai"
    )
    assert [r[3] for r in rows] == [i.midpoint for i in images]
    assert [r[0] for r in rows] == pytest.approx([250.0, 250.0], rel=1e-3)
    assert [r[2] for r in rows] == pytest.approx([500.0, 500.0], rel=1e-3)


def test_the_next_alert_tells_it(night):
    world, images = night
    before = associate_image(world.database, world.image(11, [NEW]), now=61356.5)
    assert len(before.past_forced) == 1
    precover(world.database, [earlier(i) for i in images], *NIGHT, now=61357.0)
    after = associate_image(world.database, world.image(12, [NEW]), now=61358.0)
    times = after.past_forced.numbers("midpointMjdTai") - 61345.2
    assert list(np.round(times, 6)) == [0, 5, 10, 11]
    # What the earlier alert said stays.
    again = associate_image(world.database, world.image(11, [NEW]), now=61359.0)
    assert len(again.past_forced) == 1


def test_again_and_after_an_end_in_the_middle(night):
    world, images = night
    precover(world.database, [earlier(images[0])], *NIGHT, now=61356.0)
    loaded = []
    both = [earlier(i, loaded) for i in images]
    done = precover(world.database, both, *NIGHT, now=61357.0)
    assert list(done.table["nStored"]) == [0, 1]
    assert loaded == [images[1].visit]
    assert list(precover(world.database, both, *NIGHT).table["nStored"]) == [0, 0]
    assert len(world.rows("select 1 from DiaForcedSource where timeProcessedMjdTai > 61355.9")) == 2


def test_images_outside_the_window_or_without_the_object_are_not_read(night):
    world, images = night
    loaded = []
    old, late = world.image(-21, []), world.image(11, [])
    done = precover(world.database, [earlier(i, loaded) for i in (old, late)], *NIGHT)
    assert (len(done.table), done.images, loaded) == (0, 2, [])
    short = precover(world.database, [earlier(i, loaded) for i in images], *NIGHT, window=6.0)
    assert list(short.table["visit"]) == [images[1].visit]


def test_a_night_without_new_objects(night):
    world, images = night
    done = precover(world.database, [earlier(i) for i in images], 61400.0, 61401.0)
    assert (done.objects, len(done.table)) == (0, 0)
    assert done.table.colnames[:2] == ["visit", "detector"]


def test_an_image_that_was_never_associated_is_so_after_precovery(night):
    """Precovery wrote to it first: that must not pass for its association."""
    world, _ = night
    lost = world.image(7, [A, B])
    precover(world.database, [earlier(lost)], *NIGHT, now=61356.0)
    found = associate_image(world.database, lost, now=61357.0)
    assert found.counts["storedBefore"] == 0
    assert len(found.sources) == 2
    # The object that precovery measured there has its flux already: it is not measured again.
    ids = [
        r[0]
        for r in world.rows(
            "select diaForcedSourceId from DiaForcedSource where visit = ?", lost.visit
        )
    ]
    assert len(ids) == len(set(ids)) == 3


def test_rebuilt_outputs_are_without_precovery(night):
    world, images = night
    before = associate_image(world.database, images[1], now=61356.0)
    precover(world.database, [earlier(i) for i in images], *NIGHT, now=61357.0)
    after = associate_image(world.database, images[1], now=61358.0)
    assert list(after.forced.ids("diaForcedSourceId")) == list(
        before.forced.ids("diaForcedSourceId")
    )
