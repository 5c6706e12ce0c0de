"""Columns that must be filled: redshifts, exposure summaries, motions, errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from skyassay.metrics.catalog.census import DUE, THERE, Census, recipe
from skyassay.metrics.catalog.sound import flag, positive
from skyassay.metrics.contract import Column, Locality, Recipe, Tables, finite

BANDS = ("u", "g", "r", "i", "z", "y")


class UnexplainedPhotoZ(Census):
    """Number of objects with neither a photometric redshift nor a flag that says why not.

    A redshift is there when `photoz_best` is finite and not negative.

    Source: LSE-61 DMS-REQ-0046.
    Differs from the peers: none computes it.
    Not measured when: the object table is empty, or fewer than one object in twenty has a
    photometric redshift.
    """

    id = "catalog.photoz.unexplained"
    least_filled = 0.05
    title = "Objects without photometric redshift and without a reason"
    requirements = ("DMS-REQ-0046/capability",)
    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": recipe(valid="finite and >= 0")}
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        "object": (Column("objectId"), Column("photoz_best"), Column("photoz_flag"))
    }
    products = ("object",)

    def count(self, part: Tables) -> Mapping[str, int]:
        """Return how many rows have neither."""
        table = part["object"]
        z = np.asarray(table["photoz_best"], dtype=np.float64)
        there = finite(z) & (np.where(finite(z), z, -1.0) >= 0.0)
        unexplained = ~there & ~flag(table, "photoz_flag")
        return {"without_reason": int(unexplained.sum()), THERE: int(there.sum())}


class IncompleteVisits(Census):
    """Number of visits without an entry in the exposure catalog, or with an incomplete one.

    Counted per column of `visit_table`: a position outside the sky, an unknown band, or a value
    that is not above zero of time, seeing, sky brightness, zero point and depth. Visits of
    `visit_detector_table` that `visit_table` does not have are counted as ``no_entry``.

    Source: LSE-61 DMS-REQ-0266.
    Differs from the peers: analysis_tools counts single columns for plots only.
    Not measured when: either table is empty or lacks one of the columns.
    """

    id = "catalog.visits.incomplete"
    title = "Visits with an incomplete entry in the exposure catalog"
    requirements = ("DMS-REQ-0266/capability",)
    columns: ClassVar[tuple[Column, ...]] = (
        Column("ra", "deg"),
        Column("dec", "deg"),
        Column("expMidptMJD", "d"),
        Column("seeing", "arcsec"),
        Column("skyBrightness", "mag/arcsec**2"),
        Column("zeroPoint", "mag"),
        Column("magLim", "mag"),
    )
    recipes: ClassVar[Mapping[str, Recipe]] = {
        "srd": recipe(bands=list(BANDS), columns=[c.name for c in columns])
    }
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        "visit_table": (Column("visit"), Column("band"), *columns),
        "visit_detector_table": (Column("visit"), Column("detector")),
    }
    locality: ClassVar[Locality] = "visit"
    products = ("visit_table", "visit_detector_table")

    def count(self, part: Tables) -> Mapping[str, int]:
        """Return, per column, the visits without a sound value."""
        table = part["visit_table"]
        # Positions may be zero or below it; what else is not above zero is a placeholder.
        good = {
            c.name: (finite if c.name in ("ra", "dec") else positive)(table[c.name])
            for c in self.columns
        }
        wrong = {name: int((~there).sum()) for name, there in good.items()}
        wrong[THERE] = int(np.logical_or.reduce(list(good.values())).sum())
        wrong["band"] = int((~np.isin(np.asarray(table["band"]).astype(str), BANDS)).sum())
        processed = np.unique(part["visit_detector_table"]["visit"])
        wrong["no_entry"] = int((~np.isin(processed, table["visit"])).sum())
        dec = np.asarray(table["dec"], dtype=np.float64)
        with np.errstate(invalid="ignore"):
            wrong["dec"] += int((np.abs(dec) > 90.0).sum())
        return wrong


class UnsoundErrors(Census):
    """Number of measured values of objects without a sound error, and of unsound covariances.

    A flux that is finite, in a band and algorithm whose flag is not set, must have an error
    that is finite and above zero; a position must have errors above zero and a covariance
    with them that makes a positive definite matrix.

    Source: LSE-61 DMS-REQ-0333.
    Differs from the peers: none computes it.
    Not measured when: the object table is empty or lacks an error or covariance column, or
    less than half of its fluxes were measured.
    """

    id = "catalog.errors.unsound"
    title = "Measured values without a sound error"
    requirements = ("DMS-REQ-0333/capability",)
    fluxes: ClassVar[tuple[str, ...]] = tuple(
        f"{b}_{kind}" for b in BANDS for kind in ("psfFlux", "cModelFlux")
    )
    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": recipe(fluxes=list(fluxes))}
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        "object": (
            Column("objectId"),
            Column("coord_raErr", "deg"),
            Column("coord_decErr", "deg"),
            Column("coord_ra_dec_Cov", "deg**2"),
            *(Column(f"{f}{end}", "nJy") for f in fluxes for end in ("", "Err")),
            *(Column(f"{f}_flag", optional=True) for f in fluxes),
        )
    }
    products = ("object",)

    def count(self, part: Tables) -> Mapping[str, int]:
        """Return, per measured quantity, the rows whose error is unsound."""
        table = part["object"]
        wrong = {THERE: 0, DUE: len(self.fluxes) * len(table["objectId"])}
        for flux in self.fluxes:
            measured = finite(table[flux]) & ~flag(table, f"{flux}_flag")
            wrong[THERE] += int(measured.sum())
            wrong[flux] = int((measured & ~positive(table[f"{flux}Err"])).sum())
        ra, dec, both = (
            np.asarray(table[n], dtype=np.float64)
            for n in ("coord_raErr", "coord_decErr", "coord_ra_dec_Cov")
        )
        sound = positive(ra) & positive(dec) & finite(both)
        with np.errstate(invalid="ignore", over="ignore"):
            definite = np.abs(both) < ra * dec
        wrong["position"] = int((~(sound & definite)).sum())
        return wrong
