"""From instrumental measurements to the public columns of `source`: nJy and degrees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import astropy.units as u
import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from skyassay.pipeline.images.exposure import PhotoCalib
from skyassay.pipeline.products.catalog import product
from skyassay.pipeline.tables.ids import source_ids

if TYPE_CHECKING:
    from skyassay.pipeline.astrometry.wcs import SkyWcs

Floats = NDArray[np.float64]
_INST, _INST_ERR = "_instFlux", "_instFluxErr"
#: Columns that the measurement gives and no public table has.
_PRIVATE = frozenset({"id", "parent", "peak"})


@dataclass(frozen=True)
class Origin:
    """Which image a table is of."""

    visit: int
    detector: int
    band: str
    physical_filter: str


def standardize(measured: Table, wcs: SkyWcs, calib: PhotoCalib, origin: Origin) -> Table:
    """Return the public table of one detector.

    Parameters
    ----------
    measured : Table
        As `measurement.characterize` makes it: pixels and electrons.
    wcs : SkyWcs
    calib : PhotoCalib
        Its error is not part of the flux errors: it is shared by the image.
    origin : Origin

    Returns
    -------
    Table
        Columns, types and units of the product `source` (Felis), fluxes in nJy.
    """
    count = len(measured)
    ids = source_ids(origin.visit, origin.detector, count)
    table = Table()
    table["sourceId"] = ids
    table["visit"] = np.full(count, origin.visit, dtype=np.int64)
    table["detector"] = np.full(count, origin.detector, dtype=np.int32)
    table["band"] = np.full(count, origin.band)
    table["physical_filter"] = np.full(count, origin.physical_filter)
    if "parent" in measured.colnames:
        table["parentSourceId"] = _parents(np.asarray(measured["parent"]), ids)
    for name, column in positions(measured, wcs).items():
        table[name] = column
    for name in measured.colnames:
        if name in _PRIVATE or name in table.colnames:
            continue
        values = np.asarray(measured[name])
        table[_public(name)] = values * calib.nanojansky if _is_flux(name) else values
    return conform(table)


def _parents(parent: NDArray[np.int64], ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return ids of parents: 0 for none, as Rubin writes it."""
    if not ids.size:
        return np.zeros(0, dtype=np.int64)
    return np.where(parent >= 0, ids[np.clip(parent, 0, ids.size - 1)], 0)


def _is_flux(name: str) -> bool:
    return name.endswith((_INST, _INST_ERR)) or name in ("sky", "skyErr")


def _public(name: str) -> str:
    """Return ``psfFlux`` for ``psfFlux_instFlux``, ``ap12FluxErr`` for ``ap12_instFluxErr``."""
    for ending, new in ((_INST_ERR, "Err"), (_INST, "")):
        if name.endswith(ending):
            base = name.removesuffix(ending)
            return (base if base.endswith("Flux") else f"{base}Flux") + new
    return name


def positions(measured: Table, wcs: SkyWcs) -> dict[str, Floats]:
    """Return positions on the sky and their errors, degrees; right ascension errors times cos dec.

    The errors are those of x and y through the local derivatives of the WCS.
    """
    x, y = (np.asarray(measured[c], dtype=np.float64) for c in ("x", "y"))
    ra, dec = wcs.pixel_to_sky(x, y)
    sx, sy = (np.asarray(measured[c], dtype=np.float64) for c in ("xErr", "yErr"))
    along = wcs.jacobian(x, y) / 3600.0
    east = np.hypot(along[:, 0, 0] * sx, along[:, 0, 1] * sy)
    north = np.hypot(along[:, 1, 0] * sx, along[:, 1, 1] * sy)
    both = along[:, 0, 0] * along[:, 1, 0] * sx**2 + along[:, 0, 1] * along[:, 1, 1] * sy**2
    return {
        "ra": ra,
        "dec": dec,
        "coord_ra": ra,
        "coord_dec": dec,
        "raErr": east,
        "decErr": north,
        "ra_dec_Cov": both,
    }


def conform(table: Table, name: str = "source") -> Table:
    """Return the table with the types and units that the product's schema states."""
    known = product(name)
    kinds = {"string": "str", "timestamp": "datetime64[us]"}
    for column in table.colnames:
        # The other spelling of a column has its type and unit.
        described = known.columns.get(known.canonical(column))
        if described is None:
            continue
        kind = kinds.get(described.dtype, described.dtype)
        table[column] = np.asarray(table[column]).astype(kind)
        if described.unit:
            table[column].unit = u.Unit(described.unit)
    return table
