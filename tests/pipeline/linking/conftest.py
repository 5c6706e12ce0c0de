"""A small twin of moving detections."""

from __future__ import annotations

import pytest

from skyassay.simulator.solar_system.survey import MovingSurvey, simulate


@pytest.fixture(scope="session")
def twin():
    """Return 150 objects in 4.5 square degrees, five nights, half of the detections false."""
    return simulate(MovingSurvey(nights=(0, 1, 3, 5, 7), early=(-12, -3), radius=1.2, count=150), 3)
