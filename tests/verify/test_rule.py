"""The rule by itself: every comparison against a table of truths."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyassay.verify.errors import VerifyError
from skyassay.verify.rule import (
    Estimate,
    Limit,
    data_factor,
    decide,
    margin_percent,
    margin_sigma,
)

INF = math.inf


@pytest.mark.parametrize(
    ("op", "lower", "upper", "expected"),
    [
        ("<=", 4.0, 5.0, "PASS"),
        ("<", 4.0, 5.0, "INCONCLUSIVE"),
        ("<", 4.0, 4.9, "PASS"),
        ("<=", 4.0, 5.1, "INCONCLUSIVE"),
        ("<=", 5.0, 6.0, "INCONCLUSIVE"),
        ("<", 5.0, 6.0, "FAIL"),
        ("<=", 5.1, 6.0, "FAIL"),
        (">=", 5.0, 6.0, "PASS"),
        (">", 5.0, 6.0, "INCONCLUSIVE"),
        (">", 5.1, 6.0, "PASS"),
        (">=", 4.0, 5.0, "INCONCLUSIVE"),
        (">", 4.0, 5.0, "FAIL"),
        (">=", 4.0, 4.9, "FAIL"),
        ("==", 5.0, 5.0, "PASS"),
        ("==", 4.0, 6.0, "INCONCLUSIVE"),
        ("==", 5.1, 6.0, "FAIL"),
        ("<=", -INF, INF, "INCONCLUSIVE"),
        ("<=", 4.0, INF, "INCONCLUSIVE"),
        ("<=", 6.0, INF, "FAIL"),
        (">=", -INF, 4.0, "FAIL"),
    ],
)
def test_decide(op: str, lower: float, upper: float, expected: str) -> None:
    value = min(max(5.0, lower), upper)
    assert decide(Limit(op, 5.0), Estimate(value, lower, upper)) == expected


@pytest.mark.parametrize(
    ("lower", "upper", "expected"),
    [
        (-1.0, 1.0, "PASS"),
        (-6.0, 1.0, "INCONCLUSIVE"),  # one end outside is enough: both ends count
        (-1.0, 6.0, "INCONCLUSIVE"),
        (-9.0, -6.0, "FAIL"),
        (6.0, 9.0, "FAIL"),
        (-6.0, 6.0, "INCONCLUSIVE"),
    ],
)
def test_two_sided_limit_looks_at_both_ends(lower: float, upper: float, expected: str) -> None:
    middle = (lower + upper) / 2
    assert decide(Limit("<=", 5.0, absolute=True), Estimate(middle, lower, upper)) == expected


@given(
    st.sampled_from(["<=", "<", ">=", ">"]),
    st.floats(-10, 10),
    st.floats(-10, 10),
    st.floats(0, 5),
    st.floats(0, 5),
    st.booleans(),
)
def test_a_wider_interval_never_decides_more(op, limit, value, down, up, absolute):
    rule = Limit(op, limit, absolute)
    narrow = decide(rule, Estimate(value, value - down, value + up))
    wide = decide(rule, Estimate(value, value - 2 * down, value + 2 * up))
    assert wide in (narrow, "INCONCLUSIVE")


@given(st.sampled_from(["<=", "<", ">=", ">", "=="]), st.floats(-10, 10), st.floats(-10, 10))
def test_without_width_the_value_decides(op, limit, value):
    rule = Limit(op, limit)
    expected = "PASS" if rule.holds(value) else "FAIL"
    assert decide(rule, Estimate(value, value, value)) == expected


@pytest.mark.parametrize(
    "bad", [(math.nan, 0, 1), (0, math.nan, 1), (0, -1, math.nan), (INF, 0, 1)]
)
def test_nothing_can_be_compared_with_nan(bad) -> None:
    with pytest.raises(VerifyError) as caught:
        Estimate(*bad)
    assert caught.value.code == "not_a_number"


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_limit_is_a_finite_number(value: float) -> None:
    with pytest.raises(VerifyError) as caught:
        Limit("<=", value)
    assert caught.value.code == "limit_not_finite"


def test_unknown_comparison() -> None:
    with pytest.raises(VerifyError) as caught:
        Limit("!=", 1.0)
    assert caught.value.code == "unknown_op"


def test_upside_down_limits_are_refused() -> None:
    with pytest.raises(VerifyError) as caught:
        Estimate(1.0, 2.0, 0.0)
    assert caught.value.code == "inverted_interval"


def test_margins_are_positive_inside() -> None:
    assert margin_percent(Limit("<=", 5.0), 4.0) == pytest.approx(20.0)
    assert margin_percent(Limit("<=", 5.0), 6.0) == pytest.approx(-20.0)
    assert margin_percent(Limit(">=", 5.0), 6.0) == pytest.approx(20.0)
    assert margin_percent(Limit("<=", 5.0, absolute=True), -6.0) == pytest.approx(-20.0)
    assert margin_percent(Limit("<=", 0.0), 1.0) is None


def test_margin_in_sigma() -> None:
    # upper is 1.645 above the value, so one sigma is 1 and the limit is two sigma away
    estimate = Estimate(3.0, 2.0, 3.0 + 1.6448536269514722)
    assert margin_sigma(Limit("<=", 5.0), estimate) == pytest.approx(2.0)
    assert margin_sigma(Limit(">=", 5.0), Estimate(3.0, 3.0 - 1.6448536269514722, 9.0)) == (
        pytest.approx(-2.0)
    )
    assert margin_sigma(Limit("<=", 5.0), Estimate(3.0, 2.0, INF)) is None
    assert margin_sigma(Limit("<=", 5.0), Estimate(3.0, 3.0, 3.0)) is None


def test_how_much_more_data() -> None:
    # the upper limit is 2 away and must come within 1: four times the data
    assert data_factor(Limit("<=", 5.0), Estimate(4.0, 3.5, 6.0)) == pytest.approx(4.0)
    # outside: the lower limit is what must move, 1 away from the value, 2 to spare
    assert data_factor(Limit("<=", 5.0), Estimate(7.0, 4.0, 12.0)) == pytest.approx(2.25)
    # 0.5 of the room and of the width are systematic and stay
    assert data_factor(Limit("<=", 5.0), Estimate(4.0, 3.5, 6.0), 0.5) == pytest.approx(9.0)
    assert data_factor(Limit("<=", 5.0), Estimate(4.0, 3.5, 6.0), 1.0) is None
    assert data_factor(Limit("<=", 5.0), Estimate(5.0, 4.0, 6.0)) is None
    assert data_factor(Limit("<=", 5.0), Estimate(4.0, 3.0, INF)) is None


def test_a_margin_over_next_to_no_width_is_not_infinite() -> None:
    assert margin_sigma(Limit("<=", 5.0), Estimate(0.0, 0.0, 4e-308)) is None


def test_hopeless_data_are_not_promised_in_numbers() -> None:
    assert data_factor(Limit("<=", 5.0), Estimate(5.0 - 1e-300, 0.0, 1e300)) is None
