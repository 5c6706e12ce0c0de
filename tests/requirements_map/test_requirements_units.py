"""Units: astropy's strings, the month, and magnitudes with a zero point."""

from __future__ import annotations

import pytest
from astropy import units as u

from skyassay.requirements_map import RequirementsError, parse_unit
from skyassay.requirements_map.units import convertible


@pytest.mark.parametrize(
    ("a", "b", "fits"),
    [
        ("mmag", "mag", True),
        ("mas", "arcsec", True),
        ("%", "", True),
        ("month", "yr", True),
        ("month", "d", True),
        ("mag(AB)", "mag(AB)", True),
        ("mag(AB)", "mag", False),
        ("mmag", "mas", False),
        ("nJy", "mag(AB)", False),
        ("Mbit / s", "Gbyte / h", True),
        ("1 / d", "Hz", True),
    ],
)
def test_convertible_both_ways(a, b, fits):
    assert convertible(a, b) is fits
    assert convertible(b, a) is fits


def test_a_year_has_twelve_months():
    assert (12 * parse_unit("month")).to_value(u.yr) == pytest.approx(1.0)


@pytest.mark.parametrize("text", ["furlongs", "mmags", "5 apples"])
def test_no_unit(text):
    with pytest.raises(RequirementsError) as error:
        parse_unit(text)
    assert error.value.code == "unknown_unit"


def test_every_unit_of_the_map_is_read(found):
    for criterion in found.criteria.values():
        parse_unit(criterion.unit)
        if criterion.metric and criterion.unit != "month":
            u.Unit(criterion.unit)
