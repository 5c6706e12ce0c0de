"""Depth told in two ways: by the noise of the image, and by the errors of what was detected."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from skyassay.metrics.contract import Measurement
from skyassay.verify.records import Finding

DETECTIONS = "depth.crosscheck.detections"
#: Error models that take S/N 5 for a noise of 0.2 mag are apart by 0.09 mag.
LARGEST = 0.15


def depth_findings(measurements: Sequence[Measurement]) -> Iterator[Finding]:
    """Yield ``depths_disagree`` (warning) where the two depths of a band are far apart, in mag."""
    for m in measurements:
        if m.metric != DETECTIONS or m.value is None or abs(m.value) <= LARGEST:
            continue
        side = "fainter" if m.value > 0 else "brighter"
        yield Finding(
            "depths_disagree",
            "warning",
            f"Detections reach S/N 5 at {abs(m.value):.2f} mag {side} magnitudes than the noise "
            f"of the images says ({m.recipe}).",
            "The quoted flux errors, the PSF area, the sky noise or the zero points are wrong.",
            DETECTIONS,
            m.band,
        )
