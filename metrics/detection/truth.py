"""Detections and truth on one sky: what the metrics fold, and how they match.

Matching is by position, one to one: a detection and a true source are a pair when each is the
nearest of the other, within the recipe's radius. No identifier is trusted, so that it works
for any catalog with a truth table beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import Column, Locality, Recipe, Table, Tables, finite
from skyassay.metrics.plugin import BaseMetric
from skyassay.metrics.states.sky_sample import SkySample, from_rows, merge
from skyassay.metrics.statistics.sky_grid import place, unit_vectors

Floats = NDArray[np.float64]
OBJECT, STARS, GALAXIES = "object", "truth_star", "truth_galaxy"
_WHERE = (Column("objectId"), Column("coord_ra", "deg"), Column("coord_dec", "deg"))


@dataclass(frozen=True)
class Matched:
    """Detections and true sources, paired.

    Attributes
    ----------
    truth, found : mapping
        Columns of true sources and of detections; ``star`` (0 or 1) is a column of truth.
    pair : ndarray of int, shape (n_found,)
        Index of the true source of each detection, -1 for none.
    hit : ndarray of bool, shape (n_truth,)
        Whether a true source was found.
    counted_truth, counted_found : ndarray of bool
        False for those so near the edge of a kept cell that their partner may be missing.
    block_truth, block_found : ndarray of int64
        Patch of sky that shares errors.
    """

    truth: Mapping[str, Floats]
    found: Mapping[str, Floats]
    pair: NDArray[np.int64]
    hit: NDArray[np.bool_]
    counted_truth: NDArray[np.bool_]
    counted_found: NDArray[np.bool_]
    block_truth: NDArray[np.int64]
    block_found: NDArray[np.int64]


@dataclass(frozen=True)
class TruthMetric(BaseMetric):
    """Shared by metrics of a catalog of objects beside the truth.

    Subclasses give `object_columns` and `galaxy_columns`: name in the state -> column.
    """

    locality: ClassVar[Locality] = "row"
    error_units: ClassVar[tuple[str, ...]] = ("sky cell",)
    object_columns: ClassVar[Mapping[str, Column]]
    galaxy_columns: ClassVar[Mapping[str, Column]] = {}

    @property
    def state_key(self) -> str:
        """Return the hash of what is kept: metrics that keep the same share their state."""
        kept = {
            "object": sorted(c.name for c in self.object_columns.values()),
            "galaxy": sorted(c.name for c in self.galaxy_columns.values()),
            "side": self.recipe["cell_deg"],
        }
        return Recipe("sky", kept).hash

    def zero(self) -> SkySample:
        """Return the state of no data."""
        return SkySample(self.recipe["cell_deg"])

    def fold(self, part: Tables) -> SkySample:
        """Return every usable row of one partition, by place on the sky."""
        counts: dict[str, int] = {}
        mag = {"mag": Column("i_mag", "mag")}
        rows = {
            OBJECT: _read(part[OBJECT], OBJECT, self.object_columns, counts),
            STARS: _read(part[STARS], STARS, mag, counts, need=("mag",)),
            GALAXIES: _read(
                part[GALAXIES], GALAXIES, mag | dict(self.galaxy_columns), counts, need=("mag",)
            ),
        }
        return from_rows(self.recipe["cell_deg"], rows, counts)

    def merge(self, a: SkySample, b: SkySample) -> SkySample:
        """Return the rows of both parts."""
        return merge(a, b)

    def match(self, state: SkySample) -> Matched:
        """Return detections paired with true sources."""
        radius, block = self.recipe["radius_arcsec"] / 3600.0, self.recipe["block_deg"]
        names = ("ra", "dec", "mag", *self.galaxy_columns)
        truth = {n: _both(state, n) for n in names}
        number = [len(state.column(p, "ra")) for p in (STARS, GALAXIES)]
        truth["star"] = np.repeat([1.0, 0.0], number)
        found = {n: state.column(OBJECT, n) for n in ("ra", "dec", *self.object_columns)}
        pair = mutual_nearest(
            unit_vectors(found["ra"], found["dec"]),
            unit_vectors(truth["ra"], truth["dec"]),
            2.0 * np.sin(np.radians(radius) / 2.0),
        )
        hit = np.zeros(len(truth["ra"]), dtype=bool)
        hit[pair[pair >= 0]] = True
        sides = [place(t["ra"], t["dec"], self.recipe["cell_deg"]).margin for t in (truth, found)]
        inside = [np.ones(len(s), bool) if state.cut is None else s > 2.0 * radius for s in sides]
        blocks = [place(t["ra"], t["dec"], block).cell for t in (truth, found)]
        return Matched(truth, found, pair, hit, inside[0], inside[1], blocks[0], blocks[1])


def inputs_of(
    objects: Mapping[str, Column], galaxies: Mapping[str, Column] | None = None
) -> dict[str, tuple[Column, ...]]:
    """Return the products and columns that a metric of truth reads."""
    mag = Column("i_mag", "mag")
    return {
        OBJECT: (*_WHERE, *objects.values()),
        STARS: (*_WHERE, mag),
        GALAXIES: (*_WHERE, mag, *(galaxies or {}).values()),
    }


def mutual_nearest(a: Floats, b: Floats, chord: float) -> NDArray[np.int64]:
    """Return, for each row of `a`, the row of `b` that is its partner, or -1.

    Parameters
    ----------
    a, b : ndarray, shape (n, 3), (m, 3)
        Unit vectors.
    chord : float
        Largest distance of a pair, as a chord of the unit sphere.
    """
    from scipy.spatial import cKDTree

    pair = np.full(len(a), -1, dtype=np.int64)
    if not (len(a) and len(b)):
        return pair
    forth = np.asarray(cKDTree(b).query(a, distance_upper_bound=chord)[1])
    back = np.asarray(cKDTree(a).query(b, distance_upper_bound=chord)[1])
    near = np.flatnonzero(forth < len(b))
    mutual = near[back[forth[near]] == near]
    pair[mutual] = forth[mutual]
    return pair


def _read(
    table: Table,
    product: str,
    columns: Mapping[str, Column],
    counts: dict[str, int],
    need: tuple[str, ...] = (),
) -> dict[str, NDArray[Any]]:
    """Return the rows with a place on the sky, and count the others."""
    ids = np.asarray(table["objectId"])
    ra, dec = (np.asarray(table[n], dtype=np.float64) for n in ("coord_ra", "coord_dec"))
    rows: dict[str, NDArray[Any]] = {"id": ids, "ra": ra, "dec": dec}
    for name, column in columns.items():
        absent = column.optional and column.name not in table
        value = np.full(len(ids), np.nan) if absent else np.asarray(table[column.name])
        rows[name] = value.astype(np.float64)
    good = finite(ra) & finite(dec)
    for name in need:
        good &= finite(rows[name])
    counts[f"{product}_rows"] = len(ids)
    counts[f"{product}_unusable"] = int((~good).sum())
    return {n: c[good] for n, c in rows.items()}


def _both(state: SkySample, name: str) -> Floats:
    """Return a column of stars and galaxies; NaN where stars have none."""
    galaxies = state.column(GALAXIES, name)
    table = state.tables.get(STARS)
    stars = np.empty(0) if table is None else table.get(name, np.full(len(table["ra"]), np.nan))
    return np.concatenate([stars, galaxies])
