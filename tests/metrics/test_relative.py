"""AM, AF and AD: the scatter of separations, and the traps of its published forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

REL = "astrometry.relative."
DEGREE = 1.0 / 3.6e6
SEPARATION = {1: 5.0, 2: 20.0, 3: 200.0}


@pytest.fixture(scope="session")
def moving(stars, field):
    """Make two groups of stars with normal errors in mas on each coordinate."""

    def make(n_stars, n_visits, own, *, scale=1, stretch=0.0, seed=0):
        rng = np.random.default_rng(seed)
        arcmin = SEPARATION[scale]
        ra, dec = field(n_stars, arcmin, seed)
        shape = (n_stars, n_visits)
        factor = rng.normal(0, stretch, n_visits) * DEGREE / (arcmin / 60.0)
        ra = ra + (ra - 150.0) * factor + rng.normal(0, own, shape) * DEGREE
        dec = dec + dec * factor + rng.normal(0, own, shape) * DEGREE
        return stars(18.0, ra, dec, shape=shape)

    return make


@pytest.mark.parametrize("scale", [1, 2, 3])
@pytest.mark.parametrize("visits", [3, 12])
def test_am_is_root_two_times_the_scatter_of_a_star(moving, measure_one, scale, visits) -> None:
    found = measure_one(f"{REL}am{scale}", moving(300, visits, 5.0, scale=scale))
    assert found.value == pytest.approx(5.0 * np.sqrt(2.0), rel=0.06)
    assert found.n == 20_000 or found.n == 150**2


def test_am_of_uniform_scatter(stars, field, measure_one) -> None:
    rng = np.random.default_rng(1)
    ra, dec = field(150, 5.0)
    ra = ra + rng.uniform(-10, 10, (150, 40)) * DEGREE
    found = measure_one(f"{REL}am1", stars(18.0, ra, dec, shape=(150, 40)))
    assert found.value == pytest.approx(np.sqrt(2.0) * 20.0 / np.sqrt(12.0), rel=0.03)


@pytest.mark.parametrize("visits", [3, 12])
def test_af_and_ad_are_the_gaussian_tail(moving, measure_one, visits) -> None:
    table, sigma = moving(300, visits, 8.0, seed=2), 8.0 * np.sqrt(2.0)
    af = measure_one(f"{REL}af1", table, at={"AD1": {"i": (20.0,)}})
    assert af.value == pytest.approx(200.0 * norm.sf(20.0 / sigma), rel=0.12)
    assert af.at == {"AD1": 20.0}
    ad = measure_one(f"{REL}ad1", table, at={"AF1": {"i": (10.0,)}})
    assert ad.value == pytest.approx(sigma * norm.isf(0.05), rel=0.06)


@given(
    seed=st.integers(0, 10_000),
    visits=st.integers(3, 6),
    own=st.floats(3, 30),
    limit=st.sampled_from([10.0, 20.0, 40.0]),
    percent=st.sampled_from([5.0, 10.0, 20.0]),
)
def test_ad_and_af_agree(moving, measure_one, seed, visits, own, limit, percent) -> None:
    table = moving(30, visits, own, seed=seed)
    af = measure_one(f"{REL}af1", table, at={"AD1": {"i": (limit,)}}).value
    ad = measure_one(f"{REL}ad1", table, at={"AF1": {"i": (percent,)}}).value
    assert (ad <= limit) == (af <= percent)


def test_each_scale_has_its_own_recipe_limit(moving, measure_one) -> None:
    for scale, limit in ((1, 20.0), (2, 20.0), (3, 30.0)):
        for recipe in ("srd", "faro", "analysis_tools", "validate_drp"):
            found = measure_one(f"{REL}af{scale}", moving(20, 4, 5.0, scale=scale), recipe)
            assert found.at == {f"AD{scale}": limit}


def test_scales_do_not_see_each_others_pairs(moving, measure_one) -> None:
    table = moving(60, 4, 5.0, scale=1)
    assert measure_one(f"{REL}am1", table).status == "MEASURED"
    for scale in (2, 3):
        found = measure_one(f"{REL}am{scale}", table)
        assert (found.status, found.reason) == ("NOT_MEASURED", "too_few_pairs")
        assert f"{SEPARATION[scale]:g} arcmin" in found.hint


def test_a_stretch_of_the_whole_visit_is_the_visits_own(moving, measure_one) -> None:
    found = measure_one(f"{REL}am1", moving(60, 12, 2.0, stretch=8.0, seed=3))
    assert found.diagnostics["visit_share"] > 0.5
    assert found.interval.upper > 1.25 * found.value


def test_a_shift_of_the_whole_visit_moves_no_separation(moving, measure_one) -> None:
    table = moving(60, 6, 3.0, seed=4)
    moved = dict(table)
    moved["coord_dec"] = table["coord_dec"] + table["visit"] * 500 * DEGREE
    before, after = (measure_one(f"{REL}am1", t).value for t in (table, moved))
    assert after == pytest.approx(before, rel=1e-3)


def test_pairs_seen_once_never_make_it_perfect(stars, field, measure_one) -> None:
    """A published AM2 took pairs with fewer than two common visits as scatter 0.0."""
    rng = np.random.default_rng(5)
    ra, dec = field(40, 20.0)
    shape = (40, 4)
    mag = np.full(shape, 18.0)
    # of one group, most stars share only one visit with the other group
    mag[::2, 2:] = np.nan
    mag[1::2, 0] = np.nan
    mag[1:9:2, 0] = 18.0
    dec = dec + rng.normal(0, 5, shape) * DEGREE
    ra = ra + rng.normal(0, 5, shape) * DEGREE
    for recipe in ("srd", "faro", "validate_drp", "analysis_tools"):
        found = measure_one(f"{REL}am2", stars(mag, ra, dec), recipe)
        assert found.n == 20 * 4
        assert found.value > 2.0
    mag[1:9:2, 0] = np.nan
    found = measure_one(f"{REL}am2", stars(mag, ra, dec))
    assert (found.status, found.value, found.reason) == ("NOT_MEASURED", None, "too_few_pairs")


def test_a_star_on_both_sides_of_zero_keeps_its_pairs(moving, measure_one) -> None:
    """One peer averages right ascensions: such a star lands at 180 degrees and is lost."""
    table = moving(40, 6, 5.0, seed=6)
    moved = {**table, "coord_ra": (table["coord_ra"] - 150.0) % 360.0}
    assert moved["coord_ra"].max() > 359.99
    assert moved["coord_ra"].min() < 0.01
    for recipe in ("srd", "faro", "validate_drp", "analysis_tools"):
        before, after = (measure_one(f"{REL}am1", t, recipe) for t in (table, moved))
        assert after.n == before.n
        assert after.value == pytest.approx(before.value, rel=1e-6)


def test_three_visits_give_no_heap_of_zeros(moving, measure_one) -> None:
    """The median of three separations is one of them: a third of faro's residuals are 0."""
    table = moving(200, 3, 8.0, seed=7)
    ours = measure_one(f"{REL}af1", table, at={"AD1": {"i": (1.0,)}}).value
    sigma = 8.0 * np.sqrt(2.0)
    assert ours == pytest.approx(200.0 * norm.sf(1.0 / sigma), rel=0.05)
    faro = measure_one(f"{REL}af1", table, "faro", at={"AD1": {"i": (1.0,)}}).value
    assert faro < 67.0


def test_more_pairs_than_stars_do_not_narrow_the_interval(moving, measure_one) -> None:
    """900 pairs of 60 stars are not 900 independent values."""
    found = measure_one(f"{REL}am1", moving(60, 4, 5.0, seed=8))
    i = found.interval
    assert found.n == 900
    assert (i.upper - i.lower) / found.value > 0.15


def missed(stars, measure_one, direction, shear, trials=120):
    """Return how often the upper limit of AM1 lies below the truth, three visits.

    Each visit stretches the field by a random amount along x, and along y less `shear`.
    """
    n, visits, own, size = 40, 3, 3.0, 9.0
    misses = 0
    for seed in range(trials):
        rng = np.random.default_rng(seed)
        angle = rng.uniform(0, 2 * np.pi, n) if direction is None else np.full(n, direction)
        r = np.where(np.arange(n) % 2, 5.0, 0.0) / 60.0
        dx, dy = (
            (r * f(angle) + rng.uniform(-1, 1, n) * 10 / 3600)[:, None] for f in (np.cos, np.sin)
        )
        stretch = rng.normal(0, size, visits) * DEGREE / (5.0 / 60.0)
        ra = 150.0 + dx * (1 + stretch)
        dec = dy * (1 + (1 - shear) * stretch)
        ra, dec = (v + rng.normal(0, own / np.sqrt(2), (n, visits)) * DEGREE for v in (ra, dec))
        found = measure_one(f"{REL}am1", stars(18.0, ra, dec, shape=(n, visits)))
        # the mean of cos^4 over directions is 3/8
        part = 1.0 if not shear else 3.0 / 8.0
        misses += found.interval.upper < np.hypot(size * np.sqrt(part), own)
    return misses / trials


@pytest.mark.parametrize("direction", [0.0, 0.6, None])
def test_a_visit_that_stretches_the_field_is_covered_in_any_geometry(
    stars, measure_one, direction
) -> None:
    """A narrow strip of pairs once had twice the degrees of freedom its visits give."""
    assert missed(stars, measure_one, direction, shear=0.0) <= 0.11


def test_a_stretch_along_one_axis_is_covered(stars, measure_one) -> None:
    """Refraction stretches one way: scale and shear of a visit are then one number."""
    assert missed(stars, measure_one, None, shear=1.0) <= 0.11


def test_magnitude_limits_are_those_of_point_source_astrometry(moving, measure_one) -> None:
    table = moving(20, 4, 5.0)
    for mag, status in ((16.9, "NOT_MEASURED"), (17.1, "MEASURED"), (21.6, "NOT_MEASURED")):
        flux = np.full(80, 10.0 ** ((31.4 - mag) / 2.5))
        changed = {**table, "psfFlux": flux, "psfFluxErr": flux / 1000}
        assert measure_one(f"{REL}am1", changed).status == status


def test_evidence_is_the_scatter_of_each_pair(moving) -> None:
    from skyassay.metrics.family import PRODUCT
    from skyassay.metrics.registry import make

    metric = make(f"{REL}am1", "faro")
    state = metric.fold({PRODUCT: moving(40, 5, 5.0)})
    evidence = metric.evidence(state)["i"]
    assert np.median(evidence["value"]) == pytest.approx(metric.finish(state, {})[0].value)
    assert set(evidence["n_visits"]) == {5}
