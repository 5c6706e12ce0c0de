"""Catalogs of differences: are their rows sound (LSE-61, section 1.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from skyassay.metrics.catalog.census import DUE, THERE, Census, recipe
from skyassay.metrics.catalog.sound import flag, positive
from skyassay.metrics.contract import Column, Locality, Recipe, Table, Tables, finite
from skyassay.metrics.processing.images import image_key
from skyassay.metrics.unit_family import number

BANDS = ("u", "g", "r", "i", "z", "y")
_POSITION_ERRORS = (Column("raErr", "deg"), Column("decErr", "deg"))


class UnsoundSources(Census):
    """Number of DIASources with a missing number, and of images whose detections are absent.

    A row must have a finite position and time, and a PSF flux with an error above zero unless
    `psfFlux_flag` says why not. An image of `difference_quality` with detections must have
    rows.

    Source: LSE-61 DMS-REQ-0269.
    Differs from the peers: none counts them.
    Not measured when: either table is empty or lacks one of the columns, or less than half of the
    rows are filled.
    """

    id = "difference.sources.unsound"
    title = "DIASources with missing numbers"
    requirements = ("DMS-REQ-0269/capability",)
    recipes: ClassVar[Mapping[str, Recipe]] = {
        "srd": recipe(finite=["ra", "dec", "midpointMjdTai", "snr"], flux="psfFlux")
    }
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        "dia_source": (
            *(Column(n) for n in ("diaSourceId", "visit", "detector", "snr")),
            Column("ra", "deg"),
            Column("dec", "deg"),
            Column("midpointMjdTai", "d"),
            Column("psfFlux", "nJy"),
            Column("psfFluxErr", "nJy"),
            Column("psfFlux_flag", optional=True),
        ),
        "difference_quality": tuple(
            Column(n) for n in ("visit", "detector", "nPositive", "nNegative")
        ),
    }
    locality: ClassVar[Locality] = "visit"
    products = ("dia_source", "difference_quality")

    def count(self, part: Tables) -> Mapping[str, int]:
        """Return how many rows lack a number, and how many images their rows."""
        table, images = part["dia_source"], part["difference_quality"]
        good = {name: finite(table[name]) for name in self.recipe["finite"]}
        whole = finite(table["psfFlux"]) & positive(table["psfFluxErr"])
        good["flux"] = whole | flag(table, "psfFlux_flag")
        detections = np.nan_to_num(number(images, "nPositive") + number(images, "nNegative"))
        absent = (detections > 0) & ~np.isin(image_key(images), image_key(table))
        wrong = {name: int((~there).sum()) for name, there in good.items()}
        filled = whole & np.logical_and.reduce(list(good.values()))
        return {**wrong, "absent": int(absent.sum()), THERE: int(filled.sum())}


class UnsoundObjects(Census):
    """Number of missing numbers of DIAObjects: place, mean fluxes, variability, each with error.

    A row must have a finite position with errors above zero and at least one DIASource; in every
    band with a measured flux its mean with an error above zero, and from two fluxes on their
    scatter.

    Source: LSE-61 DMS-REQ-0272; the schema has no more motion and parallax of DIAObjects.
    Differs from the peers: none counts them.
    Not measured when: `dia_object` is empty or lacks a column, or hardly a row has a mean flux.
    """

    id = "difference.objects.unsound"
    title = "DIAObjects with missing numbers"
    requirements = ("DMS-REQ-0272/capability",)
    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": recipe(bands=list(BANDS))}
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        "dia_object": (
            Column("diaObjectId"),
            Column("nDiaSources"),
            Column("ra", "deg"),
            Column("dec", "deg"),
            *_POSITION_ERRORS,
            *(Column(f"{b}_psfFluxNdata", optional=True) for b in BANDS),
            *(
                Column(f"{b}_psfFlux{what}", "nJy", optional=True)
                for b in BANDS
                for what in ("Mean", "MeanErr", "Sigma")
            ),
        )
    }
    locality: ClassVar[Locality] = "row"
    products = ("dia_object",)

    def count(self, part: Tables) -> Mapping[str, int]:
        """Return, per kind of number, how many are missing."""
        table = part["dia_object"]
        n = len(table["diaObjectId"])
        place = finite(table["ra"]) & finite(table["dec"])
        place &= positive(table["raErr"]) & positive(table["decErr"])
        wrong = {
            "position": int((~place).sum()),
            "no_source": int((~positive(table["nDiaSources"])).sum()),
            "mean": 0,
            "scatter": 0,
        }
        filled = np.zeros(n, dtype=bool)
        for band in BANDS:
            if f"{band}_psfFluxNdata" not in table:
                continue
            many = np.nan_to_num(number(table, f"{band}_psfFluxNdata"))
            mean = self._column(part, f"{band}_psfFluxMean", n)
            error = self._column(part, f"{band}_psfFluxMeanErr", n)
            whole = finite(mean) & positive(error)
            scatter = finite(self._column(part, f"{band}_psfFluxSigma", n))
            wrong["mean"] += int(((many >= 1.0) & ~whole).sum())
            wrong["scatter"] += int(((many >= 2.0) & ~scatter).sum())
            filled |= (many >= 1.0) & whole
        return {**wrong, THERE: int(filled.sum())}

    @staticmethod
    def _column(
        part: Tables, name: str, n: int
    ) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        table = part["dia_object"]
        return number(table, name) if name in table else np.full(n, np.nan)


class UnsoundForced(Census):
    """Number of gaps in the forced photometry of DIAObjects.

    A row must have a finite difference flux with an error above zero, unless `psfDiffFlux_flag`
    says why not; an object that was detected in a visit must have a row of that visit.

    Source: LSE-61 DMS-REQ-0317.
    Differs from the peers: none counts them.
    Not measured when: either table is empty or lacks one of the columns, or less than half of
    the rows are filled. Visits that cover an object without a detection of it are not known here.
    """

    id = "difference.forced.unsound"
    title = "Gaps in the forced photometry of DIAObjects"
    requirements = ("DMS-REQ-0317/capability",)
    recipes: ClassVar[Mapping[str, Recipe]] = {
        "srd": recipe(flux="psfDiffFlux", expected="detected objects of the visit")
    }
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        "dia_object_forced_source": (
            *(Column(n) for n in ("diaObjectId", "visit", "detector")),
            Column("psfDiffFlux", "nJy"),
            Column("psfDiffFluxErr", "nJy"),
            Column("psfDiffFlux_flag", optional=True),
        ),
        "dia_source": tuple(Column(n) for n in ("diaSourceId", "visit", "diaObjectId")),
    }
    locality: ClassVar[Locality] = "visit"
    products = ("dia_object_forced_source", "dia_source")

    def count(self, part: Tables) -> Mapping[str, int]:
        """Return how many rows have no flux, and how many objects no row."""
        forced, found = part["dia_object_forced_source"], part["dia_source"]
        whole = finite(forced["psfDiffFlux"]) & positive(forced["psfDiffFluxErr"])
        bad = ~whole & ~flag(forced, "psfDiffFlux_flag")
        there = set(zip(_whole(forced, "visit"), _whole(forced, "diaObjectId"), strict=True))
        due = set(zip(_whole(found, "visit"), _whole(found, "diaObjectId"), strict=True))
        lost = sum(1 for pair in due if pair[1] and pair not in there)
        return {
            "flux": int(bad.sum()),
            "no_row": lost,
            THERE: int(whole.sum()),
            DUE: len(whole),
        }


def _whole(table: Table, name: str) -> list[int]:
    """Return identifiers, 0 where there is none."""
    column = np.asarray(table[name])
    if column.dtype.kind == "f":
        column = np.nan_to_num(column)
    found: list[int] = column.astype(np.int64).tolist()
    return found
