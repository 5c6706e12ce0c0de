"""Samplers of Solar System products: delays of new objects, night by night."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from skyassay.simulator.random import rng
from skyassay.simulator.samples.model import Draw, Sampler, Table

#: Links that a night finds, detections of each, and the scatter of nights over the target.
LINKS, DETECTIONS = 5, 6
SCATTER = 0.12
#: Standard deviations of the quantile of nights that is the target (95 %).
_QUANTILE = 1.6448536269514722


def draw_delays(asked: Draw) -> Mapping[str, Table]:
    """Return linked detections of nights of which 95 % have their longest delay at the target."""
    stream = rng(asked.seed, "samples.moving")
    spread = SCATTER * asked.target
    worst = asked.target - _QUANTILE * spread + spread * stream.standard_normal(asked.size)
    night, link, _ = (a.ravel() for a in np.indices((asked.size, LINKS, DETECTIONS)))
    # One link of a night is the last; the others were out a little earlier.
    delay = worst[night] - 0.01 * asked.target * link
    count = len(night)
    return {
        "linked_source": {
            "linkId": (night * LINKS + link + 1).astype(np.int64),
            "diaSourceId": np.arange(count, dtype=np.int64),
            "orbitRms": np.full(count, 0.05),
            "night": (61000 + night).astype(np.int64),
            "delay": delay,
            "isPrecovered": np.zeros(count, dtype=bool),
        }
    }


SAMPLERS = (
    Sampler(
        metric="moving.release.delay",
        draw=draw_delays,
        unit="night",
        sizes=(3, 6, 12, 30),
        shares=(0.0,),
        power_shares=(0.0,),
    ),
)
