"""Zero points of all visits together, from the stars that they share."""

from __future__ import annotations

from typing import Any

import numpy as np
from astropy.table import Table, vstack
from numpy.typing import NDArray

from skyassay.pipeline.photocal.selfcal import SelfCalibration, self_calibrate
from skyassay.pipeline.products.errors import ProductError

#: AB magnitude of 1 nJy.
NJY_ZERO = 31.4
COLUMNS = (
    "visit",
    "detector",
    "zeroPoint",
    "zeroPointErr",
    "nStar",
    "nClipped",
    "scatter",
    "status",
)
#: A zero point with one of these is used in place of the first one.
CALIBRATED = "calibrated"


def with_stars(sources: Table, association: Table) -> Table:
    """Return the sources of isolated stars with their ``isolated_star_id``.

    Raises
    ------
    ProductError
        ``broken_association`` where the association names a source that is not there.
    """
    order = np.argsort(np.asarray(sources["sourceId"]))
    ids = np.asarray(sources["sourceId"])[order]
    wanted = np.asarray(association["sourceId"])
    place = np.minimum(np.searchsorted(ids, wanted), max(len(ids) - 1, 0))
    if len(wanted) and (not len(ids) or np.any(ids[place] != wanted)):
        raise ProductError(
            "The association of isolated stars names sources that the visits do not have.",
            code="broken_association",
            hint="Run associateIsolatedStar again on the same visits.",
        )
    found = sources[order[place]] if len(wanted) else sources[:0]
    found["isolated_star_id"] = np.asarray(association["isolated_star_id"])
    return found


def self_calibrated(stars: Table, summaries: Table) -> Table:
    """Return final zero points by visit and detector, band by band.

    Parameters
    ----------
    stars : Table
        As `with_stars` makes it: ``isolated_star_id``, ``visit``, ``detector``, ``band``,
        ``psfFlux``, ``psfFluxErr`` (nJy with the first zero points).
    summaries : Table
        ``visit``, ``detector``, ``band``, ``zeroPoint``, ``zeroPointErr`` of every image.

    Returns
    -------
    Table
        `COLUMNS` and ``band``; sorted by visit and detector.
    """
    parts = []
    for band in np.unique(np.asarray(summaries["band"]).astype(str)):
        mine = summaries[np.asarray(summaries["band"]).astype(str) == band]
        rows = stars[np.asarray(stars["band"]).astype(str) == band]
        parts.append(_of_band(rows, mine, str(band)))
    table = vstack(parts, metadata_conflicts="silent")
    table.sort(["visit", "detector"])
    return table


def _of_band(stars: Table, images: Table, band: str) -> Table:
    zero = _zero_point(stars, images)
    unit = 10.0 ** (0.4 * (NJY_ZERO - zero))
    anchors = {c: np.asarray(images[c]) for c in COLUMNS[:4]}
    found: SelfCalibration = self_calibrate(
        np.asarray(stars["isolated_star_id"]),
        np.asarray(stars["visit"]),
        np.asarray(stars["detector"]),
        np.asarray(stars["psfFlux"]) / unit,
        np.asarray(stars["psfFluxErr"]) / unit,
        anchors,
    )
    table = Table({name: found.zero_points[name] for name in COLUMNS})
    table["band"] = np.full(len(table), band)
    return table


def _zero_point(stars: Table, images: Table) -> NDArray[np.float64]:
    """Return the first zero point of each row's image."""
    known = {
        (int(v), int(d)): float(z)
        for v, d, z in zip(images["visit"], images["detector"], images["zeroPoint"], strict=True)
    }
    keys = zip(stars["visit"], stars["detector"], strict=True)
    return np.array([known.get((int(v), int(d)), np.nan) for v, d in keys], dtype=np.float64)


def updated(summary: Table, zero_points: Table) -> tuple[Table, dict[str, Any]]:
    """Return a visit's summary with its final zero points, and what became of them.

    An image without a final zero point keeps its first one.
    """
    final = {
        (int(r["visit"]), int(r["detector"])): r
        for r in zero_points
        if str(r["status"]) == CALIBRATED and np.isfinite(r["zeroPoint"])
    }
    made = summary.copy()
    shift = np.zeros(len(made))
    kept = 0
    for k, row in enumerate(made):
        found = final.get((int(row["visit"]), int(row["detector"])))
        if found is None:
            kept += 1
            continue
        shift[k] = float(found["zeroPoint"]) - float(row["zeroPoint"])
        made["zeroPoint"][k] = found["zeroPoint"]
        made["zeroPointErr"][k] = found["zeroPointErr"]
    made["magLim"] = np.asarray(summary["magLim"]) + shift
    scale = 10.0 ** (shift / 1.25)
    for name in ("effTime", "effTimeZeroPointScale"):
        made[name] = np.asarray(summary[name]) * scale
    for name in ("magLim", "effTime", "effTimeZeroPointScale"):
        made[name].unit = summary[name].unit
    return made, {
        "firstZeroPointKept": kept,
        "largestShift": float(np.max(np.abs(shift), initial=0)),
    }
