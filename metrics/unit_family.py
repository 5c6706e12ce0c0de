"""What metrics of visits and detectors have in common: rows in, one form of result out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import Bindings, Locality, Measurement, Table, Tables
from skyassay.metrics.plugin import BaseMetric, NotMeasured, Value
from skyassay.metrics.states.unit_rows import UnitRows, from_columns, merge

#: Rows of evidence kept per band.
EVIDENCE_ROWS = 4_000
#: A magnitude or a size in arcsec beyond this is none.
ABSURD = 100.0
#: No visit for so long, in days, means that the sun was up: 7 hours.
DAYLIGHT = 0.3
#: More rows without a number than this share are no measurement: they may be the bad ones.
MOST_MISSING = 0.05
Columns = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Absent:
    """Why there is no value at one bound parameter, where others have one."""

    why: NotMeasured
    at: Mapping[str, float]


@dataclass(frozen=True)
class UnitMetric(BaseMetric):
    """A metric whose state keeps one row per visit, or per visit and detector.

    Subclasses give `rows` (what a partition is reduced to), `values` and `key`. The columns
    ``band`` and ``mjd`` are always there; what a night's visits share is told by `nights`.
    """

    locality: ClassVar[Locality] = "visit"
    error_units: ClassVar[tuple[str, ...]] = ("night",)
    key: ClassVar[tuple[str, ...]] = ("visit",)
    #: Bands that are asked for; empty for all.
    bands: ClassVar[tuple[str, ...]] = ()

    def rows(self, part: Tables) -> tuple[Columns, NDArray[np.bool_]]:
        """Return the columns of every row of a partition, and which rows are usable."""
        raise NotImplementedError

    def due(self, columns: Columns) -> NDArray[np.bool_]:
        """Return which rows should have a number: all, unless a metric knows better."""
        return np.ones(len(columns["band"]), dtype=bool)

    def values(self, rows: UnitRows, band: str, at: Bindings) -> Sequence[Value | Absent]:
        """Return the values of one band.

        Raises
        ------
        NotMeasured
            With the reason.
        """
        raise NotImplementedError

    def zero(self) -> Any:
        """Return the state of no data."""
        return UnitRows(self.key)

    def fold(self, part: Tables) -> Any:
        """Return the usable rows of one partition."""
        columns, usable = self.rows(part)
        if not len(usable):
            return self.zero()
        names, number = np.unique(columns["band"][~usable].astype(str), return_counts=True)
        counts = {f"unusable_{n}": int(k) for n, k in zip(names, number, strict=True)}
        for what, mine in (("missing", ~usable & self.due(columns)), ("usable", usable)):
            names, number = np.unique(columns["band"][mine].astype(str), return_counts=True)
            counts |= {f"{what}_{n}": int(k) for n, k in zip(names, number, strict=True)}
        return self.state_of({n: c[usable] for n, c in columns.items()}, counts)

    def state_of(self, columns: Columns, counts: Mapping[str, int]) -> Any:
        """Return the state of some rows: all of them, unless a metric keeps a sample."""
        return from_columns(self.key, columns, counts)

    def merge(self, a: Any, b: Any) -> Any:
        """Return the rows of both parts."""
        return merge(a, b)

    def kept(self, state: Any) -> UnitRows:
        """Return the rows of a state."""
        rows: UnitRows = state
        return rows

    def finish(self, state: Any, at: Bindings) -> list[Measurement]:
        """Return the measurements of every band that has a row; none when there was no row."""
        state = self.kept(state)
        found: list[Measurement] = []
        for band in self._bands(state):
            rows = state.where(state["band"] == band)
            unusable = state.counts.get(f"unusable_{band}", 0)
            try:
                if not len(rows):
                    raise NotMeasured(
                        "no_usable_row", f"{unusable} rows, none with all numbers that are needed."
                    )
                _refuse_holes(state.counts, band)
                values = self.values(rows, band, at)
            except NotMeasured as why:
                found.append(self.not_measured(why, band=band, n=len(rows), n_rejected=unusable))
                continue
            found += [self._result(rows, band, v, unusable) for v in values]
        return found

    def _result(self, rows: UnitRows, band: str, v: Value | Absent, unusable: int) -> Measurement:
        """Return a value, or why there is none at its parameter, as a measurement."""
        if isinstance(v, Value):
            rejected = unusable + max(len(rows) - v.n, 0)
            return self.measured(v, band=band, n_rejected=rejected)
        bare = self.not_measured(v.why, band=band, n=len(rows), n_rejected=unusable)
        return replace(bare, at=dict(v.at), at_units={k: self.at_units[k] for k in v.at})

    def evidence(self, state: Any) -> Mapping[str, Table]:
        """Return per band one row per unit, spread evenly over the rows when there are many."""
        state = self.kept(state)
        found: dict[str, Table] = {}
        for band in self._bands(state):
            rows = state.where(state["band"] == band)
            if not len(rows):
                continue
            try:
                table = self.behind(rows, band)
            except NotMeasured:
                continue
            found[band] = {n: c[spread(len(c))] for n, c in table.items()}
        return found

    def behind(self, rows: UnitRows, band: str) -> Table:
        """Return the numbers behind the value of one band: ``value`` and where and when."""
        raise NotImplementedError

    def bound(self, parameter: str, band: str, at: Bindings) -> tuple[float, ...]:
        """Return the values a requirement binds, or the recipe's own."""
        given = at.get(parameter, {}).get(band)
        if given:
            return tuple(sorted(set(given)))
        own = self.recipe[parameter]
        return tuple(float(v) for v in (own if isinstance(own, list) else [own]))

    def _bands(self, state: UnitRows) -> list[str]:
        there = {str(b) for b in np.unique(state["band"])} if len(state) else set()
        there |= {k.removeprefix("unusable_") for k in state.counts if k.startswith("unusable_")}
        return sorted(there & set(self.bands) if self.bands else there)


def _refuse_holes(counts: Mapping[str, int], band: str) -> None:
    """Refuse a band of which too many rows that should have a number have none.

    Raises
    ------
    NotMeasured
        ``rows_incomplete``.
    """
    missing, usable = (counts.get(f"{what}_{band}", 0) for what in ("missing", "usable"))
    if missing > MOST_MISSING * (missing + usable):
        raise NotMeasured(
            "rows_incomplete",
            f"{missing} of {missing + usable} rows lack a number that is needed; more than "
            f"{MOST_MISSING:.0%} may hide what is bad.",
        )


def spread(n: int) -> NDArray[np.intp]:
    """Return at most `EVIDENCE_ROWS` row numbers, evenly spread."""
    if n <= EVIDENCE_ROWS:
        return np.arange(n)
    return np.linspace(0, n - 1, EVIDENCE_ROWS).astype(np.intp)


def nights(mjd: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the night of each time, numbered from 0: nights are parted by the long gaps.

    Parameters
    ----------
    mjd : ndarray, shape (n,)
        In any order, d.

    Notes
    -----
    A fixed hour of the day would cut nights in two on sites far from its meridian.
    """
    order = np.argsort(mjd, kind="stable")
    label = np.empty(len(mjd), dtype=np.int64)
    label[order] = np.cumsum(np.diff(mjd[order], prepend=mjd[order][:1]) > DAYLIGHT)
    return label


def night_share(values: NDArray[np.float64], label: NDArray[np.int64]) -> float:
    """Return the share of the variance that nights share, by one-way analysis of variance.

    Parameters
    ----------
    values : ndarray, shape (n,)
    label : ndarray of int, shape (n,)
        Night of each value, from 0.
    """
    size = np.bincount(label).astype(np.float64)
    groups, n = len(size), len(values)
    if groups < 2 or n <= groups:
        return 0.0
    mean = np.bincount(label, values) / size
    between = float((size * (mean - values.mean()) ** 2).sum()) / (groups - 1)
    within = float(((values - mean[label]) ** 2).sum()) / (n - groups)
    typical = (n - float((size**2).sum()) / n) / (groups - 1)
    shared = max(between - within, 0.0) / typical
    return shared / (shared + within) if shared + within > 0.0 else 0.0


def number(table: Table, name: str) -> NDArray[np.float64]:
    """Return a column as float64."""
    return np.asarray(table[name], dtype=np.float64)


def all_finite(columns: Columns) -> NDArray[np.bool_]:
    """Return which rows have only finite numbers."""
    good = np.ones(len(next(iter(columns.values()))), dtype=bool)
    for column in columns.values():
        if column.dtype.kind == "f":
            good &= np.isfinite(column)
    return good
