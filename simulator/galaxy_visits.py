"""Bright galaxies measured visit by visit, for the repeatability of resolved sources."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.error_model import POGSON, ErrorModel
from skyassay.simulator.errors import SimulatorError
from skyassay.simulator.galaxies import Galaxies
from skyassay.simulator.observe import ID_FACTOR, observe
from skyassay.simulator.random import rng

Table = dict[str, NDArray[Any]]


def resolved_rows(
    terms: Galaxies, galaxies: Table, visits: Table, model: ErrorModel, seed: int
) -> Table:
    """Return `matched_source` rows of the bright galaxies; none where none is seen.

    They share every term of the visit with the stars. Their model flux has the photon noise
    of a larger source and an error of the model.
    """
    bright = galaxies["i_mag"] < terms.measured_to
    truth = {name: column[bright] for name, column in galaxies.items()}
    # Other noise than that of the stars of the same visit.
    own = int(rng(seed, "galaxy_visits").integers(1 << 62))
    try:
        table = observe(truth, visits, model, own)
    except SimulatorError as error:
        if error.code != "nothing_seen":
            raise
        return {}
    place = np.searchsorted(truth["objectId"], table["objectId"])
    radius = truth["effectiveRadius"][place]
    factor = terms.noise_factor(radius)
    relative = table["psfFluxErr"] / table["psfFlux"]
    draw = rng(seed, "galaxy_visits.model")
    photon, white, look = draw.standard_normal((3, radius.size))
    # The photon noise of a point source is in the flux already; the model adds the rest.
    more = np.sqrt(factor**2 - 1.0) * relative * photon * _photon(model, table)
    more += 1e-3 / POGSON * terms.model_mmag * white
    flux = table["psfFlux"]
    return {
        **table,
        "sourceId": table["sourceId"] + ID_FACTOR // 2,
        "psfFlux": flux / factor,
        "extendedness": np.clip(1.0 - 0.01 * np.abs(look), 0.0, 1.0),
        "cModelFlux": flux * (1.0 + more),
        "cModelFluxErr": table["psfFluxErr"] * factor,
        "effectiveRadius": radius,
    }


def _photon(model: ErrorModel, table: Table) -> NDArray[np.float64]:
    """Return 0 for rows of bands whose photon noise is switched off, else 1."""
    off = [e.band for e in model.bands if e.photon == 0.0]
    return np.where(np.isin(table["band"], off), 0.0, 1.0)


def star_columns(table: Table) -> Table:
    """Return the columns of model photometry for the rows of stars: points have no radius."""
    return {
        "cModelFlux": table["psfFlux"],
        "cModelFluxErr": table["psfFluxErr"],
        "effectiveRadius": np.zeros(table["objectId"].size),
    }


def appended(table: Table, rows: Table) -> Table:
    """Return a table with rows after its own; columns they do not have are unknown in them."""
    if not rows:
        return table
    extra = rows["objectId"].size
    return {
        name: np.concatenate([column, rows.get(name, _unknown(column, extra))])
        for name, column in table.items()
    }


def _unknown(column: NDArray[Any], count: int) -> NDArray[Any]:
    """Return the values of rows that have none: NaN, False, zero, or empty text."""
    return np.full(count, np.nan) if column.dtype.kind == "f" else np.zeros(count, column.dtype)
