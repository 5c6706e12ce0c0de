"""Detections as the linking needs them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.instrument.site import Site
from skyassay.pipeline.linking.errors import LinkingError
from skyassay.pipeline.orbits.fit import Ints, Positions
from skyassay.pipeline.orbits.kepler import Floats

COLUMNS = (
    "diaSourceId",
    "midpointMjdTai",
    "ra",
    "dec",
    "raErr",
    "decErr",
    "psfFlux",
    "psfFluxErr",
)
#: Quoted errors smaller than this, arcsec, leave out what the WCS does.
_LEAST = 0.01


@dataclass(frozen=True)
class Detections:
    """Detections in the order of time.

    Attributes
    ----------
    id : array of int, shape (n,)
    positions : Positions
    night : array of int, shape (n,)
        MJD of the evening, changing at noon of UTC.
    flux, flux_error : array, shape (n,)
        nJy.
    band : array of str, shape (n,)
        ``r`` where the table has none.
    """

    id: Ints
    positions: Positions
    night: Ints
    flux: Floats
    flux_error: Floats
    band: NDArray[np.str_]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.id)


def read(dia_source: Any, site: Site) -> Detections:
    """Return the detections of a table or of a mapping of columns.

    Raises
    ------
    LinkingError
        ``missing_columns``, or ``bad_positions`` where a value is not finite.
    """
    names = getattr(dia_source, "colnames", None) or list(dia_source)
    missing = [c for c in COLUMNS if c not in names]
    if missing:
        raise LinkingError(
            f"The detections lack {', '.join(missing)}.",
            code="missing_columns",
            hint="Give the columns of dia_source.",
            exit_code=4,
        )
    value = {c: np.asarray(dia_source[c], dtype=np.float64) for c in COLUMNS[1:]}
    bad = ~np.logical_and.reduce([np.isfinite(v) for v in value.values()])
    if bad.any():
        raise LinkingError(
            f"{int(bad.sum())} detections have no finite place, time, flux or error.",
            code="bad_positions",
            hint="Leave out detections that are flagged.",
        )
    order = np.lexsort((np.asarray(dia_source["diaSourceId"]), value["midpointMjdTai"]))
    v = {k: a[order] for k, a in value.items()}
    # raErr is an error on the sky, as decErr is.
    sigma = np.sqrt(0.5 * (v["raErr"] ** 2 + v["decErr"] ** 2)) * 3600.0
    band = (
        np.asarray(dia_source["band"]).astype(str) if "band" in names else np.full(len(order), "r")
    )
    return Detections(
        np.asarray(dia_source["diaSourceId"]).astype(np.int64)[order],
        Positions.of(v["midpointMjdTai"], v["ra"], v["dec"], np.maximum(sigma, _LEAST), site),
        np.floor(v["midpointMjdTai"] - 0.5).astype(np.int64),
        v["psfFlux"],
        v["psfFluxErr"],
        band[order],
    )
