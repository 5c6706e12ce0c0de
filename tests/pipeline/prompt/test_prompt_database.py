"""Making and opening the database, and everything that can be wrong with it."""

from __future__ import annotations

import shutil
import sqlite3

import numpy as np
import pytest
import sqlalchemy

from skyassay.pipeline.prompt.associate import associate_image
from skyassay.pipeline.prompt.database import default_config, ensure_database, open_database
from skyassay.pipeline.prompt.errors import PromptError
from skyassay.pipeline.prompt.store import contains, definitions

PLACE = (150.0, 2.0)


def caught(world, image=None):
    """Return the error of an image's association."""
    with pytest.raises(PromptError) as error:
        associate_image(world.database, image or world.image(0, [PLACE]))
    assert error.value.hint
    assert "\n" not in str(error.value)
    return error.value


def test_it_is_made_once_and_opened_once(empty_database):
    config = empty_database / "apdb_config.yaml"
    before = config.read_bytes()
    assert ensure_database(config) == config
    assert config.read_bytes() == before
    assert open_database(config) is open_database(str(config))
    assert not list(empty_database.glob("*.part*"))


def test_its_place_beside_a_repository(tmp_path):
    assert default_config(tmp_path / "repo") == tmp_path / "repo" / "apdb" / "apdb_config.yaml"


def test_the_schema_is_the_newest_and_whole(world):
    assert len(definitions(world.database, "DiaSource")) == 103
    assert len(definitions(world.database, "DiaObject")) == 83


def test_a_copy_is_a_database_of_its_own(world, tmp_path):
    shutil.copytree(world.config.parent, tmp_path / "copy")
    copy = type(world)(tmp_path / "copy" / "apdb_config.yaml")
    associate_image(copy.database, copy.image(0, [PLACE]))
    assert copy.rows("select count(*) from DiaSource") == [(1,)]
    assert world.rows("select count(*) from DiaSource") == [(0,)]


def test_a_moved_database_is_found(own_world, tmp_path):
    associate_image(own_world.database, own_world.image(0, [PLACE]))
    own_world.database.close()
    shutil.move(own_world.config.parent, tmp_path / "moved")
    moved = open_database(tmp_path / "moved" / "apdb_config.yaml")
    assert contains(moved, own_world.image(0, []).visit, 4)


def test_no_database(tmp_path):
    with pytest.raises(PromptError) as error:
        open_database(tmp_path / "apdb_config.yaml")
    assert (error.value.code, error.value.exit_code) == ("no_database", 4)


@pytest.mark.parametrize("text", ["", "a: 1\n", "[1, 2", "implementation_type: sql\n"])
def test_a_file_that_is_no_configuration(tmp_path, text):
    path = tmp_path / "apdb_config.yaml"
    path.write_text(text)
    with pytest.raises(PromptError) as error:
        open_database(path)
    assert (error.value.code, error.value.exit_code) == ("not_an_apdb", 4)


def test_a_database_that_is_something_else(world, tmp_path):
    folder = tmp_path / "other"
    shutil.copytree(world.config.parent, folder)
    for file in folder.glob("apdb.sqlite*"):
        file.unlink()
    with sqlite3.connect(folder / "apdb.sqlite") as connection:
        connection.execute("create table metadata (a int)")
    connection.close()
    with pytest.raises(PromptError) as error:
        open_database(folder / "apdb_config.yaml")
    assert (error.value.code, error.value.exit_code) == ("not_an_apdb", 4)


def test_a_file_that_is_gone(world, tmp_path):
    folder = tmp_path / "gone"
    shutil.copytree(world.config.parent, folder)
    for file in folder.glob("apdb.sqlite*"):
        file.unlink()
    text = (folder / "apdb_config.yaml").read_text()
    assert "db_url" in text
    (folder / "apdb_config.yaml").write_text(
        f"db_url: sqlite:///file:{folder}/apdb.sqlite?mode=rw&uri=true\nimplementation_type: sql\n"
    )
    with pytest.raises(PromptError) as error:
        open_database(folder / "apdb_config.yaml")
    assert error.value.code == "database_unreachable"
    assert not (folder / "apdb.sqlite").exists()


def test_a_server_that_is_not_there(tmp_path):
    with pytest.raises(PromptError) as error:
        ensure_database(tmp_path / "c.yaml", "postgresql+psycopg://nobody@127.0.0.1:1/none", wait=1)
    assert error.value.code == "database_unreachable"
    assert not (tmp_path / "c.yaml").exists()


def test_another_database_under_the_same_name(empty_database):
    with pytest.raises(PromptError) as error:
        ensure_database(empty_database / "apdb_config.yaml", "postgresql+psycopg://somewhere/else")
    assert (error.value.code, error.value.exit_code) == ("other_database", 4)


def test_damage_is_named(own_world):
    associate_image(own_world.database, own_world.image(0, [PLACE]))
    own_world.database.close()
    path = own_world.config.parent / "apdb.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("pragma wal_checkpoint(truncate)")
    connection.close()
    data = bytearray(path.read_bytes())
    rng = np.random.default_rng(1)
    data[4096:] = rng.integers(0, 256, len(data) - 4096, dtype=np.uint8).tobytes()
    path.write_bytes(data)
    assert caught(own_world, own_world.image(1, [PLACE])).code == "database_damaged"


def test_a_lock_is_waited_for_and_then_named(world):
    # Opened before the other writer comes.
    assert not contains(world.database, 1, 1)
    other = sqlite3.connect(world.config.parent / "apdb.sqlite", isolation_level=None)
    try:
        other.execute("begin immediate")
        error = caught(world)
        assert error.code == "database_locked"
        other.execute("rollback")
        found = associate_image(world.database, world.image(0, [PLACE]))
        assert len(found.sources) == 1
    finally:
        other.close()


def test_a_full_disk_stores_nothing_and_says_so(world):
    database = world.database
    ((pages,),) = world.rows("pragma page_count")

    def limit(connection, _):
        connection.execute(f"pragma max_page_count = {pages + 2}").close()

    sqlalchemy.event.listen(database.apdb._engine, "connect", limit)
    many = np.stack([150.0 + np.linspace(0, 0.005, 300), np.full(300, 2.0)], axis=1)
    error = caught(world, world.image(0, many))
    assert error.code == "DISK_FULL"
    sqlalchemy.event.remove(database.apdb._engine, "connect", limit)
    assert world.rows("select count(*) from DiaSource") == [(0,)]
    found = associate_image(database, world.image(0, many))
    assert len(found.sources) == 300


def test_a_file_that_may_not_be_written(world, monkeypatch):
    """Even root may not write where the database is opened to read."""
    engine = world.database.apdb._engine
    url = f"sqlite:///file:{world.config.parent}/apdb.sqlite?mode=ro&uri=true"
    monkeypatch.setattr(world.database.apdb, "_engine", sqlalchemy.create_engine(url))
    assert caught(world).code == "database_read_only"
    world.database.apdb._engine.dispose()
    monkeypatch.setattr(world.database.apdb, "_engine", engine)


def test_the_same_rows_under_another_name_are_refused(world):
    """An image with the ids of one that is stored."""
    associate_image(world.database, world.image(0, [PLACE]), now=61346.0)
    image = world.image(1, [(150.003, 2.0)])
    image.sources["diaSourceId"] = world.image(0, [PLACE]).sources["diaSourceId"]
    assert caught(world, image).code == "database_refused"
    assert world.rows("select count(*) from DiaSource") == [(1,)]
    assert world.rows("select count(*) from DiaForcedSource") == [(1,)]
