"""Fast revisits against patterns whose intervals are known."""

import numpy as np
import pytest

from skyassay.metrics.registry import make
from skyassay.metrics.survey.revisits import revisits
from skyassay.metrics.survey.sky import sky_grid
from skyassay.metrics.survey.visits import in_scope, main_visits

FIELD = 9.6
#: 12 x 12 fields that do not touch, near the equator.
PLACES = [(10.0 * i, -40.0 + 6.0 * j) for i in range(12) for j in range(12)]
GAPS = {"even": (300.0, 900.0, 1500.0), "pairs": (1000.0,), "short": (30.0,), "long": (1900.0,)}


def survey(gaps, times):
    """Visit each place `times` times, once a season, each time with these gaps after it."""
    rows = []
    for number, (ra, dec) in enumerate(PLACES):
        for turn in range(times):
            start = 61000.0 + turn * 3652.0 / times + number * 0.06
            steps = np.cumsum([0.0, *gaps]) / 86400.0
            rows += [(ra, dec, start + s) for s in steps]
    ra, dec, mjd = np.array(rows).T
    return {
        "visit": np.arange(len(mjd)),
        "ra": ra,
        "dec": dec,
        "band": np.full(len(mjd), "r"),
        "expMidptMJD": mjd,
        "expTime": np.full(len(mjd), 30.0),
        "isSpecialProgram": np.zeros(len(mjd), bool),
    }


def area(table):
    metric = make("survey.cadence.rva1")
    (m,) = metric.finish(metric.fold({"visit_table": table}), {})
    return m


def test_evenly_spaced_revisits_count_where_they_are():
    grid = sky_grid(6, FIELD)
    cells = sum(len(c) for _, c in grid.seen(*np.array(PLACES).T))
    enough = area(survey(GAPS["even"], 28))  # 84 revisits, 28 in each third
    assert enough.value == pytest.approx(cells * grid.cell_area)
    assert enough.diagnostics["n_revisits"] == 84 * cells
    assert area(survey(GAPS["even"], 27)).value == 0.0  # 81


@pytest.mark.parametrize(("name", "any_spacing"), [("pairs", True), ("short", False), ("long", 0)])
def test_pairs_at_one_spacing_sample_nothing_evenly(name, any_spacing):
    found = area(survey(GAPS[name], 90))
    assert found.value == 0.0
    assert (found.diagnostics["area_any_spacing_deg2"] > 0) == bool(any_spacing)


def test_the_ends_of_the_range_are_in_and_chunks_lose_nothing(monkeypatch):
    table = survey((40.0, 640.0, 1800.0), 30)
    rows = in_scope(main_visits(table), 10.0, 9.5)
    grid = sky_grid(6, FIELD)
    whole = revisits.__wrapped__(rows, grid, 40.0, 1800.0, 3)
    monkeypatch.setattr("skyassay.metrics.survey.revisits._CHUNK", 100)
    assert (revisits.__wrapped__(rows, grid, 40.0, 1800.0, 3) == whole).all()
    seen = whole[:, whole.sum(axis=0) > 0]
    assert (seen == 30).all()
