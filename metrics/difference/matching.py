"""Detections on difference images and the truth, image by image: what the metrics fold.

Matching is by position, one to one, on one detector of one visit: moving objects are where
they were then. No identifier is trusted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import Table
from skyassay.metrics.detection.truth import mutual_nearest
from skyassay.metrics.processing.images import image_key
from skyassay.metrics.states import row_sample
from skyassay.metrics.states.row_sample import RowSample, from_rows
from skyassay.metrics.statistics.sky_grid import unit_vectors
from skyassay.metrics.unit_family import number

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
ARCSEC = np.pi / 180.0 / 3600.0
_TRUE, _FOUND = ("visit", "detector", "truthId"), ("visit", "detector", "diaSourceId")


@dataclass(frozen=True, eq=False)
class Paired:
    """True sources with what was found of them, and detections with what they are.

    Attributes
    ----------
    truth : RowSample
        One row per true source and image; ``found`` tells whether it has a partner.
    found : RowSample
        One row per detection; ``real`` tells whether it has a partner.
    """

    truth: RowSample = field(default_factory=lambda: RowSample(_TRUE))
    found: RowSample = field(default_factory=lambda: RowSample(_FOUND))

    @property
    def counts(self) -> Mapping[str, int]:
        """Return the counts of rows of both tables."""
        return {**self.truth.counts, **self.found.counts}

    def to_bytes(self) -> bytes:
        """Return canonical bytes."""
        return self.truth.to_bytes() + b"\1" + self.found.to_bytes()


def merge(a: Paired, b: Paired) -> Paired:
    """Return the images of both parts."""
    return Paired(row_sample.merge(a.truth, b.truth), row_sample.merge(a.found, b.found))


def partners(found: Table, truth: Table, radius: float) -> Ints:
    """Return for each detection the row of the true source that is its partner, or -1.

    Parameters
    ----------
    found, truth : mapping
        ``visit``, ``detector``, ``ra``, ``dec`` (deg); rows without a place have no partner.
    radius : float
        Arcsec.
    """
    keys = [image_key(t) for t in (found, truth)]
    _, number_of = np.unique(np.concatenate(keys), return_inverse=True)
    image = np.split(number_of.ravel(), [len(keys[0])])
    usable = [np.isfinite(number(t, "ra")) & np.isfinite(number(t, "dec")) for t in (found, truth)]
    rows = [np.flatnonzero(u) for u in usable]
    # The image is a fourth dimension, in which no two images are near each other.
    places = [
        np.column_stack([unit_vectors(number(t, "ra")[r], number(t, "dec")[r]), i[r]])
        for t, r, i in zip((found, truth), rows, image, strict=True)
    ]
    pair = np.full(len(keys[0]), -1, dtype=np.int64)
    near = mutual_nearest(places[0], places[1], 2.0 * np.sin(radius * ARCSEC / 2.0))
    hit = near >= 0
    pair[rows[0][hit]] = rows[1][near[hit]]
    return pair


def significant(table: Table) -> Floats:
    """Return the absolute S/N of each row; NaN where it has none."""
    return np.abs(number(table, "snr"))


def reliability(table: Table) -> Floats:
    """Return the score of each detection; -1, below every cut, where it has none."""
    score = number(table, "reliability")
    return np.where(np.isfinite(score), score, -1.0)


def partner_column(values: Floats, pair: Ints, size: int, blank: float = np.nan) -> Floats:
    """Return a column of detections for their partners, `blank` for those without one."""
    found = np.full(size, blank)
    hit = pair >= 0
    found[pair[hit]] = values[hit]
    return found


def true_rows(table: Table, use: Bools, extra: Mapping[str, NDArray[Any]], what: str) -> RowSample:
    """Return the rows of true sources that count."""
    return _rows(_TRUE, table, use, extra, what)


def found_rows(table: Table, use: Bools, extra: Mapping[str, NDArray[Any]], what: str) -> RowSample:
    """Return the rows of detections that count."""
    return _rows(_FOUND, table, use, extra, what)


def _rows(
    key: Sequence[str],
    table: Table,
    use: Bools,
    extra: Mapping[str, NDArray[Any]],
    what: str,
) -> RowSample:
    counts = {f"{what}_rows": len(use), f"{what}_used": int(use.sum())}
    if not use.any():
        return replace(RowSample(tuple(key)), counts=counts)
    columns = {n: np.asarray(table[n]).astype(np.int64)[use] for n in key}
    columns |= {n: np.asarray(c)[use] for n, c in extra.items()}
    return from_rows(key, columns, counts)
