"""Calibration stars over much of the sky: in coadds and in truth, in no single visit.

One field of view is one region of shared calibration error: what a survey's zero points do
over the sky cannot be seen in it. These stars sample the sky in small cells, several to a
region, bright enough that their noise does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.errors import SimulatorError
from skyassay.simulator.geometry import basis
from skyassay.simulator.random import rng
from skyassay.simulator.universe import WIDE_ID, Universe, g_minus_i, magnitudes

Floats = NDArray[np.float64]
Table = dict[str, NDArray[Any]]
#: HEALPix orders (nested) of a cell and of a region, and the rim of a cell that stays empty.
CELL_ORDER, REGION_ORDER = 6, 3
#: Declinations of the survey, degrees.
SOUTH, NORTH = -70.0, 5.0
#: A region whose centre is nearer than this to a field of the survey is left out, degrees.
CLEAR = 12.0
#: True r magnitude and g - i of the stars that serve as standards of the AB scale.
STANDARD_R, STANDARD_G_I = (17.6, 19.0), (0.3, 1.5)


@dataclass(frozen=True)
class WideSky:
    """How much of the sky is sampled, and by which stars.

    Attributes
    ----------
    regions : int
        HEALPix cells of order 3 (54 square degrees), spread over the survey; 0 for none.
    cells : int
        Cells of order 6 (0.84 square degrees) per region, at most 64.
    stars : int
        Stars per cell.
    bright, faint : float
        Range of the r magnitude.
    standards : int
        Standard stars per region, one to a cell.
    """

    regions: int = 0
    cells: int = 6
    stars: int = 90
    bright: float = 17.0
    faint: float = 19.5
    standards: int = 3

    def universe(self) -> Universe:
        """Return the stars as a universe, for their magnitudes."""
        return Universe(bright=self.bright, faint=self.faint)


def wide_stars(
    sky: WideSky, fields: tuple[tuple[float, float], ...], seed: int, epoch: float
) -> Table:
    """Return rows of `truth_star`, with ``isStandard``; none when no region is asked for.

    Raises
    ------
    SimulatorError
        ``sky_too_small`` when the survey has fewer regions than asked for.
    """
    regions = chosen_regions(sky.regions, fields)
    inside = 4 ** (CELL_ORDER - REGION_ORDER)
    parts = []
    for region in regions:
        draw = rng(seed, "wide", int(region))
        cells = region * inside + draw.permutation(inside)[: sky.cells]
        u, n = (
            draw.random((4, sky.cells * sky.stars)),
            draw.standard_normal((6, sky.cells * sky.stars)),
        )
        ra, dec = _inside(np.repeat(cells, sky.stars), u[0], u[1])
        mags = magnitudes(sky.universe().r_magnitude(u[2]), g_minus_i(u[3]))
        mag = {f"{b}_mag": m + 0.02 * e for (b, m), e in zip(mags.items(), n, strict=True)}
        cell = np.repeat(np.arange(sky.cells), sky.stars)
        parts.append(
            {"coord_ra": ra, "coord_dec": dec, **mag, "isStandard": _standards(mag, cell, sky)}
        )
    if not parts:
        return {}
    joined: Table = {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}
    total = joined["coord_ra"].size
    return {
        "objectId": WIDE_ID + np.arange(1, total + 1, dtype=np.int64),
        **joined,
        "epochMjdTai": np.full(total, epoch),
    }


def with_wide(stars: Table, more: Table) -> Table:
    """Return `truth_star` with the wide stars after its own, and who is a standard.

    What only the survey's own stars have is unknown of the wide ones, and false for flags.
    """
    count = stars["objectId"].size
    own = {**stars, "isStandard": np.zeros(count, dtype=bool)}
    if not more:
        return own
    extra = more["objectId"].size
    return {
        name: np.concatenate([column, more[name] if name in more else _unknown(column, extra)])
        for name, column in own.items()
    }


def chosen_regions(number: int, fields: tuple[tuple[float, float], ...]) -> NDArray[np.int64]:
    """Return the regions that are sampled: spread evenly, none next to a field."""
    from cdshealpix.nested import healpix_to_lonlat

    every = np.arange(12 * 4**REGION_ORDER)
    lon, lat = healpix_to_lonlat(every.astype(np.uint64), REGION_ORDER, num_threads=1)
    ra, dec = np.asarray(lon.deg), np.asarray(lat.deg)
    keep = (dec > SOUTH) & (dec < NORTH)
    for field in fields:
        near = basis(ra, dec)[0].T @ basis(*(np.full(1, x) for x in field))[0][:, 0]
        keep &= near < np.cos(np.radians(CLEAR))
    free = every[keep]
    if number > free.size:
        raise SimulatorError(
            f"The survey has {free.size} regions of 54 square degrees, not {number}.",
            code="sky_too_small",
            hint="Ask for fewer regions.",
            exit_code=4,
        )
    # Neighbours in nested order are neighbours in the sky: even steps keep regions apart.
    return np.asarray(free[(np.arange(number) * free.size) // max(number, 1)])


def _inside(cells: NDArray[np.int64], u: Floats, v: Floats) -> tuple[Floats, Floats]:
    """Return positions spread over cells: the centre of a random cell 8 orders deeper."""
    from cdshealpix.nested import healpix_to_lonlat

    fine = cells * 4**8 + np.floor(u * 4**8).astype(np.int64)
    fine = fine * 4**4 + np.floor(v * 4**4).astype(np.int64)
    lon, lat = healpix_to_lonlat(fine.astype(np.uint64), CELL_ORDER + 12, num_threads=1)
    return np.asarray(lon.deg), np.asarray(lat.deg)


def _standards(mag: Table, cell: NDArray[np.intp], sky: WideSky) -> NDArray[np.bool_]:
    """Return the first fit star of each of the region's first cells."""
    r, colour = mag["r_mag"], mag["g_mag"] - mag["i_mag"]
    fit = (r > STANDARD_R[0]) & (r < STANDARD_R[1])
    fit &= (colour > STANDARD_G_I[0]) & (colour < STANDARD_G_I[1])
    where = np.flatnonzero(fit)
    first = where[np.unique(cell[where], return_index=True)[1]]
    chosen = np.zeros(r.size, dtype=bool)
    chosen[first[: sky.standards]] = True
    return chosen


def _unknown(column: NDArray[Any], count: int) -> NDArray[Any]:
    return np.full(count, np.nan) if column.dtype.kind == "f" else np.zeros(count, column.dtype)
