"""From detections and a nominal pointing to calibrated world coordinates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skyassay.pipeline.astrometry.fit import FitConfig, WcsFit, fit_wcs
from skyassay.pipeline.astrometry.matching import MatchConfig, Matches, match_stars
from skyassay.pipeline.astrometry.reference import ReferenceStars
from skyassay.pipeline.astrometry.wcs import SkyWcs


@dataclass(frozen=True)
class Astrometry:
    """The solution of one image.

    Attributes
    ----------
    matches : Matches
        Rows of detections and reference stars.
    fit : WcsFit
        Its columns belong to the matches.
    """

    matches: Matches
    fit: WcsFit

    @property
    def wcs(self) -> SkyWcs:
        """The calibrated world coordinates."""
        return self.fit.wcs

    @property
    def used(self) -> NDArray[np.intp]:
        """Rows of the detections in the fit: ``calib_astrometry_used``."""
        return self.matches.detected[self.fit.used]


def solve_astrometry(
    x: ArrayLike,
    y: ArrayLike,
    x_err: ArrayLike,
    y_err: ArrayLike,
    flux: ArrayLike,
    reference: ReferenceStars,
    start: SkyWcs,
    *,
    band: str | None = None,
    matching: MatchConfig | None = None,
    fitting: FitConfig | None = None,
) -> Astrometry:
    """Match and fit; then once more from the fitted WCS, with all that now agrees.

    Parameters
    ----------
    x, y, x_err, y_err, flux : array_like, shape (n,)
        Detections: pixels, standard errors, flux of any unit.
    reference : ReferenceStars
        At the epoch of the exposure; more than the image on all sides by the error of the
        pointing.
    start : SkyWcs
        Of `initial_wcs`.
    band : str, optional
        In which the brightness of reference stars is compared; any that exists by default.

    Raises
    ------
    AstrometryError
        ``no_astrometric_match``, ``too_few_matches``, ``bad_centroid_errors``.
    """
    px, py, px_err, py_err = (np.asarray(c, float) for c in (x, y, x_err, y_err))
    mag = reference.mags.get(band) if band else next(iter(reference.mags.values()), None)
    brightness = np.full(len(reference), np.nan) if mag is None else mag
    wcs = start
    for _ in range(2):
        matches = match_stars(px, py, flux, reference.ra, reference.dec, brightness, wcs, matching)
        mine, theirs = matches.detected, reference[matches.reference]
        fit = fit_wcs(
            px[mine],
            py[mine],
            px_err[mine],
            py_err[mine],
            theirs.ra,
            theirs.dec,
            theirs.east_err,
            theirs.north_err,
            start,
            fitting,
        )
        wcs = fit.wcs
    return Astrometry(matches, fit)
