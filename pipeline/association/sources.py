"""Recalibrated sources of isolated stars: the product `matched_source`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.association.errors import AssociationError
from skyassay.pipeline.association.neighbours import nearest
from skyassay.pipeline.astrometry.sphere import direction

Table = Mapping[str, NDArray[Any]]
_NEEDED = ("sourceId", "visit", "detector", "band", "coord_ra", "coord_dec")


def matched_sources(source: Table, stars: Table, radius: float = 1.0) -> dict[str, NDArray[Any]]:
    """Return the rows of `source` that are isolated stars, with the star's id.

    Association is by place, not by ``sourceId``: recalibrated images are measured anew. A
    star has at most one row per visit, the nearest; a row has one star, the nearest.

    Parameters
    ----------
    source : mapping of ndarray, shape (n,)
        ``sourceId``, ``visit``, ``detector``, ``band``, ``coord_ra``, ``coord_dec`` and
        whatever else: all columns are kept.
    stars : mapping of ndarray, shape (m,)
        ``isolated_star_id``, ``ra``, ``dec`` of `isolated_stars`.
    radius : float
        Arcsec.

    Returns
    -------
    dict of ndarray
        ``objectId`` (the isolated star's id) and all columns, sorted by objectId, visit and
        sourceId. Neither depends on the order of the rows given.

    Raises
    ------
    AssociationError
        ``bad_detections``.
    """
    missing = [name for name in _NEEDED if name not in source]
    if missing:
        raise AssociationError(
            f"The source table lacks {', '.join(missing)}.",
            code="bad_detections",
            hint="Standardize the source table first.",
        )
    ra, dec = (np.asarray(source[name], float) for name in ("coord_ra", "coord_dec"))
    here = np.flatnonzero(np.isfinite(ra) & np.isfinite(dec))
    star, distance = nearest(
        direction(ra[here], dec[here]).T, direction(stars["ra"], stars["dec"]).T, radius
    )
    found = np.isfinite(distance)
    row, distance = here[found], distance[found]
    ids = np.asarray(stars["isolated_star_id"], np.int64)[star[found]]
    visit, source_id = np.asarray(source["visit"])[row], np.asarray(source["sourceId"])[row]
    order = np.lexsort((source_id, distance, visit, ids))
    ids, visit, row = ids[order], visit[order], row[order]
    first = np.ones(len(row), np.bool_)
    first[1:] = (ids[1:] != ids[:-1]) | (visit[1:] != visit[:-1])
    rows = row[first]
    matched: dict[str, NDArray[Any]] = {"objectId": ids[first]}
    return matched | {
        name: np.asarray(column)[rows] for name, column in source.items() if name != "objectId"
    }
