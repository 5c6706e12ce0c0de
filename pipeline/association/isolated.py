"""Isolated stars: the same star in many visits, far from others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.association.errors import AssociationError
from skyassay.pipeline.association.groups import Groups, grouped
from skyassay.pipeline.association.neighbours import friends, pairs
from skyassay.pipeline.astrometry.sphere import angles, direction

Table = Mapping[str, NDArray[Any]]
_NEEDED = (
    "sourceId",
    "visit",
    "detector",
    "band",
    "coord_ra",
    "coord_dec",
    "psfFlux",
    "psfFluxErr",
)


@dataclass(frozen=True)
class IsolationConfig:
    """What an isolated star is.

    Attributes
    ----------
    match_radius : float
        Detections within this distance are the same thing, arcsec.
    isolation_radius : float
        No neighbour of comparable brightness is nearer, arcsec.
    flux_ratio : float
        A neighbour this much fainter, in every band that both are seen in, is not
        comparable.
    min_detections : int
        Fewer are no star.
    min_snr : float
        Smallest mean signal to noise, in the best band.
    max_extendedness : float
        Largest mean, where the column exists.
    stray_share : float
        Something seen in this share of the star's visits or less is an artefact (a cosmic
        ray), not a neighbour.
    """

    match_radius: float = 1.0
    isolation_radius: float = 2.0
    flux_ratio: float = 0.02
    min_detections: int = 2
    min_snr: float = 10.0
    max_extendedness: float = 0.5
    stray_share: float = 0.2


@dataclass(frozen=True)
class IsolatedStars:
    """What `isolated_stars` found.

    Attributes
    ----------
    stars : dict of ndarray
        ``isolated_star_id`` (int64, the smallest ``sourceId`` of its detections), ``ra``,
        ``dec`` (deg, means), ``nsource``, and for each band ``nsource_<band>`` and
        ``<band>_psfFlux`` (mean; NaN without detections). Sorted by id.
    sources : dict of ndarray
        One row per detection: ``isolated_star_id``, ``sourceId``, ``visit``, ``detector``,
        ``band``, and ``row`` in the table given. Sorted by star, visit and source.
    rejected : dict of int
        Groups of detections by the first reason why they are no isolated star.
    """

    stars: dict[str, NDArray[Any]]
    sources: dict[str, NDArray[Any]]
    rejected: dict[str, int]

    def select(self, keep: NDArray[np.bool_]) -> IsolatedStars:
        """Return some stars, as those inside a tract, with their detections."""
        ids = self.stars["isolated_star_id"][keep]
        mine = np.isin(self.sources["isolated_star_id"], ids)
        return IsolatedStars(
            {name: column[keep] for name, column in self.stars.items()},
            {name: column[mine] for name, column in self.sources.items()},
            dict(self.rejected),
        )


def isolated_stars(detections: Table, config: IsolationConfig | None = None) -> IsolatedStars:
    """Associate detections of several visits to isolated stars.

    What is a star depends on neither the order of rows nor on how the sky was cut, as long as
    everything within a few arcsec of it is there; then take the stars inside with `select`.

    Parameters
    ----------
    detections : mapping of ndarray, shape (n,)
        ``sourceId`` (unique), ``visit``, ``detector``, ``band``, ``coord_ra``,
        ``coord_dec`` (deg), ``psfFlux``, ``psfFluxErr``, optionally ``extendedness``.
        Everything that is fit to be a star or its neighbour; without what the flags forbid.
        Rows that are not finite are left out.

    Raises
    ------
    AssociationError
        ``bad_detections``, ``duplicate_source``.
    """
    config = config or IsolationConfig()
    _check(detections)
    part, row = _canonical(detections)
    vectors = direction(part["coord_ra"], part["coord_dec"]).T
    label = friends(vectors, config.match_radius)
    twice = _same_visit(label, part["visit"])
    groups = grouped(part, vectors, label, twice)
    good, rejected = _judge(groups, config)
    kept = np.flatnonzero(good[label] & ~twice)
    ids = groups.first_id[label[kept]]
    order = np.lexsort((part["sourceId"][kept], part["visit"][kept], ids))
    names = ("sourceId", "visit", "detector", "band")
    sources = {"isolated_star_id": ids[order]}
    sources |= {name: part[name][kept][order] for name in names}
    sources["row"] = row[kept][order]
    return IsolatedStars(_stars(groups, good), sources, rejected)


def _check(detections: Table) -> None:
    """Raise what is wrong with the table."""
    missing = [name for name in _NEEDED if name not in detections]
    if missing:
        raise AssociationError(
            f"The detections lack {', '.join(missing)}.",
            code="bad_detections",
            hint="Standardize the source table first.",
        )
    ids = np.asarray(detections["sourceId"])
    if len(np.unique(ids)) != len(ids):
        raise AssociationError(
            f"{len(ids) - len(np.unique(ids))} sourceIds occur twice in the detections.",
            code="duplicate_source",
            hint="Is a visit in the list twice?",
        )


def _canonical(detections: Table) -> tuple[dict[str, NDArray[Any]], NDArray[np.int64]]:
    """Return the finite rows sorted by id, so that sums do not depend on the order."""
    numbers = ("coord_ra", "coord_dec", "psfFlux", "psfFluxErr")
    finite = np.isfinite([np.asarray(detections[name], float) for name in numbers]).all(axis=0)
    ids = np.asarray(detections["sourceId"], np.int64)
    row = np.flatnonzero(finite)
    row = row[np.argsort(ids[row], kind="stable")]
    part = {name: np.asarray(detections[name])[row] for name in _NEEDED}
    if "extendedness" in detections:
        part["extendedness"] = np.asarray(detections["extendedness"], float)[row]
    return part, row.astype(np.int64)


def _same_visit(label: NDArray[np.int64], visit: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which detections share group and visit with another: nobody knows which is it."""
    _, number = np.unique(visit, return_inverse=True)
    key = label * (int(number.max(initial=0)) + 1) + number
    _, index, count = np.unique(key, return_inverse=True, return_counts=True)
    return np.asarray(count[index] > 1, np.bool_)


def _judge(groups: Groups, config: IsolationConfig) -> tuple[NDArray[np.bool_], dict[str, int]]:
    """Return which groups are isolated stars, and how many are not by reason."""
    with np.errstate(invalid="ignore"):
        extended = groups.extendedness > config.max_extendedness
        reasons = {
            "blended": groups.twice_share > config.stray_share,
            "few_detections": groups.n < config.min_detections,
            "faint": ~(groups.snr.max(axis=1, initial=0.0) >= config.min_snr),
            "extended": extended,
            "scattered": groups.extent > config.match_radius,
            "neighbour": _crowded(groups, config),
        }
    good, rejected = np.ones(len(groups.n), np.bool_), {}
    for name, mask in reasons.items():
        rejected[name] = int((good & mask).sum())
        good &= ~mask
    return good, rejected


def _crowded(groups: Groups, config: IsolationConfig) -> NDArray[np.bool_]:
    """Return which groups have a neighbour that matters."""
    crowded = np.zeros(len(groups.n), np.bool_)
    found = pairs(groups.vector, config.isolation_radius)
    for one, other in ((found[:, 0], found[:, 1]), (found[:, 1], found[:, 0])):
        real = groups.seen[other] > config.stray_share * groups.seen[one]
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = groups.flux[other] / groups.flux[one]
        common = np.isfinite(ratio)
        # Without a common band nobody can say that it is faint.
        faint = common.any(axis=1) & (~common | (ratio < config.flux_ratio)).all(axis=1)
        crowded[one[real & ~faint]] = True
    return crowded


def _stars(groups: Groups, good: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
    """Return the table of stars, by id."""
    order = np.flatnonzero(good)
    order = order[np.argsort(groups.first_id[order])]
    ra, dec = angles(groups.vector[order].T)
    stars: dict[str, NDArray[Any]] = {
        "isolated_star_id": groups.first_id[order],
        "ra": ra,
        "dec": dec,
        "nsource": groups.n[order],
    }
    for k, band in enumerate(groups.bands):
        stars[f"nsource_{band}"] = groups.n_band[order, k]
        stars[f"{band}_psfFlux"] = groups.flux[order, k]
    return stars
