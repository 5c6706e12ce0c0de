"""Matching of sources and objects by position."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from skyassay.pipeline.prompt.matching import Positions, candidates, match

ARCSEC = 1 / 3600


def at(*east_north, ra=150.0, dec=0.0, error=0.0):
    """Return positions at offsets in arcsec."""
    e, n = np.array(east_north, dtype=float).reshape(-1, 2).T
    errors = np.full(len(e), error * ARCSEC)
    decs = dec + n * ARCSEC
    return Positions((ra + e * ARCSEC / np.cos(np.radians(dec))) % 360, decs, errors, errors)


def matched(sources, targets, radius=1.0):
    return list(match(candidates(sources, targets, radius), len(sources), len(targets)))


def test_the_nearest_within_the_radius_or_none():
    assert matched(at((0, 0), (10, 0), (0.99, 20)), at((0.3, 0), (0, 20), (11.01, 0))) == [0, -1, 1]


def test_nothing_with_nothing():
    assert matched(at(), at((0, 0))) == []
    assert matched(at((0, 0)), at()) == [-1]


@pytest.mark.parametrize(
    ("ra", "dec"), [(0.0, 0.0), (359.99999, 45.0), (10.0, -89.0), (180.0, 60.0)]
)
def test_distances_are_right_everywhere(ra, dec):
    near, far = at((0.9, 0), ra=ra, dec=dec), at((1.1, 0), ra=ra, dec=dec)
    zero = at((0, 0), ra=ra, dec=dec)
    assert candidates(near, zero, 1.0).separation == pytest.approx([0.9], rel=1e-3)
    assert len(candidates(far, zero, 1.0).source) == 0
    assert candidates(near, zero, 1.0).chi2 == pytest.approx([(0.9 / 0.05) ** 2], rel=1e-3)


def test_no_object_is_taken_twice_and_the_better_pair_wins():
    assert matched(at((0.4, 0), (0.1, 0)), at((0, 0))) == [-1, 0]


def test_a_swap_that_is_better_for_both_together_is_made():
    # Each for itself would take the target at 0; together the first has to take the other.
    assert matched(at((0.0, 0), (0.05, 0)), at((0.02, 0), (-0.06, 0))) == [1, 0]


def test_a_good_pair_is_not_broken_for_two_bad_ones():
    """Both sources could have a partner, were the perfect pair given up."""
    assert matched(at((0, 0), (0.7, 0)), at((0, 0), (-0.7, 0))) == [0, -1]


def test_errors_decide_where_distances_do_not():
    targets = Positions(
        np.array([150.0 - 0.3 * ARCSEC, 150.0 + 0.3 * ARCSEC]), np.zeros(2),
        np.array([0.5, 0.01]) * ARCSEC, np.array([0.5, 0.01]) * ARCSEC,
    )  # fmt: skip
    assert matched(at((0.0, 0)), targets) == [0]


def test_unknown_errors_count_as_the_floor():
    known, unknown = at((0.2, 0.1), error=0.0), at((0.2, 0.1), error=np.nan)
    zero = at((0, 0))
    assert candidates(known, zero, 1.0).chi2 == candidates(unknown, zero, 1.0).chi2


def cost(pairs, assignment):
    """Return what the matching makes least."""
    by = {(s, t): c for s, t, c in zip(pairs.source, pairs.target, pairs.chi2, strict=True)}
    total = 0.0
    for s, t in enumerate(assignment):
        if t < 0:
            total += 25.0
        elif (s, t) not in by:
            return np.inf
        else:
            total += by[s, t] / (1 + by[s, t] / 25.0)
    return total


@pytest.mark.parametrize("seed", range(8))
def test_no_other_assignment_is_better(seed):
    rng = np.random.default_rng(seed)
    sources, targets = at(*rng.uniform(-0.8, 0.8, (4, 2))), at(*rng.uniform(-0.8, 0.8, (4, 2)))
    pairs = candidates(sources, targets, 1.0)
    found = match(pairs, 4, 4)
    choices = set(permutations([0, 1, 2, 3, -1, -1, -1, -1], 4))
    assert cost(pairs, found) == pytest.approx(min(cost(pairs, c) for c in choices))


def test_radii_may_differ_by_target():
    pairs = candidates(at((3, 0), (13, 0)), at((0, 0), (10, 0)), [1.0, 5.0])
    assert list(pairs.source) == [1]
