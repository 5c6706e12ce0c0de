"""Faults in the tables of a release: what a broken step of processing would have written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from skyassay.simulator.random import rng

Table = dict[str, NDArray[Any]]
Tables = Mapping[str, Table]
Floats = NDArray[np.float64]
#: Tables, dose, seed -> the tables that differ.
Action = Callable[[Tables, float, int], dict[str, Table]]
_ARCSEC, _MAS = 1.0 / 3600.0, 1.0 / 3.6e6
_HOUR_MS = 86_400_000.0


def _per_visit(visit: NDArray[Any], seed: int, name: str, count: int = 1) -> Floats:
    """Return `count` normal variates for each row's visit, shape (count, rows)."""
    ids, row = np.unique(visit, return_inverse=True)
    drawn = np.array([rng(seed, f"faults.{name}", int(v)).standard_normal(count) for v in ids])
    return np.asarray(drawn[row].T)


def _dimmer(table: Table, magnitude: Floats, columns: tuple[str, ...]) -> Table:
    """Return a table whose fluxes are fainter by a magnitude."""
    factor = 10.0 ** (-0.4 * magnitude)
    return {**table, **{c: table[c] * factor for c in columns if c in table}}


def _coadds_dimmer(table: Table, magnitude: Floats, bands: str) -> Table:
    """Return objects that are fainter by a magnitude in some bands."""
    columns = tuple(f"{b}_{kind}Flux" for b in bands for kind in ("psf", "cModel"))
    return _dimmer(table, magnitude, columns)


def _moved(table: Table, east: Floats, north: Floats) -> Table:
    """Return a table whose places are moved, degrees on the sky."""
    ra = table["coord_ra"] + east / np.cos(np.radians(table["coord_dec"]))
    return {**table, "coord_ra": ra % 360.0, "coord_dec": table["coord_dec"] + north}


def zero_point_scatter(tables: Tables, dose: float, seed: int) -> dict[str, Table]:
    """Zero points of visits scatter by `dose` mmag more."""
    table = tables["matched_source"]
    off = 1e-3 * dose * _per_visit(table["visit"], seed, "zero_point")[0]
    return {"matched_source": _dimmer(table, off, ("psfFlux", "cModelFlux"))}


def wrong_colours(tables: Tables, dose: float, seed: int) -> dict[str, Table]:
    """Zero points of the coadds of every band but r are off by `dose` mmag."""
    return {"object": _coadds_dimmer(tables["object"], np.array(1e-3 * dose), "ugizy")}


def wrong_reference(tables: Tables, dose: float, seed: int) -> dict[str, Table]:
    """Zero points of the coadds of all bands are off by `dose` mmag."""
    return {"object": _coadds_dimmer(tables["object"], np.array(1e-3 * dose), "ugrizy")}


def flat_gradient(tables: Tables, dose: float, seed: int) -> dict[str, Table]:
    """Every flat has a gradient over declination: rms over the catalog `dose` mmag."""
    table = tables["object"]
    dec = table["coord_dec"]
    shape = (dec - dec.mean()) / dec.std()
    return {"object": _coadds_dimmer(table, 1e-3 * dose * shape, "ugrizy")}


def wcs_shift(tables: Tables, dose: float, seed: int) -> dict[str, Table]:
    """Every place of the release is `dose` mas too far north: relative places stay."""
    table = tables["object"]
    off = np.full(len(table["objectId"]), dose * _MAS)
    found = {"object": _moved(table, 0.0 * off, off)}
    if "matched_source" in tables:
        stars = tables["matched_source"]
        off = np.full(len(stars["objectId"]), dose * _MAS)
        found["matched_source"] = _moved(stars, 0.0 * off, off)
    return found


def wcs_rotation(tables: Tables, dose: float, seed: int) -> dict[str, Table]:
    """Every place is turned about the field's middle: `dose` mas at a distance of 1 degree."""
    names = [n for n in ("object", "matched_source") if n in tables]
    return {n: _turned(tables[n], dose * _MAS, tables[n]["coord_ra"] * 0.0) for n in names}


def wcs_scale(tables: Tables, dose: float, seed: int) -> dict[str, Table]:
    """Stretch the coordinates of each visit: places 5 arcmin apart are `dose` mas off."""
    stars = tables["matched_source"]
    scale = 12.0 * dose * _MAS * _per_visit(stars["visit"], seed, "scale")[0]
    return {"matched_source": _turned(stars, 0.0, scale)}


def _turned(table: Table, turn: float, scale: Floats) -> Table:
    """Return a table turned and stretched about its middle, degrees at a distance of 1 degree."""
    middle = np.median(table["coord_ra"]), np.median(table["coord_dec"])
    x = (table["coord_ra"] - middle[0]) * np.cos(np.radians(table["coord_dec"]))
    y = table["coord_dec"] - middle[1]
    return _moved(table, scale * x - turn * y, scale * y + turn * x)


def band_shift(tables: Tables, dose: float, seed: int) -> dict[str, Table]:
    """Places in every band but r are `dose` mas off against r: a wrong refraction."""
    stars = tables["matched_source"]
    off = np.where(stars["band"] == "r", 0.0, dose * _MAS)
    return {"matched_source": _moved(stars, off, 0.0 * off)}


def defocus(tables: Tables, dose: float, seed: int) -> dict[str, Table]:
    """Light goes from the cores of images outward: radii of apertures grow by `dose` percent."""
    table = dict(tables["source"])
    names = sorted(n for n in table if n.startswith("ap") and n.endswith("Flux"))
    radius = np.array([int(n[2:4]) for n in names], dtype=float)
    flux = np.stack([np.zeros(len(table[names[0]])), *(table[n] for n in names)])
    # Light within a radius is smooth in its logarithm: apertures are few and far between.
    growth = PchipInterpolator(np.log([0.3, *radius]), flux, axis=0)
    for k, name in enumerate(names):
        table[name] = growth(np.log(radius[k] / (1.0 + 0.01 * dose)))
    return {"source": table}


def psf_ellipticity(tables: Tables, dose: float, seed: int) -> dict[str, Table]:
    """Add to images an ellipticity of `dose` that the PSF model of the visit misses."""
    table = tables["source"]
    e1, e2 = dose * _per_visit(table["visit"], seed, "ellipticity", 2)
    trace = table["ixx"] + table["iyy"]
    return {
        "source": {
            **table,
            "ixx": table["ixx"] + 0.5 * e1 * trace,
            "iyy": table["iyy"] - 0.5 * e1 * trace,
            "ixy": table["ixy"] + 0.5 * e2 * trace,
        }
    }


def clock_offset(tables: Tables, dose: float, seed: int) -> dict[str, Table]:
    """Record times `dose` ms late."""
    return {"visit_table": _later(tables["visit_table"], np.array(dose))}


def clock_jitter(tables: Tables, dose: float, seed: int) -> dict[str, Table]:
    """Record times that scatter by `dose` ms."""
    table = tables["visit_table"]
    return {"visit_table": _later(table, dose * _per_visit(table["visit"], seed, "jitter")[0])}


def _later(table: Table, milliseconds: Floats) -> Table:
    off = milliseconds / _HOUR_MS
    return {
        **table,
        **{n: table[n] + off for n in ("expMidptMJD", "obsStartMJD") if n in table},
    }


def hot_columns(tables: Tables, dose: float, seed: int) -> dict[str, Table]:
    """`dose` percent more of the pixels of every detector are of no use."""
    table = tables["visit_detector_table"]
    more = 0.01 * dose * table["xSize"].astype(float) * table["ySize"]
    grown = table["nPixelBad"] + np.round(more).astype(np.int64)
    return {"visit_detector_table": {**table, "nPixelBad": grown}}


def gain_error(tables: Tables, dose: float, seed: int) -> dict[str, Table]:
    """Background levels are `dose` percent wrong, the sign by detector: a wrong gain."""
    table = tables["visit_table"]
    sign = np.sign(_per_visit(table["visit"], seed, "gain")[0])
    return {
        "visit_table": {**table, "skyBrightness": table["skyBrightness"] + 1.0857e-2 * dose * sign}
    }


def false_objects(tables: Tables, dose: float, seed: int) -> dict[str, Table]:
    """Objects that are none: `dose` percent of those there are, at places of their own."""
    table = tables["object"]
    n = len(table["objectId"])
    draw = rng(seed, "faults.false_objects")
    row = draw.integers(n, size=int(draw.binomial(n, 0.01 * dose)))
    angle, far = draw.random((2, row.size)) * 2.0 * np.pi
    step = (10.0 + far) * _ARCSEC
    copy = _moved({k: v[row] for k, v in table.items()}, step * np.cos(angle), step * np.sin(angle))
    copy["objectId"] = table["objectId"].max() + 1 + np.arange(row.size)
    return {"object": {k: np.concatenate([v, copy[k]]) for k, v in table.items()}}


def late_shutter(tables: Tables, dose: float, seed: int) -> dict[str, Table]:
    """Take `dose` mag of depth from every visit: the shutter opens late."""
    visit, detector = tables["visit_table"], tables["visit_detector_table"]
    return {
        "visit_table": {**visit, "magLim": visit["magLim"] - dose},
        "visit_detector_table": {**detector, "magLim": detector["magLim"] - dose},
    }


ACTIONS: Mapping[str, Action] = {
    action.__name__: action
    for action in (
        zero_point_scatter, flat_gradient, wrong_colours, wrong_reference, wcs_shift, wcs_rotation,
        wcs_scale, band_shift, defocus, psf_ellipticity, clock_offset, clock_jitter, hot_columns,
        gain_error, false_objects, late_shutter,
    )
}  # fmt: skip
