import numpy as np
import pytest

from skyassay.simulator.errors import SimulatorError
from skyassay.simulator.random import rng


def draw(*name):
    return rng(*name).random(4).tobytes()


def test_same_name_same_numbers():
    assert draw(1, "cadence", 7) == draw(1, "cadence", 7)


@pytest.mark.parametrize("other", [(2, "cadence", 7), (1, "observe", 7), (1, "cadence", 8)])
def test_any_other_name_other_numbers(other):
    assert draw(1, "cadence", 7) != draw(*other)


def test_an_entity_is_not_a_nested_entity():
    assert draw(1, "cadence", 7) != draw(1, "cadence", 7, 0)
    assert draw(1, "cadence", "7") != draw(1, "cadence", 7)


def test_streams_are_uncorrelated():
    many = np.stack([rng(3, "m", k).standard_normal(400) for k in range(50)])
    correlation = np.corrcoef(many)[np.triu_indices(50, 1)]
    assert np.std(correlation) == pytest.approx(1 / np.sqrt(400), rel=0.1)


def test_negative_seed_is_refused():
    with pytest.raises(SimulatorError) as caught:
        rng(-1, "cadence")
    assert caught.value.code == "bad_seed"
    assert caught.value.exit_code == 4
