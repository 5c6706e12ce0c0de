"""How well the sky's brightness is determined: SBPrec (LSE-61, DMS-REQ-0359)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import Bindings, Column, Recipe, Table, Tables
from skyassay.metrics.plugin import NotMeasured, Value
from skyassay.metrics.states.unit_rows import UnitRows
from skyassay.metrics.statistics.known_truth import clustered_rms
from skyassay.metrics.unit_family import Columns, UnitMetric, all_finite, nights, number

PRODUCT, TRUTH = "visit_table", "truth_visit"
#: An error of the sky of so many per cent is a mistake in the table.
_ABSURD = 1e6
SRD_SKY = Recipe(
    "srd",
    {
        "min_visits": 3,
        "statistic": "root mean square of measured over true sky flux, less one",
    },
)


class SBPrec(UnitMetric):
    """Root mean square relative error of the sky brightness of visits, %.

    LSE-61, DMS-REQ-0359, table of section 5.1.1. The sky of each visit as the pipeline states
    it, as a flux, over the true one; an offset common to all visits counts as an error.

    Differs from the peers: analysis_tools lists sky levels; none compares them with a truth.
    Not measured when: fewer than three visits or two nights have a known true sky, more than
    5 % of those that have one were not measured, or all measured values equal the true ones.
    """

    id = "instrument.sky.sbprec"
    unit = "%"
    title = "Error of the sky brightness (SBPrec)"
    requirements = ("DMS-REQ-0359/SBPrec",)
    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": SRD_SKY}
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        PRODUCT: (
            Column("visit"),
            Column("band"),
            Column("expMidptMJD", "d"),
            Column("skyBrightness", "mag/arcsec**2"),
        ),
        TRUTH: (Column("visit"), Column("skyBrightness", "mag/arcsec**2")),
    }

    def rows(self, part: Tables) -> tuple[Columns, NDArray[np.bool_]]:
        """Return the relative error of each visit's sky, in per cent."""
        table = part[PRODUCT]
        visit = np.asarray(table["visit"]).astype(np.int64)
        true = of_visit(part[TRUTH], visit, "skyBrightness")
        with np.errstate(invalid="ignore", over="ignore"):
            ratio = 10.0 ** (-0.4 * (number(table, "skyBrightness") - true))
        columns: dict[str, NDArray[Any]] = {
            "visit": visit,
            "band": np.asarray(table["band"]).astype(str),
            "mjd": number(table, "expMidptMJD"),
            "error": 100.0 * (ratio - 1.0),
            "true": true,
        }
        return columns, all_finite(columns) & (columns["error"] < _ABSURD)

    def due(self, columns: Columns) -> NDArray[np.bool_]:
        """Return which visits have a true sky."""
        return np.isfinite(columns["true"])

    def values(self, rows: UnitRows, band: str, at: Bindings) -> list[Value]:
        """Return the error of one band."""
        if len(rows) < self.recipe["min_visits"]:
            raise NotMeasured("too_few_visits", f"{len(rows)} visits have a known true sky.")
        label = nights(rows["mjd"])
        value, interval, shared = clustered_rms(rows["error"], label)
        notes = {
            "n_units": int(label.max()) + 1,
            "n_visits": len(rows),
            "mean_error": float(rows["error"].mean()),
            "budget_night": shared,
        }
        return [Value(value, len(rows), interval, diagnostics=notes)]

    def behind(self, rows: UnitRows, band: str) -> Table:
        """Return the errors of visits, %."""
        return {"value": rows["error"], "visit": rows["visit"], "mjd": rows["mjd"]}


def of_visit(truth: Table, visit: NDArray[np.int64], name: str) -> NDArray[np.float64]:
    """Return a column of the truth for each visit; NaN where the truth has no such visit."""
    ids = np.asarray(truth["visit"]).astype(np.int64)
    if not len(ids):
        return np.full(len(visit), np.nan)
    order = np.argsort(ids, kind="stable")
    at = np.minimum(np.searchsorted(ids[order], visit), len(ids) - 1)
    # A visit with two truths has none that could be told from the other.
    first = np.searchsorted(ids[order], visit, side="left")
    last = np.searchsorted(ids[order], visit, side="right")
    one = (last - first) == 1
    return np.where(one, number(truth, name)[order][at], np.nan)
