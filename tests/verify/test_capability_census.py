"""A capability that a census contradicts is not shown, though the census could be taken."""

from dataclasses import replace

import numpy as np

from skyassay.metrics.registry import make
from skyassay.requirements_map import load
from skyassay.verify.records import Run
from skyassay.verify.verdict import judge

RUN = Run("r", "test", "real", "2030-01-01T00:00:00Z")


def verdict(flagged):
    criterion = load().criteria["DMS-REQ-0046/capability"]
    plugin = make("catalog.photoz.unexplained")
    table = {
        "objectId": np.arange(3),
        "photoz_best": np.array([0.1, 0.2, np.nan]),
        "photoz_flag": np.array([False, False, flagged]),
    }
    found = plugin.finish(plugin.fold({"object": table}), {})
    return judge(criterion, criterion.binding_level, found, RUN), criterion, found


def test_the_rule_holds_for_every_row():
    passed, _, _ = verdict(True)
    assert (passed.status, passed.n) == ("PASS", 3)


def test_one_row_contradicts_it():
    failed, criterion, found = verdict(False)
    assert (failed.status, failed.reason) == ("FAIL", "capability_contradicted")
    assert "1 of 3 rows" in failed.hint
    silent = [replace(found[0], diagnostics={})]
    assert judge(criterion, criterion.binding_level, silent, RUN).status == "PASS"


def test_what_was_not_tried_is_neither_shown_nor_contradicted():
    _, criterion, found = verdict(True)
    untried = [replace(found[0], diagnostics={"shown": None})]
    judged = judge(criterion, criterion.binding_level, untried, RUN)
    assert (judged.status, judged.reason) == ("INCONCLUSIVE", "not_tried")
    both = [replace(found[0], diagnostics={"shown": False}), *untried]
    assert judge(criterion, criterion.binding_level, both, RUN).status == "FAIL"
