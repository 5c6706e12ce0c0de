"""Reference stars at the epoch of an exposure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.astrometry.errors import AstrometryError
from skyassay.pipeline.astrometry.sphere import MAS, Floats, angles, direction, frame

Table = Mapping[str, NDArray[Any]]
#: Days in a Julian year.
YEAR = 365.25
#: Position of a star whose motion is not known: the dispersion of the proper motions of field
#: stars of 15 to 20 mag, mas/yr and coordinate (Gaia Collaboration 2021, order of magnitude).
UNKNOWN_MOTION = 8.0
_MAS = np.radians(1.0) / MAS


@dataclass(frozen=True)
class ReferenceStars:
    """Positions at one epoch as seen from the Earth, with errors, and magnitudes.

    Attributes
    ----------
    id : ndarray of int64, shape (n,)
    ra, dec : ndarray, shape (n,)
        ICRS degrees.
    east_err, north_err : ndarray, shape (n,)
        Standard errors at the epoch, arcsec.
    mags : dict of ndarray, shape (n,)
        AB magnitudes by band; NaN where the catalogue has none.
    mag_errs : dict of ndarray, shape (n,)
        Their errors; 0 where the catalogue gives none.
    """

    id: NDArray[np.int64]
    ra: Floats
    dec: Floats
    east_err: Floats
    north_err: Floats
    mags: dict[str, Floats]
    mag_errs: dict[str, Floats]

    def __len__(self) -> int:
        return len(self.id)

    def __getitem__(self, rows: NDArray[Any] | slice) -> ReferenceStars:
        """Return some of the stars, by mask, indices or slice."""
        return ReferenceStars(
            self.id[rows],
            self.ra[rows],
            self.dec[rows],
            self.east_err[rows],
            self.north_err[rows],
            {band: mag[rows] for band, mag in self.mags.items()},
            {band: err[rows] for band, err in self.mag_errs.items()},
        )


def at_epoch(catalog: Table, mjd_tai: float) -> ReferenceStars:
    """Return the stars of a `reference_star` table where they stand at a time.

    Linear motion in space on the unit sphere, plus the parallax: -parallax times the Earth's
    barycentric position (ESA 1997, 1.2.8). Rows without a position are left out; those
    without a motion stay where they are and get `UNKNOWN_MOTION` as an error per year.

    Parameters
    ----------
    catalog : mapping
        ``id``, ``coord_ra``, ``coord_dec``, and where they exist ``epochMjdTai``, ``pmRa``
        (with cos dec), ``pmDec``, ``parallax``, ``raErr``, ``decErr``, ``pmRaErr``,
        ``pmDecErr``, ``<band>_mag``, ``<band>_magErr``.
    mjd_tai : float
        Middle of the exposure, MJD.

    Raises
    ------
    AstrometryError
        ``bad_reference_catalog``, ``bad_epoch``.
    """
    missing = [name for name in ("id", "coord_ra", "coord_dec") if name not in catalog]
    if missing:
        raise AstrometryError(
            f"The reference catalogue lacks {', '.join(missing)}.",
            code="bad_reference_catalog",
            hint="Ingest it again as the product reference_star.",
        )
    if not np.isfinite(mjd_tai):
        raise AstrometryError(
            "The time of the exposure is not known.", code="bad_epoch", hint="Look at MJD-AVG."
        )
    ra, dec = (np.asarray(catalog[name], float) for name in ("coord_ra", "coord_dec"))
    here = np.isfinite(ra) & np.isfinite(dec)
    ra, dec, part = ra[here], dec[here], {k: np.asarray(v)[here] for k, v in catalog.items()}
    years = (mjd_tai - _column(part, "epochMjdTai", mjd_tai)) / YEAR
    years = np.where(np.isfinite(years), years, 0.0)
    moved = _moved(ra, dec, part, years, mjd_tai)
    return ReferenceStars(
        np.asarray(part["id"], np.int64),
        *angles(moved),
        _error(part, "raErr", "pmRa", years),
        _error(part, "decErr", "pmDec", years),
        *_magnitudes(part),
    )


def earth(mjd_tai: float) -> Floats:
    """Return the Earth's barycentric position (3,), ICRS axes, au (IAU SOFA's epv00)."""
    from astropy.coordinates import get_body_barycentric
    from astropy.time import Time

    place = get_body_barycentric("earth", Time(mjd_tai, format="mjd", scale="tai"))
    return np.asarray(place.xyz.to_value("au"), float)


def _moved(ra: Floats, dec: Floats, part: Table, years: Floats, mjd_tai: float) -> Floats:
    """Return directions (3, n) at the time, not of unit length."""
    p, east, north = frame(ra, dec)
    pm_ra, pm_dec, parallax = (
        np.nan_to_num(_column(part, name, 0.0)) * _MAS for name in ("pmRa", "pmDec", "parallax")
    )
    moved = p + years * (pm_ra * east + pm_dec * north)
    if np.any(parallax):
        moved -= parallax * earth(mjd_tai)[:, None]
    return np.asarray(moved)


def _error(part: Table, position: str, motion: str, years: Floats) -> Floats:
    """Return the standard error of a coordinate at the epoch, arcsec."""
    known = np.isfinite(_column(part, motion, np.nan))
    rate = np.where(known, np.nan_to_num(_column(part, f"{motion}Err", 0.0)), UNKNOWN_MOTION)
    return np.hypot(np.nan_to_num(_column(part, position, 0.0)), rate * years) / 1000.0


def _magnitudes(part: Table) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Return magnitudes and their errors by band."""
    bands = sorted(name[:-4] for name in part if name.endswith("_mag"))
    mags = {band: _column(part, f"{band}_mag", np.nan) for band in bands}
    errs = {band: np.nan_to_num(_column(part, f"{band}_magErr", 0.0)) for band in bands}
    return mags, errs


def _column(part: Table, name: str, default: float) -> Floats:
    """Return a column as floats, or one of `default`."""
    if name in part:
        return np.asarray(part[name], float)
    return np.full(len(part["id"]), default)


def select(
    stars: ReferenceStars,
    ra: float,
    dec: float,
    radius: float,
    *,
    band: str | None = None,
    bright: float = -np.inf,
    faint: float = np.inf,
) -> ReferenceStars:
    """Return the stars within `radius` degrees of a place and, in a band, a range of magnitude.

    Parameters
    ----------
    band : str, optional
        Stars without a magnitude in it are left out.
    bright, faint : float
        Limits in that band, mag.
    """
    keep = direction(stars.ra, stars.dec).T @ direction(ra, dec) >= np.cos(np.radians(radius))
    if band is not None:
        mag = stars.mags.get(band, np.full(len(stars), np.nan))
        keep &= (mag >= bright) & (mag <= faint)
    return stars[keep]
