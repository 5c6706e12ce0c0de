"""The store on a real PostgreSQL server keeps the promises it keeps on SQLite."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest
import sqlalchemy as sa

from skyassay.metrics.contract import Measurement
from skyassay.verify.errors import VerifyError
from skyassay.verify.records import Evidence, Finding, Run
from skyassay.verify.store import open_store

pytestmark = pytest.mark.postgres
RUN = Run("one", "test data", "real", "2030-01-01T00:00:00Z")


def found(value: float = 3.0) -> list[Measurement]:
    return [Measurement("a.b.c", "mmag", "srd", "h", "MEASURED", value, band="g", n=7)]


def table() -> Evidence:
    return Evidence("a.b.c", "g", pd.DataFrame({"value": [1.0, 2.0]}))


def test_what_is_written_is_read_back(postgres, tmp_path) -> None:
    with open_store(postgres, write=True, evidence=tmp_path) as store:
        store.add_run(RUN, found(), [], [table()], [Finding("x", "info", "said", "hint")])
    with open_store(postgres, evidence=tmp_path) as store:
        assert store.latest() == RUN
        assert store.measurements("one") == found()
        assert store.evidence("one", "a.b.c", "g")["value"].tolist() == [1.0, 2.0]
        assert [f.code for f in store.findings("one")] == ["x"]


def test_a_replay_is_nothing_and_another_value_an_error(postgres, tmp_path) -> None:
    with open_store(postgres, write=True, evidence=tmp_path) as store:
        store.add_run(RUN, found())
        store.add_run(RUN, found())
        with pytest.raises(VerifyError) as error:
            store.add_run(RUN, found(3.1))
        assert error.value.code == "conflicting_result"
        assert store.measurements("one") == found()


def test_replays_at_the_same_time_are_one(postgres, tmp_path) -> None:
    open_store(postgres, write=True, evidence=tmp_path).close()

    def write(_number: int) -> None:
        with open_store(postgres, write=True, evidence=tmp_path) as store:
            store.add_run(RUN, found(), [], [table()])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(16)))
    with open_store(postgres, evidence=tmp_path) as store:
        assert [run.id for run in store.runs()] == ["one"]
        assert store.measurements("one") == found()


def test_readers_cannot_write(postgres, tmp_path) -> None:
    open_store(postgres, write=True, evidence=tmp_path).close()
    with open_store(postgres, evidence=tmp_path) as store:
        with pytest.raises(VerifyError) as error:
            store.add_run(RUN)
        assert error.value.code == "read_only"
        with (
            pytest.raises(sa.exc.DBAPIError, match="read-only"),
            store._engine.begin() as connection,
        ):
            connection.execute(sa.text("DELETE FROM runs"))


def test_a_database_that_is_no_store_or_not_there_says_so(postgres, tmp_path) -> None:
    with pytest.raises(VerifyError) as empty:
        open_store(postgres, evidence=tmp_path)
    assert empty.value.code == "store_outdated"
    nowhere = "postgresql+psycopg://nobody:secret@localhost:1/none"
    with pytest.raises(VerifyError) as gone:
        open_store(nowhere, write=True, evidence=tmp_path)
    assert gone.value.code == "store_unusable"
    assert "secret" not in str(gone.value)
