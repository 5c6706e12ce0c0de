"""Everything true of one visit, from its row of `truth_visit`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from skyassay.simulator.optics.distortion import FieldMap
from skyassay.simulator.optics.pointing import Pointing, true_pointing
from skyassay.simulator.optics.psf import PsfField
from skyassay.simulator.optics.sky import SkyField
from skyassay.simulator.optics.terms import OpticsTerms
from skyassay.simulator.optics.throughput import sky_electrons, zero_point


@dataclass(frozen=True)
class TrueVisit:
    """Sky, atmosphere and optics of one visit.

    Attributes
    ----------
    commanded : Pointing
    mjd : float
        Midpoint of the exposure, MJD (TAI).
    airmass, seeing, extinction, throughput, m5 : float
        seeing in arcsec; extinction by cloud, throughput and depth in mag.
    response : float
        Mean response of the camera's detectors; 1 is that of a pixel on the optical axis.
    pixel_scale : float
        arcsec.
    terms : OpticsTerms
    seed : int
    """

    commanded: Pointing
    mjd: float
    airmass: float
    seeing: float
    extinction: float
    throughput: float
    m5: float
    response: float
    pixel_scale: float
    terms: OpticsTerms
    seed: int

    @property
    def visit(self) -> int:
        """Its number."""
        return self.commanded.visit

    @property
    def band(self) -> str:
        """Its band."""
        return self.commanded.band

    @cached_property
    def map(self) -> FieldMap:
        """Sky to focal plane."""
        return FieldMap(true_pointing(self.commanded, self.terms, self.seed), self.terms, self.seed)

    @cached_property
    def psf(self) -> PsfField:
        """Point-spread function."""
        return PsfField(self.visit, self.seeing, self.pixel_scale, self.terms, self.seed)

    @property
    def clear_zero_point(self) -> float:
        """Zero point on the optical axis without cloud, mag per electron of the exposure.

        Depth and zero point of the conditions are those of a mean detector; vignetting makes
        the axis brighter.
        """
        mean = zero_point(self.band, self.airmass, 0.0, self.throughput)
        return float(mean - 2.5 * np.log10(self.response))

    @cached_property
    def sky(self) -> SkyField:
        """Sky on the optical axis, and cloud.

        The visit's own throughput is not in its conditions, so it makes no sky.
        """
        zero = zero_point(self.band, self.airmass, self.extinction)
        level = sky_electrons(self.m5, zero, self.seeing, self.pixel_scale)
        return SkyField(self.visit, level / self.response, self.extinction, self.terms, self.seed)


def true_visit(
    row: Mapping[str, Any], pixel_scale: float, terms: OpticsTerms, seed: int, response: float = 1.0
) -> TrueVisit:
    """Return a visit from its row of the plan (see `plan.science_plan`)."""
    commanded = Pointing(
        int(row["visit"]),
        str(row["band"]),
        *(float(row[n]) for n in ("ra", "dec", "rotation", "hourAngle", "latitude")),
    )
    return TrueVisit(
        commanded,
        mjd=float(row["expMidptMJD"]),
        airmass=float(row["airmass"]),
        seeing=float(row["seeing"]),
        extinction=float(row["extinction"]),
        throughput=float(row["throughputOffset"]),
        m5=float(row["magLim"]),
        response=response,
        pixel_scale=pixel_scale,
        terms=terms,
        seed=seed,
    )
