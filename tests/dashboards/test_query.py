"""The query of a URL is a whitelist of names; text is escaped; numbers are worded."""

from __future__ import annotations

import math

import pytest

from skyassay.dashboards import text as words
from skyassay.dashboards.query import LONGEST, known, parse


def test_only_known_names_are_read() -> None:
    query = parse({"id": [b"LPM-17.PA1"], "run": [b"r1"], "theme": [b"dark"], "store": [b"/etc"]})
    assert (query.id, query.run, query.criterion, query.band) == ("LPM-17.PA1", "r1", None, None)
    assert query.broken == ()


@pytest.mark.parametrize(
    "raw", [[b"a", b"b"], [], [b""], [b"\xff\xfe"], [b"x" * (LONGEST + 1)]]
)  # fmt: skip
def test_unreadable_values_are_named_never_guessed(raw) -> None:
    query = parse({"run": raw})
    assert query.run is None
    assert query.broken == ("run",)


def test_a_name_means_something_only_if_it_is_known() -> None:
    assert known("a", {"a", "b"}) == "a"
    assert known("A", {"a", "b"}) is None
    assert known(None, {"a"}) is None


@pytest.mark.parametrize("payload", ["<img src=x onerror=alert(1)>", '"><svg onload=a>', "a'b&c"])
def test_text_is_escaped_for_content_and_attributes(payload) -> None:
    shown = words.text(payload)
    assert not set("<>\"'") & set(shown)
    assert "&" in shown


def test_nothing_of_a_plot_looks_like_a_formula() -> None:
    assert "$" not in words.plain("$$x^2$$")


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "—"), (math.nan, "not a number"), (math.inf, "∞"), (-math.inf, "−∞"),
     (0.0, "0"), (-1.23456, "−1.235"), (5.0, "5")],
)  # fmt: skip
def test_a_missing_number_is_never_zero(value, shown) -> None:
    assert words.number(value) == shown


def test_quantities_and_margins() -> None:
    assert words.quantity(5.0, "mmag") == "5 mmag"
    assert words.quantity(10.0, "percent") == "10 %"
    assert words.quantity(None, "mmag") == "—"
    assert words.signed(-2.5, "%") == "−2.5 %"
    assert words.signed(2.5, "σ") == "+2.5 σ"
    assert words.interval(1.0, math.inf) == "[1, ∞]"
    assert words.interval(None, 1.0) == "—"


def test_links_are_ours_and_quoted() -> None:
    assert words.link("requirement", id='a"b&c=<', run=None) == "requirement?id=a%22b%26c%3D%3C"
    assert words.link("overview", run=None) == "overview"
