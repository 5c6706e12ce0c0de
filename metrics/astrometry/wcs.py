"""Accuracy of the sky coordinates of single CCD images (LSE-61, DMS-REQ-0030)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.astrometry import reference
from skyassay.metrics.astrometry.measured import (
    PRODUCT,
    SOURCE_COLUMNS,
    Compared,
    compare,
    good_rows,
    nothing,
)
from skyassay.metrics.astrometry.motion import directions
from skyassay.metrics.contract import (
    Bindings,
    Column,
    Locality,
    Measurement,
    Recipe,
    Table,
    Tables,
)
from skyassay.metrics.plugin import BaseMetric, NotMeasured, Value
from skyassay.metrics.states.hashing import splitmix64
from skyassay.metrics.states.row_sample import RowSample, from_rows, merge
from skyassay.metrics.statistics.crossed import crossed_quantile, shares
from skyassay.metrics.statistics.sky_grid import place

Floats = NDArray[np.float64]
_KEY = ("visit", "detector", "objectId")
_EVIDENCE_ROWS = 4_000
PARAMETER = "astrometricMinStandards"
#: An image is lost when it has less than this share of the matches that it should have, of at
#: least so many; more than this share of lost images is no measurement.
_LEAST_SHARE, _EXPECTED, _MOST_LOST = 0.25, 10.0, 0.05

SRD = Recipe(
    "srd",
    {
        # Photon noise of 3 mas at most in one star, and 2 mas in the median of three.
        "cuts": {"snr_min": 100.0, "extendedness_max": 0.5},
        "match_radius_arcsec": 1.0,
        "reference_error_max_mas": 5.0,
        "neighbours": 3,
        "places_per_image": 12,
        "quantile": 0.95,
        "cell_deg": 0.7,
        "min_images": 20,
        PARAMETER: 5,
    },
)


@dataclass(frozen=True)
class WcsAccuracy(BaseMetric):
    """Coordinate error that 5 % of the places on CCD images exceed, mas.

    At each reference star of a CCD image the error of the coordinates is the median, east
    and north, of the residuals of the three reference stars nearest to it on that image: the
    smooth field, with the noise of single stars and wrong matches taken out. Its length (not
    one coordinate: the stricter reading) is compared. "Anywhere on a CCD" is read as: at 95 %
    of the places, over all CCD images with at least `astrometricMinStandards` reference
    stars; the worst place is in the diagnostics. Finer structure than the spacing of the
    reference stars is not seen. Source: LSE-61, DMS-REQ-0030.

    Differs from the peers: no peer computes it; visit tables give the mean and standard
    deviation of the match offsets of a detector, star noise included.
    Not measured when: nothing is matched, fewer than 20 CCD images have the stars, all are of
    one visit or of one place on the sky, or more than 5 % of the images are unmatched where
    others of the same sky are not.
    """

    id: ClassVar[str] = "astrometry.wcs.accuracy"
    unit: ClassVar[str] = "mas"
    title: ClassVar[str] = "Accuracy of the sky coordinates of CCD images"
    requirements: ClassVar[tuple[str, ...]] = ("DMS-REQ-0030/astrometricAccuracy",)
    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": SRD}
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        PRODUCT: (*SOURCE_COLUMNS, Column("detector")),
        reference.PRODUCT: reference.COLUMNS,
    }
    locality: ClassVar[Locality] = "visit"
    error_units: ClassVar[tuple[str, ...]] = ("visit", "sky cell")
    at_units: ClassVar[Mapping[str, str]] = {PARAMETER: ""}

    def zero(self) -> RowSample:
        """Return the state of no data."""
        return RowSample(_KEY)

    def fold(self, part: Tables) -> RowSample:
        """Return the smooth error field at places of every CCD image of the partition."""
        table = part[PRODUCT]
        if not len(table["objectId"]):
            return self.zero()
        stars, _ = reference.frame(part[reference.PRODUCT], self.recipe["reference_error_max_mas"])
        rows, counts = good_rows(table, self.recipe["cuts"])
        rows, lost = _on_a_detector(table, rows)
        counts["rejected_no_detector"] = lost
        try:
            found = compare(table, rows, stars, self.recipe["match_radius_arcsec"])
        except NotMeasured as why:
            return from_rows(_KEY, {}, {f"cannot_{why.reason}": 1})
        counts["rejected_unmatched"] = len(rows) - len(found.row)
        places, empty = self._places(table, found), _unmatched(table, rows, found)
        columns = {n: np.concatenate([places[n], c]) for n, c in empty.items()} if places else empty
        columns["good"] = _good_stars(table, rows, columns)
        return from_rows(_KEY, columns, counts)

    def _places(self, table: Table, found: Compared) -> dict[str, NDArray[Any]]:
        """Return one row per place."""
        columns = _image_columns(table, found.row)
        at = directions(columns["ra"], columns["dec"])[0]
        pieces = [self._field(columns["objectId"], at, found, i) for i in _images(columns)]
        if not pieces:
            return {}
        pick = np.concatenate([place for place, _, _, _ in pieces])
        return {
            **{name: column[pick] for name, column in columns.items()},
            "standards": np.concatenate([np.full(len(p), n) for p, n, _, _ in pieces]),
            "mjd": found.mjd[pick],
            "east": np.concatenate([east for _, _, east, _ in pieces]),
            "north": np.concatenate([north for _, _, _, north in pieces]),
        }

    def _field(
        self, star: NDArray[np.int64], at: Floats, found: Compared, image: NDArray[np.intp]
    ) -> tuple[NDArray[np.intp], int, Floats, Floats]:
        """Return places of one image, its number of standards, and the field there."""
        hashed = splitmix64(star[image])
        places = np.argsort(hashed, kind="stable")[: self.recipe["places_per_image"]]
        k = min(int(self.recipe["neighbours"]), len(image))
        apart = np.square(at[image][places][:, None, :] - at[image][None, :, :]).sum(axis=2)
        near = np.argpartition(apart, k - 1, axis=1)[:, :k]
        east, north = (
            np.median(component[image][near], axis=1) for component in (found.east, found.north)
        )
        return image[places], len(image), east, north

    def merge(self, a: RowSample, b: RowSample) -> RowSample:
        """Return the places of both parts."""
        return merge(a, b)

    def finish(self, state: RowSample, at: Bindings) -> list[Measurement]:
        """Return one measurement per number of reference stars asked for."""
        given = sorted({v for values in at.get(PARAMETER, {}).values() for v in values})
        return [self._at(state, least) for least in given or [float(self.recipe[PARAMETER])]]

    def _at(self, state: RowSample, least: float) -> Measurement:
        enough = state["standards"] >= least
        images = set(zip(state["visit"][enough], state["detector"][enough], strict=True))
        try:
            value = self._value(state, enough, len(images), least)
        except NotMeasured as why:
            return self.not_measured(why, n=int(enough.sum()), diagnostics=dict(state.counts))
        rejected = sum(v for k, v in state.counts.items() if k.startswith("rejected"))
        return self.measured(value, n_rejected=rejected)

    def _value(
        self, state: RowSample, enough: NDArray[np.bool_], images: int, least: float
    ) -> Value:
        if not (state["standards"] > 0).any():
            raise nothing(state.counts)
        _refuse_lost(state, self.recipe["cell_deg"])
        if images < self.recipe["min_images"]:
            raise NotMeasured(
                "too_few_images",
                f"{images} CCD images have {least:g} reference stars; the recipe needs "
                f"{self.recipe['min_images']}.",
            )
        east, north = state["east"][enough], state["north"][enough]
        size = np.hypot(east, north)
        cell = place(state["ra"][enough], state["dec"][enough], self.recipe["cell_deg"]).cell
        labels = {"visit": state["visit"][enough], "sky_cell": cell}
        value, interval = crossed_quantile(size, labels, self.recipe["quantile"])
        units = {name: len(np.unique(label)) for name, label in labels.items()}
        notes = {
            "n_units": min(units.values()),
            "n_visits": units["visit"],
            "n_cells": units["sky_cell"],
            "n_images": images,
            "worst_place": float(size.max()),
            "median_place": float(np.median(size)),
            "sampled": state.sampled,
            **shares(size, labels),
        }
        return Value(value, len(size), interval, {PARAMETER: least}, None, notes)

    def evidence(self, state: RowSample) -> Mapping[str, Table]:
        """Return the size of the error at single places, mas, where and when."""
        rows = np.flatnonzero(state["standards"] > 0)[:_EVIDENCE_ROWS]
        if not len(rows):
            return {}
        names = ("ra", "dec", "mjd", "visit", "detector", "east", "north")
        size = np.hypot(state["east"][rows], state["north"][rows])
        return {"": {"value": size, **{name: state[name][rows] for name in names}}}


def _on_a_detector(table: Table, rows: NDArray[np.intp]) -> tuple[NDArray[np.intp], int]:
    """Return the rows that say which CCD they are on, and how many do not."""
    detector = np.asarray(table["detector"], dtype=np.float64)[rows]
    known = np.isfinite(detector)
    return rows[known], int((~known).sum())


def _image_columns(table: Table, rows: NDArray[np.intp]) -> dict[str, NDArray[Any]]:
    """Return what names an image and a place, of some rows."""
    whole = {n: np.asarray(table[n])[rows].astype(np.int64) for n in _KEY}
    ra, dec = (np.asarray(table[f"coord_{c}"], dtype=np.float64) for c in ("ra", "dec"))
    return {**whole, "ra": ra[rows], "dec": dec[rows]}


def _image_number(*tables: Mapping[str, NDArray[Any]]) -> list[NDArray[np.int64]]:
    """Return for the rows of each table the number of their image, the same in all of them."""
    names = [np.concatenate([np.asarray(t[n]) for t in tables]) for n in ("visit", "detector")]
    visit, detector = (np.unique(one, return_inverse=True)[1].ravel() for one in names)
    number = visit * (int(detector.max(initial=0)) + 1) + detector
    ends = np.cumsum([len(t["visit"]) for t in tables])[:-1]
    return [np.asarray(part, dtype=np.int64) for part in np.split(number, ends)]


def _unmatched(table: Table, rows: NDArray[np.intp], found: Compared) -> dict[str, NDArray[Any]]:
    """Return one row for every image with good stars of which none was matched."""
    all_rows = _image_columns(table, rows)
    image, matched = _image_number(all_rows, _image_columns(table, found.row))
    order = np.lexsort((all_rows["objectId"], image))
    order = order[~np.isin(image[order], matched)]
    first = order[np.unique(image[order], return_index=True)[1]]
    unknown = np.full(len(first), np.nan)
    return {
        **{name: column[first] for name, column in all_rows.items()},
        "standards": np.zeros(len(first), dtype=np.int64),
        **dict.fromkeys(("mjd", "east", "north"), unknown),
    }


def _good_stars(
    table: Table, rows: NDArray[np.intp], columns: Mapping[str, NDArray[Any]]
) -> NDArray[np.int64]:
    """Return for every row of the state the good stars of its image, matched or not."""
    image, mine = _image_number(_image_columns(table, rows), columns)
    size = int(max(image.max(initial=-1), mine.max(initial=-1))) + 1
    return np.asarray(np.bincount(image, minlength=size)[mine], dtype=np.int64)


def _refuse_lost(state: RowSample, cell_deg: float) -> None:
    """Refuse data in which images are unmatched where others of the same sky are not.

    Coordinates that are off by more than the match radius have no residual at all: left out
    in silence, the worst images would make the best value.

    Raises
    ------
    NotMeasured
        ``images_unmatched``.
    """
    first = np.unique(_image_number(state.columns)[0], return_index=True)[1]
    good, standards = state["good"][first], state["standards"][first]
    _, cell = np.unique(
        place(state["ra"][first], state["dec"][first], cell_deg).cell, return_inverse=True
    )
    share = standards / np.maximum(good, 1)
    usual = np.array([np.quantile(share[cell == c], 0.9) for c in range(int(cell.max()) + 1)])
    expected = usual[cell] * good
    known = expected >= _EXPECTED
    lost = known & (standards < _LEAST_SHARE * expected)
    if lost.sum() > _MOST_LOST * known.sum():
        raise NotMeasured(
            "images_unmatched",
            f"{int(lost.sum())} of {int(known.sum())} CCD images have next to no star within the "
            "match radius of a reference star, where other images of the same sky have many: "
            "their coordinates may be far off.",
        )


def _images(columns: Mapping[str, NDArray[Any]]) -> list[NDArray[np.intp]]:
    """Return the rows of each CCD image, in an order that does not depend on the input's."""
    visit, detector = columns["visit"], columns["detector"]
    order = np.lexsort((columns["objectId"], detector, visit))
    if not len(order):
        return []
    new = (np.diff(visit[order]) != 0) | (np.diff(detector[order]) != 0)
    return np.split(order, np.flatnonzero(new) + 1)
