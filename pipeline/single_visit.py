"""A calibrated image from an image without instrumental signature: all of `calibrateImage`."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from skyassay.pipeline.astrometry.fit import WcsFit
from skyassay.pipeline.astrometry.matching import Matches
from skyassay.pipeline.astrometry.nominal import initial_wcs
from skyassay.pipeline.astrometry.reference import ReferenceStars, at_epoch
from skyassay.pipeline.astrometry.solve import solve_astrometry
from skyassay.pipeline.astrometry.wcs import SkyWcs
from skyassay.pipeline.background.model import Background
from skyassay.pipeline.images.exposure import Exposure, PhotoCalib
from skyassay.pipeline.instrument.camera import Camera
from skyassay.pipeline.instrument.filters import FILTERS
from skyassay.pipeline.measurement.characterize import characterize
from skyassay.pipeline.measurement.options import Options
from skyassay.pipeline.photocal.zero_point import fit_zero_point

Bools = NDArray[np.bool_]
#: Sources fainter than this take no part in the match: they are many and badly placed.
MATCH_SNR = 15.0
#: Flags of which none may be set for a source that calibrates.
SPOILT = (
    "pixelFlags_saturated",
    "pixelFlags_bad",
    "pixelFlags_cr",
    "pixelFlags_edge",
    "pixelFlags_nodata",
    "centroid_flag",
    "psfFlux_flag",
    "sky_source",
)
#: Flags of sources that something is made from.
CALIBRATING = ("psf_candidate", "astrometry_used", "photometry_used")


@dataclass(frozen=True, eq=False)
class Calibrated:
    """What `calibrateImage` gives.

    Attributes
    ----------
    exposure : Exposure
        Background-subtracted, with PSF, WCS, zero point and summary.
    background : Background
        What was subtracted, electrons.
    sources : Table
        In pixels and electrons, with the flags of what calibrated.
    stars : Table
        Those that the PSF, the WCS or the zero point is made from.
    """

    exposure: Exposure
    background: Background
    sources: Table
    stars: Table


def calibrate(
    exposure: Exposure, camera: Camera, catalog: Table, options: Options, seed: int
) -> Calibrated:
    """Return a calibrated image and its sources.

    Parameters
    ----------
    exposure : Exposure
        In electrons, as `isr` makes it.
    camera : Camera
    catalog : Table
        Reference stars (product `reference_star`) around the image.
    options : Options
        Of the measurement.
    seed : int
        Of the places of the sky sources.

    Raises
    ------
    MeasurementError, AstrometryError, PhotocalError
        With the reason why there is no PSF, WCS or zero point.
    """
    info = exposure.visit_info
    detector = camera[int(exposure.metadata["DETECTOR"])]
    found = characterize(
        exposure.image, exposure.mask, exposure.variance, options=options, rng_seed=seed
    )
    stars = at_epoch({c: np.asarray(catalog[c]) for c in catalog.colnames}, info["expMidptMJD"])
    usable = unspoilt(found.sources)
    start = initial_wcs(
        camera, detector, info["boresightRa"], info["boresightDec"], info["skyRotation"]
    )
    band = FILTERS[str(info["physicalFilter"])]
    matches, fit = _astrometry(found.sources, usable, stars, start, band)
    calib, used = _photometry(found.sources, matches, stars, band)
    done = exposure.with_(
        image=(exposure.image - found.background.image()).astype(np.float32),
        mask=found.mask,
        wcs=fit.wcs,
        psf=found.psf,
        photo_calib=calib,
        models={"APCORR": found.aperture_correction.to_arrays()},
        summary=found.summary
        | {"astromOffsetMean": fit.offset_mean, "astromOffsetStd": fit.offset_std},
    )
    sources = _flagged(found.sources, matches, fit, used)
    candidates = np.any([sources[f"calib_{n}"] for n in CALIBRATING], axis=0)
    return Calibrated(done, found.background, sources, sources[candidates])


def unspoilt(sources: Table) -> Bools:
    """Return which sources may calibrate: whole, not a parent of a blend, no flag of `SPOILT`."""
    good = np.isfinite(np.asarray(sources["x"])) & np.asarray(sources["detect_isPrimary"])
    for name in SPOILT:
        good &= ~np.asarray(sources[name])
    return np.asarray(good)


def _astrometry(
    sources: Table, usable: Bools, stars: ReferenceStars, start: SkyWcs, band: str
) -> tuple[Matches, WcsFit]:
    """Return pairs of rows of `sources` and `stars`, and the WCS they give."""
    flux, error = (np.asarray(sources[f"psfFlux_instFlux{end}"]) for end in ("", "Err"))
    with np.errstate(divide="ignore", invalid="ignore"):
        rows = np.flatnonzero(usable & (flux / error > MATCH_SNR))
    x, y, x_err, y_err = (np.asarray(sources[c])[rows] for c in ("x", "y", "xErr", "yErr"))
    found = solve_astrometry(x, y, x_err, y_err, flux[rows], stars, start, band=band)
    return replace(found.matches, detected=rows[found.matches.detected]), found.fit


def _photometry(
    sources: Table, matches: Matches, stars: ReferenceStars, band: str
) -> tuple[PhotoCalib, Bools]:
    """Return the zero point and which pairs made it."""
    d, r = matches.detected, matches.reference
    nothing = np.full(len(r), np.nan)
    found = fit_zero_point(
        np.asarray(sources["psfFlux_instFlux"])[d],
        np.asarray(sources["psfFlux_instFluxErr"])[d],
        stars.mags[band][r] if band in stars.mags else nothing,
        stars.mag_errs[band][r] if band in stars.mag_errs else nothing,
    )
    return PhotoCalib(found.value, found.error), found.used


def _flagged(sources: Table, matches: Matches, fit: WcsFit, photometric: Bools) -> Table:
    """Return the sources with the flags of what calibrated."""
    for name, used in (("astrometry", fit.used), ("photometry", photometric)):
        flag = np.zeros(len(sources), dtype=bool)
        flag[matches.detected[used]] = True
        sources[f"calib_{name}_used"] = flag
    # Every reference star calibrates: none is kept back.
    sources["calib_photometry_reserved"] = np.zeros(len(sources), dtype=bool)
    return sources
