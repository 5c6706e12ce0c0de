"""Residual correlations: known signals, and each of the peers' errors shown not to be ours."""

from __future__ import annotations

import numpy as np
import pytest

from skyassay.metrics.contract import state_digest
from skyassay.metrics.registry import make

TE = "residual_correlation"


def by_component(found):
    assert {m.band for m in found} == {"r"}
    return {m.component: m for m in found}


def shared(visits=8, stars=60, noise=1e-4, seed=1, size=(0.004, 0.003)):
    """Residuals that a whole image shares, different from image to image."""
    rng = np.random.default_rng(seed)
    level = rng.uniform(0.9, 1.1, (visits, 1))
    common = np.stack([size[0] * level, size[1] * level])
    return common + noise * rng.standard_normal((2, visits, stars)), level


def test_known_correlations_in_each_component(images, measured):
    e = np.full((2, 8, 60), 0.02)
    residual, level = shared(size=(0.004, -0.003))
    truth = np.mean(level**2)
    for metric in ("te1", "te2"):
        found = by_component(measured(f"{TE}.{metric}", images(e, residual)))
        for name, value in (("E1", 1.6e-5), ("E2", 9e-6), ("Ex", -1.2e-5)):
            assert found[name].value == pytest.approx(value * truth, rel=0.01)
            low, high = found[name].interval.low, found[name].interval.high
            assert low < value * truth < high
            assert found[name].diagnostics["n_units"] == 8


def test_noise_alone_is_no_correlation(images, measured):
    """The mean of |xi| would be the noise itself; the product of two stars' noise is zero."""
    rng = np.random.default_rng(4)
    residual = 0.02 * rng.standard_normal((2, 20, 60))
    tables = images(np.zeros_like(residual), residual)
    for one in measured(f"{TE}.te1", tables):
        assert one.interval.low < 0.0 < one.interval.high
        assert abs(one.value) < 4 * 0.02**2 / np.sqrt(30 * 20)
    metric = make(f"psf.{TE}.te1")
    absolute = np.abs(metric.fold(tables)["xi_E1_near"]).mean()
    assert absolute > 5e-5  # beyond the limit of 2e-5, and nothing but noise


def test_training_stars_do_not_count(images, measured):
    """A model follows the stars it is fitted to: half the residual would look like a quarter."""
    e = np.full((2, 8, 60), 0.02)
    residual, level = shared()
    trained = np.tile(np.arange(60) % 4 < 2, (8, 1))
    residual = np.where(trained, 0.1 * residual, residual)
    tables = images(e, residual, calib_psf_reserved=~trained, calib_psf_used=trained)
    found = by_component(measured(f"{TE}.te2", tables))
    assert found["E1"].value == pytest.approx(1.6e-5 * np.mean(level**2), rel=0.02)
    tables["source"]["calib_psf_reserved"][:] = False
    (one,) = measured(f"{TE}.te2", tables)
    assert (one.status, one.reason) == ("NOT_MEASURED", "no_usable_row")
    # A star that is called both is not taken for honest.
    tables["source"]["calib_psf_reserved"][:] = True
    tables["source"]["calib_psf_used"][:] = True
    assert measured(f"{TE}.te2", tables)[0].status == "NOT_MEASURED"


@pytest.mark.parametrize("name", ["ixx", "ixy", "iyy", "ixxPSF", "ixyPSF", "iyyPSF"])
def test_every_moment_is_read_from_its_own_column(images, measured, name):
    e = np.full((2, 8, 60), 0.02)
    residual, _ = shared()
    right = images(e, residual)
    value = [m.value for m in measured(f"{TE}.te2", right)]
    right["source"][name] = right["source"][name] * 1.01
    assert [m.value for m in measured(f"{TE}.te2", right)] != value


def test_zero_lag_is_not_paired(images, measured):
    """Opposite residuals in a close pair: with zero lag the mean product would vanish."""
    sign = np.tile([1.0, -1.0], 30)
    level = np.linspace(0.9, 1.1, 8)[:, None]
    residual = 0.003 * np.stack([level * sign, level * sign])
    found = by_component(measured(f"{TE}.te1", images(np.zeros((2, 8, 60)), residual)))
    assert found["E1"].value == pytest.approx(-9e-6 * np.mean(level**2), rel=1e-6)


def test_percentile_and_share_of_images(images, measured):
    """One image in four is far beyond TE4; the noise of single images does not widen the rest."""
    visits = 40
    rng = np.random.default_rng(2)
    square = np.where(np.arange(visits) % 4 == 0, 8e-7, 4e-8) * rng.uniform(0.9, 1.1, visits)
    common = np.sqrt(square)[:, None] * np.array([1.0, 0.4])[:, None, None]
    residual = common + 1e-5 * rng.standard_normal((2, visits, 60))
    tables = images(np.zeros_like(residual), residual)
    share = by_component(measured(f"{TE}.tef", tables))
    assert share["E1"].value == 25.0
    assert share["E2"].value == 0.0  # 0.16 of E1: inside the limit
    assert share["Ex"].value == 25.0
    assert share["E1"].interval.low < 25.0 < share["E1"].interval.high
    te4 = by_component(measured(f"{TE}.te4", tables, {"TEF": {"r": (20.0, 60.0)}}))
    assert te4["E1"].at == {"TEF": 60.0}
    assert te4["E1"].value == pytest.approx(4e-8, rel=0.1)
    both = measured(f"{TE}.te4", tables, {"TEF": {"r": (20.0,)}})
    assert by_component(both)["E1"].value == pytest.approx(8e-7, rel=0.15)


def test_few_stars_cannot_decide_te4(images, measured):
    rng = np.random.default_rng(7)
    residual = 0.005 * rng.standard_normal((2, 12, 40))
    tables = images(np.zeros_like(residual), residual)
    for metric in ("te4", "tef"):
        (one,) = measured(f"{TE}.{metric}", tables)
        assert (one.status, one.reason) == ("NOT_MEASURED", "images_too_noisy")


def test_a_bad_image_is_not_dropped_for_being_noisy(images, measured):
    """Its residuals make it noisy: counting only quiet images would hide it."""
    rng = np.random.default_rng(9)
    residual = 1e-4 * rng.standard_normal((2, 12, 60))
    group = rng.standard_normal((2, 4, 30))
    residual[:, :4] += 0.02 * np.repeat(group, 2, axis=2)
    found = by_component(measured(f"{TE}.te3", images(np.zeros_like(residual), residual)))
    assert found["E1"].n == 12
    assert found["E1"].value > 1e-4


def test_the_dmsr_has_a_range_of_its_own(images, measured):
    """Pairs at 2.5 arcmin are in its TE3 and not in the SRD's."""
    residual, _ = shared(size=(0.004, 0.004))
    tables = images(np.zeros_like(residual), residual)
    star = np.tile(np.arange(60), 8)
    tables["source"]["coord_ra"] = 10.0 + 0.2 * (star // 2) + (star % 2) * 2.5 / 60.0
    (one,) = measured(f"{TE}.te3", tables)
    assert one.reason == "too_few_pairs"
    assert len(measured(f"{TE}.te3_below_5arcmin", tables)) == 3


def test_order_and_partitions_change_nothing(images):
    residual, _ = shared()
    tables = images(np.zeros_like(residual), residual)
    metric = make(f"psf.{TE}.te1")
    whole = metric.fold(tables)
    order = np.random.default_rng(0).permutation(len(tables["source"]["visit"]))
    mixed = {**tables, "source": {n: c[order] for n, c in tables["source"].items()}}
    parts = metric.zero()
    for k in range(3):
        mine = mixed["source"]["visit"] % 3 == k
        part = {n: c[mine] for n, c in mixed["source"].items()}
        parts = metric.merge(metric.fold({**tables, "source": part}), parts)
    assert state_digest(parts) == state_digest(whole)
    assert metric.finish(parts, {}) == metric.finish(whole, {})
