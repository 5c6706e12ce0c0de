"""SE1, EF1 and SE2 of images with known ellipticity, under the conditions of the SRD."""

from __future__ import annotations

import numpy as np
import pytest

from skyassay.metrics.errors import MetricError

E = "ellipticity"


def thirty(images, size, stars=20, noise=0.01, **columns):
    """Return thirty visits with ellipticities of given sizes in all directions."""
    rng = np.random.default_rng(5)
    angle = rng.uniform(0.0, 2.0 * np.pi, 30)
    mean = size * np.stack([np.cos(angle), np.sin(angle)])
    return images(mean[:, :, None] + noise * rng.standard_normal((2, 30, stars)), **columns)


def test_median_share_and_percentile(images, measured):
    size = np.linspace(0.01, 0.09, 30)
    tables = thirty(images, size)
    (se1,) = measured(f"{E}.se1", tables)
    assert se1.value == pytest.approx(0.05, abs=0.004)
    assert se1.interval.low < 0.05 < se1.interval.high
    ef1 = measured(f"{E}.ef1", tables, {"SE2": {"r": (0.03, 0.07)}})
    assert [m.at["SE2"] for m in ef1] == [0.03, 0.07]
    assert ef1[0].value == pytest.approx(100 * np.mean(size > 0.03), abs=5)
    assert ef1[1].value == pytest.approx(100 * np.mean(size > 0.07), abs=5)
    (se2,) = measured(f"{E}.se2", tables, {"EF1": {"r": (20.0,)}})
    assert se2.value == pytest.approx(np.quantile(size, 0.8), abs=0.004)


def test_noise_makes_no_round_image_elongated(images, measured):
    """The mean |e| of round images is 0.9 of their noise; its square is taken off."""
    tables = thirty(images, 0.0, stars=100, noise=0.2)
    (se1,) = measured(f"{E}.se1", tables)
    assert se1.value < 0.6 * 0.2 / np.sqrt(100)  # 1.18 without


def test_only_the_conditions_of_the_srd_count(images, measured):
    tables = thirty(images, np.where(np.arange(30) < 10, 0.2, 0.02))
    tables["visit_table"]["zenithDistance"][:10] = 10.1
    (low,) = measured(f"{E}.se1", tables)
    assert low.value == pytest.approx(0.02, abs=0.003)
    assert low.n == 20
    tables["visit_table"]["zenithDistance"][:] = 40.0
    (none,) = measured(f"{E}.se1", tables)
    assert none.reason == "out_of_scope_conditions"
    seeing = thirty(images, 0.02)
    for name in ("ixx", "ixy", "iyy"):
        seeing["source"][name] *= (0.80 / 0.69) ** 2
    (wide,) = measured(f"{E}.se1", seeing)
    assert wide.reason == "out_of_scope_conditions"


def test_what_cannot_be_measured_says_why(images, measured):
    (noisy,) = measured(f"{E}.se1", thirty(images, 0.02, stars=5, noise=0.2))
    assert noisy.reason == "images_too_noisy"
    (few,) = measured(f"{E}.ef1", thirty(images, 0.02, stars=4))
    assert few.reason == "no_usable_row"
    assert measured(f"{E}.se1", thirty(images, 0.02, band="z")) == []
    broken = thirty(images, 0.02)
    broken["source"]["ixx"][:] = np.nan
    (lost,) = measured(f"{E}.se2", broken)
    assert lost.reason == "no_usable_row"
    twice = thirty(images, 0.02)
    twice["visit_table"] = {n: np.repeat(c, 2) for n, c in twice["visit_table"].items()}
    with pytest.raises(MetricError) as error:
        measured(f"{E}.se1", twice)
    assert error.value.code == "duplicate_visit"


def test_nights_that_share_their_shape_know_less(images, measured):
    """Ten images of each of three nights are no thirty nights."""
    size = np.repeat([0.02, 0.03, 0.04], 10) + 1e-3 * np.random.default_rng(0).random(30)
    tables = thirty(images, size)
    tables["visit_table"]["expMidptMJD"] = 61000.0 + np.repeat([0.0, 1.0, 2.0], 10)
    (one,) = measured(f"{E}.se1", tables)
    assert one.diagnostics["n_units"] == 3
    assert one.interval.high == np.inf


@pytest.mark.parametrize("metric", ["se1", "ef1", "se2"])
def test_images_whose_stars_have_no_moments_are_not_left_out_in_silence(images, measured, metric):
    tables = thirty(images, np.where(np.arange(30) < 10, 0.2, 0.02))
    worst = np.unique(tables["source"]["visit"])[:10]
    bad = np.isin(tables["source"]["visit"], worst)
    tables["source"]["ixx"] = np.where(bad, np.nan, tables["source"]["ixx"])
    (found,) = measured(f"{E}.{metric}", tables)
    assert (found.status, found.reason) == ("NOT_MEASURED", "rows_incomplete")
    # Without bright stars at all an image is not expected to have moments.
    tables["source"]["psfFluxErr"] = np.where(bad, 1e9, tables["source"]["psfFluxErr"])
    (few,) = measured(f"{E}.{metric}", tables)
    assert (few.status, few.n) == ("MEASURED", 20)
