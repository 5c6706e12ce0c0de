"""A night of forty visits decides completeness and purity of its transients."""

from pathlib import Path

import pytest

from skyassay.verify.campaign.making import process, simulate_pixels
from skyassay.verify.campaign.night import demonstrate_night

#: What a small night is too short for.
DECIDED = ("OSS-REQ-0353/transCompletenessMin", "OSS-REQ-0353/transPurityMin")


@pytest.mark.slow
def test_a_medium_night_is_decided_as_the_simulator_expects(tmp_path: Path) -> None:
    images = tmp_path / "images"
    simulate_pixels("small", 1, images / "frames", images / "repo")
    process(str(images / "repo"), "release")
    night = demonstrate_night("medium", 1, tmp_path)
    wrong = {c: v for c, v in night.as_expected.items() if v[0] not in v[1]}
    assert not wrong
    assert [night.as_expected[c][0] for c in DECIDED] == ["PASS", "PASS"]
