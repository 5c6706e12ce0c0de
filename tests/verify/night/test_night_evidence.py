"""The tables of a night against what is known of it by hand."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from skyassay.pipeline.clock.parameters import CHAIN as CLOCK
from skyassay.verify.night import alerts as single
from skyassay.verify.night.cutouts import SIDE, cutouts_of
from skyassay.verify.night.evidence import night_evidence, tables
from skyassay.verify.night.names import CHAIN, METRIC, RECIPE, SENT, TABLES, WAITED

from .night_making import (
    COST,
    FIRST,
    VISITS,
    alerts,
    detectors,
    night_tables,
    packets,
    source_of,
)


def by_visit(table: pd.DataFrame, *names: str) -> list[tuple]:
    rows = table.set_index("visit").loc[list(VISITS), list(names)]
    return [tuple(row) for row in rows.itertuples(index=False)]


def test_every_table_is_there_and_the_chain_is_the_clocks(told) -> None:
    assert set(told) == set(TABLES)
    assert CHAIN == CLOCK
    assert told["gaps"]["product"].tolist() == ["visit_table", "visit_detector_table",
                                                "difference_quality"]  # fmt: skip
    assert set(told["gaps"]["code"]) == {"column_absent"}


def test_visits_are_counted_and_named(told) -> None:
    visits = told["visits"]
    counts = by_visit(visits, "n_detectors", "n_done", "n_failed", "n_lost")
    assert counts == [(3, 3, 0, 0), (3, 2, 1, 0), (3, 0, 0, 3), (3, 3, 0, 0)]
    # A failed detector owes the median of its visit; a visit without any the night's median.
    due = by_visit(visits, "n_expected", "n_delivered", "n_in_time", "n_never")
    assert due == [(12, 12, 12, 0), (12, 8, 8, 4), (12, 0, 0, 12), (12, 11, 0, 1)]
    assert [s for (s,) in by_visit(visits, "status")] == [
        "OK",
        "INCOMPLETE",
        "FAILED",
        "INCOMPLETE",
    ]
    assert visits["seeing"].tolist() == pytest.approx([0.8, 0.81, 0.82, 0.83])
    assert visits["n_built"].tolist()[:2] == [12, 8]


def test_latencies_are_of_the_alerts_due(told) -> None:
    rows = told["visits"].set_index("visit")
    assert rows.loc[VISITS[0], "latency_50"] == pytest.approx(15.05, abs=0.011)
    assert rows.loc[VISITS[0], "latency_98"] == pytest.approx(15.11, abs=0.011)
    # A third of what was due never left: 98 % is not reached, half is.
    assert np.isnan(rows.loc[VISITS[1], "latency_98"])
    assert rows.loc[VISITS[1], "latency_50"] == pytest.approx(15.17, abs=0.011)
    assert rows.loc[VISITS[3], "latency_max"] == pytest.approx(75.30, abs=0.011)
    assert np.isnan(rows.loc[VISITS[2], "latency_50"])


def test_the_night_knows_when_it_was_done(told) -> None:
    night = told["night"].iloc[0]
    assert night["night"] == 20260122
    last = alerts()["handedMjdTai"]
    assert night["done_mjd"] == pytest.approx(np.nanmax(last), abs=1e-9)
    assert night["end_mjd"] == detectors()["readoutEndMjdTai"].max()


def test_what_was_done_at_an_unknown_time_may_have_been_last(tell) -> None:
    log, books = alerts(), detectors()
    handed = np.where(np.arange(len(log["visit"])) == 3, np.nan, log["handedMjdTai"])
    assert np.isnan(tell(alert_delivery=log | {"handedMjdTai": handed})["night"]["done_mjd"][0])
    seconds = np.where(np.arange(12) == 1, np.nan, books["seconds"])
    assert np.isnan(tell(night_detector=books | {"seconds": seconds})["night"]["done_mjd"][0])


def test_everything_that_failed_is_named_with_a_hint(told) -> None:
    rows = told["failures"]
    names = ["what", "visit", "detector", "task", "code"]
    found = dict(zip(rows[names].itertuples(index=False, name=None), rows["count"], strict=True))
    assert found == {
        ("calibration", -1, -1, "flat", "CALIBRATION_ABSENT"): 1,
        ("quantum", VISITS[0], -1, "consolidateVisit", "DISK_FULL"): 1,
        ("detector", VISITS[1], 2, "subtractImages", "NO_KERNEL_STARS"): 1,
        **{("detector", VISITS[2], d, "isr", "RAW_ABSENT"): 1 for d in range(3)},
        ("alerts", VISITS[3], -1, "distribution", "NOT_ACKNOWLEDGED"): 1,
        ("stream", VISITS[3], -1, "alerts-full-5", "NOT_ACKNOWLEDGED"): 1,
    }
    assert (rows["hint"].str.len() > 10).all()
    assert "2 stars are too few" in rows.loc[rows["detector"] == 2, "message"].iloc[0]


def test_a_waterfall_is_the_latency_of_the_last_alert(told) -> None:
    table = told["waterfall"]
    assert set(table["visit"]) == {VISITS[0], VISITS[1], VISITS[3]}
    latest = told["visits"].set_index("visit")["latency_max"]
    for visit, rows in table.groupby("visit"):
        assert rows["seconds"].sum() == pytest.approx(latest[visit], abs=0.02)
        ends = (rows["start"] + rows["seconds"]).to_numpy()
        assert ends[:-1] == pytest.approx(rows["start"].to_numpy()[1:])
        assert rows["stage"].tolist()[0] == WAITED
        assert rows["stage"].tolist()[-1] == SENT
        assert rows["seconds"].tolist()[1:-1] == list(COST)


def test_work_of_another_run_is_not_broken_down(tell) -> None:
    work = night_tables()["quantum_summary"]
    made = tell(quantum_summary=work | {"seconds": work["seconds"] * 9.0})["waterfall"]
    assert set(made["stage"]) == {WAITED, "not broken down", SENT}
    assert made.groupby("visit")["seconds"].sum().max() < 76.0


def test_the_detector_that_lost_light_is_flagged_and_no_other(told) -> None:
    bad = told["trend"][told["trend"]["flagged"]]
    assert set(bad["quantity"]) == {"zero point"}
    assert sorted(bad["detector"]) == [1, 1, 1, 1]
    # The table knows three detectors of visit 3, too: the weather was seen, the raws were lost.
    assert (bad["n_before"] == 5).all()
    assert bad["left"].to_numpy() == pytest.approx(-0.05, abs=0.005)


def test_without_a_past_nothing_is_compared(tell) -> None:
    table = night_tables()["visit_detector_table"]
    now = table["visit"] >= VISITS[0]
    made = tell(visit_detector_table={n: c[now] for n, c in table.items()})["trend"]
    assert len(made)
    assert made["deviation"].isna().all()
    assert not made["flagged"].any()


def test_single_alerts_are_the_best_of_each_kind_and_what_failed(told) -> None:
    rows = told["alerts"]
    assert set(rows["kind"]) == {"solar system", "dipole", "repeated", "single"}
    assert len(rows) <= single.MOST
    assert rows["diaSourceId"].is_unique
    assert set(rows["diaSourceId"]) <= set(alerts()["diaSourceId"].tolist())
    outcomes = rows["outcome"].value_counts()
    assert (outcomes["not handed over"], outcomes["late"]) == (1, single.MOST_LATE)
    assert rows.loc[rows["outcome"] == "not handed over", "code"].tolist() == ["NOT_ACKNOWLEDGED"]
    curve = told["light_curves"]
    assert (curve["object"] == FIRST).sum() == 8
    mover = curve[curve["moving"]]
    assert set(mover["object"]) == {77}
    assert len(mover) == 8


def test_a_great_night_keeps_few_alerts(tell) -> None:
    log, found = night_tables()["alert_delivery"], night_tables()["dia_source"]
    wide = {n: np.repeat(c, 30) for n, c in found.items()}
    names = FIRST + np.arange(len(wide["visit"]))
    many = {n: np.repeat(c, 30) for n, c in log.items()} | {"diaSourceId": names}
    made = tell(alert_delivery=many, dia_source=wide | {"diaSourceId": names})["alerts"]
    assert len(made) == single.MOST
    assert (made["outcome"] == "not handed over").sum() == single.MOST_LOST


@pytest.mark.parametrize("product", sorted(set(night_tables()) - {"night_detector"}))
def test_what_is_missing_is_a_gap_and_no_number(product, tell) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = tell(without=(product,))
    gaps = made["gaps"][made["gaps"]["product"] == product]
    assert gaps["code"].tolist()[0] == "missing_product"
    assert f"--table {product}=PATH" in gaps["hint"].iloc[0]
    if product == "alert_delivery":
        assert made["visits"]["n_expected"].isna().all()
        assert set(made["visits"]["status"]) == {"NOT_MEASURED", "FAILED"}
        assert set(made["alerts"]["outcome"]) == {"not known"}
    if product == "visit_table":
        assert made["visits"]["seeing"].isna().all()
        assert made["visits"]["mjd"].notna().all()
    if product == "dia_source":
        assert made["alerts"].empty


def test_a_night_of_no_alert_and_of_no_row(tell) -> None:
    books = detectors()
    done = books["status"] == "DONE"
    quiet = books | {"nAlert": np.ma.array(np.zeros(12, int), mask=~done)}
    quiet = {n: c[done] for n, c in quiet.items()}
    none = {n: c[:0] for n, c in alerts().items()}
    made = tell(night_detector=quiet, alert_delivery=none)
    assert made["visits"]["status"].tolist() == ["OK"] * 3
    assert made["visits"]["n_expected"].tolist() == [0, 0, 0]
    assert made["alerts"].empty
    empty = tell(night_detector={n: c[:0] for n, c in books.items()})
    assert list(empty) == ["gaps"]
    assert "no detector" in empty["gaps"]["message"].iloc[0]


def test_cutouts_are_the_pixels_of_the_packets(tmp_path) -> None:
    sky = np.arange(41 * 41, dtype=np.float32).reshape(41, 41)
    small = np.arange(6, dtype=np.float32).reshape(2, 3)
    made = packets([FIRST, FIRST + 1], {"cutoutDifference": small, "cutoutScience": sky})
    (tmp_path / "a.avro").write_bytes(made)
    source = source_of({}, tmp_path / "none", alerts=tmp_path / "a.avro")
    found = cutouts_of(source, [FIRST + 1, 5]).set_index("kind")
    assert set(found["diaSourceId"]) == {FIRST + 1}
    assert found.loc["difference", "pixels"].tolist() == small.ravel().tolist()
    assert (found.loc["difference", "height"], found.loc["difference", "width"]) == (2, 3)
    middle = sky[5 : 5 + SIDE, 5 : 5 + SIDE]
    assert found.loc["science", "pixels"].tolist() == middle.ravel().tolist()
    assert cutouts_of(source, [7]).empty
    assert cutouts_of(source_of(night_tables(), tmp_path / "t"), [FIRST]).empty


def test_the_same_night_gives_the_same_evidence(tmp_path, told) -> None:
    shuffled = {}
    for name, table in night_tables().items():
        order = np.random.default_rng(1).permutation(len(next(iter(table.values()))))
        shuffled[name] = {n: c[order] for n, c in table.items()}
    again = night_evidence(source_of(shuffled, tmp_path / "s"))
    assert [(e.metric, e.band, e.recipe) for e in again] == [(METRIC, None, RECIPE)] * len(TABLES)
    for one in again:
        pd.testing.assert_frame_equal(one.table, told[one.name])


def test_other_sources_have_no_night(tmp_path) -> None:
    assert night_evidence(source_of({"visit_table": night_tables()["visit_table"]}, tmp_path)) == ()
    assert len(tables(source_of(night_tables(), tmp_path / "n"))["alerts"]) == 20 + 1 + 4
