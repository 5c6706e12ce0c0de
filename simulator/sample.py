"""Small samples with an exactly known population value, for coverage campaigns.

Equal stars in three tight clusters at the corners of an equilateral triangle whose sides are
the separation that the quantity is about; every star is seen in every visit. All errors are
Gaussian with the same size for each star, so the population value has a closed form, and the
table is made in a few milliseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.displacement import displaced, distortion_matrix
from skyassay.simulator.error_model import BANDS, BandErrors
from skyassay.simulator.errors import SimulatorError
from skyassay.simulator.geometry import basis, offset_positions
from skyassay.simulator.quantities import quantity
from skyassay.simulator.random import rng
from skyassay.simulator.scaling import campaign_model

Floats = NDArray[np.float64]
Table = dict[str, NDArray[Any]]
#: Magnitude and quoted S/N of every star: bright, and inside every recipe's cuts.
MAGNITUDE, SNR = 17.5, 1000.0
#: Spacing of the stars of a cluster, arcsec; wider than any matching radius.
SPACING = 2.5
CENTRE = (150.0, -20.0)
DETECTORS = 9


def campaign_tables(
    name: str,
    target: float | Mapping[str, float],
    share: float,
    visits: int,
    stars: int = 120,
    seed: int = 0,
    *,
    bands: tuple[str, ...] = BANDS,
    at: Mapping[str, float] | None = None,
    detector_share: float = 0.0,
) -> Table:
    """Return a `matched_source` table whose population value of `name` is `target`.

    Parameters
    ----------
    name : str
        Quantity (``PA1``) or metric id.
    target : float or mapping
        Population value in every band, or per band (mmag, mas, percent). Of a band-to-band
        quantity in each band against r; it must be one number then.
    share : float
        Share of the variance in the term shared by a visit (see `campaign_model`).
    visits : int
        Visits per band.
    stars : int
        Number of stars, a multiple of 3.
    seed : int
    bands : tuple of str
    at : mapping, optional
        Band -> companion parameter; the design value of LPM-17 where not given.
    detector_share : float

    Returns
    -------
    dict of str to ndarray, shape (stars * bands * visits,)
        Sorted by objectId, then band, then visit.
    """
    if stars < 3 or stars % 3 or visits < 1:
        raise SimulatorError(
            f"A campaign sample needs visits and a multiple of 3 stars, not {visits} and {stars}.",
            code="bad_sample",
            exit_code=4,
        )
    targets = dict(target) if isinstance(target, Mapping) else dict.fromkeys(bands, target)
    errors = tuple(
        _band_errors(name, targets, share, b, (at or {}).get(b), detector_share) for b in bands
    )
    return homogeneous_table(errors, quantity(name).distance or 5.0, visits, stars, seed)


def _band_errors(
    name: str,
    targets: Mapping[str, float],
    share: float,
    band: str,
    at: float | None,
    detector_share: float,
) -> BandErrors:
    """Return the errors of one band; r has those of the bands that are compared with it."""
    solved, target = band, targets.get(band)
    if quantity(name).kind in ("offset", "separation_offset"):
        if len(set(targets.values())) > 1:
            raise SimulatorError(
                f"{name} compares with r, so its target is one for all bands.", code="bad_target"
            )
        # Both sides of the difference have equal errors, whichever band is compared.
        solved, target = "i", next(iter(targets.values()))
    if target is None:
        raise SimulatorError(f"{name} has no target in band {band}.", code="bad_target")
    found = campaign_model(name, float(target), share, solved, at, detector_share)[solved]
    return replace(found, band=band)


def homogeneous_table(
    errors: tuple[BandErrors, ...], distance: float, visits: int, stars: int, seed: int
) -> Table:
    """Return equal stars in a triangle of clusters, `visits` per band; no python loop over rows."""
    ra, dec, detector = _triangle(distance, stars)
    nb, shape = len(errors), (stars, len(errors), visits)
    phot, astro = rng(seed, "sample.photometry"), rng(seed, "sample.astrometry")

    def size(term: str) -> Floats:
        return np.array([getattr(e, term) for e in errors])[:, None]

    tail = rng(seed, "sample.tail").random((nb, visits)) < size("tail_fraction")
    factor = np.where(tail, size("tail_scale"), 1.0)
    shared = factor * size("zero_point_visit_mmag") * phot.standard_normal((nb, visits))
    local = size("zero_point_detector_mmag")[..., None] * phot.standard_normal(
        (nb, visits, DETECTORS)
    )
    mmag = size("floor_mmag") * phot.standard_normal(shape) + shared
    mmag += np.moveaxis(local[..., detector], -1, 0)
    flux = 10.0 ** (0.4 * (31.4 - MAGNITUDE) - 0.4e-3 * mmag)
    p, east, north = (v[:, :, None, None] for v in basis(ra, dec))
    matrix = distortion_matrix(
        *(
            factor * size(t) * astro.standard_normal((nb, visits))
            for t in ("scale", "shear", "shear")
        )
    )
    shift = [factor * size("translation_mas") * astro.standard_normal((nb, visits)) for _ in "xy"]
    white = [size("white_mas") * astro.standard_normal(shape) for _ in "xy"]
    lon, lat = displaced(
        (p, east, north),
        CENTRE,
        matrix,
        (shift[0], shift[1]),
        (white[0] + size("offset_ra_mas"), white[1] + size("offset_dec_mas")),
    )
    return _table(errors, flux, lon, lat, detector)


def _table(
    errors: tuple[BandErrors, ...], flux: Floats, ra: Floats, dec: Floats, detector: NDArray[Any]
) -> Table:
    """Return columns from arrays (star, band, visit)."""
    stars, nb, visits = flux.shape
    rows = flux.size
    visit = np.arange(nb * visits, dtype=np.int64).reshape(nb, visits) + 1
    no = np.zeros(rows, dtype=bool)
    return {
        "objectId": np.repeat(np.arange(1, stars + 1, dtype=np.int64), nb * visits),
        "sourceId": np.arange(1, rows + 1, dtype=np.int64),
        "visit": np.tile(visit.ravel(), stars),
        "band": np.tile(np.repeat([e.band for e in errors], visits), stars),
        "detector": np.repeat(detector.astype(np.int32), nb * visits),
        "coord_ra": ra.ravel(),
        "coord_dec": dec.ravel(),
        "psfFlux": flux.ravel(),
        "psfFluxErr": np.full(rows, 10.0 ** (0.4 * (31.4 - MAGNITUDE)) / SNR),
        "extendedness": np.zeros(rows),
        "detect_isPrimary": ~no,
        "pixelFlags_saturated": no,
        "pixelFlags_cr": no,
        "pixelFlags_bad": no,
        "pixelFlags_edge": no,
    }


def _triangle(distance: float, stars: int) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Return ra, dec and detector of three clusters `distance` arcmin from each other."""
    # On the sphere: sin(side / 2) = sin(circumradius) sin(60 deg).
    radius = np.arcsin(np.sin(np.radians(distance / 60.0) / 2.0) / np.sin(np.pi / 3.0))
    angle = np.pi / 2.0 + 2.0 * np.pi / 3.0 * np.arange(3)
    east, north = np.degrees(radius) * np.cos(angle), np.degrees(radius) * np.sin(angle)
    each = stars // 3
    side = int(np.ceil(np.sqrt(each)))
    i = np.arange(each)
    dx = (i % side - (side - 1) / 2.0) * SPACING / 3600.0
    dy = (i // side - (side - 1) / 2.0) * SPACING / 3600.0
    ra, dec = offset_positions(*CENTRE, (east[:, None] + dx).ravel(), (north[:, None] + dy).ravel())
    # Stars are dealt to all detectors, so that a term of the detector is not one of the cluster.
    return ra, dec, np.arange(3 * each) % DETECTORS
