"""The final image of a detector and its sources: all of `reprocessVisitImage`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy.table import Row, Table
from scipy.spatial import cKDTree

from skyassay.pipeline.images.exposure import Exposure, PhotoCalib
from skyassay.pipeline.measurement.aperture_correction import ApertureCorrection
from skyassay.pipeline.measurement.characterize import measure_with
from skyassay.pipeline.measurement.options import Options
from skyassay.pipeline.products.errors import ProductError
from skyassay.pipeline.tables.detectors import wcs_of

#: A source is the star of the first pass within this distance, pixels.
MATCH = 2.0
_CALIB = (
    "calib_psf_candidate",
    "calib_psf_used",
    "calib_psf_reserved",
    "calib_astrometry_used",
    "calib_photometry_used",
    "calib_photometry_reserved",
)


@dataclass(frozen=True, eq=False)
class Reprocessed:
    """The final image, and its sources in pixels and electrons."""

    exposure: Exposure
    sources: Table


def recalibrated(exposure: Exposure, row: Row) -> Exposure:
    """Return the image with the WCS and zero point of its row in `visit_summary`.

    Raises
    ------
    ProductError
        ``not_calibrated`` where the row has none.
    """
    wcs = wcs_of(str(row["wcs"]))
    zero, error = float(row["zeroPoint"]), float(row["zeroPointErr"])
    if wcs is None or not np.isfinite(zero):
        raise ProductError(
            f"Detector {row['detector']} of visit {row['visit']} has no final calibration.",
            code="not_calibrated",
            hint="See in quantum_summary why its first calibration failed.",
        )
    changed = {n: float(row[n]) for n in exposure.summary if n in row.colnames}
    return exposure.with_(
        wcs=wcs, photo_calib=PhotoCalib(zero, error), summary={**exposure.summary, **changed}
    )


def reprocess(
    exposure: Exposure, row: Row, stars: Table, options: Options, seed: int
) -> Reprocessed:
    """Return the image with its final calibration, and its sources detected and measured anew.

    Parameters
    ----------
    exposure : Exposure
        As `calibrateImage` made it.
    row : Row
        Of `visit_summary`.
    stars : Table
        Sources of the first pass with their flags, pixels.
    options : Options
    seed : int
        Of the empty places.
    """
    final = recalibrated(exposure, row)
    assert final.psf is not None  # noqa: S101 - `calibrateImage` gives no image without one
    sources = measure_with(
        final.image,
        final.mask,
        final.variance,
        final.psf,
        ApertureCorrection.from_arrays(final.models["APCORR"]),
        options,
        rng_seed=seed,
    )
    return Reprocessed(final, carried(sources, stars))


def carried(sources: Table, stars: Table) -> Table:
    """Return the sources with the flags that say what a star was used for, by position."""
    primary = np.flatnonzero(np.asarray(sources["detect_isPrimary"]))
    flags: dict[str, Any] = {name: np.zeros(len(sources), dtype=bool) for name in _CALIB}
    if len(primary) and len(stars):
        tree = cKDTree(np.column_stack([sources["x"][primary], sources["y"][primary]]))
        apart, near = tree.query(np.column_stack([stars["x"], stars["y"]]))
        there = np.asarray(apart < MATCH)
        rows = primary[np.asarray(near)[there]]
        for name in _CALIB:
            flags[name][rows] = np.asarray(stars[name])[there]
    for name, column in flags.items():
        sources[name] = column
    return sources
