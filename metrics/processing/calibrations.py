"""Whether images find their calibrations, and how wide their masks are (LSE-61, section 1.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from skyassay.metrics.catalog.census import DUE, THERE, Census, recipe
from skyassay.metrics.catalog.sound import flag
from skyassay.metrics.contract import Bindings, Column, Locality, Measurement, Recipe, Tables
from skyassay.metrics.plugin import BaseMetric, NotMeasured, Value
from skyassay.metrics.processing.images import CONTENT, KEY, image_key
from skyassay.metrics.states.extremes import Extremes, from_values, merge
from skyassay.metrics.unit_family import number

INVENTORY = "calibration_inventory"
#: What correcting an image of this kind of camera takes; fringes are left to bands that need it.
KINDS = ("bias", "dark", "flat", "defects", "ptc", "linearizer", "crosstalk")
#: Bits a mask word must have, LSE-61 DMS-REQ-0059.
MASK_BITS = 32
_COLUMNS = (*KEY, Column("kind"), Column("found"))


def _without(part: Tables, kind: str) -> int:
    """Return the number of images that no calibration of a kind was found for."""
    table = part[INVENTORY]
    images = np.unique(image_key(table))
    mine = flag(table, "found") & (np.asarray(table["kind"]).astype(str) == kind)
    return len(images) - len(np.unique(image_key(table)[mine]))


class MissingCalibrations(Census):
    """Number of calibrations that an image needed and that were not found, kind by kind.

    Each raw frame of a detector needs a valid bias, dark, flat of its filter, defect list,
    photon transfer curve, linearity and crosstalk table at its time.

    Source: LSE-61 DMS-REQ-0130.
    Differs from the peers: none counts them.
    Not measured when: `calibration_inventory` is empty or lacks one of the columns, or less
    than half of what was needed was found.
    """

    id = "processing.calibrations.missing"
    title = "Calibrations that images did not find"
    requirements = ("DMS-REQ-0130/capability",)
    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": recipe(kinds=list(KINDS))}
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {INVENTORY: _COLUMNS}
    locality: ClassVar[Locality] = "visit"
    products = (INVENTORY,)

    def count(self, part: Tables) -> Mapping[str, int]:
        """Return, kind by kind, the images without it."""
        kinds = self.recipe["kinds"]
        images = len(np.unique(image_key(part[INVENTORY])))
        wrong = {kind: _without(part, kind) for kind in kinds}
        due = images * len(kinds)
        return {**wrong, THERE: due - sum(wrong.values()), DUE: due}


class MissingBadPixelMaps(Census):
    """Number of images without a map of bad pixels, or with too narrow a mask.

    Source: LSE-61 DMS-REQ-0059: a list of defects for every detector at every exposure, and
    masks of at least 32 bits in the images that it was applied to.
    Differs from the peers: none counts them.
    Not measured when: `calibration_inventory` or `visit_image_content` is empty or lacks one of
    the columns.
    """

    id = "processing.calibrations.bad_pixel_maps"
    title = "Images without a map of bad pixels"
    requirements = ("DMS-REQ-0059/capability",)
    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": recipe(kind="defects", bits=MASK_BITS)}
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        INVENTORY: _COLUMNS,
        CONTENT: (*KEY, Column("maskBits", "bit")),
    }
    locality: ClassVar[Locality] = "visit"
    products = (INVENTORY, CONTENT)

    def count(self, part: Tables) -> Mapping[str, int]:
        """Return how many images have no map, and how many a narrow mask."""
        images = len(np.unique(image_key(part[INVENTORY])))
        absent = _without(part, self.recipe["kind"])
        with np.errstate(invalid="ignore"):
            wide = number(part[CONTENT], "maskBits") >= self.recipe["bits"]
        return {
            "no_map": absent,
            "narrow_mask": int((~wide).sum()),
            THERE: images - absent,
            DUE: images,
        }


class MaskBits(BaseMetric):
    """Smallest number of bits of a mask pixel in any processed image, bit.

    LSE-61, DMS-REQ-0059, maskBits; a census of the images that were opened.

    Differs from the peers: none publishes it.
    Not measured when: an image has no mask width above zero; a census leaves nothing out.
    """

    id = "instrument.census.mask_bits"
    unit = "bit"
    title = "Bits of a mask pixel (maskBits)"
    requirements = ("DMS-REQ-0059/maskBits",)
    recipes: ClassVar[Mapping[str, Recipe]] = {
        "srd": Recipe("srd", {"statistic": "smallest maskBits of all images"})
    }
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        CONTENT: (Column("detector"), Column("maskBits", "bit"))
    }
    locality: ClassVar[Locality] = "row"

    def zero(self) -> Extremes:
        """Return the state of no data."""
        return Extremes()

    def fold(self, part: Tables) -> Extremes:
        """Return the extremes of each detector."""
        bits = number(part[CONTENT], "maskBits")
        with np.errstate(invalid="ignore"):
            sound = np.where(bits > 0.0, bits, np.nan)
        return from_values(np.asarray(part[CONTENT]["detector"]), sound)

    def merge(self, a: Extremes, b: Extremes) -> Extremes:
        """Return the extremes of both parts."""
        return merge(a, b)

    def finish(self, state: Extremes, at: Bindings) -> list[Measurement]:
        """Return the one measurement; none when there was no row at all."""
        if not len(state.key):
            return []
        lost, n = int(state.lost.sum()), int(state.count.sum())
        if lost:
            why = NotMeasured(
                "incomplete_census", f"{lost} images have no mask width; none may be left out."
            )
            return [self.not_measured(why, n=n, n_rejected=lost)]
        notes = {"n_units": len(state.key)}
        return [self.measured(Value(float(state.low.min()), n, diagnostics=notes))]
