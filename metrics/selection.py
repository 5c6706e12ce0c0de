"""Which stars a recipe takes: cuts on rows, then cuts on whole objects.

The cuts are data (a recipe's ``selection`` mapping), never code: a change changes the
recipe's hash and so the identity of the measurement.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import Column, Table
from skyassay.metrics.states.star_sample import BandStars, StarSample, sorted_band

Handling = Literal["drop_row", "reject_object", "ignore"]
FLAGS = ("pixelFlags_saturated", "pixelFlags_cr", "pixelFlags_bad", "pixelFlags_edge")
#: From here on the compiled way pays, loading the compiler included.
COMPILED_ROWS = 2**18
#: Zero point of nJy: m = 31.4 - 2.5 log10 f (AB).
NJY_ZERO_POINT = 31.4

COLUMNS: tuple[Column, ...] = (
    Column("objectId"),
    Column("visit"),
    Column("band"),
    Column("coord_ra", "deg"),
    Column("coord_dec", "deg"),
    Column("psfFlux", "nJy"),
    Column("psfFluxErr", "nJy"),
    Column("extendedness"),
    Column("detect_isPrimary", optional=True),
    *(Column(name, optional=True) for name in FLAGS),
)


@dataclass(frozen=True)
class Selection:
    """The cuts of a recipe.

    Attributes
    ----------
    mag : mapping
        Band (or ``*``) -> [low, high) of the object's mean magnitude, AB.
    snr : tuple
        [low, high) of the object's median signal to noise.
    row_snr_min : float
        Rows below are dropped one by one before anything else; 0 keeps all.
        (A cut on single rows biases the scatter of faint stars low.)
    extendedness_max : float
        Objects whose `extendedness_statistic` is not below are refused.
    unusable : str
        What an unusable row (no finite flux, error, position) does to its object.
    flags : str
        What a flagged or non-primary row does to its object.
    min_visits : int
    """

    mag: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    snr: tuple[float, float] = (0.0, float("inf"))
    row_snr_min: float = 0.0
    extendedness_max: float = 0.5
    extendedness_statistic: Literal["max", "median"] = "max"
    unusable: Handling = "drop_row"
    flags: Handling = "drop_row"
    min_visits: int = 2

    @classmethod
    def from_recipe(cls, cuts: Mapping[str, Any]) -> Selection:
        """Build the cuts from a recipe's ``selection`` mapping."""
        values = dict(cuts)
        values["mag"] = {k: (float(v[0]), float(v[1])) for k, v in cuts.get("mag", {}).items()}
        low, high = cuts.get("snr", (0.0, None))
        values["snr"] = (float(low), float("inf") if high is None else float(high))
        return cls(**values)

    def apply(self, table: Table) -> StarSample:
        """Return the selected stars of one partition; an empty one gives no bands."""
        if not len(table["objectId"]):
            return StarSample()
        if len(table["objectId"]) >= COMPILED_ROWS:
            from skyassay.metrics.selection_compiled import select_stars

            found = select_stars(self, table)
            if found is not None:
                return found
        return self.apply_numpy(table)

    def apply_numpy(self, table: Table) -> StarSample:
        """Return the same by numpy alone: any order of rows, several rows of one visit."""
        rows = _Rows.read(table, self)
        bands = {
            str(name): sorted_band(self._band(rows, str(name)), StarSample().row_bound)
            for name in np.unique(rows.band)
        }
        return StarSample(bands)

    def _band(self, rows: _Rows, name: str) -> BandStars:
        index = np.flatnonzero((rows.band == name) & rows.wanted)
        index = index[rows.order(index)]
        index = index[_first_of_visit(rows.star[index], rows.visit[index])]
        if not len(index):
            return _empty(rows.refused_objects(name))
        starts = np.flatnonzero(np.r_[True, np.diff(rows.star[index]) != 0])
        refusal = self._refusals(rows, index, starts, name)
        keep = np.repeat(refusal == "", np.diff(np.r_[starts, len(index)]))
        kept = index[keep]
        reasons, counts = np.unique(refusal[refusal != ""], return_counts=True)
        rejected = {str(r): int(c) for r, c in zip(reasons, counts, strict=True)}
        for reason, count in rows.refused_objects(name).items():
            rejected[reason] = rejected.get(reason, 0) + count
        return BandStars(
            rows.star[kept],
            rows.visit[kept],
            rows.mag[kept],
            rows.ra[kept],
            rows.dec[kept],
            int((refusal == "").sum()),
            dict(sorted(rejected.items())),
        )

    def _refusals(
        self, rows: _Rows, index: NDArray[np.intp], starts: NDArray[np.intp], name: str
    ) -> NDArray[np.str_]:
        """Return, per object, the first reason to refuse it, or an empty string."""
        count = np.diff(np.r_[starts, len(index)])
        refusal = np.full(len(starts), "", dtype="U20")

        def refuse(where: NDArray[np.bool_], reason: str) -> None:
            refusal[where & (refusal == "")] = reason

        refuse(np.logical_or.reduceat(rows.condemned[index], starts), "flagged_or_unusable")
        refuse(count < self.min_visits, "too_few_visits")
        extendedness = rows.extendedness[index]
        statistic = (
            np.maximum.reduceat(extendedness, starts)
            if self.extendedness_statistic == "max"
            else _group_median(extendedness, starts)
        )
        refuse(~np.isfinite(statistic), "no_extendedness")
        refuse(~(statistic < self.extendedness_max), "extended")
        snr = _group_median(rows.snr[index], starts)
        refuse(~((snr >= self.snr[0]) & (snr < self.snr[1])), "signal_to_noise")
        low, high = self.mag.get(name, self.mag.get("*", (-np.inf, np.inf)))
        mag = np.add.reduceat(rows.mag[index], starts) / count
        refuse(~((mag >= low) & (mag < high)), "magnitude")
        return refusal


@dataclass(frozen=True)
class _Rows:
    """The columns of one partition with the row cuts applied as masks."""

    star: NDArray[np.int64]
    visit: NDArray[np.int64]
    band: NDArray[Any]
    mag: NDArray[np.float64]
    snr: NDArray[np.float64]
    ra: NDArray[np.float64]
    dec: NDArray[np.float64]
    extendedness: NDArray[np.float64]
    wanted: NDArray[np.bool_]
    condemned: NDArray[np.bool_]

    @classmethod
    def read(cls, table: Table, cuts: Selection) -> _Rows:
        flux = np.asarray(table["psfFlux"], dtype=np.float64)
        error = np.asarray(table["psfFluxErr"], dtype=np.float64)
        ra = np.radians(np.asarray(table["coord_ra"], dtype=np.float64))
        dec = np.radians(np.asarray(table["coord_dec"], dtype=np.float64))
        usable = np.isfinite(flux) & (flux > 0) & np.isfinite(ra) & np.isfinite(dec)
        usable &= np.isfinite(error) & (error > 0)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            mag = np.where(
                usable, NJY_ZERO_POINT - 2.5 * np.log10(np.where(usable, flux, 1.0)), np.nan
            )
            snr = np.where(usable, flux / np.where(usable, error, 1.0), np.nan)
        # a maximum would hide -inf
        extendedness = np.asarray(table["extendedness"], dtype=np.float64)
        flagged = flagged_rows(table)
        wanted = np.ones(len(flux), dtype=bool)
        condemned = np.zeros(len(flux), dtype=bool)
        for bad, handling in ((~usable, cuts.unusable), (flagged, cuts.flags)):
            if handling == "drop_row":
                wanted &= ~bad
            elif handling == "reject_object":
                condemned |= bad
        if cuts.row_snr_min > 0:
            wanted &= ~(snr <= cuts.row_snr_min)
        return cls(
            np.asarray(table["objectId"]).astype(np.int64),
            np.asarray(table["visit"]).astype(np.int64),
            np.asarray(table["band"]).astype(str),
            mag,
            snr,
            ra,
            dec,
            np.where(np.isfinite(extendedness), extendedness, np.nan),
            wanted,
            condemned,
        )

    def order(self, index: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the order by star and visit.

        Everything that is read breaks ties, so that which of two rows of one star and visit
        stays does not depend on the input; the row that condemns its object comes first.
        """
        ties = (self.extendedness, self.snr, self.dec, self.ra, self.mag, ~self.condemned)
        keys = (*ties, self.visit, self.star)
        return np.asarray(np.lexsort(tuple(key[index] for key in keys)))

    def refused_objects(self, name: str) -> dict[str, int]:
        """Return how many objects of the band lost every row before the object cuts."""
        here = self.band == name
        lost = np.setdiff1d(self.star[here], self.star[here & self.wanted]).size
        return {"no_usable_row": int(lost)} if lost else {}


def flagged_rows(table: Table) -> NDArray[np.bool_]:
    """Return which rows have a flag that speaks against them, or are not primary."""
    flagged = np.zeros(len(table["objectId"]), dtype=bool)
    for name in FLAGS:
        if name in table:
            flagged |= np.asarray(table[name]).astype(bool)
    if "detect_isPrimary" in table:
        flagged |= ~np.asarray(table["detect_isPrimary"]).astype(bool)
    return flagged


def _first_of_visit(star: NDArray[np.int64], visit: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which rows are the first of their (object, visit): one star, one visit, one row."""
    return np.asarray(np.r_[True, (np.diff(star) != 0) | (np.diff(visit) != 0)][: len(star)])


def _group_median(values: NDArray[np.float64], starts: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the median of each group of consecutive values; NaN when one is NaN."""
    count = np.diff(np.r_[starts, len(values)])
    group = np.repeat(np.arange(len(starts)), count)
    ordered = values[np.lexsort((values, group))]
    low = ordered[starts + (count - 1) // 2]
    high = ordered[starts + count // 2]
    median = 0.5 * (low + high)
    median[np.isnan(np.add.reduceat(values, starts))] = np.nan
    return np.asarray(median)


def _empty(rejected: Mapping[str, int]) -> BandStars:
    none_i, none_f = np.empty(0, dtype=np.int64), np.empty(0)
    return BandStars(none_i, none_i, none_f, none_f, none_f, 0, dict(rejected))
