"""How many independent regions there are when neighbours share an error."""

from __future__ import annotations

import numpy as np
import pytest

from skyassay.metrics.healpix import cell_count, directions_of
from skyassay.metrics.statistics.neighbours import region_mean, shared_regions
from skyassay.metrics.statistics.nested import split

REGIONS = np.arange(200)
TOWARDS = directions_of(REGIONS, 3)


def _field(length: float, seed: int) -> np.ndarray:
    """Return one value per region, alike over `length` degrees."""
    rng = np.random.default_rng(seed)
    distance = np.degrees(np.arccos(np.clip(TOWARDS.T @ TOWARDS, -1, 1)))
    matrix = np.exp(-((distance / length) ** 2) / 2) if length else np.eye(200)
    values, vectors = np.linalg.eigh(matrix)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    return np.asarray(root @ rng.standard_normal(200))


def _true_dof(length: float) -> float:
    distance = np.degrees(np.arccos(np.clip(TOWARDS.T @ TOWARDS, -1, 1)))
    centring = np.eye(200) - 1 / 200
    matrix = centring @ np.exp(-((distance / length) ** 2) / 2) @ centring
    return float(np.trace(matrix) ** 2 / np.square(matrix).sum())


@pytest.mark.parametrize("length", [8.0, 15.0])
def test_the_degrees_of_freedom_are_those_of_the_field(length: float) -> None:
    found = [shared_regions(_field(length, s), TOWARDS, 9.5) for s in range(20)]
    assert np.median([dof for _, dof in found]) == pytest.approx(_true_dof(length), rel=0.3)
    scale = [np.square(f - f.mean()).sum() / t for f, (t, _) in
             ((_field(length, s), found[s]) for s in range(20))]  # fmt: skip
    assert np.mean(scale) == pytest.approx(1.0, abs=0.25)


def test_regions_that_share_nothing_are_left_alone() -> None:
    dofs = [shared_regions(_field(0.0, s), TOWARDS, 9.5)[1] for s in range(20)]
    assert np.median(dofs) > 150
    few = np.arange(0, cell_count(3), 90)
    values = np.random.default_rng(0).standard_normal(few.size)
    assert shared_regions(values, directions_of(few, 3), 9.5) == (few.size - 1, few.size - 1)
    assert shared_regions(np.ones(200), TOWARDS, 9.5) == (199.0, 199.0)


def test_an_error_over_many_regions_widens_the_interval() -> None:
    label = np.repeat(REGIONS, 4)
    own = 0.2 * np.random.default_rng(1).standard_normal(label.size)
    x = _field(15.0, 3)[label] + own
    blind = split(x, np.zeros(x.size), label).spread()[1]
    seeing = split(x, np.zeros(x.size), label, TOWARDS[:, label], 9.5).spread()[1]
    assert np.log(seeing.high / seeing.low) > 2.0 * np.log(blind.high / blind.low)


def test_the_mean_of_a_field_is_known_less_well_when_neighbours_are_alike() -> None:
    covered = {"blind": 0, "seeing": 0}
    for seed in range(60):
        x = _field(15.0, seed)
        for name, towards in (("blind", None), ("seeing", TOWARDS)):
            interval = region_mean(x, REGIONS, towards, 9.5)[1]
            covered[name] += int(interval.low < 0.0 < interval.high)
    assert covered["blind"] < 40
    assert covered["seeing"] > 50
