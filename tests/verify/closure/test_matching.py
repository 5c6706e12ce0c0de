"""Matching measurement and truth: image by image, mutual, anywhere on the sky."""

from __future__ import annotations

import numpy as np
import pytest

from skyassay.verify.closure.checks import Wanted, groups, robust_width
from skyassay.verify.closure.faint import half_point
from skyassay.verify.closure.matching import crowding, match, offsets

ARCSEC = 1.0 / 3600.0


def table(ra, dec, visit=None, **more):
    n = len(ra)
    return {
        "visit": np.zeros(n, dtype=np.int64) if visit is None else np.asarray(visit),
        "detector": np.zeros(n, dtype=np.int64),
        "coord_ra": np.asarray(ra, dtype=float),
        "coord_dec": np.asarray(dec, dtype=float),
        **more,
    }


@pytest.mark.parametrize(("ra", "dec"), [(10.0, 0.0), (0.0, 20.0), (120.0, 89.9999), (5.0, -90.0)])
def test_neighbours_are_found_anywhere(ra, dec) -> None:
    true = table([ra, ra], [dec, dec - np.sign(dec or 1) * 5 * ARCSEC])
    said = table([ra - 0.1 * ARCSEC], [dec])
    found = match({**said, "coord_ra": said["coord_ra"] % 360.0}, true)
    assert found.source.tolist() == [0]
    assert found.truth.tolist() == [0]


def test_only_the_same_image_within_the_radius_and_mutual() -> None:
    true = table([10.0, 10.0], [0.0, 0.0], visit=[1, 2])
    assert match(table([10.0], [0.0], visit=[2]), true).truth.tolist() == [1]
    assert len(match(table([10.0], [0.0], visit=[3]), true).truth) == 0
    assert len(match(table([10.0], [1.0 * ARCSEC], visit=[1]), true).truth) == 0
    # Two detections of one star: the nearer one is it.
    two = table([10.0, 10.0], [0.3 * ARCSEC, 0.1 * ARCSEC], visit=[1, 1])
    assert match(two, true).source.tolist() == [1]


def test_positions_without_a_number_and_no_rows_match_nothing() -> None:
    true = table([10.0, np.nan], [0.0, 0.0])
    assert match(table([np.nan, 10.0], [0.0, np.inf]), true).source.size == 0
    assert match(table([], []), true).source.size == 0
    assert match(table([10.0], [0.0]), table([], [])).source.size == 0


def test_offsets_across_zero_and_towards_the_pole() -> None:
    east, north = offsets(
        np.array([0.0]), np.array([60.0]), np.array([360.0 - ARCSEC]), np.array([60.0 - ARCSEC])
    )
    assert east == pytest.approx(500.0, rel=1e-3)
    assert north == pytest.approx(1000.0, rel=1e-6)


def test_crowding_is_the_neighbours_light() -> None:
    true = table([10.0] * 3, [0.0, 2 * ARCSEC, 30 * ARCSEC], flux=np.array([100.0, 1.0, 50.0]))
    assert crowding(true, 4.0) == pytest.approx([0.01, 100.0, 0.0])


def test_a_value_is_judged_by_both_bounds_and_nan_is_not_measured() -> None:
    wanted = Wanted("x", "mag", -1.0, 1.0)
    assert wanted.judged("r", 1.0, 0.1, 5).status == "PASS"
    assert wanted.judged("r", -1.1, 0.1, 5).status == "FAIL"
    assert wanted.judged("r", np.nan, 0.1, 5).reason == "not_finite"
    assert Wanted("x", "mag").judged("r", 5.0, np.nan, 5).status == "INFORMATION"
    assert Wanted("x", "mag").judged("r", 5.0, np.nan, 5).error is None


def test_width_and_groups() -> None:
    values = np.random.default_rng(1).normal(3.0, 2.0, 20000)
    width, error = robust_width(values)
    assert width == pytest.approx(2.0, abs=4 * error)
    assert np.isnan(robust_width(np.array([1.0]))).all()
    found = groups((np.array([1, 1, 2, 2]), np.array([7, 8, 7, 7])))
    assert len(set(found.tolist())) == 3
    assert found[2] == found[3]


def test_half_of_the_stars_are_found_at_the_threshold() -> None:
    rng = np.random.default_rng(5)
    snr = rng.uniform(2.0, 12.0, 4000)
    for threshold in (4.0, 6.5):
        half, error = half_point(snr, snr + rng.standard_normal(4000) > threshold)
        assert half == pytest.approx(threshold, abs=4 * error)
        assert 0.0 < error < 0.1
