"""Every metric of ours says what it measures, how it differs, and when there is no value."""

from __future__ import annotations

import pytest

from skyassay.metrics.registry import load_metrics
from skyassay.metrics.words import words_of

OWN = {n: p for n, p in load_metrics().items() if p.__module__.startswith("skyassay.")}


@pytest.mark.parametrize("metric", sorted(OWN))
def test_it_says_all_three(metric) -> None:
    words = words_of(OWN[metric])
    assert len(words.definition) > 60
    assert len(words.differs) > 5
    assert len(words.absent) > 5
    assert (
        "Source: " in words.definition or "LPM-17" in words.definition or "LSE-" in words.definition
    )


def test_sections_about_the_code_are_left_out() -> None:
    class Metric:
        """Widths, mas.

        A paragraph.

        Not measured when: never seen.

        Notes
        -----
        Of no interest.
        """

    words = words_of(Metric)
    assert words.definition == "Widths, mas. A paragraph."
    assert words.absent == "never seen."
    assert words.differs == ""


def test_what_a_helper_says_of_its_code_is_left_out() -> None:
    class Helper:
        """Shared by both: one state.

        Subclasses give `values`.

        Sizes are along the line of sight.
        """

    class Metric(Helper):
        """Widths, mas."""

    assert words_of(Metric).definition == "Widths, mas. Sizes are along the line of sight."


@pytest.mark.parametrize("metric", sorted(OWN))
def test_no_definition_speaks_of_classes(metric) -> None:
    told = words_of(OWN[metric]).definition
    assert not any(word in told for word in ("Subclasses", "in common", "What all share"))
