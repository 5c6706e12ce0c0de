"""How stars move: a simple Galaxy, and what a ten-year fit makes of the motions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.error_model import BandErrors
from skyassay.simulator.geometry import basis, offset_positions
from skyassay.simulator.random import rng
from skyassay.simulator.smooth import smooth_field
from skyassay.simulator.universe import g_minus_i, magnitudes

Floats = NDArray[np.float64]
Table = dict[str, NDArray[Any]]
#: Ids of the stars that only the motion fits know.
MOTION_ID = 5_000_000_000
#: Absolute r magnitude of main sequence stars against g - i, rounded.
_G_I = np.array([-0.2, 0.2, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.6])
_M_R = np.array([3.0, 3.8, 4.6, 6.0, 7.4, 9.0, 10.6, 12.2, 14.5])
#: Absolute y magnitude of the stars seen in y alone, and their colours band minus y.
_RED_M_Y = 17.8
_RED_COLOUR = {"u": 9.0, "g": 8.0, "r": 6.0, "i": 4.2, "z": 2.6, "y": 0.0}
#: km/s of 1 mas/yr at 1 kpc; the Sun's own motion (U, V, W); lag and dispersion, km/s.
_KMS = 4.740470
_SUN = np.array([11.0, 12.0, 7.0])
_DISC, _HALO = (20.0, 38.0), (230.0, 140.0)
#: Stars higher above the disc than this, in kpc, are the halo's.
_HEIGHT = 4.0
#: Rows: directions to the Galactic centre, of rotation, to the north Galactic pole (J2000).
_GALACTIC = np.array(
    [
        [-0.0548755604, -0.8734370902, -0.4838350155],
        [0.4941094279, -0.4448296300, 0.7469822445],
        [-0.8676661490, -0.1980763734, 0.4559837762],
    ]
)
#: Ranges of the faint and of the red stars, wider than what a metric takes of them.
FAINT_R, RED_Y = (23.6, 24.4), (21.0, 21.7)
FAINT, RED = 24.0, 21.35


@dataclass(frozen=True)
class MotionTerms:
    """Sizes of the errors of fitted motions at the end of the survey.

    Attributes
    ----------
    years : float
        Time that the fits span.
    parallax_mas, motion_mas_yr : float
        Own error of a star at r = 24; with magnitude it goes as the photon noise.
    parallax_red_mas : float
        Own error of the parallax of a star seen in y alone, at y = 21.35.
    parallax_region_mas, motion_region_mas_yr : float
        Error that a patch of the sky shares, rms.
    region_deg : float
        Correlation length of that, degrees.
    parallax_offset_mas : float
        Zero point of all parallaxes.
    quoted : float
        Quoted errors as a multiple of a star's own errors.
    stars : float
        Faint and red stars each, per star of the universe.
    """

    years: float = 10.0
    parallax_mas: float = 1.25
    motion_mas_yr: float = 0.42
    parallax_red_mas: float = 2.6
    parallax_region_mas: float = 0.3
    motion_region_mas_yr: float = 0.10
    region_deg: float = 0.15
    parallax_offset_mas: float = 0.05
    quoted: float = 1.0
    stars: float = 0.25


def true_motions(stars: Table, seed: int, module: str = "motions.velocity") -> Table:
    """Return true `parallax` (mas), `pmRa` (times cos dec) and `pmDec` (mas/yr) of stars.

    Parameters
    ----------
    stars : dict
        ``coord_ra``, ``coord_dec`` (deg), ``<band>_mag``; a main sequence star's distance
        follows from r and g - i, its velocity from its height above the disc.
    seed : int
    """
    colour = np.clip(stars["g_mag"] - stars["i_mag"], _G_I[0], _G_I[-1])
    absolute = np.interp(colour, _G_I, _M_R)
    return _moving(stars, 10.0 ** (0.2 * (stars["r_mag"] - absolute) - 2.0), seed, module)


def _moving(stars: Table, kpc: Floats, seed: int, module: str) -> Table:
    """Return the motions of stars at these distances."""
    p, east, north = basis(stars["coord_ra"], stars["coord_dec"])
    height = np.abs(kpc * (_GALACTIC[2] @ p))
    halo = height > _HEIGHT
    lag, spread = (np.where(halo, h, d) for d, h in zip(_DISC, _HALO, strict=True))
    # Rows drawn one by one: stars appended later do not move those that are there.
    draw = rng(seed, module).standard_normal((kpc.size, 3))
    velocity = spread[:, None] * draw - _SUN
    velocity[:, 1] -= lag
    equatorial = velocity @ _GALACTIC
    along, up = (np.einsum("ni,in->n", equatorial, axis) for axis in (east, north))
    return {
        "pmRa": along / (_KMS * kpc),
        "pmDec": up / (_KMS * kpc),
        "parallax": 1.0 / kpc,
    }


def faint_stars(
    number: int, field: tuple[float, float], radius: float, seed: int, epoch: float
) -> Table:
    """Return the `truth_motion` product: as many stars about r = 24 as red ones about y = 21.35.

    Parameters
    ----------
    number : int
        Of each kind.
    field : tuple of float
        Centre (ra, dec), degrees.
    radius : float
        Degrees.
    seed : int
    epoch : float
        MJD (TAI) of the positions.
    """
    u = rng(seed, "motions.faint").random((2 * number, 4))
    cosine = 1.0 - u[:, 0] * (1.0 - np.cos(np.radians(radius)))
    rho, phi = np.degrees(np.arccos(cosine)), 2.0 * np.pi * u[:, 1]
    ra, dec = offset_positions(*field, rho * np.cos(phi), rho * np.sin(phi))
    faint = magnitudes(_between(FAINT_R, u[:number, 2]), g_minus_i(u[:number, 3]))
    y = _between(RED_Y, u[number:, 2])
    place = {"coord_ra": ra, "coord_dec": dec}
    mags = {f"{b}_mag": np.concatenate([m, y + _RED_COLOUR[b]]) for b, m in faint.items()}
    first = {name: c[:number] for name, c in (place | mags).items()}
    second = {name: c[number:] for name, c in (place | mags).items()}
    distance = 10.0 ** (0.2 * (y - _RED_M_Y) - 2.0)
    parts = (
        true_motions(first, seed, "motions.velocity_faint"),
        _moving(second, distance, seed, "motions.velocity_red"),
    )
    return {
        "objectId": MOTION_ID + np.arange(2 * number, dtype=np.int64),
        **place,
        "epochMjdTai": np.full(2 * number, epoch),
        **mags,
        **{name: np.concatenate([p[name] for p in parts]) for name in parts[0]},
    }


def _between(limits: tuple[float, float], u: Floats) -> Floats:
    return limits[0] + (limits[1] - limits[0]) * u


def own_errors(
    terms: MotionTerms, r: Floats, y: Floats, bands: Mapping[str, BandErrors]
) -> tuple[Floats, Floats]:
    """Return each star's own error of its parallax (mas) and of its motion (mas/yr).

    A star that is fainter in r than the faint ones is a red one, and known by y.
    """
    red = r > FAINT_R[1] + 1.0
    ratio = np.where(red, _ratio(bands["y"], y, RED, 22.1), _ratio(bands["r"], r, FAINT, 24.7))
    parallax = np.where(red, terms.parallax_red_mas, terms.parallax_mas) * ratio
    motion = parallax * terms.motion_mas_yr / terms.parallax_mas
    return parallax, motion


def _ratio(errors: BandErrors, mag: Floats, at: float, m5: float) -> Floats:
    """Return the photon noise relative to that at a magnitude, at the design depth."""
    unit = BandErrors(errors.band, gamma=errors.gamma)
    depth = np.full(1, m5)
    return np.asarray(unit.photon_mag(mag, depth) / unit.photon_mag(np.full(1, at), depth))


def fitted_motions(
    truth: Table, terms: MotionTerms, bands: Mapping[str, BandErrors], seed: int
) -> Table:
    """Return the `isolated_star_stellar_motions` product of the stars of `truth_motion`."""
    count = truth["objectId"].size
    parallax, motion = own_errors(terms, truth["r_mag"], truth["y_mag"], bands)
    draw = rng(seed, "motions.fit").standard_normal((count, 5))
    shared = [
        smooth_field(truth["coord_ra"], truth["coord_dec"], terms.region_deg, seed, "motions", k)
        for k in range(3)
    ]
    # A place is worth the motion times the time from the middle of the survey to its ends.
    place = motion * terms.years / np.sqrt(12.0) / 3.6e6
    middle = truth["epochMjdTai"][0] if count else 0.0
    half = 0.5 * terms.years * 365.25
    cosine = np.cos(np.radians(truth["coord_dec"]))
    quoted = terms.quoted
    return {
        "objectId": truth["objectId"],
        "ra": np.mod(truth["coord_ra"] + place * draw[:, 0] / cosine, 360.0),
        "dec": truth["coord_dec"] + place * draw[:, 1],
        "raPM": truth["pmRa"] + motion * draw[:, 2] + terms.motion_region_mas_yr * shared[0],
        "decPM": truth["pmDec"] + motion * draw[:, 3] + terms.motion_region_mas_yr * shared[1],
        "parallax": truth["parallax"]
        + parallax * draw[:, 4]
        + terms.parallax_region_mas * shared[2]
        + terms.parallax_offset_mas,
        "epoch": truth["epochMjdTai"],
        "raErr": quoted * place,
        "decErr": quoted * place,
        "raPMErr": quoted * motion,
        "decPMErr": quoted * motion,
        "parallaxErr": quoted * parallax,
        "firstEpochMjdTai": np.full(count, middle - half),
        "lastEpochMjdTai": np.full(count, middle + half),
    }
