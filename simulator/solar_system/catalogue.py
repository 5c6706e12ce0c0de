"""The catalogue of orbits that a pipeline is given: the known objects, with small errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from astropy.table import Table as AstropyTable
from numpy.typing import NDArray

from skyassay.simulator.random import rng
from skyassay.simulator.solar_system.brightness import SLOPE
from skyassay.simulator.solar_system.orbits import Table, elements, states

_LETTERS = "ABCDEFGHJKLMNOPQRSTUVWXYZ"
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_UNITS = {"q": "AU", "i": "deg", "node": "deg", "argperi": "deg", "t_p": "d", "epoch_mjd": "d"}


def mpcorb(
    objects: Mapping[str, NDArray[Any]],
    seed: int,
    *,
    error: float = 0.1,
    h_error: float = 0.05,
) -> AstropyTable:
    """Return the known objects as a catalogue of orbits.

    Parameters
    ----------
    objects : mapping
        Columns of `truth_ss_object`.
    seed : int
    error : float
        Error of a place at the epoch as seen from a third of the distance to the Sun nearer
        (about what it is at opposition in the main belt), arcsec per coordinate; over a year
        it doubles.
    h_error : float
        Error of H, mag.

    Returns
    -------
    astropy.table.Table
        ``ssObjectId``, ``unpacked_primary_provisional_designation``,
        ``packed_primary_provisional_designation``, ``q``, ``e``, ``i``, ``node``, ``argperi``,
        ``t_p``, ``epoch_mjd`` (MJD TAI), ``mpc_H``, ``mpc_G``, ``u_param``.
    """
    known = {
        k: np.asarray(v)[np.asarray(objects["isKnown"], dtype=bool)] for k, v in objects.items()
    }
    count = len(known["q"])
    stream = rng(seed, "solar_system.catalogue")
    found = _with_errors(stream, known, error) if count else known
    designations = [designation(n) for n in range(count)]
    table = AstropyTable(
        {
            "ssObjectId": known["ssObjectId"].astype(np.int64),
            "unpacked_primary_provisional_designation": np.array(
                [d[0] for d in designations], dtype="U16"
            ),
            "packed_primary_provisional_designation": np.array(
                [d[1] for d in designations], dtype="U8"
            ),
            "q": found["q"],
            "e": found["e"],
            "i": found["incl"],
            "node": found["node"],
            "argperi": found["argPeri"],
            "t_p": found["tPeriMjdTai"],
            "epoch_mjd": known["epochMjdTai"].astype(np.float64),
            "mpc_H": known["H"] + h_error * stream.standard_normal(count),
            "mpc_G": np.full(count, SLOPE),
            "u_param": np.zeros(count, dtype=np.int32),
        }
    )
    for name, unit in _UNITS.items():
        table[name].unit = unit
    return table


def _with_errors(
    stream: np.random.Generator, known: Mapping[str, NDArray[Any]], error: float
) -> Table:
    """Return elements of orbits displaced a little in place and velocity."""
    epoch = float(known["epochMjdTai"][0])
    place, speed = states(known, epoch)
    # At two thirds of the distance from the Sun an arcsecond is this many AU.
    size = np.radians(error / 3600.0) * 0.667 * np.linalg.norm(place, axis=1)[:, None]
    place = place + size * stream.standard_normal(place.shape)
    speed = speed + size / 365.25 * stream.standard_normal(speed.shape)
    return elements(place, speed, epoch)


def designation(number: int, year: int = 2026) -> tuple[str, str]:
    """Return the provisional designation, unpacked and packed, of the nth object of a year.

    The Minor Planet Center's form: half-month letter, then a letter and how often the alphabet
    was used up. Each half-month takes 15,500 objects here.
    """
    half, within = divmod(number, 15500)
    cycle, letter = divmod(within, 25)
    month, second = _LETTERS[half % 24], _LETTERS[letter]
    plain = f"{year} {month}{second}{cycle or ''}"
    century = "IJKLMN"[(year // 100) - 18]
    return plain, f"{century}{year % 100:02d}{month}{_DIGITS[cycle // 10]}{cycle % 10}{second}"
