"""Declared faults: whole, of criteria that exist, each with an action that changes tables."""

from __future__ import annotations

import numpy as np
import pytest

from skyassay.requirements_map import load
from skyassay.simulator.errors import SimulatorError
from skyassay.simulator.faults import catalog, night
from skyassay.simulator.faults.model import _fault, fault, faults
from skyassay.simulator.presets import preset
from skyassay.simulator.release import release_tables
from skyassay.simulator.twin import Twin

ACTIONS = {**catalog.ACTIONS, **night.ACTIONS}


def same(a, b):
    return len(a) == len(b) and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")


@pytest.fixture(scope="module")
def tables():
    return release_tables(preset("tiny"), 3, Twin())


@pytest.fixture(scope="module")
def bases(tables):
    return {"catalog": tables, "night": night.base_night(3)}


def test_every_criterion_exists_and_has_a_metric():
    known = load().criteria
    for one in faults().values():
        for criterion in one.criteria:
            assert known[criterion].metric, f"{one.id}: {criterion}"


def test_there_is_an_action_for_every_fault_and_no_other():
    assert set(ACTIONS) == set(faults())


@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_changes_something_and_the_same_again(bases, name):
    tables = bases[fault(name).base]
    dose = max(fault(name).flips.values())
    changed, again = (ACTIONS[name](tables, dose, 3) for _ in range(2))
    assert changed
    for product, table in changed.items():
        old = tables[product]
        differ = [
            c for c in table if len(table[c]) != len(old[c]) or not np.array_equal(table[c], old[c])
        ]
        assert differ
        assert all(same(table[c], again[product][c]) for c in table)


@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_leaves_its_input_alone(bases, name):
    tables = bases[fault(name).base]
    before = {p: {c: v.copy() for c, v in t.items()} for p, t in tables.items()}
    ACTIONS[name](tables, max(fault(name).flips.values()), 3)
    for product, table in before.items():
        for column, values in table.items():
            assert same(values, tables[product][column])


def test_zero_points_scatter_by_the_dose(tables):
    changed = ACTIONS["zero_point_scatter"](tables, 10.0, 3)["matched_source"]
    ratio = -2.5 * np.log10(changed["psfFlux"] / tables["matched_source"]["psfFlux"])
    of_visit = ratio[changed["visit"] == changed["visit"][0]]
    assert np.ptp(of_visit) == pytest.approx(0.0, abs=1e-9)
    visits = [ratio[changed["visit"] == v][0] for v in np.unique(changed["visit"])]
    assert np.std(visits) == pytest.approx(0.010, rel=0.5)


def test_a_shift_moves_every_place_by_the_dose(tables):
    changed = ACTIONS["wcs_shift"](tables, 50.0, 3)["object"]
    moved = 3.6e6 * (changed["coord_dec"] - tables["object"]["coord_dec"])
    assert np.allclose(moved, 50.0)


def test_half_a_broken_packet_is_none(bases):
    whole = bases["night"]["alert"]["nCutoutsSound"]
    for dose, broken in ((0.5, 0), (1.0, 1), (2.0, 2)):
        changed = ACTIONS["broken_cutouts"](bases["night"], dose, 3)["alert"]["nCutoutsSound"]
        assert (changed != whole).sum() == broken


def test_an_outage_makes_alerts_wait_to_its_end(bases):
    log = bases["night"]["alert_delivery"]
    changed = ACTIONS["network_outage"](bases["night"], 120.0, 3)["alert_delivery"]
    wait = 86_400.0 * (changed["handedMjdTai"] - log["handedMjdTai"])
    assert wait.min() == 0.0
    assert 60.0 < wait.max() <= 120.0
    assert np.mean(wait > 0.0) == pytest.approx(120.0 / 3600.0, rel=0.3)


def test_wider_images_have_wider_radii(tables):
    changed = ACTIONS["defocus"](tables, 100.0, 3)["source"]
    assert np.allclose(changed["ap12Flux"], tables["source"]["ap06Flux"])


@pytest.mark.parametrize(
    "entry",
    [
        {"flips": {}, "never": ["A"]},
        {"flips": {"A": 1.0}, "never": []},
        {"flips": {"A": 1.0}, "never": ["A"]},
        {"flips": {"A": 0.0}, "never": ["B"]},
        {"flips": {"A": 1.0}, "never": ["B"], "more": 1},
    ],
)
def test_a_declaration_that_says_too_little_is_refused(entry):
    whole = {"title": "t", "seam": "sky", "base": "catalog", "unit": "", "why": "w"}
    with pytest.raises(SimulatorError) as caught:
        _fault("x", whole | entry)
    assert caught.value.code == "bad_faults"


def test_an_unknown_fault_is_named():
    with pytest.raises(SimulatorError) as caught:
        fault("gremlins")
    assert caught.value.code == "unknown_fault"
