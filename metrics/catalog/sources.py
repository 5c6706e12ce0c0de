"""The catalog of single-visit detections: is every row a measurement? (DMS-REQ-0267)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from skyassay.metrics.catalog.census import THERE, Census, recipe
from skyassay.metrics.catalog.sound import flag, positive
from skyassay.metrics.contract import Column, Recipe, Tables, finite


class IncompleteSources(Census):
    """Number of single-visit detections without a position, two types of flux and a shape.

    Counted per part: a finite position; a PSF flux and an aperture flux (12 pixels), each
    with an error above zero; second moments that make an ellipse. A part whose own flag says
    that it failed is explained and not counted.

    Source: LSE-61 DMS-REQ-0267.
    Differs from the peers: none computes it.
    Not measured when: the source table is empty or lacks one of the columns, or less than
    half of the detections were measured in full.
    """

    id = "catalog.sources.incomplete"
    title = "Single-visit detections with incomplete measurements"
    requirements = ("DMS-REQ-0267/capability",)
    recipes: ClassVar[Mapping[str, Recipe]] = {
        "srd": recipe(fluxes=["psfFlux", "ap12Flux"], shape="ixx, iyy > 0; ixx iyy > ixy^2")
    }
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        "source": (
            Column("sourceId"),
            Column("visit"),
            Column("coord_ra", "deg"),
            Column("coord_dec", "deg"),
            *(Column(f"{f}{end}", "nJy") for f in ("psfFlux", "ap12Flux") for end in ("", "Err")),
            *(Column(n, "pixel**2") for n in ("ixx", "iyy", "ixy")),
            *(
                Column(n, optional=True)
                for n in ("centroid_flag", "psfFlux_flag", "ap12Flux_flag", "shape_flag")
            ),
        )
    }
    products = ("source",)

    def count(self, part: Tables) -> Mapping[str, int]:
        """Return, per part of a measurement, the rows that lack it without saying why."""
        table = part["source"]
        good = {"centroid": finite(table["coord_ra"]) & finite(table["coord_dec"])}
        for flux in ("psfFlux", "ap12Flux"):
            good[flux] = finite(table[flux]) & positive(table[f"{flux}Err"])
        xx, yy, xy = (np.asarray(table[n], dtype=np.float64) for n in ("ixx", "iyy", "ixy"))
        with np.errstate(invalid="ignore", over="ignore"):
            good["shape"] = positive(xx) & positive(yy) & (xx * yy > xy * xy)
        wrong = {k: int((~ok & ~flag(table, f"{k}_flag")).sum()) for k, ok in good.items()}
        return {**wrong, THERE: int(np.logical_and.reduce(list(good.values())).sum())}
