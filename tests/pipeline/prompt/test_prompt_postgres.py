"""The same images on PostgreSQL."""

from __future__ import annotations

import pytest

from skyassay.pipeline.prompt import store
from skyassay.pipeline.prompt.associate import associate_image
from skyassay.pipeline.prompt.database import ensure_database, open_database
from skyassay.pipeline.prompt.errors import PromptError
from skyassay.pipeline.prompt.precovery import EarlierImage, precover

pytestmark = pytest.mark.postgres
A, B, C = (150.0, 2.0), (150.001, 2.001), (149.999, 1.9995)
NAMES = ("sources", "objects", "forced", "past_sources", "past_forced")


@pytest.fixture
def served(postgres, tmp_path):
    """Return a database of a server."""
    config = ensure_database(tmp_path / "served" / "apdb_config.yaml", postgres, wait=5)
    assert ensure_database(config, postgres) == config
    database = open_database(config, wait=5)
    yield database
    database.close()


def test_both_databases_give_the_same_bytes(served, world):
    images = [
        world.image(0, [A, B]),
        world.image(1, [B, A, C], orbits=[(3, *C, 0.1)]),
        world.image(2, []),
        world.image(3, [A]),
    ]
    for image in images:
        now = image.midpoint + 0.01
        one, two = (associate_image(d, image, now=now) for d in (served, world.database))
        assert one.counts == two.counts
        for name in NAMES:
            rows, others = getattr(one, name), getattr(two, name)
            assert rows.colnames == others.colnames
            for column in rows.colnames:
                assert rows[column].dtype == others[column].dtype
                assert rows[column].tobytes() == others[column].tobytes(), (name, column)
    again = associate_image(served, images[1], now=61400.0)
    assert again.counts["storedBefore"] == 1
    assert len(store.recall(served, images[1].visit, 4).sources) == 3
    first = images[0]
    earlier = EarlierImage(
        first.visit, 4, first.midpoint, first.wcs, first.difference.shape,
        lambda: (first.difference, first.science),
    )  # fmt: skip
    done = precover(served, [earlier], images[3].midpoint, 1e5)
    assert done.objects == 0
    refused = world.image(4, [C])
    refused.sources["diaSourceId"] = images[0].sources["diaSourceId"][:1]
    with pytest.raises(PromptError) as caught:
        associate_image(served, refused, now=61500.0)
    assert caught.value.code == "database_refused"
    assert not store.contains(served, refused.visit, 4)


def test_precovery_numbers_its_rows(served, world):
    old, new = world.image(0, [A]), world.image(5, [A, C])
    for image in (old, new):
        associate_image(served, image, now=image.midpoint + 0.01)
    earlier = EarlierImage(
        old.visit, 4, old.midpoint, old.wcs, old.difference.shape,
        lambda: (old.difference, old.science),
    )  # fmt: skip
    done = precover(served, [earlier], new.midpoint - 0.5, new.midpoint + 0.5, now=61400.0)
    assert list(done.table["nStored"]) == [1]
    assert len(store.recall(served, old.visit, 4).forced) == 1
    assert len(store.forced_ids(served, old.visit, 4)[0]) == 2
