"""Widths of the stellar locus: colours that stars must have, whatever the zero points are.

Not a requirement: a diagnostic of the colours that needs no truth and no repeats.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

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
from skyassay.metrics.selection import NJY_ZERO_POINT
from skyassay.metrics.states.row_sample import RowSample, from_rows, merge
from skyassay.metrics.statistics import locus
from skyassay.metrics.statistics.locus import Line

Floats = NDArray[np.float64]
OBJECT = "object"
BANDS = ("g", "r", "i", "z")
POGSON = 2.5 / np.log(10.0)
_EVIDENCE_ROWS = 4_000
#: Boxes and first lines in the published tool: x and y ranges, slope, intercept.
_W = {"x": ["g", "r"], "y": ["r", "i"], "box": [[0.28, 1.0], [0.02, 0.48]], "line": [0.483, -0.042]}
_X = {"x": ["g", "r"], "y": ["r", "i"], "box": [[1.05, 1.55], [0.78, 1.62]], "line": [60.0, -75.0]}
_Y = {"x": ["r", "i"], "y": ["i", "z"], "box": [[0.82, 2.01], [0.37, 0.90]], "line": [0.385, 0.064]}
_CLEAN: dict[str, Any] = {
    "snr_min": 300.0, "faint": 22.5, "bright": None, "extendedness_max": 0.5, "extinction": None
}  # fmt: skip
_FIT = {"fit": "orthogonal", "clip": [3.5, 5.0], "min_stars": 7}


def _recipes(colours: dict[str, Any], faint_band: str) -> dict[str, Recipe]:
    """Return our recipe and the published one of a locus."""
    cuts = {**_CLEAN, "faint_band": faint_band}
    return {
        name: Recipe(name, {"stars": cuts, **colours, **_FIT, "statistic": statistic})
        for name, statistic in (
            ("srd", "sigma from the median absolute deviation, quoted noise removed"),
            ("analysis_tools", "sigma from the median absolute deviation"),
        )
    }


_FARO_W = Recipe(
    "faro",
    {
        "stars": {
            "snr_min": 0.0, "faint": 23.0, "bright": 17.0, "faint_band": "r",
            "extendedness_max": 0.5, "extinction": {"g": 3.240, "r": 2.276, "i": 1.633},
        },
        "x": ["g", "r"], "y": ["r", "i"], "box": [[0.3, 1.1], [-1.0, 1.0]],
        "fit": "regression", "along": [-0.2, 0.6], "origin": 0.3, "clip": [3.0], "min_stars": 3,
        "statistic": "root mean square",
    },
)  # fmt: skip


@dataclass(frozen=True)
class _Locus(BaseMetric):
    """Shared by the loci: which stars count, and their colours."""

    unit: ClassVar[str] = "mmag"
    requirements: ClassVar[tuple[str, ...]] = ()
    diagnostic: ClassVar[bool] = True
    locality: ClassVar[Locality] = "object"
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        OBJECT: (
            Column("objectId"),
            *(Column(f"{b}_{n}", "nJy") for b in BANDS for n in ("psfFlux", "psfFluxErr")),
            *(Column(f"{b}_extendedness", optional=True) for b in BANDS),
            Column("refExtendedness", optional=True),
            Column("ebv", "mag", optional=True),
            *(
                Column(f"{b}_{n}", optional=True)
                for b in BANDS
                for n in ("psfFlux_flag", "pixelFlags_saturatedCenter")
            ),
        )
    }

    @property
    def state_key(self) -> str:
        """Return the hash of the cuts and colours: recipes that cut alike share a state."""
        return Recipe("locus", {k: self.recipe[k] for k in ("stars", "x", "y", "box")}).hash

    def zero(self) -> RowSample:
        """Return the state of no data."""
        return RowSample(("objectId",))

    def fold(self, part: Tables) -> RowSample:
        """Return the stars of one partition that may lie on the locus: colours and noise."""
        table = part[OBJECT]
        cuts, bands = self.recipe["stars"], [*self.recipe["x"], *self.recipe["y"]]
        good, mags, noise = _photometry(table, cuts, tuple(dict.fromkeys(bands)))
        x = mags[bands[0]] - mags[bands[1]]
        y = mags[bands[2]] - mags[bands[3]]
        (x0, x1), (y0, y1) = self.recipe["box"]
        # Beyond the box by a margin: what is fitted in the box is judged a little outside too.
        good &= (x > x0 - 0.6) & (x < x1 + 0.6) & (y > y0 - 0.6) & (y < y1 + 0.6)
        columns = {
            "objectId": np.asarray(table["objectId"]).astype(np.int64)[good],
            "x": x[good],
            "y": y[good],
            **{f"{b}_noise": noise[b][good] for b in noise},
        }
        return from_rows(("objectId",), columns, {"rows": len(good)})

    def merge(self, a: RowSample, b: RowSample) -> RowSample:
        """Return the stars of both parts."""
        return merge(a, b)

    def finish(self, state: RowSample, at: Bindings) -> list[Measurement]:
        """Return the width; nothing when there was no row at all."""
        if not state.counts.get("rows"):
            return []
        try:
            line, keep = self._fitted(state)
            d = line.distance(state["x"][keep], state["y"][keep])
            value = self._width(state, line, keep, d)
        except NotMeasured as why:
            return [self.not_measured(why, n_rejected=state.counts["rows"])]
        notes = {
            "n_units": int(keep.sum()),
            "slope": line.slope,
            "median": 1e3 * float(np.median(d)),
            "sampled": state.sampled,
        }
        found = Value(value, int(keep.sum()), diagnostics=notes)
        return [self.measured(found, n_rejected=state.counts["rows"] - int(keep.sum()))]

    def evidence(self, state: RowSample) -> Mapping[str, Table]:
        """Return the distances of stars from the line, mmag, and their colour."""
        try:
            line, keep = self._fitted(state)
        except NotMeasured:
            return {}
        x, y = (state[n][keep][:_EVIDENCE_ROWS] for n in ("x", "y"))
        return {"": {"value": 1e3 * line.distance(x, y), "colour": x}}

    def _fitted(self, state: RowSample) -> tuple[Line, NDArray[np.bool_]]:
        """Return the line and the stars that are on the locus."""
        x, y = state["x"], state["y"]
        (x0, x1), (y0, y1) = self.recipe["box"]
        box = (x > x0) & (x < x1) & (y > y0) & (y < y1)
        self._enough(box)
        if self.recipe["fit"] == "regression":
            return self._principal(x, y, box)
        first, second = self.recipe["clip"]
        d = Line(*self.recipe["line"]).distance(x[box], y[box])
        inside = np.flatnonzero(box)[locus.near(d, first)]
        line = locus.orthogonal_line(x[inside], y[inside])
        kept = np.zeros(len(x), dtype=bool)
        kept[np.flatnonzero(box)[locus.near(line.distance(x[box], y[box]), second)]] = True
        self._enough(kept)
        return line, kept

    def _principal(
        self, x: Floats, y: Floats, box: NDArray[np.bool_]
    ) -> tuple[Line, NDArray[np.bool_]]:
        """Return line and stars by principal colours: a line, a clip, the line again, a clip."""
        line = locus.regression_line(x[box], y[box])
        fitted = self._clipped(line, x, y) & box
        self._enough(fitted)
        line = locus.regression_line(x[fitted], y[fitted])
        kept = self._clipped(line, x, y)
        self._enough(kept)
        return line, kept

    def _clipped(self, line: Line, x: Floats, y: Floats) -> NDArray[np.bool_]:
        """Return the stars that lie along the line's part and near it."""
        low, high = self.recipe["along"]
        along = line.along(x, y, self.recipe["origin"])
        part = (along > low) & (along < high)
        self._enough(part)
        d = line.distance(x, y)
        limit = self.recipe["clip"][0] * locus.iqr_sigma(d[part])
        return np.asarray(part & (np.abs(d - np.median(d[part])) < limit))

    def _width(self, state: RowSample, line: Line, keep: NDArray[np.bool_], d: Floats) -> float:
        if self.recipe.name == "faro":
            return 1e3 * float(np.sqrt(np.mean(d**2)))
        sigma = locus.mad_sigma(d)
        if not sigma > 1e-5:
            raise NotMeasured("no_scatter", "All stars lie on one line: no real stars do.")
        if self.recipe.name != "srd":
            return 1e3 * sigma
        noise = _across(state, self.recipe["x"], self.recipe["y"], line.slope)[keep]
        return 1e3 * float(np.sqrt(max(sigma**2 - float(np.mean(noise)), 0.0)))

    def _enough(self, stars: NDArray[np.bool_]) -> None:
        least, number = self.recipe["min_stars"], int(stars.sum())
        if number < least:
            raise NotMeasured(
                "too_few_stars", f"{number} stars are on the locus; the recipe needs {least}."
            )


def _across(state: RowSample, x: list[str], y: list[str], slope: float) -> Floats:
    """Return the variance across the line from the noise of the bands, mag squared."""
    weight: dict[str, float] = {}
    for band, w in ((x[0], -slope), (x[1], slope), (y[0], 1.0), (y[1], -1.0)):
        weight[band] = weight.get(band, 0.0) + w
    total = sum(w**2 * state[f"{b}_noise"] ** 2 for b, w in weight.items())
    return np.asarray(total / (1.0 + slope**2))


def _photometry(
    table: Table, cuts: Mapping[str, Any], bands: tuple[str, ...]
) -> tuple[NDArray[np.bool_], dict[str, Floats], dict[str, Floats]]:
    """Return which stars pass the cuts, and magnitudes and their noise per band."""
    good = np.ones(len(table["objectId"]), dtype=bool)
    mags: dict[str, Floats] = {}
    noise: dict[str, Floats] = {}
    for b in bands:
        flux, error = (
            np.asarray(table[f"{b}_{n}"], dtype=np.float64) for n in ("psfFlux", "psfFluxErr")
        )
        with np.errstate(invalid="ignore"):
            fine = np.isfinite(flux) & np.isfinite(error) & (flux > 0) & (error > 0)
            good &= fine & (flux > cuts["snr_min"] * error)
        safe = np.where(fine, flux, 1.0)
        mags[b] = NJY_ZERO_POINT - 2.5 * np.log10(safe)
        noise[b] = POGSON * np.where(fine, error, 1.0) / safe
        if cuts["extinction"] and "ebv" in table:
            dust = np.asarray(table["ebv"], np.float64)
            good &= np.isfinite(dust)
            mags[b] = mags[b] - cuts["extinction"][b] * np.where(np.isfinite(dust), dust, 0.0)
        column = f"{b}_extendedness" if f"{b}_extendedness" in table else "refExtendedness"
        extendedness = np.asarray(table.get(column, np.full(len(good), np.nan)), np.float64)
        with np.errstate(invalid="ignore"):
            good &= extendedness < cuts["extendedness_max"]
        for flag in ("psfFlux_flag", "pixelFlags_saturatedCenter"):
            if f"{b}_{flag}" in table:
                good &= ~np.asarray(table[f"{b}_{flag}"]).astype(bool)
    reference = mags[cuts["faint_band"]]
    good &= (reference < cuts["faint"]) & (reference > (cuts["bright"] or -np.inf))
    return good & np.isfinite(sum(mags.values())), mags, noise


class WPerp(_Locus):
    """Width of the blue branch of the stellar locus in g-r, r-i, perpendicular to it, mmag.

    Stars in a box of colours, a line of least perpendicular distances, sigma from the median
    absolute deviation after clipping; the quoted noise of the magnitudes is removed, so that
    what is left are the stars' own differences and errors of the calibration.

    Source: Ivezic et al. 2004 (principal colours); no requirement asks for it.

    Differs from the peers: `analysis_tools` keeps the noise of the magnitudes in the width;
    `faro` takes the root mean square about a regression line in another box, corrected for
    extinction. The three are different quantities and must not share a threshold.

    Not measured when: fewer than 7 stars (faro: 3) are on the locus.
    """

    id = "photometry.stellar_locus.wperp"
    title = "Width of the stellar locus across g-r, r-i, blue branch (wPerp)"
    recipes: ClassVar[Mapping[str, Recipe]] = {**_recipes(_W, "r"), "faro": _FARO_W}


class XPerp(_Locus):
    """Width of the red branch of the stellar locus in g-r, r-i, perpendicular to it, mmag.

    The same as of the blue branch, for red dwarfs, whose g-r hardly changes.

    Source: Ivezic et al. 2004 (principal colours); no requirement asks for it.

    Differs from the peers: `analysis_tools` keeps the noise of the magnitudes in the width.

    Not measured when: fewer than 7 stars are on the locus.
    """

    id = "photometry.stellar_locus.xperp"
    title = "Width of the stellar locus across g-r, r-i, red branch (xPerp)"
    recipes: ClassVar[Mapping[str, Recipe]] = _recipes(_X, "r")


class YPerp(_Locus):
    """Width of the stellar locus of red stars in r-i, i-z, perpendicular to it, mmag.

    The same as across g-r and r-i, with stars brighter than i = 22.5.

    Source: Ivezic et al. 2004 (principal colours); no requirement asks for it.

    Differs from the peers: `analysis_tools` keeps the noise of the magnitudes in the width.

    Not measured when: fewer than 7 stars are on the locus.
    """

    id = "photometry.stellar_locus.yperp"
    title = "Width of the stellar locus across r-i, i-z (yPerp)"
    recipes: ClassVar[Mapping[str, Recipe]] = _recipes(_Y, "i")
