"""Samplers of zero points over the sky: equal stars in cells, cells in regions."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from skyassay.simulator.error_model import BANDS
from skyassay.simulator.random import rng
from skyassay.simulator.samples.model import Draw, Sampler, Table

Floats = NDArray[np.float64]
#: HEALPix orders of a cell and of the region whose cells share an error.
CELL_ORDER, REGION_ORDER = 6, 3
#: Magnitude, colour g - i and quoted S/N of every star: inside the recipes' cuts.
MAGNITUDE, COLOUR, SNR = 18.0, 0.8, 1000.0
#: Photometric noise of a star, mmag.
STAR_NOISE = 5.0
NJY_ZERO_POINT = 31.4
#: Scatter of the cells of a sample that is about their mean, as a share of its limit's place.
OFFSET_SCATTER = {"photometry.zero_point.pa5": 4.0, "photometry.zero_point.pa6": 8.0}


def _draw_scatter(asked: Draw, width: Mapping[str, float], cells: int = 8) -> Mapping[str, Table]:
    """Return a sample whose cells scatter by `width` (mmag) in each band."""
    return sky_sample(asked, dict.fromkeys(width, 0.0), width, cells, stars=50)


def draw_pa3(asked: Draw) -> Mapping[str, Table]:
    """Return a sample whose PA3 is the target."""
    return _draw_scatter(asked, asked.targets)


def draw_pf2(asked: Draw) -> Mapping[str, Table]:
    """Return a sample of normal errors, the target (percent) of them beyond PA4."""
    width = {b: asked.at[b] / -float(ndtri(p / 200.0)) for b, p in asked.targets.items()}
    # To tell 5 % of the sky from 10 % takes more cells than a width does.
    return _draw_scatter(asked, width, cells=16)


def draw_pa4(asked: Draw) -> Mapping[str, Table]:
    """Return a sample of normal errors, PF2 percent of them beyond the target."""
    width = {b: x / -float(ndtri(asked.at[b] / 200.0)) for b, x in asked.targets.items()}
    return _draw_scatter(asked, width)


def draw_pa5(asked: Draw) -> Mapping[str, Table]:
    """Return a sample whose colours, each named by its bluer band, are off by the target."""
    mean: dict[str, float] = {}
    for band in reversed(BANDS):
        redder = BANDS[BANDS.index(band) + 1] if band != BANDS[-1] else None
        mean[band] = mean[redder] + asked.targets.get(band, 0.0) if redder else 0.0
    # Half of a colour's variance is each band's.
    width = dict.fromkeys(BANDS, OFFSET_SCATTER["photometry.zero_point.pa5"] / np.sqrt(2.0))
    return sky_sample(asked, mean, width, cells=4, stars=10)


def draw_pa6(asked: Draw) -> Mapping[str, Table]:
    """Return a sample of standard stars that are all off by the target."""
    # Its criterion names no bands: every band that is measured counts.
    mean = dict.fromkeys(BANDS, asked.target) if "" in asked.targets else asked.targets
    width = dict.fromkeys(mean, OFFSET_SCATTER["photometry.zero_point.pa6"])
    tables = sky_sample(asked, mean, width, cells=4, stars=1)
    count = len(tables["truth_star"]["objectId"])
    return {
        "object": tables["object"],
        "truth_star": {**tables["truth_star"], "isStandard": np.ones(count, dtype=bool)},
    }


def sky_sample(
    asked: Draw, mean: Mapping[str, float], width: Mapping[str, float], cells: int, stars: int
) -> dict[str, Table]:
    """Return `object` and `truth_star` of `asked.size` regions with `cells` cells each.

    Parameters
    ----------
    asked : Draw
    mean, width : mapping
        Band -> mean and standard deviation of the zero-point error of a cell, mmag;
        `asked.share` of its variance is the region's.
    cells, stars : int
        Cells per region, at most 64, and stars per cell.
    """
    ra, dec = _places(asked.size, cells)
    count = asked.size * cells * stars
    ids = np.arange(1, count + 1, dtype=np.int64)
    table: Table = {
        "objectId": ids, "coord_ra": np.repeat(ra, stars), "coord_dec": np.repeat(dec, stars)
    }  # fmt: skip
    truth: Table = {**table}
    for band in mean:
        draw = rng(asked.seed, "samples.zero_points", band)
        region, cell, star = (
            draw.standard_normal(n) for n in (asked.size, asked.size * cells, count)
        )
        error = np.repeat(np.sqrt(asked.share) * region, cells) + np.sqrt(1 - asked.share) * cell
        delta = mean[band] + width[band] * np.repeat(error, stars) + STAR_NOISE * star
        flux = 10.0 ** (0.4 * (NJY_ZERO_POINT - MAGNITUDE) - 0.4e-3 * delta)
        table |= {f"{band}_psfFlux": flux, f"{band}_psfFluxErr": flux / SNR}
        truth[f"{band}_mag"] = np.full(count, MAGNITUDE)
    # Main-sequence stars: the colour is in the truth and in the measurement alike.
    for band, shift in (("g", COLOUR), ("u", COLOUR)):
        if band in mean:
            truth[f"{band}_mag"] = truth[f"{band}_mag"] + shift
            for name in ("psfFlux", "psfFluxErr"):
                table[f"{band}_{name}"] = table[f"{band}_{name}"] * 10.0 ** (-0.4 * shift)
    return {"object": table, "truth_star": truth}


@cache
def _places(regions: int, cells: int) -> tuple[Floats, Floats]:
    """Return right ascension and declination of cells, region by region."""
    from cdshealpix.nested import healpix_to_lonlat

    inside = 4 ** (CELL_ORDER - REGION_ORDER)
    total = 12 * 4**REGION_ORDER
    # A step without common factor with the number of regions spreads them over the sky.
    region = (np.arange(regions) * 59 + 5) % total
    cell = region[:, None] * inside + np.arange(cells)[None, :] * (inside // cells)
    lon, lat = healpix_to_lonlat(cell.ravel().astype(np.uint64), CELL_ORDER, num_threads=1)
    return np.asarray(lon.deg), np.asarray(lat.deg)


#: Why these may cover more than they must: bounds of a sum of parts (MOVER) are wider than
#: needed when one part, with few degrees of freedom, is small; a tail's parts add up alike.
_WIDE = "bounds of a sum of parts, one of them with few degrees of freedom"


def _sampler(metric: str, draw: Any, conservative: str = "") -> Sampler:
    return Sampler(metric, draw, unit="sky region", conservative=conservative)


SAMPLERS: tuple[Sampler, ...] = (
    _sampler("photometry.uniformity.pa3", draw_pa3, _WIDE),
    _sampler("photometry.uniformity.pf2", draw_pf2, _WIDE),
    _sampler("photometry.uniformity.pa4", draw_pa4, _WIDE),
    _sampler("photometry.zero_point.pa5", draw_pa5),
    _sampler("photometry.zero_point.pa6", draw_pa6),
)
