"""The whole way of the data. A newcomer begins with `demonstration`.

This is the only folder of `verify` that knows the simulator and the pipeline.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skyassay.verify.campaign.demonstration import (
    Demo,
    demonstrate,
    demonstrate_pixels,
    expectations,
)
from skyassay.verify.campaign.making import (
    process,
    simulate,
    simulate_night,
    simulate_pixels,
    simulate_survey,
)
from skyassay.verify.campaign.night import demonstrate_night, send_alerts
from skyassay.verify.campaign.samples import draw, samplers, simulated_metrics

if TYPE_CHECKING:
    from skyassay.pipeline.execution.report import RunReport as RunReport
    from skyassay.pipeline.processing import Kind as Kind
    from skyassay.pipeline.repository.ingest import Ingested as Ingested
    from skyassay.simulator.exposure.release import PixelRelease as PixelRelease
    from skyassay.simulator.release import Release as Release

__all__ = [
    "Demo",
    "demonstrate",
    "demonstrate_night",
    "demonstrate_pixels",
    "draw",
    "expectations",
    "process",
    "samplers",
    "send_alerts",
    "simulate",
    "simulate_night",
    "simulate_pixels",
    "simulate_survey",
    "simulated_metrics",
]
