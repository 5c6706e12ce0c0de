"""Coverage metrics against surveys whose area and visits are known."""

import numpy as np
import pytest

from skyassay.metrics.registry import make
from skyassay.metrics.survey.counts import cells_reaching, medians_over, uniform_cells
from skyassay.metrics.survey.sky import SKY_DEG2, sky_grid
from skyassay.metrics.survey.visits import main_visits

BANDS = np.array(list("ugrizy"))
FIELD = 9.6
CAP = np.degrees(np.arccos(1.0 - 2.0 * FIELD / SKY_DEG2))


def table(ra, dec, band, years=10.0, **more):
    n = len(ra)
    return {
        "visit": np.arange(n) + 1,
        "ra": np.asarray(ra, float),
        "dec": np.asarray(dec, float),
        "band": np.asarray(band),
        "expMidptMJD": 61000.0 + np.arange(n) * years * 365.25 / max(n - 1, 1),
        "expTime": np.full(n, 30.0),
        "isSpecialProgram": np.zeros(n, bool),
        **more,
    }


def even(n, seed=1, low=-60.0, high=0.0):
    """Return n pointings spread evenly over a belt of declination, bands in turn."""
    rng = np.random.default_rng(seed)
    sine = rng.uniform(np.sin(np.radians(low)), np.sin(np.radians(high)), n)
    return rng.uniform(0, 360, n), np.degrees(np.arcsin(sine)), BANDS[np.arange(n) % 6]


def measured(metric, tables, at=None):
    m = make(metric)
    state = m.zero()
    for t in tables:
        state = m.merge(state, m.fold({"visit_table": t}))
    return m.finish(state, at or {})


@pytest.fixture(scope="module")
def belt():
    return table(*even(240_000))


def test_a_field_of_view_sees_its_area_anywhere():
    grid = sky_grid(6, FIELD)
    rng = np.random.default_rng(2)
    z, ra = rng.uniform(-1, 1, 3000), rng.uniform(0, 360, 3000)
    row, _ = next(grid.seen(ra, np.degrees(np.arcsin(z))))
    seen = np.bincount(row, minlength=3000)
    assert seen.min() >= 7
    assert seen.mean() * grid.cell_area == pytest.approx(FIELD, rel=0.01)
    # by brute force at awkward places: the poles, the meridian, a corner of the grid
    lon, lat = grid.positions()
    for place in [(0.0, 90.0), (10.0, -90.0), (0.0, 0.0), (359.999, -41.81), (45.0, 41.8)]:
        a, d = np.radians(place[0]), np.radians(place[1])
        dot = np.sin(d) * np.sin(np.radians(lat)) + np.cos(d) * np.cos(np.radians(lat)) * np.cos(
            np.radians(lon) - a
        )
        want = set(np.flatnonzero(dot >= np.cos(np.radians(CAP))))
        got = next(grid.seen(*(np.array([x]) for x in place)))[1]
        assert set(got.tolist()) == want


def test_even_survey_has_the_visits_per_field_that_its_area_gives(belt):
    area = SKY_DEG2 / 2 * np.sin(np.radians(60.0))
    inner = area * 0.8  # away from the edges, where a cell sees half
    (nv1,) = measured("survey.coverage.nv1", [belt], {"Nv1": {}, "Asky": {"r": (inner,)}})
    expected = 240_000 * FIELD / area
    # The most visited 80 % of the cells have a median a little above the mean.
    assert expected < nv1.value < 1.06 * expected
    bands = measured("survey.coverage.nv1_band", [belt])
    assert [m.band for m in bands] == list(BANDS)
    assert all(m.value == pytest.approx(expected / 6, rel=0.15) for m in bands)
    asky = measured(
        "survey.coverage.asky", [belt], {"Nv1": {"u": (0.5 * expected, 0.98 * expected)}}
    )
    assert [m.at["Nv1"] for m in asky] == [0.5 * expected, 0.98 * expected]
    assert asky[0].value == pytest.approx(area, rel=0.06)
    assert 0.8 * area < asky[1].value < asky[0].value
    assert all(m.interval is None and m.status == "MEASURED" for m in asky)


def test_too_few_visits_give_no_area_and_an_unvisited_half_counts_as_nothing(belt):
    (asky,) = measured("survey.coverage.asky", [belt], {"Nv1": {"u": (400.0,)}})
    assert asky.value == 0.0
    (nv1,) = measured("survey.coverage.nv1", [belt], {"Asky": {"u": (40_000.0,)}})
    assert nv1.value == 0.0


def test_a_band_that_leaves_an_area_out_is_not_uniform(belt):
    north = (belt["band"] == "y") & (belt["dec"] > -25.0)
    less = {k: v[~north] for k, v in belt.items()}
    area = {
        name: measured("survey.coverage.asky", [t], {"Nv1": {"u": (60.0,)}})[0].value
        for name, t in (("whole", belt), ("less", less))
    }
    covered = SKY_DEG2 / 2 * (np.sin(np.radians(60.0)) - np.sin(np.radians(25.0)))
    assert area["whole"] > 1.7 * area["less"]
    assert area["less"] == pytest.approx(covered, rel=0.1)


def test_special_programs_are_no_main_survey(belt):
    special = {**belt, "visit": belt["visit"] + 10**6}
    special["expMidptMJD"] = belt["expMidptMJD"] + 1e-4
    special["isSpecialProgram"] = np.ones(len(belt["visit"]), bool)
    (alone,) = measured("survey.coverage.nv1", [belt])
    (both,) = measured("survey.coverage.nv1", [belt, special])
    assert both.value == alone.value
    assert both.diagnostics["n_special"] == 240_000


@pytest.mark.parametrize("metric", ["survey.coverage.asky", "survey.cadence.rva1"])
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda t: {k: v[:0] for k, v in t.items()}, "no_visits"),
        (lambda t: {**t, "isSpecialProgram": np.ones(600, bool)}, "no_visits"),
        (lambda t: {**t, "expMidptMJD": 61000 + np.arange(600) / 600}, "out_of_scope_years"),
        (lambda t: {k: v[:1] for k, v in t.items()}, "out_of_scope_years"),
        (lambda t: {**t, "ra": np.full(600, 10.0), "dec": np.full(600, 1.0)}, "out_of_scope_area"),
        (lambda t: {**t, "ra": np.full(600, np.nan)}, "no_visits"),
        (lambda t: {**t, "dec": np.full(600, 91.0)}, "no_visits"),
        (lambda t: {**t, "expMidptMJD": np.full(600, 61000.0)}, "simultaneous_visits"),
        (lambda t: {**t, "band": np.full(600, "Y")}, "no_visits"),
        (lambda t: {**t, "expTime": np.full(600, 1.0)}, "no_visits"),
        (lambda t: {**t, "expTime": np.full(600, np.nan)}, "no_visits"),
    ],
)
def test_what_is_no_survey_is_not_measured(metric, change, reason):
    (m,) = measured(metric, [change(table(*even(600)))])
    assert (m.status, m.reason) == ("NOT_MEASURED", reason)
    assert m.value is None


def test_rows_without_a_place_are_counted_as_refused(belt):
    broken = {**belt, "ra": np.where(belt["visit"] % 100 == 0, np.nan, belt["ra"])}
    (m,) = measured("survey.coverage.nv1", [broken])
    assert m.n_rejected == 2400
    assert m.diagnostics["n_unplaced"] == 2400


def test_only_the_first_ten_years_count():
    longer = table(*even(60_000), years=20.0)
    first = {k: v[:30_001] for k, v in longer.items()}
    (whole,) = measured("survey.coverage.nv1", [longer])
    (ten,) = measured("survey.coverage.nv1", [first])
    assert whole.value == ten.value > 0


def test_parts_and_order_change_nothing(belt):
    order = np.random.default_rng(5).permutation(240_000)
    parts = [{k: v[order[i::7]] for k, v in belt.items()} for i in range(7)]
    m = make("survey.coverage.asky")
    states = [m.fold({"visit_table": t}) for t in parts]
    merged = m.zero()
    for s in states:
        merged = m.merge(merged, s)
    assert merged.to_bytes() == m.fold({"visit_table": belt}).to_bytes()


def test_right_ascension_wraps():
    t = table(*even(6000))
    turned = {**t, "ra": t["ra"] - 360.0}
    assert np.allclose(main_visits(turned)["ra"], main_visits(t)["ra"])


def test_counts_by_hand():
    counts = np.array([[4, 3, 9, 0], [4, 5, 1, 0]])
    grid = sky_grid(0, FIELD)
    assert medians_over(counts, 2 * grid.cell_area, grid).tolist() == [6.5, 2.5]
    cells = uniform_cells(counts, 8.0, 0.75, 0.5)
    assert cells.tolist() == [0, 1]  # cell 2 lacks the second band, cell 3 all
    assert cells_reaching(counts, cells, 8.0) == 2
    assert cells_reaching(counts, cells, 9.0) == 0
    assert cells_reaching(counts, cells[:0], 1.0) == 0
