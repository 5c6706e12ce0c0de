"""Mean positions of objects."""

from __future__ import annotations

import numpy as np
import pytest

from skyassay.pipeline.prompt.positions import mean_positions

ARCSEC = 1 / 3600


def test_weights_are_those_of_the_errors():
    found = mean_positions(
        1, [0, 0], [10.0, 10.0 + 3 * ARCSEC], [0.0, 4 * ARCSEC],
        [0.1 * ARCSEC, 0.2 * ARCSEC], [0.1 * ARCSEC, 0.1 * ARCSEC], [0.0, 0.0],
    )  # fmt: skip
    assert (found["ra"][0] - 10) * 3600 == pytest.approx(3 * 0.2, rel=1e-6)
    assert found["dec"][0] * 3600 == pytest.approx(2.0, rel=1e-6)
    assert found["raErr"][0] * 3600 == pytest.approx((1 / 0.01 + 1 / 0.04) ** -0.5)
    assert found["decErr"][0] * 3600 == pytest.approx(0.1 / np.sqrt(2))
    assert found["ra_dec_Cov"][0] == 0


def test_the_covariance_of_n_like_sources_is_an_nth():
    n, cov = 5, 0.3e-10
    found = mean_positions(1, [0] * n, [20.0] * n, [5.0] * n, [1e-5] * n, [1e-5] * n, [cov] * n)
    assert found["ra_dec_Cov"][0] == pytest.approx(cov / n)
    assert found["raErr"][0] == pytest.approx(1e-5 / np.sqrt(n))


def test_right_ascension_may_pass_through_zero():
    found = mean_positions(
        1, [0, 0], [359.9999, 0.0003], [60.0] * 2, [1e-5] * 2, [1e-5] * 2, [0] * 2
    )
    assert found["ra"][0] == pytest.approx(0.0001, abs=1e-9)
    assert 0 <= found["ra"][0] < 360


def test_sources_without_errors_count_only_where_there_are_no_others():
    found = mean_positions(
        2, [0, 0, 1, 1], [10, 11, 20, 22], [0, 0, 1, 3], [1e-5, np.nan, np.nan, 0.0],
        [1e-5, 1e-5, np.nan, 1e-5], [0, np.nan, np.nan, np.nan],
    )  # fmt: skip
    assert found["ra"] == pytest.approx([10.0, 21.0], abs=1e-3)
    assert found["dec"] == pytest.approx([0.0, 2.0])
    assert found["raErr"][0] == pytest.approx(1e-5)
    assert np.isnan(found["raErr"][1])
    assert np.isnan(found["ra_dec_Cov"][1])


def test_the_mean_of_many_scatters_as_its_error_says():
    rng = np.random.default_rng(5)
    objects, n = 2000, 6
    errors = rng.uniform(0.05, 0.3, objects * n) * ARCSEC
    which = np.repeat(np.arange(objects), n)
    dec = 70.0 + rng.normal(size=objects * n) * errors
    ra = 100.0 + rng.normal(size=objects * n) * errors / np.cos(np.radians(70.0))
    found = mean_positions(objects, which, ra, dec, errors, errors, np.zeros(objects * n))
    east = (found["ra"] - 100.0) * np.cos(np.radians(70.0)) / found["raErr"]
    north = (found["dec"] - 70.0) / found["decErr"]
    for pull in (east, north):
        assert np.std(pull) == pytest.approx(1.0, abs=4 / np.sqrt(2 * objects))
        assert np.mean(pull) == pytest.approx(0.0, abs=4 / np.sqrt(objects))
