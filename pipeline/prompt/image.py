"""What the association of one image starts from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skyassay.pipeline.instrument.filters import FILTERS
from skyassay.pipeline.prompt.errors import PromptError

if TYPE_CHECKING:
    from astropy.table import Table

    from skyassay.pipeline.astrometry.wcs import SkyWcs
    from skyassay.pipeline.images.exposure import Exposure


@dataclass(frozen=True)
class ImageInput:
    """One detector of one visit.

    Attributes
    ----------
    visit, detector : int
    sources : Table
        `dia_source_detector`: names, units and types of the product `dia_source`.
    ephemerides : Table
        `preloaded_ss_object`; may be empty.
    difference, science : Exposure
        Of the same pixels; the difference may have the zero point and WCS of the science image
        only.
    """

    visit: int
    detector: int
    sources: Table
    ephemerides: Table
    difference: Exposure
    science: Exposure

    @property
    def wcs(self) -> SkyWcs:
        """World coordinates.

        Raises
        ------
        PromptError
            ``no_wcs``.
        """
        found = self.science.wcs or self.difference.wcs
        if found is None:
            raise PromptError(
                f"The image of visit {self.visit}, detector {self.detector} has no WCS.",
                code="no_wcs",
                hint="It is given by `calibrateImage`.",
            )
        return found

    @property
    def midpoint(self) -> float:
        """Middle of the exposure, MJD TAI."""
        return float(self._info("expMidptMJD"))

    @property
    def band(self) -> str:
        """Band of its filter."""
        return FILTERS[str(self._info("physicalFilter"))]

    @property
    def exposure_time(self) -> float:
        """Seconds."""
        return float(self._info("expTime"))

    def _info(self, name: str) -> Any:
        known = self.science.visit_info
        if name not in known:
            raise PromptError(
                f"The header of visit {self.visit}, detector {self.detector} has no {name}.",
                code="incomplete_header",
                hint="Look at the raw frame's header.",
            )
        return known[name]
