"""The store: append-only, all or nothing, checked on reading."""

from __future__ import annotations

import math
import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from skyassay.metrics.contract import Interval, Measurement
from skyassay.verify.errors import VerifyError
from skyassay.verify.records import Evidence, Finding, Run, Verdict
from skyassay.verify.store import open_store

RUN = Run("run-1", "data", "real", "2030-01-01", 7, {"t": {"rows": 3}}, {"command": "a"})
MEASURED = Measurement(
    "a.b.c", "mmag", "srd", "h", "MEASURED", 4.0,
    Interval(3.0, math.inf, 0.95, "t", 3.5, 4.5), band="g", at={"x": 0.1}, at_units={"x": "mag"},
)  # fmt: skip
VERDICT = Verdict(
    requirement="R", criterion="R/c", level="design", binding=True, status="PASS",
    value=4.0, low=3.0, high=math.inf, lower=3.5, upper=4.5, confidence=0.95, method="t",
    op="<=", limit=5.0, unit="mmag", margin_sigma=2.0, margin_percent=20.0,
    population="process", subject="data", evidence_level="real", reason=None, recipe="srd",
    recipe_hash="h", fingerprint="f", evidence="sha256:1",
)  # fmt: skip
TABLE = pd.DataFrame({"x": [1.0, 2.0, 3.5], "star": ["a", "b", "ü"]})
EVIDENCE = Evidence("a.b.c", "g", TABLE)
FINDING = Finding("pa2_pf1_disagree", "error", "They do not agree.")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/deep/store.sqlite"


def files(url: str) -> list[Path]:
    folder = Path(url.removeprefix("sqlite:///")).with_suffix(".evidence")
    return sorted(p for p in folder.rglob("*") if p.is_file())


def add(url: str, *args, **kwargs) -> None:
    with open_store(url, write=True) as store:
        store.add_run(*args, **kwargs)


def code_of(function, *args, **kwargs) -> str:
    with pytest.raises(VerifyError) as caught:
        function(*args, **kwargs)
    assert caught.value.hint or caught.value.code == "read_only"
    return caught.value.code


def test_everything_comes_back(url) -> None:
    add(url, RUN, [MEASURED], [VERDICT], [EVIDENCE], [FINDING])
    with open_store(url) as store:
        assert store.runs() == [RUN]
        assert store.run("run-1") == RUN
        assert store.latest() == RUN
        assert store.measurements("run-1") == [MEASURED]
        assert store.verdicts("run-1") == [VERDICT]
        assert store.findings("run-1") == [FINDING]
        pd.testing.assert_frame_equal(store.evidence("run-1", "a.b.c", "g"), TABLE)
        assert store.evidence("run-1", "a.b.c", "r") is None
        (point,) = store.history("R/c", "design")
        assert (point.run, point.verdict) == (RUN, VERDICT)


def test_a_replay_changes_nothing(url) -> None:
    for command in "ab":
        again = replace(RUN, created=f"203{command}", provenance={"command": command})
        add(url, again, [MEASURED], [VERDICT], [EVIDENCE], [FINDING])
    with open_store(url) as store:
        assert store.runs() == [replace(RUN, created="203a")]
        assert len(store.measurements("run-1")) == 1
        assert len(store.verdicts("run-1", "all")) == 1
    assert len(files(url)) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"measurements": [replace(MEASURED, value=4.1)]},
        {"verdicts": [replace(VERDICT, status="FAIL")]},
        {"evidence": [Evidence("a.b.c", "g", TABLE.head(1))]},
        {"measurements": [MEASURED, replace(MEASURED, band="r"), replace(MEASURED, n=9)]},
    ],
)
def test_another_value_for_the_same_key_is_refused_whole(url, other) -> None:
    add(url, RUN, [MEASURED], [VERDICT], [EVIDENCE])
    before = files(url)
    assert code_of(add, url, RUN, **other) == "conflicting_result"
    with open_store(url) as store:
        assert store.measurements("run-1") == [MEASURED]
        assert store.verdicts("run-1", "all") == [VERDICT]
    assert files(url) == before


def test_the_same_run_id_for_other_data_is_refused(url) -> None:
    add(url, RUN)
    assert code_of(add, url, replace(RUN, seed=8)) == "conflicting_result"
    other = replace(RUN, inputs={"t": {"rows": 4}})
    assert code_of(add, url, other) == "conflicting_result"


def test_within_one_call_the_same_key_conflicts_too(url) -> None:
    two = [MEASURED, replace(MEASURED, value=4.1)]
    assert code_of(add, url, RUN, two) == "conflicting_result"
    with open_store(url) as store:
        assert store.runs() == []


def test_more_of_a_run_may_follow(url) -> None:
    add(url, RUN, [MEASURED], [replace(VERDICT, status="NOT_MEASURED", evidence=None)])
    add(url, RUN, [replace(MEASURED, band="r")], [VERDICT])
    with open_store(url) as store:
        assert [m.band for m in store.measurements("run-1")] == ["g", "r"]
        assert store.verdicts("run-1") == [VERDICT]  # the newest of what was judged


def test_verdicts_of_record_are_not_those_for_comparison(url) -> None:
    unmeasured = replace(VERDICT, criterion="R/d", recipe=None, status="NOT_MEASURED")
    faro = replace(VERDICT, recipe="faro", status="INCONCLUSIVE")
    add(url, RUN, [], [VERDICT, faro, unmeasured])
    with open_store(url) as store:
        assert store.verdicts("run-1") == [VERDICT, unmeasured]
        assert store.verdicts("run-1", "faro") == [faro, unmeasured]
        assert len(store.verdicts("run-1", "all")) == 3
        assert len(store.history("R/c", "design")) == 1


def test_history_is_in_the_order_of_storing_not_of_the_clock(url) -> None:
    for name, created in (("b", "2031"), ("a", "2029")):
        add(url, replace(RUN, id=name, created=created), [], [VERDICT])
    with open_store(url) as store:
        assert [h.run.id for h in store.history("R/c", "design")] == ["b", "a"]


@pytest.mark.parametrize("bad", ["../x", "", "a/b", "a" * 81, "..", "x\0", "ü", "a b", "a\n"])
def test_ids_cannot_leave_the_store(url, bad) -> None:
    assert code_of(add, url, replace(RUN, id=bad)) == "bad_id"
    assert code_of(add, url, RUN, evidence=[replace(EVIDENCE, metric=bad)]) == "bad_id"
    assert code_of(add, url, RUN, evidence=[replace(EVIDENCE, band=bad)]) == "bad_id"


def test_readers_cannot_write(url) -> None:
    add(url, RUN)
    with open_store(url) as store:
        assert code_of(store.add_run, replace(RUN, id="x")) == "read_only"
        with (
            pytest.raises(Exception, match=r"readonly|query_only"),
            store._engine.begin() as c,
        ):
            c.exec_driver_sql("DELETE FROM runs")


def test_what_is_not_there(url) -> None:
    assert code_of(open_store, url) == "no_store"
    add(url, RUN)
    with open_store(url) as store:
        assert code_of(store.run, "run-2") == "unknown_run"
        assert store.measurements("run-2") == []
    with pytest.raises(VerifyError, match="no run 'run-2'") as caught, open_store(url) as store:
        store.run("run-2")
    assert "run-1" in caught.value.hint


def test_an_empty_store_has_no_latest_run(url) -> None:
    open_store(url, write=True).close()
    with open_store(url) as store:
        assert code_of(store.latest) == "no_runs"


@pytest.mark.parametrize("damage", ["flip", "truncate", "replace", "remove"])
def test_damaged_evidence_is_an_error_never_a_number(url, damage) -> None:
    add(url, RUN, evidence=[EVIDENCE])
    (path,) = files(url)
    data = bytearray(path.read_bytes())
    if damage == "remove":
        path.unlink()
    elif damage == "replace":
        TABLE.head(1).to_parquet(path)
    else:
        data[len(data) // 2] ^= 1
        path.write_bytes(data if damage == "flip" else data[:-5])
    with open_store(url) as store:
        expected = "evidence_missing" if damage == "remove" else "evidence_damaged"
        assert code_of(store.evidence, "run-1", "a.b.c", "g") == expected


def test_evidence_has_page_checksums(url) -> None:
    add(url, RUN, evidence=[EVIDENCE])
    (path,) = files(url)
    data = bytearray(path.read_bytes())
    import pyarrow as pa
    import pyarrow.parquet as pq

    chunk = pq.read_metadata(path).row_group(0).column(0)
    start = chunk.dictionary_page_offset or chunk.data_page_offset
    data[start + chunk.total_compressed_size - 1] ^= 1  # the last byte of the values
    with pytest.raises((OSError, pa.ArrowInvalid)):
        pq.read_table(pa.BufferReader(bytes(data)), page_checksum_verification=True)


def test_orphans_are_swept_by_the_next_writer_only(url) -> None:
    add(url, RUN, evidence=[EVIDENCE])
    (kept,) = files(url)
    orphan = kept.with_name("orphan.parquet")
    orphan.write_bytes(b"x")
    (kept.parent / "half.parquet.123.tmp").write_bytes(b"x")
    open_store(url).close()
    assert orphan.exists()
    open_store(url, write=True).close()
    assert files(url) == [kept]


def test_a_failing_file_leaves_nothing(url, monkeypatch) -> None:
    open_store(url, write=True).close()

    def full(path, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("skyassay.verify.store.parquet.write_durably", full)
    assert code_of(add, url, RUN, [MEASURED], [VERDICT], [EVIDENCE]) == "store_unusable"
    with open_store(url) as store:
        assert store.runs() == []
    monkeypatch.undo()
    add(url, RUN, [MEASURED], [VERDICT], [EVIDENCE])


def test_settings_of_sqlite(url) -> None:
    with open_store(url, write=True) as store, store._engine.connect() as connection:

        def pragma(name):
            return connection.exec_driver_sql(f"PRAGMA {name}").scalar()

        assert pragma("journal_mode") == "wal"
        assert pragma("synchronous") == 2
        assert pragma("foreign_keys") == 1
        assert pragma("busy_timeout") == 30_000


def test_a_schema_from_the_future_is_refused(url) -> None:
    add(url, RUN)
    with sqlite3.connect(url.removeprefix("sqlite:///")) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    raw.close()
    assert code_of(open_store, url) == "store_newer"
    assert code_of(open_store, url, write=True) == "store_newer"


def test_a_file_that_is_no_store(tmp_path) -> None:
    path = tmp_path / "x.sqlite"
    path.write_text("not a database, but long enough to be read as the header of one")
    assert code_of(open_store, str(path)) == "store_unusable"
    empty = tmp_path / "empty.sqlite"
    empty.touch()
    assert code_of(open_store, str(empty)) == "store_outdated"


@pytest.mark.parametrize("bad", ["sqlite://", "sqlite:///:memory:", "nonsense://", "a://b c d"])
def test_bad_urls(bad) -> None:
    assert code_of(open_store, bad, write=True) in ("bad_store_url", "store_unusable")


def test_the_schema_of_the_migrations_is_that_of_the_code(url) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from skyassay.verify.store.tables import METADATA

    with open_store(url, write=True) as store, store._engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, METADATA) == []


def test_concurrent_writers_of_the_same_result_make_one(url) -> None:
    errors: list[BaseException] = []

    def write() -> None:
        try:
            add(url, RUN, [MEASURED], [VERDICT], [EVIDENCE])
        except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
            errors.append(error)

    threads = [threading.Thread(target=write) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with open_store(url) as store:
        assert (len(store.runs()), len(store.measurements("run-1"))) == (1, 1)
