"""What can be chosen about the association."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from skyassay.pipeline.prompt.matching import FLOOR


@dataclass(frozen=True)
class Options:
    """Numbers of the association; defaults are Rubin's where it has them.

    Attributes
    ----------
    radius : float
        Largest distance of a source from its object, arcsec.
    floor : float
        Least error of a distance on each axis, arcsec.
    ss_radius, ss_radius_max : float
        Radius of the search around predicted places of Solar System objects: five errors, but
        not less than the first and not more than the second, arcsec.
    min_reliability : float or None
        Sources below it make no new object; they are stored all the same, without one. A source
        whose reliability is not known is below it.
    pad : float
        Objects up to so far outside the image are looked at, pixel.
    later : {"record", "refuse"}
        What to do where a later image of the same place was stored before.
    """

    radius: float = 1.0
    floor: float = FLOOR
    ss_radius: float = 1.0
    ss_radius_max: float = 10.0
    min_reliability: float | None = None
    pad: float = 10.0
    later: Literal["record", "refuse"] = "record"
