"""The demonstration in pixels: frames through the pipeline, judged as declared."""

from __future__ import annotations

import pytest

from skyassay.verify.campaign import demonstrate_pixels
from skyassay.verify.errors import VerifyError


def test_what_is_not_ours_is_not_removed(tmp_path):
    (tmp_path / "images" / "letters").mkdir(parents=True)
    with pytest.raises(VerifyError, match="letters") as caught:
        demonstrate_pixels("tiny", 1, tmp_path)
    assert caught.value.code == "not_ours"
    assert (tmp_path / "images" / "letters").is_dir()


@pytest.mark.slow
def test_criteria_are_decided_at_level_pixels_as_declared(tmp_path):
    made = demonstrate_pixels("small", 1, tmp_path)
    assert made.report.run.evidence_level == "pixels"
    wrong = {c: v for c, v in made.as_expected.items() if v[0] not in v[1]}
    assert not wrong
    passed = [c for c, (got, _) in made.as_expected.items() if got == "PASS"]
    assert len(passed) >= 15
