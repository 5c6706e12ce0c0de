"""The measurement-level twin: what a pipeline would measure, from truth and an error model.

No pixels: every star in the field of view of every visit gets a flux and a position with the
errors of `ErrorModel`, at millions of rows a second on one core.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.displacement import displaced, distortion_matrix
from skyassay.simulator.error_model import POGSON, BandErrors, ErrorModel
from skyassay.simulator.errors import SimulatorError
from skyassay.simulator.geometry import basis
from skyassay.simulator.random import rng

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Table = dict[str, NDArray[Any]]
#: Radius of the round field of view, degrees, and pseudo detectors along each side.
FIELD_RADIUS = 1.75
SIDE = 3
#: Measurements closer than this to the border of a detector are flagged, arcsec.
EDGE = 4.0
#: A source id is visit x this + number of the star in the visit.
ID_FACTOR = 4_000_000
ZERO_POINT = 31.4


def observe(stars: Table, visits: Table, model: ErrorModel, seed: int) -> Table:
    """Return the `matched_source` product of stars seen in visits.

    Parameters
    ----------
    stars : dict
        `truth_star`: objectId, coord_ra, coord_dec (deg), ``<band>_mag``.
    visits : dict
        `truth_visit` with error terms, as `visit_errors.with_errors` makes it.
    model : ErrorModel
    seed : int

    Returns
    -------
    dict of str to ndarray
        Sorted by objectId, then visit. Measurements fainter than the model's S/N limit are
        not in it.

    Raises
    ------
    SimulatorError
        ``nothing_seen`` when no star is detected in any visit, ``too_many_stars``.
    """
    if stars["objectId"].size > ID_FACTOR:
        raise SimulatorError(
            f"A visit numbers at most {ID_FACTOR} stars.",
            code="too_many_stars",
            hint="Simulate the sky in several fields.",
        )
    vectors = basis(stars["coord_ra"], stars["coord_dec"])
    parts = [
        _one_visit(stars, vectors, {k: v[i] for k, v in visits.items()}, model, seed)
        for i in range(visits["visit"].size)
    ]
    table = {name: np.concatenate([p[name] for p in parts]) for name in parts[0]} if parts else {}
    if not table or not table["objectId"].size:
        raise SimulatorError(
            "No star is detected in any visit.",
            code="nothing_seen",
            hint="Check that stars and pointings overlap and that stars are bright enough.",
        )
    order = np.argsort(table["objectId"], kind="stable")
    return {name: column[order] for name, column in table.items()}


def _one_visit(
    stars: Table,
    vectors: tuple[Floats, Floats, Floats],
    visit: dict[str, Any],
    model: ErrorModel,
    seed: int,
) -> Table:
    """Return the measurements of one visit; its streams are its own."""
    errors = model[str(visit["band"])]
    seen, detector, edge = _footprint(vectors[0], visit)
    star = (vectors[0][:, seen], vectors[1][:, seen], vectors[2][:, seen])
    mag = stars[f"{errors.band}_mag"][seen]
    ids = stars["objectId"][seen]
    flux, flux_err, flags = _fluxes(errors, model, visit, mag, detector, seed)
    ra, dec = _positions(errors, visit, star, mag, seed)
    snr = flux / flux_err
    keep = snr > model.snr_min
    round_off = rng(seed, "observe.shape", int(visit["visit"])).standard_normal(mag.size)
    columns: Table = {
        "objectId": ids,
        "sourceId": np.int64(visit["visit"]) * ID_FACTOR + np.flatnonzero(seen),
        "visit": np.full(ids.size, visit["visit"], dtype=np.int64),
        "band": np.full(ids.size, errors.band),
        "expMidptMJD": np.full(ids.size, visit["expMidptMJD"]),
        "detector": detector,
        "coord_ra": ra,
        "coord_dec": dec,
        "psfFlux": flux,
        "psfFluxErr": flux_err,
        "extendedness": np.minimum(np.abs(round_off) * 3.0 / np.maximum(snr, 1.0), 1.0),
        "detect_isPrimary": np.ones(ids.size, dtype=bool),
        "pixelFlags_edge": edge,
        **flags,
    }
    return {name: column[keep] for name, column in columns.items()}


def _footprint(p: Floats, visit: dict[str, Any]) -> tuple[Bools, NDArray[np.int32], Bools]:
    """Return which stars are in the field, and the detector and edge flag of those."""
    p0, e0, n0 = (v[:, 0] for v in basis(np.full(1, visit["ra"]), np.full(1, visit["dec"])))
    seen = p0 @ p > np.cos(np.radians(FIELD_RADIUS))
    inside = p[:, seen]
    turn = np.radians(visit["rotation"])
    east, north = e0 @ inside, n0 @ inside
    half = np.sin(np.radians(FIELD_RADIUS))
    x = (np.cos(turn) * east + np.sin(turn) * north) / half
    y = (-np.sin(turn) * east + np.cos(turn) * north) / half
    u, v = (x + 1.0) * SIDE / 2.0, (y + 1.0) * SIDE / 2.0
    column, row = (np.clip(np.floor(w), 0, SIDE - 1) for w in (u, v))
    border = np.radians(EDGE / 3600.0) / half * SIDE / 2.0
    edge = (np.abs(u - np.round(u)) < border) | (np.abs(v - np.round(v)) < border)
    return seen, (SIDE * row + column).astype(np.int32), edge


def _fluxes(
    errors: BandErrors,
    model: ErrorModel,
    visit: dict[str, Any],
    mag: Floats,
    detector: NDArray[np.int32],
    seed: int,
) -> tuple[Floats, Floats, dict[str, Bools]]:
    """Return measured fluxes and their quoted errors (nJy), and pixel flags."""
    draw = rng(seed, "observe.flux", int(visit["visit"]))
    white, photon = draw.standard_normal((2, mag.size))
    local = np.array([visit[f"zeroPointOffset_detector{k}"] for k in range(SIDE * SIDE)])
    shift = visit["zeroPointOffset"] + local[detector] + 1e-3 * errors.floor_mmag * white
    hit = rng(seed, "observe.flags", int(visit["visit"]))
    cosmic, bad = hit.random((2, mag.size)) < model.flag_rate
    # The same light in a sharper image fills a pixel sooner.
    limit = errors.saturation + 5.0 * np.log10(0.7 / visit["seeing"]) - visit["extinction"]
    saturated = mag < limit
    flagged = cosmic | bad | saturated
    shift[flagged] += model.flagged_mag * hit.standard_normal(int(flagged.sum()))
    true = 10.0 ** (0.4 * (ZERO_POINT - mag))
    relative = errors.photon_mag(mag, visit["magLim"]) / POGSON
    if errors.photon == 0.0:
        # A survey still quotes an error; it is the photon noise that was switched off.
        quoted = BandErrors(errors.band, gamma=errors.gamma).photon_mag(mag, visit["magLim"])
        error = true * quoted / POGSON
    else:
        error = true * relative
    flux = true * (10.0 ** (-0.4 * shift) + relative * photon)
    flags = {"pixelFlags_saturated": saturated, "pixelFlags_cr": cosmic, "pixelFlags_bad": bad}
    return flux, error, flags


def _positions(
    errors: BandErrors,
    visit: dict[str, Any],
    star: tuple[Floats, Floats, Floats],
    mag: Floats,
    seed: int,
) -> tuple[Floats, Floats]:
    """Return measured positions in degrees."""
    draw = rng(seed, "observe.position", int(visit["visit"]))
    photon = errors.photon_mas(mag, visit["magLim"], visit["seeing"])
    sigma = np.sqrt(photon * photon + errors.white_mas**2)
    east, north = draw.standard_normal((2, mag.size)) * sigma
    return displaced(
        star,
        (float(visit["ra"]), float(visit["dec"])),
        distortion_matrix(visit["scaleOffset"], visit["shear1Offset"], visit["shear2Offset"]),
        (visit["raOffset"], visit["decOffset"]),
        (east + errors.offset_ra_mas, north + errors.offset_dec_mas),
    )
