"""Block adjustment: by whatever algebra, the same; and nothing where nothing is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

from skyassay.pipeline.association import adjustment
from skyassay.pipeline.association.adjustment import adjust, groups, worst_outliers
from skyassay.pipeline.association.neighbours import friends, nearest, pairs
from skyassay.pipeline.astrometry.sphere import deproject, direction


def problem(seed=0, stars=40, exposures=8, prior=0.1):
    """Return the arguments of `adjust` for exposures with a level and a slope."""
    rng = np.random.default_rng(seed)
    star, exposure = (w.ravel() for w in np.indices((stars, exposures)))
    n = star.size
    rows = np.zeros((n, 2 * exposures))
    rows[np.arange(n), 2 * exposure] = 1.0
    rows[np.arange(n), 2 * exposure + 1] = rng.uniform(-1, 1, n)
    truth = rng.normal(0, 0.1, 2 * exposures)
    level = rng.normal(0, 1, stars)
    sigma = rng.uniform(0.01, 0.03, n)
    y = level[star] - rows @ truth + rng.normal(0, sigma)
    mean = np.zeros(2 * exposures)
    return (y, sigma, star, stars, csr_array(rows), mean, np.full(2 * exposures, prior)), truth


def test_dense_and_sparse_algebra_agree(monkeypatch):
    args, truth = problem()
    dense = adjust(*args)
    assert np.abs((dense.parameters - truth) / np.sqrt(dense.variances)).max() < 4
    monkeypatch.setattr(adjustment, "_DENSE", 0)
    sparse = adjust(*args)
    for name in ("parameters", "variances", "stars", "residual"):
        np.testing.assert_allclose(getattr(sparse, name), getattr(dense, name), atol=1e-12)
    assert sparse.freedom == pytest.approx(dense.freedom)
    # Forty stars and all of the parameters but the one level that only the prior holds.
    assert dense.freedom == pytest.approx(40 + 16 - 1, abs=0.5)


@pytest.mark.parametrize("dense", [3000, 0])
def test_what_nothing_determines_is_nan_and_with_a_known_star_it_is_not(monkeypatch, dense):
    monkeypatch.setattr(adjustment, "_DENSE", dense)
    (y, sigma, star, stars, rows, mean, prior), truth = problem()
    free = np.full_like(prior, np.inf)
    assert np.isnan(adjust(y, sigma, star, stars, rows, mean, free).parameters).all()
    # One known star holds all: the level of the true solution.
    known, error = np.zeros(stars), np.full(stars, np.inf)
    level = (y + rows @ truth)[star == 0].mean()
    known[0], error[0] = level, 1e-4
    found = adjust(y, sigma, star, stars, rows, mean, free, known, error)
    assert np.abs((found.parameters - truth) / np.sqrt(found.variances)).max() < 4


def test_groups_are_numbered_by_their_first_exposure():
    star = np.array([0, 0, 1, 1, 2, 2, 3])
    exposure = np.array([3, 0, 0, 2, 1, 4, 4])
    assert groups(star, exposure, 4, 6).tolist() == [0, 1, 0, 0, 1, 2]
    nothing = np.empty(0, int)
    assert groups(nothing, nothing, 0, 3).tolist() == [0, 1, 2]


def test_only_the_worst_of_star_and_exposure_is_clipped():
    residual = np.array([9.0, -8.0, 0.1, 3.0, 5.0, 0.2])
    star = np.array([0, 0, 0, 1, 1, 2])
    exposure = np.array([0, 1, 2, 0, 0, 3])
    got = worst_outliers(residual, np.ones(6), star, exposure, np.array([0.3, 0.5, 1.0]), 4.0)
    assert got.tolist() == [True, False, False, False, True, False]


def test_friends_of_friends_at_the_pole():
    ra, dec = deproject(np.array([0, 0.9, 1.8, 5.0]) / 3600, np.zeros(4), 10.0, 90.0)
    vectors = direction(ra, dec).T
    label = friends(vectors, 1.0)
    assert len(set(label[:3])) == 1
    assert label[3] != label[0]
    assert sorted(map(tuple, pairs(vectors, 1.0).tolist())) == [(0, 1), (1, 2)]
    row, distance = nearest(vectors[[1]], vectors[[0, 3]], 1.0)
    assert row.tolist() == [0]
    assert distance == pytest.approx([0.9], abs=1e-6)
