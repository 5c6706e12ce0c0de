"""Orbits fitted to positions."""

from __future__ import annotations

import numpy as np
import pytest

from skyassay.pipeline.orbits.errors import OrbitError
from skyassay.pipeline.orbits.fit import Positions, fit
from skyassay.simulator.solar_system.near import near
from skyassay.simulator.solar_system.observer import equatorial
from skyassay.simulator.solar_system.orbits import states
from skyassay.simulator.solar_system.trajectories import Trajectories

EPOCH, SIGMA, COUNT = 61000.0, 0.1, 60
TIMES = EPOCH + np.array([-7.0, -6.98, -3.0, -2.98, 0.0, 0.02, 4.0, 4.02, 7.0, 7.02])


@pytest.fixture(scope="module")
def observed():
    """Return true states, positions with errors and their owners."""
    objects = near((20.0, 8.0), 1.0, EPOCH, COUNT, 8, shares={"main_belt": 1.0})
    moving = Trajectories(objects, TIMES.min(), TIMES.max())
    seen = [moving.seen(t) for t in TIMES]
    ra, dec = (np.stack([s[k] for s in seen], axis=1).ravel() for k in ("ra", "dec"))
    noise = np.random.default_rng(3).standard_normal((2, len(ra))) * SIGMA / 3600.0
    mjd = np.tile(TIMES, COUNT)
    positions = Positions.of(
        mjd, ra + noise[0] / np.cos(np.radians(dec)), dec + noise[1], np.full(len(ra), SIGMA)
    )
    place, speed = states(objects, EPOCH)
    truth = np.concatenate([equatorial(place), equatorial(speed)], axis=1)
    return truth, positions, np.repeat(np.arange(COUNT), len(TIMES))


def test_fits_recover_orbits_with_the_errors_they_quote(observed):
    """From a start that is off: chi2 as it should be, pulls of the state unit normal."""
    truth, positions, owner = observed
    rng = np.random.default_rng(5)
    start = truth + rng.standard_normal(truth.shape) * np.array([1e-2] * 3 + [1e-4] * 3)
    found = fit(start, EPOCH, positions, owner, rounds=25)
    assert 0.9 < found.reduced.mean() < 1.1
    covariance = np.linalg.inv(found.normal)
    off = found.state - truth
    square = np.einsum("ni,nij,nj->n", off, found.normal, off)
    assert 4.5 < square.mean() < 7.5  # six parameters
    assert (np.sqrt(np.einsum("nii->ni", covariance)) > 0).all()
    assert abs(found.rms.mean() - SIGMA * np.sqrt(14 / 20)) < 0.01


def test_a_wrong_position_shows(observed):
    """One position off by five arcsec makes the orbit poor, others keep theirs."""
    truth, positions, owner = observed
    x, y, z = positions.direction.T
    dec = np.degrees(np.arcsin(z))
    dec[3] += 5.0 / 3600.0
    ra = np.degrees(np.arctan2(y, x))
    spoilt = Positions.of(positions.mjd, ra, dec, np.full(len(ra), SIGMA))
    found = fit(truth, EPOCH, spoilt, owner, rounds=25)
    assert found.reduced[0] > 20.0
    assert found.reduced[1:].max() < 4.0


def test_two_positions_are_no_orbit(observed):
    """Nor are positions that are not sorted by orbit."""
    truth, positions, owner = observed
    two = np.arange(2)
    with pytest.raises(OrbitError) as error:
        fit(truth[:1], EPOCH, positions.take(two), np.zeros(2, dtype=np.int64))
    assert error.value.code == "too_few_positions"
    with pytest.raises(OrbitError):
        fit(truth, EPOCH, positions, owner[::-1])
