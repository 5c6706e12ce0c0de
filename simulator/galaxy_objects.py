"""Galaxies and false detections in the `object` table, and what all objects have beside.

Rows of stars are there before; they get the columns that every object has (redshifts, errors
of positions). Rows of galaxies and of what is nothing come after them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.calibration import NJY_ZERO_POINT
from skyassay.simulator.error_model import BANDS, POGSON, BandErrors
from skyassay.simulator.galaxies import FALSE_ID, Galaxies, around
from skyassay.simulator.observe import FIELD_RADIUS
from skyassay.simulator.random import rng

Floats = NDArray[np.float64]
Table = dict[str, NDArray[Any]]
#: Identifiers of the release before are these of another range.
PREVIOUS = 5_000_000_000_000
_MOST_FALSE = 1_000_000_000
#: Best error of a position, arcsec, and of the image in units of its seeing.
_FLOOR, _CENTROID = 0.003, 0.5
_SEEING = 0.8
#: Depth of the other bands relative to i.
_DEPTH = {"u": -0.8, "g": 0.5, "r": 0.5, "i": 0.0, "z": -0.8, "y": -1.6}


def galaxy_rows(terms: Galaxies, truth: Table, seed: int) -> Table:
    """Return `object` rows of the detected galaxies."""
    draw = rng(seed, "galaxy_objects")
    number = truth["objectId"].size
    noise, concentration, east, north = draw.standard_normal((4, number))
    u = draw.random(number)
    i, radius = truth["i_mag"], truth["effectiveRadius"]
    snr = terms.signal_to_noise(i, radius)
    found = snr + noise > terms.threshold
    # The probabilities are those of `Galaxies.detected` and `called_star`.
    excess = terms.class_gain * np.square(radius / terms.blur) * snr + concentration
    extended = np.where(excess > terms.class_threshold, 1.0, 0.0)
    extended[u < terms.unclassified] = np.nan
    sigma = np.hypot(_CENTROID * _SEEING / np.maximum(snr, 1.0), _FLOOR) / 3600.0
    dec = np.clip(truth["coord_dec"] + sigma * north, -90.0, 90.0)
    ra = truth["coord_ra"] + sigma * east / np.cos(np.radians(truth["coord_dec"]))
    table: Table = {
        "objectId": truth["objectId"],
        "coord_ra": np.mod(ra, 360.0),
        "coord_dec": dec,
        "refBand": np.full(number, "i"),
        "refExtendedness": extended,
        **_fluxes(terms, truth, radius, seed, "galaxy_objects.flux"),
    }
    table |= {f"{b}_extendedness": extended for b in BANDS}
    return {n: c[found] for n, c in table.items()}


def false_rows(
    terms: Galaxies, detections: int, fields: tuple[tuple[float, float], ...], seed: int
) -> Table:
    """Return `object` rows that belong to nothing: their share of all detections."""
    draw = rng(seed, "galaxy_objects.false")
    share = terms.false_share
    number = int(draw.poisson(detections * share / (1.0 - share)))
    u = draw.random((3, number))
    which = np.minimum((u[2] * len(fields)).astype(np.int64), len(fields) - 1)
    ra, dec = np.empty(number), np.empty(number)
    for k, field in enumerate(fields):
        mine = which == k
        ra[mine], dec[mine] = around(field, FIELD_RADIUS, u[0][mine], u[1][mine])
    faint: Table = {f"{b}_mag": np.full(number, terms.depth - 0.3) for b in BANDS}
    fluxes = _fluxes(terms, faint, np.zeros(number), seed, "galaxy_objects.false_flux")
    ids = FALSE_ID + np.arange(1, number + 1, dtype=np.int64)
    return {
        "objectId": ids,
        "coord_ra": ra,
        "coord_dec": dec,
        "refBand": np.full(number, "i"),
        "refExtendedness": np.zeros(number),
        **fluxes,
    }


def _fluxes(terms: Galaxies, truth: Table, radius: Floats, seed: int, stream: str) -> Table:
    """Return PSF and model fluxes on the coadds, nJy; a known share is missing."""
    table: Table = {}
    factor = terms.noise_factor(radius)
    for band in BANDS:
        draw = rng(seed, stream, band)
        number = radius.size
        noise, more = draw.standard_normal((2, number))
        gone = draw.random(number) < terms.missing
        mag = truth[f"{band}_mag"]
        true = 10.0 ** (0.4 * (NJY_ZERO_POINT - mag))
        depth = np.full(1, terms.depth + _DEPTH[band])
        error = true * BandErrors(band).photon_mag(mag, depth) / POGSON
        # A PSF flux misses the light outside the PSF.
        psf = true / factor + error * noise
        table[f"{band}_psfFlux"] = np.where(gone, np.nan, psf)
        table[f"{band}_psfFluxErr"] = np.where(gone, np.nan, error)
        table[f"{band}_cModelFlux"] = true + error * factor * more
        table[f"{band}_cModelFluxErr"] = error * factor
    return table


def with_redshifts(terms: Galaxies, objects: Table, galaxies: Table, seed: int) -> Table:
    """Return the columns of photometric redshifts of all objects.

    Galaxies have theirs with the errors of `Galaxies`, stars a small one; a known share, and
    whatever is nothing, has none and is flagged.
    """
    draw = rng(seed, "galaxy_objects.redshift")
    ids = objects["objectId"]
    core, star = draw.standard_normal((2, ids.size))
    u = draw.random((3, ids.size))
    residual = terms.z_bias + terms.z_sigma * core
    outlier = terms.z_low + (terms.z_high - terms.z_low) * u[0]
    residual = np.where(u[1] < terms.z_outliers, outlier, residual)
    place = np.minimum(np.searchsorted(galaxies["objectId"], ids), galaxies["objectId"].size - 1)
    is_galaxy = galaxies["objectId"][place] == ids
    true = galaxies["redshift"][place]
    z = np.where(is_galaxy, true + (1.0 + true) * residual, np.abs(0.1 * star))
    nothing = (ids > FALSE_ID) & (ids < FALSE_ID + _MOST_FALSE)
    none = (u[2] < terms.z_missing) | nothing
    return {
        "photoz_best": np.where(none, np.nan, np.maximum(z, 0.0)),
        "photoz_err": np.where(none, np.nan, terms.z_sigma * (1.0 + np.maximum(z, 0.0))),
        "photoz_flag": none,
    }


def with_position_errors(objects: Table) -> Table:
    """Return the columns of the errors of positions, degrees, and their covariance."""
    snr = np.ones(objects["objectId"].size)
    for band in BANDS:
        if f"{band}_cModelFlux" in objects:
            one = objects[f"{band}_cModelFlux"] / objects[f"{band}_cModelFluxErr"]
            snr = np.fmax(snr, one)
    sigma = np.hypot(_CENTROID * _SEEING / snr, _FLOOR) / 3600.0
    return {
        "coord_raErr": sigma,
        "coord_decErr": sigma,
        "coord_ra_dec_Cov": 0.1 * sigma * sigma,
    }


def previous_objects(objects: Table, seed: int) -> Table:
    """Return `previous_object`: an older, smaller catalog of the same sky, with its own ids."""
    keep = rng(seed, "galaxy_objects.previous").random(objects["objectId"].size) < 0.9
    return {
        "objectId": PREVIOUS + objects["objectId"][keep],
        "coord_ra": objects["coord_ra"][keep],
        "coord_dec": objects["coord_dec"][keep],
    }
