"""What calibration leaves behind in the coadds: zero points that wander, bend and are off.

The `object` table has a row per star: its true magnitude plus the zero-point error of its
place on the sky, its colour and its place in the field of view, plus the noise of all visits
together. What single visits share is averaged over all of them and left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.error_model import BANDS, POGSON, BandErrors
from skyassay.simulator.geometry import basis
from skyassay.simulator.observe import FIELD_RADIUS
from skyassay.simulator.random import rng
from skyassay.simulator.wide import CELL_ORDER

Floats = NDArray[np.float64]
Table = dict[str, NDArray[Any]]
NJY_ZERO_POINT = 31.4
#: Waves that make up a smooth field on the sky.
WAVES = 128
#: Fields of view of the wide sky: the HEALPix cells of this order, 3.7 degrees wide.
FIELD_ORDER = 4
#: Colour g - i at which a colour term is zero.
COLOUR_ZERO = 1.2
#: Noise of a model magnitude of a star relative to that of its PSF magnitude.
MODEL_NOISE = 1.2


@dataclass(frozen=True)
class Calibration:
    """Sizes of the calibration errors of the coadds, mmag unless said.

    Attributes
    ----------
    gray : float
        Smooth error over the sky that all bands share.
    own : float
        Smooth error over the sky, each band's own.
    length : float
        Distance over which smooth errors fade: their correlation is exp(-d^2 / 2 length^2),
        degrees.
    cell : float
        Error of a sky cell of 0.84 square degrees, each band's own.
    u_factor : float
        On `own` and `cell` in u.
    flat : float
        Residual of the flat field and the aperture correction: ``flat (2 rho^2 - 1)`` at the
        distance rho from the centre of the field, in field radii.
    colour : float
        Colour term per magnitude of g - i beyond 1.2; u has twice as much.
    ab : tuple of float
        Constant offset from the AB scale of each band, u to y.
    """

    gray: float = 2.0
    own: float = 1.5
    length: float = 3.0
    cell: float = 2.0
    u_factor: float = 1.4
    flat: float = 1.0
    colour: float = 0.5
    ab: tuple[float, ...] = (3.4, 2.6, 3.0, 3.6, 3.2, 4.0)

    def factor(self, band: str) -> float:
        """Return the factor on the errors that are a band's own."""
        return self.u_factor if band == "u" else 1.0

    def offset(self, band: str) -> float:
        """Return the offset of a band from the AB scale."""
        return self.ab[BANDS.index(band)]

    def colour_term(self, band: str) -> float:
        """Return the colour term of a band, mmag per magnitude; signs alternate."""
        sign = 1.0 if BANDS.index(band) % 2 else -1.0
        return sign * self.colour * (2.0 if band == "u" else 1.0)


def zero_point_error(
    terms: Calibration, stars: Table, fields: tuple[tuple[float, float], ...], seed: int
) -> dict[str, Floats]:
    """Return the zero-point error of every star in every band, mmag.

    Parameters
    ----------
    terms : Calibration
    stars : dict
        `truth_star`.
    fields : tuple of (ra, dec)
        Centres of the fields of the survey, degrees.
    seed : int
    """
    direction = basis(stars["coord_ra"], stars["coord_dec"])[0]
    cell, inverse = np.unique(_cells(stars, CELL_ORDER), return_inverse=True)
    gray = terms.gray * smooth_field(direction, terms.length, seed, "gray")
    flat = terms.flat * (2.0 * np.square(field_radius(stars, direction, fields)) - 1.0)
    colour = stars["g_mag"] - stars["i_mag"] - COLOUR_ZERO
    found = {}
    for band in BANDS:
        own = terms.own * smooth_field(direction, terms.length, seed, band)
        local = terms.cell * _cell_field(cell, seed, band)[inverse]
        found[band] = (
            terms.offset(band)
            + gray
            + flat
            + terms.factor(band) * (own + local)
            + terms.colour_term(band) * colour
        )
    return found


def smooth_field(direction: Floats, length: float, seed: int, name: str) -> Floats:
    """Return a smooth normal field of unit variance at unit vectors (3, n).

    A sum of plane waves with normal wave vectors: its covariance falls as a Gaussian of
    the (chord) distance.
    """
    draw = rng(seed, "calibration.smooth", name)
    wave = draw.standard_normal((WAVES, 3)) / np.radians(length)
    phase = 2.0 * np.pi * draw.random(WAVES)
    total = np.zeros(direction.shape[1])
    for k, p in zip(wave, phase, strict=True):
        total += np.cos(k @ direction + p)
    return np.asarray(np.sqrt(2.0 / WAVES) * total)


def field_radius(
    stars: Table, direction: Floats, fields: tuple[tuple[float, float], ...]
) -> Floats:
    """Return each star's distance from its field's centre in field radii, at most 1.

    Outside the survey's fields the sky is tiled by HEALPix cells, one field of view each.
    """
    from cdshealpix.nested import healpix_to_lonlat

    tile = _cells(stars, FIELD_ORDER).astype(np.uint64)
    lon, lat = healpix_to_lonlat(tile, FIELD_ORDER, num_threads=1)
    cosine = (basis(np.asarray(lon.deg), np.asarray(lat.deg))[0] * direction).sum(axis=0)
    limit = np.cos(np.radians(FIELD_RADIUS))
    for centre in fields:
        here = basis(*(np.full(1, x) for x in centre))[0][:, 0] @ direction
        cosine = np.where(here > limit, here, cosine)
    rho = np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))) / FIELD_RADIUS
    return np.asarray(np.minimum(rho, 1.0))


def coadd_depth(visits: Table, band: str) -> float:
    """Return the five-sigma depth of all visits of a band together; NaN without a visit."""
    m5 = visits["magLim"][visits["band"] == band]
    return float(1.25 * np.log10(np.sum(10.0 ** (0.8 * m5)))) if m5.size else float("nan")


def object_rows(
    stars: Table,
    visits: Table,
    errors: Mapping[str, BandErrors],
    zero_points: Mapping[str, Floats],
    seed: int,
) -> Table:
    """Return the `object` product: one row per star, measured on the coadds of all visits.

    Parameters
    ----------
    stars, visits : dict
        `truth_star`, `truth_visit`.
    errors : mapping
        Band -> errors of single visits.
    zero_points : mapping
        Band -> error of every star, mmag.
    seed : int
    """
    count = stars["objectId"].size
    table: Table = {"objectId": stars["objectId"]}
    seeing = float(np.median(visits["seeing"]))
    draw = rng(seed, "calibration.position")
    snr: dict[str, Floats] = {}
    for band in BANDS:
        if not np.any(visits["band"] == band):
            continue
        columns, snr[band] = _one_band(stars, visits, errors[band], zero_points[band], seed)
        table |= columns
    best = np.max(list(snr.values()), axis=0)
    # Centroids: the FWHM over the signal to noise, and no better than 3 mas.
    sigma = np.hypot(0.5 * seeing / np.maximum(best, 1.0), 0.003) / 3600.0
    east, north = draw.standard_normal((2, count)) * sigma
    dec = np.clip(stars["coord_dec"] + north, -90.0, 90.0)
    ra = np.mod(stars["coord_ra"] + east / np.cos(np.radians(stars["coord_dec"])), 360.0)
    reference = "i" if "i" in snr else next(iter(snr))
    return {
        "objectId": table.pop("objectId"),
        "coord_ra": ra,
        "coord_dec": dec,
        "refBand": np.full(count, reference),
        "refExtendedness": table[f"{reference}_extendedness"],
        # There is no dust in this sky.
        "ebv": np.zeros(count),
        **table,
    }


def _one_band(
    stars: Table, visits: Table, errors: BandErrors, zero_point: Floats, seed: int
) -> tuple[Table, Floats]:
    """Return the columns of a band, and the signal to noise of its stars."""
    band, mag = errors.band, stars[f"{errors.band}_mag"]
    number = int((visits["band"] == band).sum())
    draw = rng(seed, "calibration.object", band)
    photon, white, model, shape = draw.standard_normal((4, mag.size))
    relative = errors.photon_mag(mag, np.full(1, coadd_depth(visits, band))) / POGSON
    true = 10.0 ** (0.4 * (NJY_ZERO_POINT - mag))
    shift = 1e-3 * (zero_point + errors.floor_mmag / np.sqrt(number) * white)
    flux = true * (10.0 ** (-0.4 * shift) + relative * photon)
    quoted = BandErrors(band, gamma=errors.gamma) if errors.photon == 0.0 else errors
    error = true * quoted.photon_mag(mag, np.full(1, coadd_depth(visits, band))) / POGSON
    extra = np.sqrt(MODEL_NOISE**2 - 1.0)
    snr = flux / error
    # A saturated core is never measured well.
    saturated = mag < errors.saturation
    flux = np.where(saturated, flux * 0.95, flux)
    return {
        f"{band}_psfFlux": flux,
        f"{band}_psfFluxErr": error,
        f"{band}_cModelFlux": flux + extra * true * relative * model,
        f"{band}_cModelFluxErr": MODEL_NOISE * error,
        f"{band}_extendedness": np.minimum(np.abs(shape) * 3.0 / np.maximum(snr, 1.0), 1.0),
        f"{band}_psfFlux_flag": np.zeros(mag.size, dtype=bool),
        f"{band}_pixelFlags_saturatedCenter": saturated,
    }, snr


def _cells(stars: Table, order: int) -> NDArray[np.int64]:
    from astropy import units as u
    from astropy.coordinates import Latitude, Longitude
    from cdshealpix.nested import lonlat_to_healpix

    lon, lat = Longitude(stars["coord_ra"], u.deg), Latitude(stars["coord_dec"], u.deg)
    return np.asarray(lonlat_to_healpix(lon, lat, order, num_threads=1)).astype(np.int64)


def _cell_field(cells: NDArray[np.int64], seed: int, band: str) -> Floats:
    """Return a normal variate for each cell, the same whatever other cells there are."""
    return np.array([rng(seed, "calibration.cell", band, int(c)).standard_normal() for c in cells])
