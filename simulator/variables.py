"""Variable stars: in the truth and on the coadds, never among the repeated stars.

A repeatability of stars is about stars that do not vary. Variables are a population of their
own, flagged in `truth_star`; their objects are measured at the mean of the phases that the
visits happened to see.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.error_model import BANDS
from skyassay.simulator.galaxies import around
from skyassay.simulator.random import rng
from skyassay.simulator.universe import Universe, g_minus_i, magnitudes

Floats = NDArray[np.float64]
Table = dict[str, NDArray[Any]]
#: Identifiers of variable stars begin here.
VARIABLE_ID = 2_000_000_000
#: Amplitude in the other bands relative to r: pulsating stars vary most in the blue.
_AMPLITUDE = {"u": 1.4, "g": 1.3, "r": 1.0, "i": 0.85, "z": 0.8, "y": 0.78}


@dataclass(frozen=True)
class Variables:
    """Parameters of the variable stars.

    Attributes
    ----------
    share : float
        Variable stars per star of the preset's universe.
    amplitude, amplitude_scatter : float
        Median semi-amplitude in r, mag, and the scatter of its natural logarithm.
    shortest, longest : float
        Periods, days; their logarithms are spread evenly.
    """

    share: float = 0.01
    amplitude: float = 0.15
    amplitude_scatter: float = 0.6
    shortest: float = 0.3
    longest: float = 300.0


def variable_stars(
    terms: Variables,
    universe: Universe,
    fields: tuple[tuple[float, float], ...],
    seed: int,
    epoch: float,
) -> Table:
    """Return rows of `truth_star` of variable stars: mean magnitudes, amplitudes, light curves.

    A light curve is ``amplitude sin(2 pi (t / period + phase))`` with t in MJD.
    """
    number = int(universe.stars * terms.share)
    parts: list[Table] = []
    for k, field in enumerate(fields):
        draw = rng(seed, "variables", k)
        u = draw.random((6, number))
        ra, dec = around(field, universe.radius, u[0], u[1])
        mags = magnitudes(universe.r_magnitude(u[2]), g_minus_i(u[3]))
        size = terms.amplitude * np.exp(terms.amplitude_scatter * draw.standard_normal(number))
        parts.append({
            "coord_ra": ra,
            "coord_dec": dec,
            **{f"{b}_mag": m for b, m in mags.items()},
            **{f"{b}_amplitude": _AMPLITUDE[b] * size for b in BANDS},
            "period": terms.shortest * (terms.longest / terms.shortest) ** u[4],
            "phase": u[5],
        })  # fmt: skip
    joined = {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}
    total = joined["coord_ra"].size
    return {
        "objectId": VARIABLE_ID + np.arange(1, total + 1, dtype=np.int64),
        **joined,
        "epochMjdTai": np.full(total, epoch),
        "isVariable": np.ones(total, dtype=bool),
    }


def seen_on_coadds(variables: Table, visits: Mapping[str, NDArray[Any]]) -> Table:
    """Return the variables with the mean magnitudes of the phases that visits saw."""
    found = dict(variables)
    for band in BANDS:
        mjd = visits["expMidptMJD"][visits["band"] == band]
        if mjd.size:
            turn = mjd[:, None] / variables["period"] + variables["phase"]
            wave = np.sin(2.0 * np.pi * turn).mean(axis=0)
            found[f"{band}_mag"] = variables[f"{band}_mag"] + variables[f"{band}_amplitude"] * wave
    return found


def with_variables(stars: Table, variables: Table) -> Table:
    """Return `truth_star` with the variable stars after its own, and who varies by how much."""
    count, more = stars["objectId"].size, variables["objectId"].size
    constant: Table = {f"{b}_amplitude": np.zeros(count) for b in BANDS}
    constant |= {"period": np.full(count, np.nan), "phase": np.full(count, np.nan)}
    own = {**stars, **constant, "isVariable": np.zeros(count, dtype=bool)}
    return {
        name: np.concatenate([column, variables.get(name, _unknown(column, more))])
        for name, column in own.items()
    }


def _unknown(column: NDArray[Any], count: int) -> NDArray[Any]:
    return np.full(count, np.nan) if column.dtype.kind == "f" else np.zeros(count, column.dtype)
