"""What is expected of a night: of criteria that exist, in words that verdicts have."""

from __future__ import annotations

from skyassay.requirements_map import load
from skyassay.simulator.nominal_night import SIZES, expected_of_night

WORDS = {"PASS", "FAIL", "INCONCLUSIVE", "NOT_MEASURED", "NOT_APPLICABLE"}


def test_every_criterion_exists_and_has_a_metric():
    known = load().criteria
    for size in SIZES:
        for criterion in expected_of_night(size):
            assert known[criterion].metric, criterion


def test_verdicts_are_words_of_the_rule_and_both_sizes_are_declared():
    small, medium = (expected_of_night(size) for size in SIZES)
    assert set(small) == set(medium)
    for wanted in (*small.values(), *medium.values()):
        assert wanted
        assert set(wanted) <= WORDS


def test_of_another_size_nothing_is_expected():
    assert expected_of_night("tiny") == {}


def test_a_night_decides_completeness_and_purity_at_its_larger_size():
    medium = expected_of_night("medium")
    for name in ("transCompletenessMin", "transPurityMin"):
        assert medium[f"OSS-REQ-0353/{name}"] == ("PASS",)
