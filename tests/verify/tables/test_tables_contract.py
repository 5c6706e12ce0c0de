"""The contract: every kind of breach by name and count, on the table and on the profile."""

import os
import socket

import numpy as np
import pyarrow as pa
import pytest

from skyassay.pipeline.products import product
from skyassay.verify.tables import check_contract, contract_findings, open_tables
from skyassay.verify.tables.checks import checks
from skyassay.verify.tables.profile import Profile, profile

pytest.importorskip("great_expectations")

NULL = "expect_column_values_to_not_be_null"
BETWEEN = "expect_column_values_to_be_between"
IN_SET = "expect_column_values_to_be_in_set"
UNIQUE = "expect_compound_columns_to_be_unique"


def report(path, frame_rows=10**6):
    return check_contract(
        open_tables({"matched_source": path}).one("matched_source"), frame_rows=frame_rows
    )


def broken(found):
    return {(f.column, f.expectation): f.count for f in found.findings}


@pytest.fixture(params=["table", "profile"])
def engine(request):
    return {"engine": request.param, "frame_rows": 10**6 if request.param == "table" else 0}


def test_a_sound_table_has_no_findings(matched, write, engine):
    found = report(write(matched), engine["frame_rows"])
    assert found.findings == ()
    assert (found.engine, found.rows, found.ok) == (engine["engine"], 120, True)
    assert found.checked == len(checks(product("matched_source"), tuple(matched)))


def spoil(matched):
    n = len(matched["visit"])
    table = {k: v.copy() for k, v in matched.items()}
    table["coord_ra"][:3] = [-10.0, 360.5, np.inf]
    table["coord_dec"][:2] = [-90.5, 91.0]
    table["psfFlux"][:5] = [np.nan, np.nan, np.inf, -np.inf, -1.0]
    table["psfFluxErr"][:4] = [0.0, -1.0, np.nan, np.inf]
    table["extendedness"][:3] = [np.nan, 1.5, -0.1]
    table["band"] = np.where(np.arange(n) < 6, "N921", table["band"])
    again = {k: v[50:53] for k, v in table.items()}
    return {k: np.concatenate([v, again[k]]) for k, v in table.items()}


def test_every_breach_is_named_and_counted(matched, write_plain, engine):
    table = spoil(matched)
    hole = np.arange(len(table["visit"])) >= 121
    table["objectId"] = pa.array(table["objectId"], mask=hole)
    found = report(write_plain(table), engine["frame_rows"])
    assert broken(found) == {
        ("objectId", NULL): 2,
        ("coord_ra", BETWEEN): 3,
        ("coord_dec", BETWEEN): 2,
        ("psfFlux", NULL): 2,
        ("psfFlux", BETWEEN): 2,
        ("psfFluxErr", NULL): 1,
        ("psfFluxErr", BETWEEN): 3,
        ("extendedness", NULL): 1,
        ("extendedness", BETWEEN): 2,
        ("band", IN_SET): 6,
        # Three rows were repeated; two of the repetitions have lost their object.
        ("objectId,visit,band", UNIQUE): 2,
    }
    assert not found.ok
    severity = {(f.column, f.expectation): f.severity for f in found.findings}
    assert severity["objectId", NULL] == "error"
    assert severity["psfFlux", NULL] == "warning"
    (flux,) = [f for f in found.findings if (f.column, f.expectation) == ("psfFlux", NULL)]
    assert flux.fraction == pytest.approx(2 / 123)
    assert flux.message == "2 of 123 rows have no value of psfFlux."


def test_a_missing_column_is_a_finding_and_the_rest_is_checked(matched, write_plain, engine):
    table = {k: v for k, v in matched.items() if k != "extendedness"}
    table["psfFluxErr"] = np.zeros(120)
    found = report(write_plain(table), engine["frame_rows"])
    assert broken(found) == {
        ("extendedness", "expect_column_to_exist"): 0,
        ("psfFluxErr", BETWEEN): 120,
    }
    assert "There is no column extendedness that can be read." in [
        f.message for f in found.findings
    ]


def test_an_empty_table_is_not_sound(matched, write):
    empty = {k: v[:0] for k, v in matched.items()}
    for frame_rows in (10**6, -1):
        found = report(write(empty), frame_rows)
        assert not found.ok
        assert [f.message for f in found.findings] == ["The table has no rows."]


def test_all_nan_is_counted_in_full(matched, write, engine):
    nan = np.full(120, np.nan)
    found = report(write({**matched, "psfFlux": nan, "coord_ra": nan}), engine["frame_rows"])
    assert broken(found) == {("psfFlux", NULL): 120, ("coord_ra", NULL): 120}
    assert {f.fraction for f in found.findings} == {1.0}


def test_a_single_column_key(write, engine, tmp_path):
    visits = {"visit": np.array([1, 2, 2, 3]), "band": np.array(list("grrg"))}
    path = write(visits, "v.parquet", "visit_table")
    stored = open_tables({"visit_table": path}).one("visit_table")
    found = check_contract(stored, frame_rows=engine["frame_rows"])
    assert broken(found) == {("visit", "expect_column_values_to_be_unique"): 2}


def test_integers_with_gaps_keep_their_type(matched, write_plain, tmp_path):
    """A nullable key is judged by its nulls, not called a float."""
    ids = pa.array(matched["objectId"], mask=np.arange(120) == 7)
    found = report(write_plain({**matched, "objectId": ids}))
    assert broken(found) == {("objectId", NULL): 1}


def test_without_great_expectations_it_says_so(matched, write, monkeypatch):
    monkeypatch.setattr("skyassay.verify.tables.contract.find_spec", lambda name: None)
    found = report(write(matched))
    (finding,) = found.findings
    assert finding.expectation == "contract_not_checked"
    assert "skyassay[contracts]" in finding.message
    assert not found.ok


def test_what_a_run_keeps(matched, write, write_plain):
    assert contract_findings(open_tables({"matched_source": write(matched)})) == ()
    path = write_plain({**matched, "psfFluxErr": np.zeros(120)})
    (kept,) = contract_findings(open_tables({"matched_source": path}))
    assert (kept.code, kept.severity) == (BETWEEN, "error")
    assert kept.message.startswith("matched_source: 120 of 120 rows have psfFluxErr")


def test_nothing_is_sent_or_written(matched, write, monkeypatch, tmp_path):
    def refuse(*args, **kwargs):
        raise AssertionError("a connection was tried")

    path = write(matched)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    assert report(path).ok
    assert list((tmp_path / "cwd").iterdir()) == []
    assert os.environ["GX_ANALYTICS_ENABLED"] == "false"


def table_of(matched):
    return pa.table({k: pa.array(v) for k, v in matched.items()})


def test_the_profile_merges_in_any_order(matched):
    table = table_of(spoil(matched))
    wanted = checks(product("matched_source"), tuple(matched))
    pieces = [profile(table.slice(i, 10), wanted) for i in range(0, table.num_rows, 10)]
    whole = Profile().merge(profile(table, wanted))
    for order in (pieces, pieces[::-1]):
        state = Profile()
        for piece in order:
            state = state.merge(piece)
        assert (state.rows, state.counts) == (whole.rows, whole.counts)
        assert state.repeated() == whole.repeated() == 6


def test_repeated_keys_are_estimated_when_they_are_too_many():
    n = 40_000
    ids = np.concatenate([np.arange(n), np.arange(n // 2)])
    table = pa.table({"visit": ids, "band": ["g"] * len(ids)})
    wanted = checks(product("visit_table"), ("visit", "band"))
    state = Profile().merge(profile(table, wanted), most=10_000)
    assert state.depth > 0
    assert state.keys[0].nbytes <= 80_000
    assert state.repeated() == pytest.approx(n, rel=0.05)
