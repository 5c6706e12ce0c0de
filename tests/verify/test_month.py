"""The month of the requirements is a unit of verdicts too."""

import pytest

from skyassay.verify.units import factor


def test_months_are_twelfths_of_a_year():
    assert factor("d", "month") == pytest.approx(12.0 / 365.25)
    assert factor("month", "yr") == pytest.approx(1.0 / 12.0)
    assert factor("month", "mag") is None
    assert factor("furlongs", "month") is None
