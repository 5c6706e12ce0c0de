"""Two depths of one band: silent when they agree, named when they do not."""

from __future__ import annotations

import pytest

from skyassay.metrics.contract import Measurement
from skyassay.verify.crosschecks import cross_check


def depth(value: float) -> Measurement:
    return Measurement(
        metric="depth.crosscheck.detections", unit="mag", recipe="srd", recipe_hash="h",
        status="MEASURED", value=value, band="r", n=30,
    )  # fmt: skip


@pytest.mark.parametrize("value", [-0.14, 0.0, 0.09])
def test_depths_that_agree_are_silent(value: float) -> None:
    assert cross_check([depth(value)], []) == []


@pytest.mark.parametrize(("value", "side"), [(0.4, "fainter"), (-0.4, "brighter")])
def test_depths_that_disagree_are_named(value: float, side: str) -> None:
    (finding,) = cross_check([depth(value)], [])
    assert (finding.code, finding.severity, finding.band) == ("depths_disagree", "warning", "r")
    assert side in finding.message
