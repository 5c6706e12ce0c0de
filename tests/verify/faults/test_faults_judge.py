"""What was declared against what was found, from trials made by hand."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from skyassay.verify.faults.judge import doses, halfway, judge
from skyassay.verify.faults.model import Trial
from skyassay.verify.faults.page import to_json, to_markdown


@dataclass
class Declared:
    id: str = "f"
    title: str = "F"
    seam: str = "product"
    unit: str = "mmag"
    flips: dict = field(default_factory=lambda: {"X": 4.0})
    never: tuple = ("Y",)
    open: dict = field(default_factory=dict)


def trials(x, y=None, seeds=2):
    """Return trials of X by dose (a status for each seed), and of Y, which passes unless said."""
    y = y or {}
    return [
        Trial("f", c, dose, seed, statuses[seed], None)
        for dose in x
        for c, statuses in (("X", x[dose]), ("Y", y.get(dose, ["PASS"] * seeds)))
        for seed in range(seeds)
    ]


GOOD = {0.0: "PP", 2.0: "PI", 2.84: "II", 4.0: "IF", 5.64: "FF", 8.0: "FF"}


def spelt(table):
    words = {"P": "PASS", "F": "FAIL", "I": "INCONCLUSIVE", "N": "NOT_MEASURED"}
    return {d: [words[c] for c in s] for d, s in table.items()}


def one(x, y=None, **declared):
    found = judge(Declared(**declared), trials(spelt(x), spelt(y or {})))
    return {r.criterion: r for r in found}


def test_doses_are_shares_of_the_declared_ones_with_nothing_first():
    assert doses(Declared()) == (0.0, 2.0, 2.84, 4.0, 5.64, 8.0)


def test_a_fault_that_does_what_was_declared_holds():
    found = one(GOOD)
    assert [r.outcome for r in found.values()] == ["AS_DECLARED", "AS_DECLARED"]
    assert found["X"].detectability == pytest.approx(4.0)
    assert found["Y"].detectability is None


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({2.0: "PF"}, "EARLY"),
        ({0.0: "FF"}, "EARLY"),
        ({8.0: "FI"}, "NO_FLIP"),
        ({8.0: "NN"}, "NO_FLIP"),
        ({0.0: "NN"}, "NOT_MEASURED"),
    ],
)
def test_what_differs_is_named(change, outcome):
    found = one(GOOD | change)["X"]
    assert found.outcome == outcome
    assert found.said
    assert not found.holds


@pytest.mark.parametrize(
    ("y", "outcome"),
    [
        ({8.0: "PF"}, "SPILLS"),
        ({8.0: "NP"}, "SPILLS"),
        ({8.0: "II"}, "AS_DECLARED"),
        ({0.0: "NN"}, "NOT_MEASURED"),
        ({0.0: "FF"}, "NOT_MEASURED"),
    ],
)
def test_a_criterion_that_must_not_flip_keeps_its_verdict(y, outcome):
    assert one(GOOD, y)["Y"].outcome == outcome


def test_an_open_difference_is_shown_with_its_reason_and_never_hides_a_good_one():
    found = one(GOOD | {8.0: "FI"}, open={"X": "few visits", "Y": "nothing"})
    assert found["X"].outcome == "OPEN"
    assert "few visits" in found["X"].said
    assert found["Y"].outcome == "AS_DECLARED"
    assert all(r.holds for r in found.values())


def test_detectability_is_between_doses_or_nothing():
    assert halfway({0.0: 0.0, 2.0: 0.25, 4.0: 0.75}) == pytest.approx(3.0)
    assert halfway({0.0: 0.0, 4.0: 0.4}) is None
    assert halfway({}) is None


def test_page_and_json_name_every_response():
    found = judge(Declared(), trials(spelt(GOOD)))
    page = to_markdown(found, 2)
    assert "| f | X | mmag | 4 | 4 | as declared |" in page
    assert "must not flip" in page
    assert '"schema": "skyassay.faults/1"' in to_json(found, trials(spelt(GOOD)))
