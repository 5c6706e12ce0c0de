"""Statistics of light curves against numpy and scipy, curve by curve, and where there are none."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from skyassay.pipeline.prompt import statistics as st
from skyassay.pipeline.prompt.moments import difference_columns, mean_columns, shape_columns
from skyassay.pipeline.prompt.statistics import Curves
from skyassay.pipeline.prompt.store import definitions

SIZES = [7, 0, 1, 2, 12, 3]


@pytest.fixture(scope="module")
def points():
    """Return curve, time, flux and error of points in no order."""
    rng = np.random.default_rng(3)
    which = np.repeat(np.arange(len(SIZES)), SIZES)
    n = len(which)
    time, flux = 61000 + rng.uniform(0, 300, n), rng.normal(200, 300, n)
    error = rng.uniform(10, 60, n)
    order = rng.permutation(n)
    return tuple(a[order] for a in (which, time, flux, error))


@pytest.fixture(scope="module")
def curves(points):
    return Curves.of(len(SIZES), *points)


def of(points, k):
    which, time, flux, error = points
    mine = np.flatnonzero(which == k)
    mine = mine[np.argsort(time[mine])]
    return time[mine], flux[mine], error[mine]


def stetson(flux, error):
    n = len(flux)
    delta = np.sqrt(n / (n - 1)) * (flux - np.average(flux, weights=error**-2)) / error
    product = delta**2 - 1
    return np.mean(np.sign(product) * np.sqrt(np.abs(product)))


#: Statistic -> its definition for one curve, and the least number of points.
DEFINED = {
    "psfFluxMean": (lambda t, f, e: np.average(f, weights=e**-2), 1),
    "psfFluxMeanErr": (lambda t, f, e: np.sum(e**-2.0) ** -0.5, 1),
    "psfFluxSigma": (lambda t, f, e: np.std(f, ddof=1), 2),
    "psfFluxMin": (lambda t, f, e: f.min(), 1),
    "psfFluxMax": (lambda t, f, e: f.max(), 1),
    "psfFluxMaxSlope": (lambda t, f, e: np.max(np.diff(f) / np.diff(t)), 2),
    "psfFluxErrMean": (lambda t, f, e: e.mean(), 1),
    "psfFluxChi2": (lambda t, f, e: np.sum(((f - np.average(f, weights=e**-2)) / e) ** 2), 2),
    "psfFluxMAD": (lambda t, f, e: np.median(np.abs(f - np.median(f))), 2),
    "psfFluxSkew": (lambda t, f, e: stats.skew(f), 3),
    "psfFluxStetsonJ": (lambda t, f, e: stetson(f, e), 2),
    "psfFluxLinearSlope": (lambda t, f, e: np.polyfit(t - 61150, f, 1, w=1 / e)[0], 2),
    "psfFluxPercentile05": (lambda t, f, e: np.percentile(f, 5), 1),
    "psfFluxPercentile25": (lambda t, f, e: np.percentile(f, 25), 1),
    "psfFluxPercentile50": (lambda t, f, e: np.median(f), 1),
    "psfFluxPercentile75": (lambda t, f, e: np.percentile(f, 75), 1),
    "psfFluxPercentile95": (lambda t, f, e: np.percentile(f, 95), 1),
}


@pytest.mark.parametrize("name", DEFINED)
def test_every_curve_has_its_own_statistic_or_none(points, curves, name):
    found = {**difference_columns(curves), **shape_columns(curves)}[name]
    meaning, least = DEFINED[name]
    for k, size in enumerate(SIZES):
        if size < least:
            assert np.isnan(found[k]), f"{name} of {size} points"
        else:
            assert found[k] == pytest.approx(meaning(*of(points, k)), rel=1e-9)


def test_counts_are_counts(curves):
    assert list(difference_columns(curves)["psfFluxNdata"]) == SIZES


def test_all_columns_of_the_schema_are_made(curves, world):
    means = (mean_columns(curves, "scienceFlux"), mean_columns(curves, "fpFlux"))
    made = {*difference_columns(curves), *means[0], *means[1]}
    columns = definitions(world.database, "DiaObject")
    assert made == {c.name[2:] for c in columns if c.name.startswith("r_")}


def test_a_straight_line_is_found_exactly():
    time = 61000.0 + np.array([0.0, 3.0, 10.0, 30.0])
    curves = Curves.of(1, [0] * 4, time, 5.0 - 2.5 * time, [1.0, 2.0, 3.0, 4.0])
    slope, intercept = st.line(curves)
    assert slope[0] == pytest.approx(-2.5, rel=1e-9)
    assert intercept[0] == pytest.approx(5.0, abs=1e-3)
    assert st.max_slope(curves)[0] == pytest.approx(-2.5)


def test_points_of_one_instant_have_no_slope():
    curves = Curves.of(1, [0, 0], [61000.3, 61000.3], [1.0, 2.0], [1.0, 1.0])
    assert np.isnan(st.max_slope(curves)[0])
    assert np.isnan(st.line(curves)[0][0])
    assert st.sigma(curves)[0] == pytest.approx(np.sqrt(0.5))


@pytest.mark.parametrize(("flux", "error"), [(np.nan, 1.0), (1.0, np.nan), (1.0, 0.0), (1.0, -2.0)])
def test_points_that_were_not_measured_do_not_count(flux, error):
    curves = Curves.of(1, [0, 0, 0], [1.0, 2.0, 3.0], [4.0, flux, 6.0], [1.0, error, 1.0])
    assert curves.n[0] == 2
    assert curves.mean[0] == pytest.approx(5.0)
    nothing = Curves.of(1, [0], [1.0], [flux], [error])
    assert nothing.n[0] == 0
    assert np.isnan(nothing.mean[0])


def test_the_order_of_the_rows_changes_no_bit(points):
    which, time, flux, error = points
    again = np.random.default_rng(9).permutation(len(which))
    one = Curves.of(len(SIZES), which, time, flux, error)
    two = Curves.of(len(SIZES), which[again], time[again], flux[again], error[again])
    for make in (difference_columns, shape_columns):
        for name, values in make(one).items():
            assert values.tobytes() == make(two)[name].tobytes(), name


def test_a_constant_flux_has_no_skew_and_no_scatter():
    curves = Curves.of(1, [0] * 4, np.arange(4.0), np.full(4, 7.0), np.ones(4))
    assert st.sigma(curves)[0] == 0
    assert st.mad(curves)[0] == 0
    assert np.isnan(st.skew(curves)[0])
    # Pulls of nothing: less than what noise would give.
    assert st.stetson_j(curves)[0] == pytest.approx(-1.0)
