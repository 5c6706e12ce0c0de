"""PA1, PF1 and PA2: population values, at few visits as at many."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

PA1, PF1, PA2 = (f"photometry.repeatability.{name}" for name in ("pa1", "pf1", "pa2"))


@pytest.fixture(scope="session")
def noisy(stars):
    """Make stars of 18 mag with normal errors in mmag."""

    def make(n_stars, n_visits, own, shared=0.0, seed=0, **named):
        rng = np.random.default_rng(seed)
        mmag = rng.normal(0, own, (n_stars, n_visits)) + rng.normal(0, shared, (1, n_visits))
        return stars(18.0 + mmag / 1e3, **named)

    return make


@pytest.mark.parametrize("visits", [2, 3, 5, 12])
def test_pa1_is_unbiased_at_few_visits(noisy, measure_one, visits) -> None:
    found = measure_one(PA1, noisy(4_000, visits, 6.0))
    assert found.value == pytest.approx(6.0, rel=0.03)
    assert found.n == 4_000


@pytest.mark.parametrize("visits", [3, 12])
@pytest.mark.parametrize("limit", [5.0, 10.0])
def test_pf1_is_the_gaussian_tail_whatever_the_visits(noisy, measure_one, visits, limit) -> None:
    found = measure_one(PF1, noisy(4_000, visits, 6.0), at={"PA2": {"i": (limit,)}})
    assert found.value == pytest.approx(200.0 * norm.sf(limit / 6.0), rel=0.06)
    assert found.at == {"PA2": limit}
    assert found.at_units == {"PA2": "mmag"}
    assert found.n == 4_000 * visits


@pytest.mark.parametrize("visits", [3, 12])
def test_pa2_is_the_gaussian_quantile(noisy, measure_one, visits) -> None:
    found = measure_one(PA2, noisy(4_000, visits, 6.0), at={"PF1": {"i": (10.0,)}})
    assert found.value == pytest.approx(6.0 * norm.isf(0.05), rel=0.03)


def test_uniform_scatter(stars, measure_one) -> None:
    rng = np.random.default_rng(1)
    table = stars(18.0 + rng.uniform(-0.01, 0.01, (800, 60)))
    assert measure_one(PA1, table).value == pytest.approx(20.0 / np.sqrt(12.0), rel=0.02)
    beyond = measure_one(PF1, table, at={"PA2": {"i": (9.0,)}}).value
    assert beyond == pytest.approx(10.0, rel=0.1)


def test_a_shared_error_counts_in_full(noisy, measure_one) -> None:
    found = measure_one(PA1, noisy(60, 400, 3.0, shared=4.0))
    assert found.value == pytest.approx(5.0, rel=0.12)
    assert found.diagnostics["visit_share"] == pytest.approx(0.64, abs=0.12)


def test_one_value_per_bound_limit_in_order(noisy, measure) -> None:
    table = noisy(50, 5, 6.0)
    found = measure(PF1, table, at={"PA2": {"i": (20.0, 5.0, 15.0, 5.0), "r": (1.0,)}})
    assert [m.at["PA2"] for m in found] == [5.0, 15.0, 20.0]
    values = [m.value for m in found]
    assert values == sorted(values, reverse=True)


def test_a_band_that_is_not_bound_takes_the_recipes_limit(noisy, measure_one) -> None:
    for band, limit in (("i", 15.0), ("z", 22.5), ("N921", 22.5)):
        found = measure_one(PF1, noisy(20, 4, 6.0, band=band), at={"PA2": {"r": (1.0,)}})
        assert (found.band, found.at) == (band, {"PA2": limit})


@given(
    seed=st.integers(0, 10_000),
    visits=st.integers(2, 6),
    n=st.integers(40, 70),
    own=st.floats(2, 30),
    limit=st.sampled_from([5.0, 15.0, 22.5]),
    percent=st.sampled_from([5.0, 10.0, 20.0]),
)
def test_pa2_and_pf1_agree(noisy, measure_one, seed, visits, n, own, limit, percent) -> None:
    """PA2 <= its limit at PF1 exactly when PF1 <= its limit at PA2."""
    table = noisy(n, visits, own, seed=seed)
    for recipe in ("srd", "validate_drp"):
        pf1 = measure_one(PF1, table, recipe, at={"PA2": {"i": (limit,)}}).value
        pa2 = measure_one(PA2, table, recipe, at={"PF1": {"i": (percent,)}}).value
        assert (pa2 <= limit) == (pf1 <= percent)


def test_so_few_draws_that_no_limit_is_safe(noisy, measure_one) -> None:
    """Ten stars in two visits cannot show that fewer than 1 % lie beyond anything."""
    found = measure_one(PA2, noisy(10, 2, 2.0), at={"PF1": {"i": (1.0,)}})
    assert found.status == "MEASURED"
    assert found.interval.upper == np.inf


def test_outliers_of_both_signs_count(stars, measure_one) -> None:
    """A published PF1 once forgot the absolute value."""
    rng = np.random.default_rng(2)
    mmag = rng.normal(0, 1.0, (100, 20))
    for sign in (1.0, -1.0):
        off = mmag.copy()
        off[:, 0] += sign * 60.0
        found = measure_one(PF1, stars(18.0 + off / 1e3))
        assert found.value == pytest.approx(5.0)


def test_single_measurements_count_not_whole_stars(stars, measure_one) -> None:
    """One peer counts stars whose scatter stands out: a tenth of all stars, all bad, is 10 %.

    The SRD counts single magnitudes: a star with one outlier in ten visits is one in ten.
    """
    rng = np.random.default_rng(3)
    mmag = rng.normal(0, 0.5, (50, 10))
    mmag[:5, 4] += 100.0
    ours = measure_one(PF1, stars(18.0 + mmag / 1e3)).value
    peer = measure_one(PF1, stars(18.0 + mmag / 1e3), "analysis_tools").value
    assert ours == pytest.approx(100.0 * 5 / 500)
    assert peer == pytest.approx(10.0)


def test_too_few_stars_is_a_reason_not_a_number(noisy, measure_one) -> None:
    for metric in (PA1, PF1, PA2):
        found = measure_one(metric, noisy(9, 5, 6.0))
        assert (found.status, found.value, found.reason) == ("NOT_MEASURED", None, "too_few_stars")
        assert "9 stars" in found.hint
        assert found.n == 9
        assert measure_one(metric, noisy(10, 5, 6.0)).status == "MEASURED"


def test_refused_stars_are_counted_with_their_reason(noisy, measure_one) -> None:
    table = noisy(30, 4, 6.0)
    table["extendedness"][:40] = 1.0
    assert measure_one(PA1, table).n_rejected == 10
    table["extendedness"][:] = 1.0
    found = measure_one(PA1, table)
    assert found.diagnostics == {"rejected_extended": 30}


def test_bands_do_not_mix(noisy, joined, measure) -> None:
    both = joined(noisy(300, 6, 3.0, band="g"), noisy(300, 6, 12.0, band="r", first_visit=50))
    found = {m.band: m.value for m in measure(PA1, both)}
    assert found["g"] == pytest.approx(3.0, rel=0.1)
    assert found["r"] == pytest.approx(12.0, rel=0.1)


def test_a_faint_outlying_visit_is_not_cut_away(noisy, measure_one) -> None:
    """A cut on single rows would drop faint visits of a variable sky and bias scatter low."""
    table = noisy(200, 6, 8.0)
    table["psfFluxErr"] *= np.tile([1.0, 1.0, 1.0, 1.0, 1.0, 90.0], 200)
    found = measure_one(PA1, table)
    assert found.n == 200
    assert found.diagnostics["visits_per_star"] == 6.0


def test_three_visits_know_little(noisy, measure_one) -> None:
    found = measure_one(PA1, noisy(200, 3, 3.0, shared=3.0, seed=5))
    assert found.interval.upper > 1.8 * found.interval.lower


def test_uneven_visits_do_not_bias(stars, measure_one) -> None:
    rng = np.random.default_rng(6)
    mag = 18.0 + rng.normal(0, 6e-3, (3_000, 8))
    for i, n in enumerate(rng.integers(2, 9, 3_000)):
        mag[i, rng.permutation(8)[n:]] = np.nan
    assert measure_one(PA1, stars(mag)).value == pytest.approx(6.0, rel=0.03)


def test_evidence_is_the_scatter_of_each_star(noisy) -> None:
    from skyassay.metrics.family import PRODUCT
    from skyassay.metrics.registry import make

    table = noisy(30, 4, 6.0)
    metric = make(PA1)
    evidence = metric.evidence(metric.fold({PRODUCT: table}))["i"]
    mag = 31.4 - 2.5 * np.log10(table["psfFlux"].reshape(30, 4))
    want = mag.std(axis=1, ddof=1) * 1e3
    np.testing.assert_allclose(np.sort(evidence["value"]), np.sort(want), rtol=1e-9)
