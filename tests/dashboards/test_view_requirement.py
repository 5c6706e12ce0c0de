"""The requirement page's view models: criteria, bands, history, distribution, provenance."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from shutil import copytree

import numpy as np
import pandas as pd
import pytest

from skyassay.dashboards import collect
from skyassay.dashboards.collect import Missing, RequirementData, Source
from skyassay.dashboards.compute.distribution import (
    MOST_BINS,
    MOST_POINTS,
    Distribution,
    NoDistribution,
    distribution,
)
from skyassay.dashboards.compute.history import history
from skyassay.dashboards.compute.requirement import requirement
from skyassay.dashboards.query import Query
from skyassay.verify.errors import VerifyError
from skyassay.verify.store import open_store

NOW = datetime(2026, 7, 10, tzinfo=UTC)


def view_of(source, **query):
    asked = Query(**query)
    data = collect.requirement(source, asked)
    return data if isinstance(data, Missing) else requirement(data, asked, NOW)


def test_criteria_at_three_levels_with_limits_and_verdicts(source) -> None:
    view = view_of(source, id="LPM-17.PA1")
    row = next(r for r in view.criteria if r.name == "gri")
    assert [c.level for c in row.cells] == ["minimum", "design", "stretch"]
    assert [c.limit for c in row.cells] == ["≤ 8 mmag", "≤ 5 mmag", "≤ 3 mmag"]
    assert [c.binding for c in row.cells] == [False, True, False]
    assert [c.standing for c in row.cells] == ["PASS", "PASS", "FAIL"]
    assert view.limits == (("minimum", 8.0), ("design", 5.0), ("stretch", 3.0))


def test_the_first_choice_is_the_worst_criterion_with_a_value(source) -> None:
    view = view_of(source, id="LPM-17.PA1")
    assert view.binding.criterion == "LPM-17.PA1/gri"
    assert [r.verdict.band for r in view.bands] == ["g", "r", "i"]
    assert sum(r.decides for r in view.bands) == 1
    assert view.band.decides
    assert view.bands[0].n == 1500
    assert view.bands[0].n_rejected == 37
    assert view.bands[0].certified is True
    assert ("n_visits", "12") in view.bands[0].diagnostics


def test_a_band_with_a_value_is_shown_where_another_is_missing(source) -> None:
    view = view_of(source, id="LPM-17.PA1", run="hsc-i")
    assert view.standing.standing == "NOT_MEASURED"
    assert view.binding.criterion == "LPM-17.PA1/gri"
    assert (view.binding.value, view.binding.reason) == (None, "band_missing")
    assert view.band.verdict.band == "i"
    assert view.band.verdict.status == "INCONCLUSIVE"
    assert [r.decides for r in view.bands] == [True, False, False]


def test_bound_parameters_keep_levels_apart(source) -> None:
    view = view_of(source, id="LPM-17.PF1")
    row = next(r for r in view.criteria if r.name == "gri")
    assert [c.at for c in row.cells] == [
        "at PA2 = 15 mmag", "at PA2 = 15 mmag", "at PA2 = 10 mmag"
    ]  # fmt: skip
    assert [level for level, _ in view.limits] == ["minimum", "design"]
    assert view.bands[0].label == "g · PA2 = 15 mmag"


def test_choice_by_url_and_names_that_do_not_exist(source) -> None:
    view = view_of(source, id="LPM-17.PA1", criterion="LPM-17.PA1/gri", band="g", run="twin-02")
    assert (view.banner.run, view.band.verdict.band) == ("twin-02", "g")
    for query, what in [
        ({"id": "nobody"}, "requirement"),
        ({}, "requirement"),
        ({"id": "LPM-17.PA1", "run": "nobody"}, "run"),
        ({"id": "LPM-17.PA1", "criterion": "LPM-17.PF1/gri"}, "criterion"),
        ({"id": "LPM-17.PA1", "band": "w"}, "band"),
        ({"id": "LPM-17.PA1", "broken": ("run",)}, "link"),
    ]:
        found = view_of(source, **query)
        assert isinstance(found, Missing), query
        assert found.what == what


def test_everything_that_does_not_pass_has_its_reason(source) -> None:
    view = view_of(source, id="LPM-17.PA1")
    reasons = {(r.criterion, r.reason): r for r in view.reasons}
    few = reasons["z", "too_few_objects"]
    assert few.levels == "design, minimum, stretch"
    assert few.hint
    assert "gri" in {r.criterion for r in view.reasons if r.status == "FAIL"}
    assert all(r.status != "PASS" for r in view.reasons)
    partly = view_of(source, id="LPM-17.PA1", run="hsc-i")
    bands = {
        r.band: r.reason for r in partly.reasons if r.criterion == "gri" and "design" in r.levels
    }
    assert bands == {"g": "band_missing", "r": "band_missing", "i": "interval_straddles_limit"}


def test_a_requirement_nobody_measures_says_so(source) -> None:
    view = view_of(source, id="LPM-17.TFmax")
    assert view.standing.standing == "NOT_ATTEMPTED"
    assert view.binding.value is None
    assert view.reasons[0].reason


def test_every_requirement_of_the_map_has_a_view(source, requirements) -> None:
    run = source.store.run("twin-05")
    everything = source.store.verdicts(run.id)
    for entry in requirements.requirements.values():
        mine = tuple(v for v in everything if v.requirement == entry.id)
        data = RequirementData(entry.id, entry, run, (run,), mine, mine, ())
        view = requirement(data, Query(id=entry.id), NOW)
        assert view.id == entry.id
        assert len(view.criteria) == len(entry.criteria)


def test_recipes_side_by_side(source) -> None:
    view = view_of(source, id="LPM-17.PA1", run="hsc-i")
    assert [v.recipe for v in view.compared] == ["srd", "faro"]
    assert [v.band for v in view.compared] == ["i", "i"]
    assert [v.value for v in view.compared] == pytest.approx([3.4 + 3 * 0.5, 3.4 + 2 * 0.5])
    assert view_of(source, id="LPM-17.PA1", run="twin-05").compared == ()


def test_provenance_names_inputs_versions_and_hashes(source) -> None:
    view = view_of(source, id="LPM-17.PA1")
    facts = dict(view.provenance.facts)
    assert facts["Seed"] == "42"
    assert facts["numpy"] == "2.3.1"
    assert facts["Recipe"] == "srd (hash hash-srd)"
    assert "coverage certified" in facts["Interval"]
    assert facts["Digest of what was judged"].startswith("sha256:")
    assert len(facts["Fingerprint judged against"]) == 64
    assert dict(dict(view.provenance.inputs)["matched_source"])["sha256"] == "a" * 64


def test_history_follows_one_band_and_one_kind_of_evidence(source) -> None:
    verdict = view_of(source, id="LPM-17.PA1").binding
    found = collect.history(source, verdict.criterion, verdict.level)
    view = history(found, verdict, "g")
    assert [p.run for p in view.points] == [f"twin-0{n}" for n in range(6)]
    assert {p.band for p in view.points} == {"g"}
    assert view.elsewhere == 1
    assert view.limit == 5.0
    assert "1 run with another kind of evidence not drawn" in view.summary
    assert view.points[0].low < view.points[0].value < view.points[0].high


def test_history_keeps_runs_without_a_value_out_of_the_curve(source) -> None:
    verdict = view_of(source, id="LPM-17.PA1", criterion="LPM-17.PA1/z").binding
    view = history(collect.history(source, verdict.criterion, verdict.level), verdict, "z")
    assert all(p.value is None and p.reason == "too_few_objects" for p in view.points)
    assert "6 runs without a value" in view.summary


def test_long_histories_are_cut_and_say_so(source) -> None:
    verdict = view_of(source, id="LPM-17.PA1").binding
    found = collect.history(source, verdict.criterion, verdict.level)
    twins = [h for h in found if h.run.id != "hsc-i"]
    view = history(twins * 50, verdict, None)
    assert len(view.points) == 200
    assert view.older == 100
    assert "100 older runs not drawn" in view.summary


def test_distribution_against_numpy() -> None:
    values = np.random.default_rng(1).normal(3.0, 1.0, 5000)
    found = distribution(pd.DataFrame({"value": values, "n_visits": 5}))
    assert isinstance(found, Distribution)
    assert found.n == 5000 == found.counts.sum() + found.outside
    assert dict(found.quantiles)["median"] == pytest.approx(np.median(values))
    assert found.fraction[-1] == 1.0
    assert found.x.size <= MOST_POINTS
    assert found.counts.size <= MOST_BINS
    for x, fraction in zip(found.x[::97], found.fraction[::97], strict=True):
        assert fraction == pytest.approx(np.mean(values <= x))


def test_far_values_do_not_squeeze_the_rest_and_are_counted() -> None:
    values = np.append(np.linspace(0.0, 1.0, 1000), 1e6)
    found = distribution(pd.DataFrame({"value": values}))
    assert found.edges[-1] < 2.0
    assert found.outside >= 1
    assert "beyond the drawn range" in found.summary


@pytest.mark.parametrize(
    ("table", "word"),
    [
        (None, "No evidence table"),
        (pd.DataFrame({"value": []}), "No evidence table"),
        (pd.DataFrame({"x": [1.0]}), "no column"),
        (pd.DataFrame({"value": [np.nan, np.inf]}), "finite"),
        (pd.DataFrame({"value": ["a", "b"]}), "finite"),
    ],
)
def test_absent_evidence_is_said_in_words(table, word) -> None:
    found = distribution(table)
    assert isinstance(found, NoDistribution)
    assert word in found.reason
    assert (found.table is None) == (table is None or table.empty)


def test_the_unit_of_a_distribution_is_named_or_unknown() -> None:
    frame = pd.DataFrame({"value": [1.0, 2.0], "unit": "mmag"})
    assert distribution(frame).unit == "mmag"
    assert "mmag" in distribution(frame).summary
    assert distribution(frame.assign(unit=["mmag", "mag"])).unit == ""
    assert distribution(frame.drop(columns="unit")).unit == ""


@pytest.mark.parametrize("values", [[2.0], [2.0] * 50, [0.0, 0.0], [1.0, np.nan, 2.0]])
def test_degenerate_distributions(values) -> None:
    found = distribution(pd.DataFrame({"value": values}))
    assert isinstance(found, Distribution)
    assert found.n == np.isfinite(values).sum() == found.counts.sum()
    assert found.dropped == np.isnan(values).sum()
    assert np.all(np.diff(found.edges) > 0)


def test_damaged_evidence_is_an_error_in_words(tmp_path: Path, requirements, store_url) -> None:
    copytree(Path(store_url).parent, tmp_path / "copy")
    for file in (tmp_path / "copy" / "store.evidence").rglob("*.parquet"):
        file.write_bytes(file.read_bytes()[:-7])
    with open_store(str(tmp_path / "copy" / "store.sqlite")) as store:
        broken = Source(store, requirements)
        view = view_of(broken, id="LPM-17.PA1")
        found = collect.evidence(broken, view.banner.run, view.band.verdict)
    assert isinstance(found, VerifyError)
    assert found.code == "evidence_damaged"


def test_verdicts_without_a_metric_have_no_evidence(source) -> None:
    verdict = view_of(source, id="LPM-17.PA1").binding
    assert collect.evidence(source, "twin-05", replace(verdict, metric=None)) is None
    assert collect.evidence(source, "twin-05", verdict) is not None
