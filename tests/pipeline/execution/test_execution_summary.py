"""A summary is completed by what the files of an interrupted run tell."""

from __future__ import annotations

import uuid

import numpy as np

from skyassay.pipeline.execution.outcome import Outcome, Status
from skyassay.pipeline.execution.summary import _completed, summary_table


def outcome(label, detector, status, seconds=None):
    return Outcome(uuid.uuid4(), label, {"visit": 1, "detector": detector}, status, seconds)


def test_only_what_ended_well_and_was_not_known_is_entered():
    old = summary_table(
        [
            outcome("isr", 0, Status.SUCCESS, 1.0),
            outcome("isr", 1, Status.SKIPPED),
            outcome("isr", 2, Status.FAILED, 0.5),
            outcome("isr", 3, Status.EXISTING),
        ]
    )
    new = summary_table(
        [
            outcome("isr", 0, Status.SUCCESS, 9.0),
            outcome("isr", 1, Status.SUCCESS, 2.0),
            outcome("isr", 2, Status.SKIPPED),
            outcome("isr", 3, Status.SUCCESS, 9.0),
        ]
    )
    both = _completed(old, new)
    both.sort("detector")
    assert both["status"].tolist() == ["SUCCESS", "SUCCESS", "FAILED", "EXISTING"]
    assert both["seconds"].tolist() == [1.0, 2.0, 0.5, None]


def test_nothing_new_changes_nothing():
    old = summary_table([outcome("isr", 0, Status.SUCCESS, 1.0)])
    assert _completed(old, summary_table([outcome("isr", 0, Status.SUCCESS, 3.0)])) is None
    assert _completed(old, summary_table([outcome("isr", 0, Status.SKIPPED)])) is None


def test_one_that_the_table_does_not_know_is_entered():
    both = _completed(summary_table([]), summary_table([outcome("isr", 4, Status.SUCCESS, 1.5)]))
    assert both["detector"].tolist() == [4]
    assert np.isclose(float(both["seconds"][0]), 1.5)
