"""The page of a night: what it shows of which run, and that it runs nothing it shows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skyassay.dashboards.app import build_night
from skyassay.dashboards.collect import Missing, Source
from skyassay.dashboards.collect_night import night as collect_night
from skyassay.dashboards.compute.night import MOST_BARS, night
from skyassay.dashboards.plot.alert import curve_figure, cutout_figure
from skyassay.dashboards.plot.night import alerts_figure, timeline, waterfall_figure
from skyassay.dashboards.query import Query
from skyassay.verify.night.evidence import tables
from skyassay.verify.night.names import METRIC, RECIPE
from skyassay.verify.records import Evidence, Run
from skyassay.verify.store import open_store

from .browsing import served, watch, words_of

NOW = datetime(2026, 11, 23, tzinfo=UTC)
RUN = Run("night-1", "SimCam", "pixels", "2026-11-22T00:00:00+00:00")
PAYLOADS = ("<img src=x onerror=alert(1)>", '"><svg onload=alert(3)>', "$$x^2$$ <%= alert(4) %>")
#: Names of things that the page knows how to draw or to word.
FIXED = ("status", "stage", "outcome", "kind", "pixels", "band", "quantity")


@pytest.fixture(scope="session")
def told(tmp_path_factory):
    """The tables of the night that the tests of the reports are written for, with cutouts."""
    path = Path(__file__).parents[1] / "verify/night/night_making.py"
    spec = spec_from_file_location("night_making_for_pages", path)
    made = module_from_spec(spec)
    spec.loader.exec_module(made)
    found = tables(made.source_of(made.night_tables(), tmp_path_factory.mktemp("night")))
    rows = []
    for number in found["alerts"]["diaSourceId"]:
        sky = np.random.default_rng(3).normal(size=(21, 21)).astype(np.float32)
        sky[0, 0], sky[10, 10] = np.nan, 30.0
        rows += [(number, kind, 21, 21, sky.ravel()) for kind in ("science", "difference")]
    columns = ["diaSourceId", "kind", "height", "width", "pixels"]
    return {**found, "cutouts": pd.DataFrame(rows, columns=columns)}


def keep(store, run: Run, found) -> None:
    store.add_run(run, evidence=[Evidence(METRIC, None, t, RECIPE, n) for n, t in found.items()])


def poisoned(found):
    """Return the tables with payloads in every string that is free."""
    return {
        name: table.assign(
            **{
                column: [PAYLOADS[i % 3] for i in range(len(table))]
                for column in table.columns
                if not pd.api.types.is_numeric_dtype(table[column]) and column not in FIXED
            }
        )
        for name, table in found.items()
    }


@pytest.fixture(scope="session")
def night_store(tmp_path_factory, told) -> str:
    path = str(tmp_path_factory.mktemp("nights") / "store.sqlite")
    with open_store(path, write=True) as store:
        keep(store, replace(RUN, id="hostile", subject=PAYLOADS[0]), poisoned(told))
        keep(store, RUN, told)
        keep(store, replace(RUN, id="later"), {})
    return path


@pytest.fixture
def nights(night_store, requirements):
    with open_store(night_store) as store:
        yield Source(store, requirements)


def view_of(source, **query):
    asked = Query(**query)
    data = collect_night(source, asked)
    return data if isinstance(data, Missing) else night(data, asked, NOW)


def test_the_newest_run_with_a_night_is_shown(nights) -> None:
    view = view_of(nights)
    assert view.banner.run == "night-1"
    assert [run for run, _ in view.runs] == ["later", "night-1", "hostile"]
    assert view.night["night"] == 20260122
    assert {word: n for _, word, n in view.cards} == {
        "Failed": 1, "Incomplete": 2, "Late": 0, "Not timed": 0, "In order": 1
    }  # fmt: skip
    assert [r.name for r in view.reports] == ["data_quality", "performance", "calibration"]


def test_an_alert_is_chosen_by_its_name(nights, told) -> None:
    rows = told["alerts"]
    one = rows[rows["kind"] == "solar system"].iloc[0]
    view = view_of(nights, alert=str(one["diaSourceId"]))
    assert view.chosen
    assert view.alert.id == str(one["diaSourceId"])
    facts = dict(view.alert.facts)
    assert facts["Solar System object"] == "77"
    assert len(view.alert.curve) == 8
    assert view.alert.curve["newest"].sum() == 1
    assert [c.kind for c in view.alert.cutouts] == ["science", "difference"]
    assert view.alert.cutouts[1].low == -view.alert.cutouts[1].high
    assert "1 pixel without a value" in view.alert.cutouts[0].words
    assert "middle 30" in view.alert.cutouts[0].words
    lost = rows.loc[rows["outcome"] == "not handed over", "diaSourceId"].iloc[0]
    facts = dict(view_of(nights, alert=str(lost)).alert.facts)
    assert facts["Outcome"] == "not handed over (NOT_ACKNOWLEDGED)"
    assert facts["Latency"] == "—"


def test_a_visit_is_chosen_by_its_name(nights, told) -> None:
    visit = str(told["visits"]["visit"].iloc[1])
    view = view_of(nights, visit=visit)
    assert [row[:4] for row in view.visit.rows] == [
        (0, "DONE", "", ""), (1, "DONE", "", ""), (2, "FAILED", "subtractImages", "NO_KERNEL_STARS")
    ]  # fmt: skip
    assert {str(row[2]) for row in view.alerts.rows} == {visit}
    assert set(view.waterfall["visit"].astype(str)) == {visit}
    empty = view_of(nights, visit=str(told["visits"]["visit"].iloc[2]))
    assert empty.alert is None
    assert "No alert" in empty.alerts.note


@pytest.mark.parametrize(
    ("query", "what"),
    [({"alert": "5"}, "alert"), ({"visit": "5"}, "visit"), ({"run": "nobody"}, "run"),
     ({"alert": PAYLOADS[0]}, "alert"), ({"run": "later", "alert": "5"}, "alert")],
)  # fmt: skip
def test_what_nobody_knows_is_a_page_of_its_own(nights, query, what) -> None:
    found = view_of(nights, **query)
    assert isinstance(found, Missing)
    assert found.what == what
    assert build_night(nights, Query(**query), NOW).title.startswith("No such")


def test_a_run_without_a_night_says_what_to_do(nights) -> None:
    view = view_of(nights, run="later")
    assert (view.night, view.cards, view.alert) == ({}, (), None)
    page = build_night(nights, Query(run="later"), NOW)
    assert len(page.body) == 2
    assert "This run has no night" in page.body[1].object


def test_pictures_of_what_is_there_and_none_of_what_is_not(told) -> None:
    visits = told["visits"]
    assert timeline(visits, "seeing", "seeing", "arcsec") is not None
    assert timeline(visits.assign(seeing=np.nan), "seeing", "seeing", "arcsec") is None
    assert timeline(visits[:0], "seeing", "seeing", "arcsec") is None
    assert timeline(visits[:1], "seeing", "seeing", "arcsec") is not None
    assert len(alerts_figure(visits).renderers) == 3
    assert alerts_figure(visits.assign(n_expected=0)) is None
    assert alerts_figure(visits.assign(n_expected=np.nan)) is None
    names = visits["visit"].tolist()
    assert waterfall_figure(told["waterfall"][:0], names) is None
    drawn = waterfall_figure(told["waterfall"], names)
    # From above in time; the visit that never came has no bar.
    assert list(drawn.y_range.factors) == [str(v) for v in (names[3], names[1], names[0])]
    curve = told["light_curves"].assign(newest=False)
    assert curve_figure(curve[:0]) is None
    assert curve_figure(curve.assign(error=np.nan)) is not None


def test_only_the_longest_of_many_visits_are_drawn(told, nights) -> None:
    data = collect_night(nights, Query())
    many = pd.concat(
        [told["waterfall"].assign(visit=v, seconds=float(v)) for v in range(1, MOST_BARS + 11)]
    )
    view = night(replace(data, tables={**told, "waterfall": many}), Query(), NOW)
    assert view.left_out == 10
    assert view.waterfall["visit"].min() == 11


def test_a_cutout_without_any_value_is_drawn_and_said(told, nights) -> None:
    data = collect_night(nights, Query())
    blank = told["cutouts"].assign(pixels=[np.full(441, np.nan)] * len(told["cutouts"]))
    view = night(replace(data, tables={**told, "cutouts": blank}), Query(), NOW)
    assert {c.words for c in view.alert.cutouts} == {
        "Science: no pixel has a value.", "Difference: no pixel has a value."
    }  # fmt: skip
    assert all(cutout_figure(c) is not None for c in view.alert.cutouts)


@pytest.mark.browser
def test_the_page_in_a_browser(chromium, night_store, told) -> None:
    """Strings of the night are shown and never run, and nothing runs over the side."""
    alert = str(told["alerts"]["diaSourceId"].iloc[0])
    with served(night_store) as base:
        page = chromium.new_page(viewport={"width": 1400, "height": 1000})
        watched = watch(page, base)
        watched.open(f"/night?run=hostile&alert={alert}")
        words = words_of(page)
        for word in (*PAYLOADS, "Night 20260122", "OTT1: 60 s", "Light curve", f"Alert {alert}"):
            assert word in words, word
        assert page.locator("svg[onload], img[src=x]").count() == 0
        assert page.locator(".bk-Canvas").count() >= 8
        # A plain link: reached by the keyboard, and a view of its own.
        link = page.locator(".tabulator-cell a").filter(has_text=alert).first
        assert link.get_attribute("href") == f"night?run=hostile&alert={alert}"
        for width in (1400, 420):
            page.set_viewport_size({"width": width, "height": 1000})
            page.wait_for_timeout(300)
            over = page.evaluate(
                "() => { const m = document.querySelector('#main');"
                " return m.scrollWidth - m.clientWidth }"
            )
            assert over <= 1, width
        page.close()
    assert watched.trouble == []
