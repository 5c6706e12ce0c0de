"""Published definitions, recomputed here in a few lines, and their known weaknesses."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

PHOT, REL = "photometry.repeatability.", "astrometry.relative."
DEGREE = 1.0 / 3.6e6
N, V = 60, 5


@pytest.fixture
def catalog(stars, field):
    """Sixty stars in two groups; mmag errors of 6 and position errors of 8 mas."""
    rng = np.random.default_rng(1)
    ra, dec = field(N, 5.0)
    ra, dec = (v + rng.normal(0, 8, (N, V)) * DEGREE for v in (ra, dec))
    return stars(18.0 + rng.normal(0, 6e-3, (N, V)), ra, dec)


def mags(table):
    return 31.4e3 - 2.5e3 * np.log10(table["psfFlux"].reshape(N, V))


def separations(table):
    """Return (pair, visit) in mas between the two groups (even and odd stars)."""
    ra, dec = (np.radians(table[c].reshape(N, V)) for c in ("coord_ra", "coord_dec"))
    i, j = (g.ravel() for g in np.meshgrid(np.arange(0, N, 2), np.arange(1, N, 2)))
    h = np.sin((dec[i] - dec[j]) / 2) ** 2
    h += np.cos(dec[i]) * np.cos(dec[j]) * np.sin((ra[i] - ra[j]) / 2) ** 2
    return np.degrees(2 * np.arcsin(np.sqrt(h))) / DEGREE


def test_faro_photometry(catalog, measure_one) -> None:
    mag = mags(catalog)
    assert measure_one(PHOT + "pa1", catalog, "faro").value == pytest.approx(
        np.median(mag.std(axis=1)), rel=1e-9
    )
    off = np.abs(mag - mag.mean(axis=1, keepdims=True))
    found = measure_one(PHOT + "pf1", catalog, "faro", at={"PA2": {"i": (8.0,)}})
    assert found.value == pytest.approx(100 * (off > 8.0).mean(), rel=1e-9)


def test_faro_takes_stars_of_three_visits_and_more(stars, measure_one) -> None:
    rng = np.random.default_rng(2)
    mag = 18.0 + rng.normal(0, 5e-3, (40, 4))
    mag[:20, 2:] = np.nan
    assert measure_one(PHOT + "pa1", stars(mag), "faro").n == 20


def test_analysis_tools_photometry(catalog, measure_one) -> None:
    scatter = mags(catalog).std(axis=1, ddof=1)
    assert measure_one(PHOT + "pa1", catalog, "analysis_tools").value == pytest.approx(
        np.median(scatter), rel=1e-9
    )
    found = measure_one(PHOT + "pf1", catalog, "analysis_tools", at={"PA2": {"i": (2.0,)}})
    want = 100 * (scatter - np.median(scatter) >= 2.0).mean()
    assert found.value == pytest.approx(want, rel=1e-9)
    assert want > 0


def test_peers_disagree_by_their_degrees_of_freedom(catalog, measure_one) -> None:
    faro, tools, ours = (
        measure_one(PHOT + "pa1", catalog, r).value for r in ("faro", "analysis_tools", "srd")
    )
    assert tools / faro == pytest.approx(np.sqrt(V / (V - 1)), rel=1e-9)
    assert ours > tools > faro


@pytest.mark.parametrize("visits", [3, 5])
def test_published_pa1_is_low_by_its_known_factor(stars, measure_one, visits) -> None:
    rng = np.random.default_rng(3)
    table = stars(18.0 + rng.normal(0, 6e-3, (4_000, visits)))
    low = {3: 0.6798, 5: 0.8194}[visits]
    assert measure_one(PHOT + "pa1", table, "faro").value == pytest.approx(6 * low, rel=0.03)
    assert measure_one(PHOT + "pa1", table).value == pytest.approx(6.0, rel=0.03)


def test_validate_drp_is_the_same_every_time(catalog, measure_one, taken) -> None:
    """The published code draws its visit pairs without a seed: its PA1 differs run to run."""
    shuffled = taken(catalog, np.random.default_rng(4).permutation(N * V))
    for name in ("pa1", "pf1", "pa2"):
        first, second, third = (
            measure_one(PHOT + name, t, "validate_drp") for t in (catalog, catalog, shuffled)
        )
        assert first == second == third


def test_validate_drp_pairs_estimate_one_measurement(stars, measure_one) -> None:
    rng = np.random.default_rng(5)
    table = stars(18.0 + rng.normal(0, 6e-3, (3_000, 4)))
    assert measure_one(PHOT + "pa1", table, "validate_drp").value == pytest.approx(6, rel=0.03)
    at = {"PA2": {"i": (10.0,)}}
    pf1 = measure_one(PHOT + "pf1", table, "validate_drp", at=at).value
    assert pf1 == pytest.approx(200 * norm.sf(10 / 6), rel=0.2)


def test_validate_drp_never_pairs_a_visit_with_itself(stars, measure_one) -> None:
    """Two visits 10 mmag apart: every difference over root 2 is 7.07 mmag, none is 0."""
    mag = np.where(np.arange(2) == 0, 18.0, 18.01) + np.zeros((50, 1))
    table = stars(np.hstack([mag, np.full((50, 2), np.nan)]))
    pf1 = measure_one(PHOT + "pf1", table, "validate_drp", at={"PA2": {"i": (7.0,)}})
    assert pf1.value == 100.0


def test_faro_relative_astrometry(catalog, measure_one) -> None:
    s = separations(catalog)
    am = measure_one(REL + "am1", catalog, "faro")
    assert am.n == len(s) == 900
    assert am.value == pytest.approx(np.median(s.std(axis=1, ddof=1)), rel=1e-6)
    off = np.abs(s - np.median(s, axis=1, keepdims=True))
    off -= np.median(off)
    ad = measure_one(REL + "ad1", catalog, "faro", at={"AF1": {"i": (10.0,)}})
    assert ad.value == pytest.approx(np.percentile(off, 90), rel=1e-6)
    af = measure_one(REL + "af1", catalog, "faro", at={"AD1": {"i": (10.0,)}})
    assert af.value == pytest.approx(100 * (off > 10).mean(), rel=1e-6)


def test_analysis_tools_relative_astrometry(catalog, measure_one) -> None:
    s = separations(catalog)
    off = s - s.mean(axis=1, keepdims=True)
    off = np.abs(off - np.median(off))
    ad = measure_one(REL + "ad1", catalog, "analysis_tools", at={"AF1": {"i": (10.0,)}})
    assert ad.value == pytest.approx(np.percentile(off, 90), rel=1e-6)
    af = measure_one(REL + "af1", catalog, "analysis_tools", at={"AD1": {"i": (10.0,)}})
    assert af.value == pytest.approx(100 * (off > 10).mean(), rel=1e-6)


def test_validate_drp_relative_astrometry(catalog, measure_one) -> None:
    scatter = separations(catalog).std(axis=1, ddof=1)
    am = measure_one(REL + "am1", catalog, "validate_drp").value
    assert am == pytest.approx(np.median(scatter), rel=1e-6)
    ad = measure_one(REL + "ad1", catalog, "validate_drp", at={"AF1": {"i": (10.0,)}}).value
    assert ad == pytest.approx(np.percentile(scatter, 90) - np.median(scatter), rel=1e-6)
    af = measure_one(REL + "af1", catalog, "validate_drp", at={"AD1": {"i": (3.0,)}}).value
    assert af == pytest.approx(100 * (scatter > np.median(scatter) + 3).mean(), rel=1e-6)


def test_residuals_need_three_common_visits(stars, field, measure_one) -> None:
    ra, dec = field(20, 5.0)
    table = stars(18.0, ra, dec, shape=(20, 2))
    for name in ("ad1", "af1"):
        for recipe in ("faro", "analysis_tools"):
            found = measure_one(REL + name, table, recipe)
            assert (found.status, found.reason) == ("NOT_MEASURED", "too_few_pairs")


def test_published_values_carry_no_interval(catalog, measure_one) -> None:
    for name in ("pa1", "pf1"):
        for recipe in ("faro", "validate_drp", "analysis_tools"):
            assert measure_one(PHOT + name, catalog, recipe).interval is None


@pytest.mark.parametrize("recipe", ["faro", "analysis_tools"])
def test_pa2_is_published_by_one_only(catalog, measure_one, recipe) -> None:
    found = measure_one(PHOT + "pa2", catalog, recipe)
    assert (found.status, found.reason) == ("NOT_MEASURED", "not_in_recipe")
