"""The log of all exposures that were planned."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.instrument.camera import Camera
from skyassay.pipeline.instrument.filters import physical_filter
from skyassay.simulator.exposure.frames import PROGRAM, REASON
from skyassay.simulator.exposure.plan import Frame

Table = dict[str, NDArray[Any]]
#: Columns that only exposures of the sky have, from the visit table.
_OF_THE_SKY = ("ra", "dec", "skyRotation", "airmass", "atmosphericSeeing", "atmosphericSeeingErr")


def observation_log(frames: list[Frame], plan: Table, said: Table, camera: Camera) -> Table:
    """Return the `observation_log` product: what the observatory says, without truth.

    Parameters
    ----------
    frames : list of Frame
    plan, said : dict
        As `plan.science_plan` makes them.
    camera : Camera
    """
    row = {int(v): k for k, v in enumerate(plan["visit"])}
    place = np.array([row.get(f.exposure, -1) for f in frames])
    on_sky = place >= 0

    def each(column: NDArray[Any]) -> NDArray[Any]:
        values = np.where(on_sky, column[np.maximum(place, 0)], np.nan)
        return np.ma.masked_array(values, mask=~on_sky)

    bands = [f.band for f in frames]
    kinds = {"OBJECT": "science"}
    return {
        "exposure": np.array([f.exposure for f in frames], dtype=np.int64),
        "day_obs": np.array([f.day for f in frames], dtype=np.int64),
        "seq_num": np.array([f.number for f in frames], dtype=np.int64),
        "observation_type": np.array([kinds.get(f.kind, f.kind.lower()) for f in frames]),
        "band": np.ma.masked_array(bands, mask=[not b for b in bands]),
        "physical_filter": np.array(
            [f.lamp.physical_filter if f.lamp else physical_filter(f.band) for f in frames]
        ),
        "expTime": np.array([f.exptime for f in frames]),
        "darkTime": np.array([f.darktime for f in frames]),
        "obsStartMJD": np.array([f.begin for f in frames]),
        **{name: each(said[name]) for name in _OF_THE_SKY},
        "program": np.array([PROGRAM if f.kind == "OBJECT" else "calibration" for f in frames]),
        "reason": np.array([f.lamp.reason if f.lamp else REASON for f in frames]),
        "nDetector": np.full(len(frames), len(camera.detectors), dtype=np.int64),
    }
