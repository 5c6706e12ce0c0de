"""Whether processed images are calibrated and complete (LSE-61, section 1.3.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.catalog.census import DUE, THERE, Census, recipe
from skyassay.metrics.catalog.sound import flag, positive
from skyassay.metrics.contract import Column, Locality, Recipe, Table, Tables, finite
from skyassay.metrics.unit_family import number

CONTENT, DETECTORS = "visit_image_content", "visit_detector_table"
KEY = (Column("visit"), Column("detector"))


class UnsoundZeroPoints(Census):
    """Number of images of detectors without a sound photometric zero point.

    Source: LSE-61 DMS-REQ-0029.
    Differs from the peers: analysis_tools plots zero points; a missing one is left out.
    Not measured when: `visit_detector_table` is empty or has no column `zeroPoint`.
    """

    id = "processing.images.no_zero_point"
    title = "Images without photometric zero point"
    requirements = ("DMS-REQ-0029/capability",)
    recipes: ClassVar[Mapping[str, Recipe]] = {
        "srd": recipe(sound="10 < zeroPoint < 50 mag", lowest=10.0, highest=50.0)
    }
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        DETECTORS: (*KEY, Column("zeroPoint", "mag"))
    }
    locality: ClassVar[Locality] = "row"
    products = (DETECTORS,)

    def count(self, part: Tables) -> Mapping[str, int]:
        """Return how many images have none, and how many one that is no magnitude."""
        zero = number(part[DETECTORS], "zeroPoint")
        there = np.isfinite(zero)
        with np.errstate(invalid="ignore"):
            sound = there & (zero > self.recipe["lowest"]) & (zero < self.recipe["highest"])
        return {
            "none": int((~there).sum()),
            "no_magnitude": int((there & ~sound).sum()),
            THERE: int(sound.sum()),
        }


class UnsoundWcs(Census):
    """Number of images of detectors whose coordinates were not fitted, or not well enough.

    Of the matched reference stars the offsets must have a finite mean and a scatter above
    zero; the offset of the whole, `astromOffsetMean` and `astromOffsetStd` added in
    quadrature, must not exceed the 50 mas of the requirement.

    Source: LSE-61 DMS-REQ-0030.
    Differs from the peers: analysis_tools plots the same columns; a missing one is left out.
    Not measured when: `visit_detector_table` is empty or lacks one of the columns.
    """

    id = "processing.images.no_wcs"
    title = "Images without sound coordinates"
    requirements = ("DMS-REQ-0030/capability",)
    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": recipe(most=0.05, unit="arcsec")}
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        DETECTORS: (
            *KEY,
            Column("astromOffsetMean", "arcsec"),
            Column("astromOffsetStd", "arcsec"),
            Column("pixelScale", "arcsec/pixel"),
        )
    }
    locality: ClassVar[Locality] = "row"
    products = (DETECTORS,)

    def count(self, part: Tables) -> Mapping[str, int]:
        """Return how many images have no fit, and how many a poor one."""
        table = part[DETECTORS]
        mean, scatter = (number(table, f"astromOffset{n}") for n in ("Mean", "Std"))
        fitted = finite(mean) & positive(scatter) & positive(table["pixelScale"])
        with np.errstate(invalid="ignore", over="ignore"):
            good = fitted & (np.hypot(mean, scatter) <= self.recipe["most"])
        return {
            "not_fitted": int((~fitted).sum()),
            "poor": int((fitted & ~good).sum()),
            THERE: int(good.sum()),
        }


class UnsoundPsf(Census):
    """Number of processed images whose PSF cannot be evaluated, or is not normalised.

    Source: LSE-61 DMS-REQ-0070. The pipeline evaluated it at nine places of each image; the
    sum of the stamp must be 1 within 1 %.
    Differs from the peers: none evaluates the stored model.
    Not measured when: `visit_image_content` is empty or lacks one of the columns.
    """

    id = "processing.images.no_psf"
    title = "Images without a PSF that can be evaluated"
    requirements = ("DMS-REQ-0070/capability",)
    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": recipe(most=0.01)}
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        CONTENT: (*KEY, Column("hasPsf"), Column("psfSumError"))
    }
    locality: ClassVar[Locality] = "row"
    products = (CONTENT,)

    def count(self, part: Tables) -> Mapping[str, int]:
        """Return how many images have no PSF, and how many one of another sum."""
        table = part[CONTENT]
        off = number(table, "psfSumError")
        there = flag(table, "hasPsf") & finite(off)
        with np.errstate(invalid="ignore"):
            good = there & (off >= 0.0) & (off <= self.recipe["most"])
        return {
            "none": int((~there).sum()),
            "not_normalised": int((there & ~good).sum()),
            THERE: int(good.sum()),
        }


class IncompleteImages(Census):
    """Number of processed images that lack a plane, a model or their descriptive entries.

    Each image was opened: at least one pixel with data and a variance above zero in all of
    them, a mask, and PSF, background, coordinates, flux calibration and metadata that hold when
    tried.

    Source: LSE-61 DMS-REQ-0072.
    Differs from the peers: none opens the images.
    Not measured when: `visit_image_content` is empty or lacks one of the columns.
    """

    id = "processing.images.incomplete"
    title = "Processed images that lack a plane or a model"
    requirements = ("DMS-REQ-0072/capability",)
    parts: ClassVar[tuple[str, ...]] = (
        "hasWcs",
        "hasPhotoCalib",
        "hasPsf",
        "hasBackground",
        "hasMetadata",
    )
    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": recipe(parts=list(parts))}
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        CONTENT: (
            *KEY,
            *(Column(n) for n in parts),
            Column("maskBits", "bit"),
            Column("nPixelData"),
            Column("nPixelVariance"),
        )
    }
    locality: ClassVar[Locality] = "row"
    products = (CONTENT,)

    def count(self, part: Tables) -> Mapping[str, int]:
        """Return, per part of an image, the images without it."""
        table = part[CONTENT]
        data = positive(table["nPixelData"])
        known = data & (number(table, "nPixelVariance") == number(table, "nPixelData"))
        good = {"data": data, "variance": known, "mask": positive(table["maskBits"])}
        good |= {name: flag(table, name) for name in self.parts}
        wrong = {name: int((~there).sum()) for name, there in good.items()}
        return {**wrong, THERE: int(np.logical_and.reduce(list(good.values())).sum())}


class AbsentImages(Census):
    """Number of detectors of processed visits without an image that is ready for science.

    A visit is processed when it has any processed image; each of its raw frames in the archive
    must then have one, with coordinates, flux calibration and PSF.

    Source: LSE-61 DMS-REQ-0069.
    Differs from the peers: none compares with the raw frames.
    Not measured when: either table is empty or lacks one of the columns.
    """

    id = "processing.images.absent"
    title = "Detectors of processed visits without a science-ready image"
    requirements = ("DMS-REQ-0069/capability",)
    recipes: ClassVar[Mapping[str, Recipe]] = {
        "srd": recipe(ready=["hasWcs", "hasPhotoCalib", "hasPsf"])
    }
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        "raw_inventory": (*KEY, Column("ingested")),
        CONTENT: (*KEY, *(Column(n) for n in ("hasWcs", "hasPhotoCalib", "hasPsf"))),
    }
    locality: ClassVar[Locality] = "visit"
    products = ("raw_inventory", CONTENT)

    def count(self, part: Tables) -> Mapping[str, int]:
        """Return how many images are absent, and how many not ready."""
        raw, made = part["raw_inventory"], part[CONTENT]
        ready = np.logical_and.reduce([flag(made, n) for n in self.recipe["ready"]])
        wanted = image_key(raw)[flag(raw, "ingested") & np.isin(raw["visit"], made["visit"])]
        absent = ~np.isin(wanted, image_key(made))
        return {
            "absent": int(absent.sum()),
            "not_ready": int((~ready).sum()),
            THERE: int(ready.sum()),
            DUE: len(wanted),
        }


def image_key(table: Table) -> NDArray[Any]:
    """Return one number per visit and detector: detectors are fewer than 1000."""
    visit, detector = (np.asarray(table[n]).astype(np.int64) for n in ("visit", "detector"))
    return np.asarray(visit * 1000 + detector)
