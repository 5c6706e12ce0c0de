"""The stars that closure is about: matched, alone, without a flaw, with what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.verify.closure.matching import MAS, Table, crowding, match, offsets

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
#: Neighbours within this, arcsec, may have so much of a star's light.
CROWDED, ALONE = 4.0, 2e-3
#: Flags of a source that exclude it where the table has them.
FLAWS = (
    "psfFlux_flag",
    "centroid_flag",
    "pixelFlags_saturated",
    "pixelFlags_bad",
    "pixelFlags_nodata",
    "pixelFlags_edge",
    "pixelFlags_cr",
    "pixelFlags_offimage",
)
#: Magnitudes to millimagnitudes; a small relative error in mmag.
MMAG = 1000.0
POGSON = 2.5 / np.log(10.0)


@dataclass(frozen=True)
class Stars:
    """Measurements of stars and their truth, one row each.

    Attributes
    ----------
    band : ndarray of str
    visit, detector : ndarray of int64
    mag : ndarray
        True.
    snr : ndarray
        True flux over the quoted error.
    dmag : ndarray
        Measured less true magnitude, mmag; NaN where the flux is not above zero.
    dmag_error : ndarray
        Quoted, mmag.
    flux_pull : ndarray
        Measured less true flux over the quoted error.
    east, north : ndarray
        Measured less true position, mas.
    east_error, north_error : ndarray
        Quoted, mas; ``raErr`` is along the arc, as `source` has it.
    reserved : ndarray of bool
        Kept from the PSF model.
    size, psf_size : ndarray
        ``sqrt((ixx + iyy) / 2)`` of the star and of the PSF model there, pixels.
    """

    band: NDArray[np.str_]
    visit: NDArray[np.int64]
    detector: NDArray[np.int64]
    mag: Floats
    snr: Floats
    dmag: Floats
    dmag_error: Floats
    flux_pull: Floats
    east: Floats
    north: Floats
    east_error: Floats
    north_error: Floats
    reserved: Bools
    size: Floats
    psf_size: Floats

    def __len__(self) -> int:
        """Return the number of measurements."""
        return len(self.mag)

    def where(self, keep: Bools) -> Stars:
        """Return the rows that are kept."""
        return Stars(**{f.name: getattr(self, f.name)[keep] for f in fields(self)})


def number(table: Table, name: str) -> Floats:
    """Return a column as float64."""
    return np.asarray(table[name], dtype=np.float64)


def matched_stars(source: Table, truth: Table) -> Stars:
    """Return the measurements of stars that are alone and have no flaw.

    Parameters
    ----------
    source : mapping
        The calibrated `source` product, units as declared.
    truth : mapping
        The `truth_source` product.
    """
    pairs = match(source, truth)
    alone = crowding(truth, CROWDED) <= ALONE
    sound = np.ones(len(source["visit"]), dtype=bool)
    for name in FLAWS:
        if name in source:
            sound &= ~np.asarray(source[name]).astype(bool)
    star = np.asarray(truth["isStar"]).astype(bool)
    keep = alone[pairs.truth] & sound[pairs.source] & star[pairs.truth]
    mine: Mapping[str, NDArray[Any]] = {
        n: np.asarray(c)[pairs.source[keep]] for n, c in source.items()
    }
    real: Mapping[str, NDArray[Any]] = {
        n: np.asarray(c)[pairs.truth[keep]] for n, c in truth.items()
    }
    return _stars(mine, real)


def _stars(mine: Table, real: Table) -> Stars:
    flux, error, true = number(mine, "psfFlux"), number(mine, "psfFluxErr"), number(real, "flux")
    ra, dec = number(mine, "coord_ra"), number(mine, "coord_dec")
    east, north = offsets(ra, dec, number(real, "coord_ra"), number(real, "coord_dec"))
    with np.errstate(invalid="ignore", divide="ignore"):
        dmag = np.where(flux > 0.0, -POGSON * np.log(flux / true) * MMAG, np.nan)
        size, psf = (
            np.sqrt((number(mine, f"ixx{end}") + number(mine, f"iyy{end}")) / 2.0)
            for end in ("", "PSF")
        )
        snr, pull = true / error, (flux - true) / error
    reserved = np.asarray(mine.get("calib_psf_reserved", np.zeros(len(flux), dtype=bool)))
    return Stars(
        band=np.asarray(mine["band"]).astype(str),
        visit=np.asarray(mine["visit"]).astype(np.int64),
        detector=np.asarray(mine["detector"]).astype(np.int64),
        mag=number(real, "mag"),
        snr=snr,
        dmag=dmag,
        dmag_error=POGSON * MMAG / snr,
        flux_pull=pull,
        east=east,
        north=north,
        east_error=number(mine, "raErr") * MAS,
        north_error=number(mine, "decErr") * MAS,
        reserved=reserved.astype(bool),
        size=size,
        psf_size=psf,
    )
