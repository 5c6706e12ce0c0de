"""Censuses of catalogues of Solar System objects."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.table import Table

from skyassay.metrics.registry import make
from skyassay.pipeline.orbits.ephemeris import predict
from skyassay.requirements_map import load
from skyassay.simulator.solar_system.catalogue import mpcorb
from skyassay.simulator.solar_system.ephemeris_table import ephemeris_table
from skyassay.simulator.solar_system.near import near
from skyassay.verify.records import Run
from skyassay.verify.verdict import judge

RUN = Run("r", "test", "catalog-twin", "2030-01-01T00:00:00Z")
N = 10


def objects(**change):
    """Return ten complete objects seen in r, half of them in g too."""
    both = np.arange(N) % 2
    return {
        "ssObjectId": np.arange(N),
        "MOIDEarth": np.full(N, 0.5),
        "r_nObs": np.full(N, 8),
        "r_H": np.full(N, 17.0),
        "r_G12": np.full(N, 0.4),
        "r_slope_fit_failed": np.zeros(N, dtype=bool),
        "g_nObs": both * 3,
        "g_H": np.where(both == 1, 17.5, np.nan),
        "g_G12": np.where(both == 1, 0.5, np.nan),
        "g_slope_fit_failed": np.ones(N, dtype=bool),
    } | change


def orbits(**change):
    return (
        {"ssObjectId": np.arange(N)}
        | {n: np.full(N, 1.5) for n in ("q", "e", "i", "node", "argperi", "t_p")}
        | change
    )


def measure(name, tables):
    metric = make(name)
    (found,) = metric.finish(metric.fold(tables), {})
    return found


def status(criterion, found):
    one = load().criteria[criterion]
    return judge(one, one.binding_level, [found], RUN).status


def test_complete_objects_show_the_capability():
    found = measure("moving.objects.incomplete", {"ss_object": objects(), "mpc_orbits": orbits()})
    assert found.value == 0.0
    assert status("DMS-REQ-0273/capability", found) == "PASS"


@pytest.mark.parametrize(
    ("table", "column", "value", "check"),
    [
        ("mpc_orbits", "q", np.nan, "no_orbit"),
        ("mpc_orbits", "ssObjectId", 99, "no_orbit"),
        ("ss_object", "MOIDEarth", np.nan, "no_distance"),
        ("ss_object", "MOIDEarth", -1.0, "no_distance"),
        ("ss_object", "r_H", np.nan, "no_magnitude"),
        ("ss_object", "g_G12", np.nan, "no_magnitude"),
    ],
)
def test_each_lack_is_counted(table, column, value, check):
    given = {"ss_object": objects(), "mpc_orbits": orbits()}
    given[table][column] = given[table][column].copy()
    given[table][column][3] = value
    found = measure("moving.objects.incomplete", given)
    assert found.value == 1.0
    assert found.diagnostics[f"wrong.{check}"] == 1
    assert status("DMS-REQ-0273/capability", found) == "FAIL"


def test_slopes_that_were_taken_do_not_show_that_they_can_be_fitted():
    taken = objects(r_slope_fit_failed=np.ones(N, dtype=bool))
    found = measure("moving.objects.incomplete", {"ss_object": taken, "mpc_orbits": orbits()})
    assert (found.status, found.reason) == ("NOT_MEASURED", "nothing_filled")
    failed = np.arange(N) > 2
    found = measure(
        "moving.objects.incomplete",
        {"ss_object": objects(r_slope_fit_failed=failed), "mpc_orbits": orbits()},
    )
    assert found.reason == "hardly_filled"


@pytest.fixture(scope="module")
def known():
    """Return predicted geometry of known objects in two visits, and the truth's."""
    truth = near((20.0, 8.0), 0.3, 60950.0, 12, 3)
    visits = {"visit": np.array([5, 6]), "mjd": np.array([60950.1, 60951.1])}
    found = [predict(mpcorb(truth, 3), m) for m in visits["mjd"]]
    names = ("ssObjectId", "phaseAngle", "elongation", "helioRange", "topoRange")
    source = {n: np.concatenate([np.asarray(f[n]) for f in found]) for n in names}
    source["diaSourceId"] = np.arange(24) + 100
    detection = {"diaSourceId": source["diaSourceId"][::-1], "visit": np.repeat([6, 5], 12)}
    return {
        "ss_source": source,
        "dia_source": detection,
        "truth_ss_ephemeris": ephemeris_table(truth, visits),
    }


def test_geometry_of_the_pipeline_agrees_with_the_truths_ephemeris(known):
    found = measure("moving.objects.geometry", known)
    assert (found.value, found.diagnostics["there"]) == (0.0, 24)
    assert status("DMS-REQ-0323/capability", found) == "PASS"


@pytest.mark.parametrize(
    ("column", "change", "check"),
    [
        ("phaseAngle", 0.02, "off"),
        ("topoRange", 0.01, "off"),
        ("helioRange", np.nan, "off"),
        ("ssObjectId", 1000, "not_simulated"),
    ],
)
def test_wrong_geometry_is_counted(known, column, change, check):
    source = {k: v.copy() for k, v in known["ss_source"].items()}
    source[column][4] += change
    found = measure("moving.objects.geometry", {**known, "ss_source": source})
    assert found.value == 1.0
    assert found.diagnostics[f"wrong.{check}"] == 1
    assert status("DMS-REQ-0323/capability", found) == "FAIL"


def test_a_day_of_difference_is_seen(known):
    """Visits exchanged: hardly any source keeps its geometry."""
    other = {**known["dia_source"], "visit": np.repeat([5, 6], 12)}
    assert measure("moving.objects.geometry", {**known, "dia_source": other}).value > 20


def test_no_visits_and_no_objects_make_an_empty_ephemeris():
    truth = near((20.0, 8.0), 0.3, 60950.0, 2, 3)
    none = {"visit": np.empty(0, dtype=np.int64), "mjd": np.empty(0)}
    assert len(Table(ephemeris_table(truth, none))) == 0
