"""How much of the images ghosts cover: GhostAF (LSE-61, DMS-REQ-0359)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from skyassay.metrics.contract import Bindings, Column, Locality, Measurement, Recipe, Table, Tables
from skyassay.metrics.plugin import BaseMetric, NotMeasured, Value
from skyassay.metrics.states.unit_rows import UnitRows, from_columns, merge
from skyassay.metrics.statistics.clustered import clustered_mean
from skyassay.metrics.unit_family import MOST_MISSING, number, spread

PRODUCT = "ghost_area"
SRD_GHOSTS = Recipe(
    "srd",
    {
        "min_visits": 3,
        "threshold": "1/3 of the sky noise of a pixel over 1 arcsec",
        "statistic": "pixels beyond the threshold over pixels with a known gradient",
        "clusters": "visit",
    },
)


class GhostArea(BaseMetric):
    """Share of the image area in which the sky's light changes too fast, %.

    LSE-61, DMS-REQ-0359, table of section 5.1.1: by more than a third of the sky noise over
    1 arcsec, away from detected sources, after the background was subtracted. How the
    gradient is taken is the pipeline's matter; pure noise makes about 0.01 %. All bands
    together, for a ghost is the optics'; the visits share the stars that make them.

    Differs from the peers: none computes it.
    Not measured when: fewer than three visits, more than 5 % of the images without sound
    numbers, or no pixel at all beyond the threshold: noise alone makes some.
    """

    id = "instrument.ghosts.area"
    unit = "%"
    title = "Image area with ghosts (GhostAF)"
    requirements = ("DMS-REQ-0359/GhostAF",)
    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": SRD_GHOSTS}
    locality: ClassVar[Locality] = "row"
    error_units: ClassVar[tuple[str, ...]] = ("visit",)
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        PRODUCT: (
            Column("visit"),
            Column("detector"),
            Column("nPixel"),
            Column("nPixelGhost"),
            Column("skyNoise", "nJy"),
        )
    }

    def zero(self) -> UnitRows:
        """Return the state of no data."""
        return UnitRows(("visit", "detector"))

    def fold(self, part: Tables) -> UnitRows:
        """Return the areas of one partition."""
        table = part[PRODUCT]
        total, ghost, noise = (number(table, n) for n in ("nPixel", "nPixelGhost", "skyNoise"))
        with np.errstate(invalid="ignore"):
            good = np.isfinite(total) & (total > 0) & (ghost >= 0) & (ghost <= total)
            good &= np.isfinite(noise) & (noise > 0.0)
        columns = {
            "visit": np.asarray(table["visit"]).astype(np.int64)[good],
            "detector": np.asarray(table["detector"]).astype(np.int64)[good],
            "total": total[good],
            "ghost": ghost[good],
        }
        return from_columns(("visit", "detector"), columns, {"unusable": int((~good).sum())})

    def merge(self, a: UnitRows, b: UnitRows) -> UnitRows:
        """Return the areas of both parts."""
        return merge(a, b)

    def finish(self, state: UnitRows, at: Bindings) -> list[Measurement]:
        """Return the one measurement; none when there was no row at all."""
        lost = state.counts.get("unusable", 0)
        if not len(state) + lost:
            return []
        try:
            return [self.measured(self._value(state, lost), n_rejected=lost)]
        except NotMeasured as why:
            return [self.not_measured(why, n=len(state), n_rejected=lost)]

    def evidence(self, state: UnitRows) -> Mapping[str, Table]:
        """Return the share of every image, %."""
        if not len(state):
            return {}
        some = spread(len(state))
        share: Any = 100.0 * state["ghost"][some] / state["total"][some]
        names = ("visit", "detector")
        return {"": {"value": share, **{n: state[n][some] for n in names}}}

    def _value(self, state: UnitRows, lost: int) -> Value:
        if lost > MOST_MISSING * (len(state) + lost):
            raise NotMeasured(
                "rows_incomplete", f"{lost} of {len(state) + lost} images have no sound areas."
            )
        visits = len(np.unique(state["visit"]))
        if visits < self.recipe["min_visits"]:
            raise NotMeasured("too_few_visits", f"{visits} visits have a known area.")
        if not state["ghost"].any():
            raise NotMeasured(
                "no_gradients",
                "No pixel of any image is beyond the threshold, though noise alone makes some: "
                "nobody counted.",
            )
        share = 100.0 * state["ghost"] / state["total"]
        value, interval = clustered_mean(share, state["visit"], state["total"])
        notes = {
            "n_units": visits,
            "n_images": len(state),
            "largest_share": float(share.max()),
        }
        return Value(value, len(state), interval, diagnostics=notes)
