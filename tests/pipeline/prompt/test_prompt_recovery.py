"""A process that is killed while it stores, or after it has stored."""

from __future__ import annotations

import os
import signal
import warnings

import pytest
import sqlalchemy

from skyassay.pipeline.prompt import associate
from skyassay.pipeline.prompt.associate import associate_image

A, B = (150.0, 2.0), (150.001, 2.001)
TABLES = ("DiaObject", "DiaSource", "DiaForcedSource")


def killed(work):
    """Run in another process, which kills itself; fail where it did not."""
    with warnings.catch_warnings():
        # Other tests may have threads; the child uses none of theirs.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGKILL


def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)


def content(world):
    return [world.rows(f"select * from {name} order by 1, 2, 5") for name in TABLES]


@pytest.fixture
def begun(world):
    """Return a world with a first image, and no connection that a child could share."""
    associate_image(world.database, world.image(0, [A]), now=61346.0)
    world.database.close()
    return world


def test_killed_between_database_and_outputs(begun, monkeypatch):
    image = begun.image(1, [A, B])

    def store_and_die():
        monkeypatch.setattr(associate, "_recalled", die)
        associate_image(begun.database, image, now=61347.0)

    killed(store_and_die)
    stored = content(begun)
    assert len(stored[1]) == 3
    found = associate_image(begun.database, image, now=61350.0)
    assert found.counts["storedBefore"] == 1
    assert found.processed == 61347.0
    assert set(found.sources["timeProcessedMjdTai"]) == {61347.0}
    assert len(found.past_sources) == 1
    assert content(begun) == stored


def test_killed_before_the_transaction_ends(begun):
    image = begun.image(1, [A, B])
    before = content(begun)

    def die_at_commit():
        engine = begun.database.apdb._engine
        sqlalchemy.event.listen(engine, "commit", die)
        associate_image(begun.database, image, now=61347.0)

    killed(die_at_commit)
    assert content(begun) == before
    found = associate_image(begun.database, image, now=61350.0)
    assert found.counts["storedBefore"] == 0
    assert found.processed == 61350.0
    assert len(content(begun)[1]) == 3


def test_what_is_rebuilt_is_what_would_have_been(begun, own_world, monkeypatch):
    """The same night without a kill gives the same bytes."""
    other = own_world
    image = begun.image(1, [A, B])

    def store_and_die():
        monkeypatch.setattr(associate, "_recalled", die)
        associate_image(begun.database, image, now=61347.0)

    killed(store_and_die)
    again = associate_image(begun.database, image, now=61350.0)
    associate_image(other.database, other.image(0, [A]), now=61346.0)
    straight = associate_image(other.database, image, now=61347.0)
    for name in ("sources", "objects", "forced", "past_sources", "past_forced"):
        one, two = getattr(again, name), getattr(straight, name)
        assert one.colnames == two.colnames
        for column in one.colnames:
            assert one[column].tobytes() == two[column].tobytes(), (name, column)
    assert content(begun) == content(other)
