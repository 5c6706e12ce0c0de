"""Pair sums against TreeCorr, and what the peers' bugs would have made of the same stars."""

from __future__ import annotations

import numpy as np
import pytest
import treecorr

from skyassay.metrics.psf.pairs import COMPONENTS, FAR, NEAR, correlations

ARCMIN = 1.0 / 60.0


def stars(seed=3, n=400, width=12.0, ra=359.99, dec=-30.0):
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-width, width, (2, n)) * ARCMIN
    residual = rng.standard_normal((2, n)) * 0.01 + np.array([[0.004], [-0.002]])
    return (ra + x / np.cos(np.radians(dec))) % 360.0, dec + y, residual


def test_equal_to_treecorr_without_binning_error():
    ra, dec, residual = stars()
    found = correlations(ra, dec, residual, 5.0)
    for where, low, high in (("near", 1e-6, NEAR), ("below", 1e-6, FAR), ("far", FAR, 60.0)):
        for component, (a, b) in COMPONENTS.items():
            one, two = (
                treecorr.Catalog(ra=ra, dec=dec, k=residual[k], ra_units="deg", dec_units="deg")
                for k in (a, b)
            )
            kk = treecorr.KKCorrelation(
                min_sep=low, max_sep=high, nbins=1, sep_units="arcmin", bin_slop=0,
                metric="Arc", num_threads=1, brute=True,
            )  # fmt: skip
            kk.process(one, two)
            mine = found[component, where]
            # two catalogs: TreeCorr counts each pair from both ends
            assert 2 * mine.pairs == kk.npairs[0]
            # its cells hold single precision
            assert mine.value == pytest.approx(kk.xi[0], rel=1e-6, abs=1e-12)


def test_nothing_depends_on_where_on_the_sky_the_field_is():
    ra, dec, residual = stars(dec=0.0, ra=100.0)
    here = correlations(ra, dec, residual, 5.0)
    wrapped = correlations((ra + 260.0) % 360.0, dec, residual, 5.0)
    for key, one in here.items():
        assert wrapped[key].pairs == one.pairs
        assert wrapped[key].value == pytest.approx(one.value, rel=1e-9)
        assert wrapped[key].noise == pytest.approx(one.noise, rel=0.2)


def test_a_pole_is_a_place_like_any_other():
    angle = np.linspace(0.0, 360.0, 12, endpoint=False)
    ra = np.concatenate([angle, angle])
    dec = np.concatenate([np.full(12, 89.995), np.full(12, 89.8)])
    found = correlations(ra, dec, np.ones((2, 24)), 5.0)
    assert found["E1", "near"].pairs == 12 * 11 // 2
    assert found["E1", "far"].value == pytest.approx(1.0)


def test_one_star_or_two_give_no_pair_or_one():
    for n in (1, 2):
        found = correlations(np.zeros(n), np.zeros(n), np.ones((2, n)), 5.0)
        assert found["E1", "far"].pairs == 0
        assert np.isnan(found["E1", "far"].value)
        assert found["E1", "near"].pairs == n - 1
        assert found["E1", "near"].noise == np.inf


def test_noise_of_an_image_is_its_scatter():
    """The error of one image's mean products, from many images of the same kind."""
    ra, dec, _ = stars(n=150, width=40.0)
    rng = np.random.default_rng(0)
    made = []
    for _ in range(300):
        residual = 0.01 * rng.standard_normal((2, 150)) + np.array([[0.003], [0.001]])
        made.append(correlations(ra, dec, residual, 5.0))
    for key in (("E1", "far"), ("Ex", "far"), ("E2", "far"), ("E1", "below")):
        values = np.array([m[key].value for m in made])
        noise = np.sqrt(np.mean([m[key].noise ** 2 for m in made]))
        assert noise == pytest.approx(values.std(), rel=0.15), key
        truth = 0.003**2 if key[0] == "E1" else 3e-6 if key[0] == "Ex" else 1e-6
        assert values.mean() == pytest.approx(truth, abs=4 * values.std() / np.sqrt(300))
