"""Self-calibration over visits: the truth, honest errors, groups, and nothing from nothing."""

from __future__ import annotations

import numpy as np
import pytest

from skyassay.pipeline.photocal.errors import PhotocalError
from skyassay.pipeline.photocal.selfcal import SelfCalConfig, self_calibrate


def survey(rng, visits=7, detectors=3, stars=30, anchor=0.004, more=0.0, tilt=0.0):
    """Return rows, anchors and true zero points; each detector has stars of its own."""
    true = 31.2 + rng.normal(0, 0.05, (visits, detectors))
    mag = rng.uniform(16, 20, (detectors, stars))
    v, d, s = (w.ravel() for w in np.indices((visits, detectors, stars)))
    x = d * 1.0 - 1.0 + rng.uniform(-0.03, 0.03, d.size)
    y = rng.uniform(-0.03, 0.03, d.size)
    slope = tilt * rng.normal(0, 1, visits)
    flux = 10 ** (-0.4 * (mag[d, s] - true[v, d] - slope[v] * x)) * (
        1 + rng.normal(0, more, d.size)
    )
    err = np.sqrt(flux + 600.0**2)
    rows = [d * stars + s, 1000 + v, d, flux + rng.normal(0, err), err]
    vv, dd = (w.ravel() for w in np.indices((visits, detectors)))
    off = rng.normal(0, 1, vv.size) * anchor
    anchors = {
        "visit": 1000 + vv,
        "detector": dd,
        "zeroPoint": true.ravel() + off,
        "zeroPointErr": np.full(vv.size, anchor),
    }
    return rows, anchors, true.ravel(), (x, y, slope)


def test_zero_points_are_recovered_with_honest_errors():
    pulls, chi2 = [], []
    for seed in range(40):
        rows, anchors, true, _ = survey(np.random.default_rng(seed), more=0.003)
        found = self_calibrate(*rows, anchors)
        zero = found.zero_points
        pulls.append((zero["zeroPoint"] - true) / zero["zeroPointErr"])
        chi2.append(found.chi2_dof)
        assert np.all(zero["status"] == "calibrated")
        # Seven visits share the errors of their anchors.
        assert np.all(zero["zeroPointErr"] < 0.5 * 0.004)
    assert np.std(pulls) == pytest.approx(1.0, abs=0.1)
    assert abs(np.mean(pulls)) < 0.1
    assert np.mean(chi2) == pytest.approx(1.0, abs=0.05)


def test_the_same_without_elimination():
    # The textbook way, with all the unknowns in one dense matrix.
    rows, anchors, _, _ = survey(np.random.default_rng(1), visits=3, detectors=2, stars=6)
    config = SelfCalConfig(clip=1e9, floor=0.01)
    found = self_calibrate(*rows, anchors, config=config)
    star, visit, detector, flux, err = rows
    column = (visit - 1000) * 2 + detector
    sigma = np.sqrt((1.0857362 * err / flux) ** 2 + 0.01**2)
    n = len(star)
    a = np.zeros((n + 6, 12 + 6))
    a[np.arange(n), star] = 1.0
    a[np.arange(n), 12 + column] = -1.0
    a[n + np.arange(6), 12 + np.arange(6)] = 1.0
    b = np.append(-2.5 * np.log10(flux), anchors["zeroPoint"])
    w = 1.0 / np.append(sigma, anchors["zeroPointErr"])
    normal = np.linalg.inv((a * w[:, None] ** 2).T @ a)
    want = normal @ (a.T @ (w**2 * b))
    assert found.intrinsic == 0.0
    np.testing.assert_allclose(found.zero_points["zeroPoint"], want[12:], atol=1e-7)
    np.testing.assert_allclose(
        found.zero_points["zeroPointErr"], np.sqrt(np.diag(normal)[12:]), rtol=1e-6
    )


def test_disconnected_groups_are_named_and_the_free_one_is_told():
    rows, anchors, true, _ = survey(np.random.default_rng(2))
    anchors["zeroPoint"][anchors["detector"] == 1] = np.nan
    found = self_calibrate(*rows, anchors)
    assert [g.anchored for g in found.groups] == [True, False, True]
    assert [g.stars for g in found.groups] == [30, 30, 30]
    assert found.groups[1].name == "7 visits (1000 to 1006), detectors 1"
    free = anchors["detector"] == 1
    zero = found.zero_points
    assert np.isnan(zero["zeroPoint"][free]).all()
    assert np.isnan(zero["zeroPointErr"][free]).all()
    assert set(zero["status"][free]) == {"unanchored"}
    np.testing.assert_allclose(zero["zeroPoint"][~free], true[~free], atol=0.01)
    assert not found.used[rows[2] == 1].any()


def test_one_anchor_carries_a_group():
    rows, anchors, true, _ = survey(np.random.default_rng(3), anchor=0.002)
    anchors["zeroPoint"][anchors["visit"] > 1000] = np.nan
    zero = self_calibrate(*rows, anchors).zero_points
    assert np.abs((zero["zeroPoint"] - true) / zero["zeroPointErr"]).max() < 4
    np.testing.assert_allclose(zero["zeroPoint"], true, atol=0.008)


def test_reference_stars_anchor_without_zero_points():
    rng = np.random.default_rng(4)
    rows, anchors, true, _ = survey(rng, detectors=1)
    flux, zero = rows[3].reshape(7, 30), true[:, None]
    mag = (zero - 2.5 * np.log10(flux)).mean(axis=0)
    reference = {
        "star": np.append(np.arange(30), 999),
        "mag": np.append(mag, 18.0),
        "magErr": np.full(31, 0.004),
    }
    anchors["zeroPoint"][:] = np.nan
    found = self_calibrate(*rows, anchors, reference=reference).zero_points
    np.testing.assert_allclose(found["zeroPoint"], true, atol=4e-3)
    # What the reference stars share does not average down over the visits.
    assert np.all(found["zeroPointErr"] > 0.9 * 0.004 / np.sqrt(30))


def test_outliers_are_clipped():
    rows, anchors, true, _ = survey(np.random.default_rng(5))
    rows[3][[10, 200, 400]] *= 1.3
    found = self_calibrate(*rows, anchors)
    assert set(np.flatnonzero(~found.used)) >= {10, 200, 400}
    assert (~found.used).sum() <= 5
    assert found.zero_points["nClipped"].sum() == (~found.used).sum()
    np.testing.assert_allclose(found.zero_points["zeroPoint"], true, atol=0.008)


def test_a_gradient_over_the_field_is_fitted():
    rng = np.random.default_rng(6)
    # Stars that wander over the field separate the gradient from the zero point.
    visits, stars = 12, 200
    x, y = rng.uniform(-1, 1, (2, visits, stars))
    slope = rng.normal(0, 0.01, visits)
    mag, true = rng.uniform(16, 19, stars), 31.0 + rng.normal(0, 0.05, visits)
    flux = 10 ** (-0.4 * (mag - true[:, None] - slope[:, None] * x))
    err = np.sqrt(flux)
    v, s = (w.ravel() for w in np.indices((visits, stars)))
    noisy = (flux + rng.normal(0, err)).ravel()
    anchors = {
        "visit": np.arange(visits),
        "detector": np.zeros(visits, int),
        "zeroPoint": true,
        "zeroPointErr": np.full(visits, 0.002),
    }
    config = SelfCalConfig(spatial_order=1)
    found = self_calibrate(
        s,
        v,
        np.zeros_like(v),
        noisy,
        err.ravel(),
        anchors,
        x=x.ravel(),
        y=y.ravel(),
        config=config,
    )
    edge = np.hypot(x, y).max()
    # All visits may share a gradient: the stars would follow.
    got = found.spatial["x1y0"] / edge
    np.testing.assert_allclose(got - got.mean(), slope - slope.mean(), atol=1.5e-3)
    np.testing.assert_allclose(found.zero_points["zeroPoint"], true, atol=3e-3)
    with pytest.raises(PhotocalError, match="places"):
        self_calibrate(s, v, 0 * v, noisy, err.ravel(), anchors, config=config)


def test_the_order_of_rows_does_not_matter():
    rows, anchors, _, _ = survey(np.random.default_rng(7))
    rng = np.random.default_rng(8)
    i, j = rng.permutation(len(rows[0])), rng.permutation(len(anchors["visit"]))
    a = self_calibrate(*rows, anchors)
    b = self_calibrate(*(c[i] for c in rows), {k: c[j] for k, c in anchors.items()})
    for name, column in a.zero_points.items():
        if column.dtype.kind == "f":
            np.testing.assert_allclose(column, b.zero_points[name], atol=1e-9)
        else:
            np.testing.assert_array_equal(column, b.zero_points[name])
    assert np.array_equal(a.used[i], b.used)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_rows_leave_the_reference(n):
    rows, anchors, _, _ = survey(np.random.default_rng(9))
    zero = self_calibrate(*(c[:n] for c in rows), anchors).zero_points
    np.testing.assert_allclose(zero["zeroPoint"], anchors["zeroPoint"], atol=1e-9)
    np.testing.assert_allclose(zero["zeroPointErr"], anchors["zeroPointErr"], rtol=1e-9)
    assert (zero["status"] == "calibrated").sum() == (n > 0)
    assert np.isnan(zero["scatter"]).sum() == len(zero["visit"]) - (n > 1)


def test_bad_input_is_refused():
    rows, anchors, _, _ = survey(np.random.default_rng(10))
    for bad in (
        {k: c for k, c in anchors.items() if k != "zeroPointErr"},
        {k: c[:-1] for k, c in anchors.items()},
        {k: np.append(c, c[:1]) for k, c in anchors.items()},
    ):
        with pytest.raises(PhotocalError) as found:
            self_calibrate(*rows, bad)
        assert found.value.code == "bad_self_calibration_input"
    rows[3][5] = rows[4][6] = np.nan
    assert not self_calibrate(*rows, anchors).used[[5, 6]].any()
