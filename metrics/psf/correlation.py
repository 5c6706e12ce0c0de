"""Correlation of residual PSF ellipticities over the survey: TE1, TE2 (LPM-17, 3.4.0.4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import Bindings, Column, Recipe, Scalar, Table
from skyassay.metrics.plugin import NotMeasured, Value
from skyassay.metrics.psf.budget import budget
from skyassay.metrics.psf.family import ImageMetric
from skyassay.metrics.psf.pairs import COMPONENTS, RANGES, correlations
from skyassay.metrics.psf.recipes import CORRELATION
from skyassay.metrics.psf.stars import (
    MODEL,
    NIGHT,
    SOURCE,
    STAR,
    VISITS,
    Images,
    model_distortion,
    star_distortion,
)
from skyassay.metrics.states.unit_rows import UnitRows
from skyassay.metrics.statistics.clustered import clustered_mean
from skyassay.metrics.unit_family import nights

_RESERVED = (
    Column("coord_ra", "deg"),
    Column("coord_dec", "deg"),
    Column("calib_psf_reserved"),
    Column("calib_psf_used", optional=True),
)


@dataclass(frozen=True)
class ResidualCorrelation(ImageMetric):
    """Shared by all: the correlations of every image, three components, three ranges."""

    unit: ClassVar[str] = ""
    recipes: ClassVar[Mapping[str, Recipe]] = CORRELATION
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        SOURCE: (*STAR, *MODEL, *_RESERVED),
        VISITS: NIGHT,
    }
    bands: ClassVar[tuple[str, ...]] = ("r", "i")
    key: ClassVar[tuple[str, ...]] = ("visit",)
    needed: ClassVar[tuple[str, ...]] = ("coord_ra", "coord_dec", *(c.name for c in MODEL))
    #: Separations: near (<= 1 arcmin), below (< 5 arcmin), far (>= 5 arcmin).
    where: ClassVar[str] = "near"

    def reduced(self, found: Images) -> dict[str, NDArray[Any]]:
        """Return mean products, their noise and the number of pairs."""
        star, model = star_distortion(found.columns), model_distortion(found.columns)
        residual = np.stack([s - m for s, m in zip(star, model, strict=True)])
        ra = np.asarray(found.columns["coord_ra"], dtype=np.float64)
        dec = np.asarray(found.columns["coord_dec"], dtype=np.float64)
        rows: dict[str, list[float]] = {}
        for a, b in zip(found.start[:-1], found.start[1:], strict=True):
            one = correlations(ra[a:b], dec[a:b], residual[:, a:b], self.recipe["cell_arcmin"])
            for (component, where), c in one.items():
                rows.setdefault(f"xi_{component}_{where}", []).append(c.value)
                rows.setdefault(f"noise_{component}_{where}", []).append(c.noise)
                if component == "E1":
                    rows.setdefault(f"pairs_{where}", []).append(c.pairs)
        whole = tuple(f"pairs_{where}" for where in RANGES)
        return {n: np.array(v, dtype=np.int64 if n in whole else float) for n, v in rows.items()}

    def with_pairs(self, rows: UnitRows, *ranges: str) -> UnitRows:
        """Return the images with pairs enough in every range.

        Raises
        ------
        NotMeasured
            ``too_few_pairs``.
        """
        least = self.recipe["min_pairs"]
        enough = np.ones(len(rows), dtype=bool)
        for where in ranges:
            enough &= rows[f"pairs_{where}"] >= least
            for component in COMPONENTS:
                enough &= np.isfinite(rows[f"noise_{component}_{where}"])
        if not enough.any():
            raise NotMeasured(
                "too_few_pairs",
                f"No image has {least} pairs of reserved stars at the separations asked for; "
                "more reserved stars per image are needed.",
            )
        return rows.where(enough)

    def notes(self, kept: UnitRows, night: NDArray[np.int64], where: str) -> dict[str, Scalar]:
        """Return what explains a value."""
        return {
            "n_units": len(np.unique(night)),
            "n_images": len(kept),
            "n_stars": int(kept["n_stars"].sum()),
            "n_pairs": int(kept[f"pairs_{where}"].sum()),
        }

    def behind(self, rows: UnitRows, band: str) -> Table:
        """Return the worst component of every image, and all three."""
        kept = self.with_pairs(rows, self.where)
        each = {c: kept[f"xi_{c}_{self.where}"] for c in COMPONENTS}
        worst = np.max(np.abs(np.stack(list(each.values()))), axis=0)
        return {"value": worst, **each, "mjd": kept["mjd"], "visit": kept["visit"]}


class _Survey(ResidualCorrelation):
    """Shared by TE1 and TE2: the mean over all pairs of all images, for a median would lie."""

    def values(self, rows: UnitRows, band: str, at: Bindings) -> list[Value]:
        """Return the three components of one band."""
        kept = self.with_pairs(rows, self.where)
        night = nights(kept["mjd"])
        pairs = kept[f"pairs_{self.where}"].astype(np.float64)
        found = []
        for component in COMPONENTS:
            x = kept[f"xi_{component}_{self.where}"]
            value, interval = clustered_mean(x, night, pairs)
            noise = kept[f"noise_{component}_{self.where}"]
            notes: dict[str, Scalar] = {
                **self.notes(kept, night, self.where),
                "median_over_images": float(np.median(x)),
                "own_noise_median": float(np.median(noise)),
                **budget(x, night, float(np.mean(np.square(noise)))),
            }
            found.append(Value(value, len(x), interval, None, component, notes))
        return found


class TE1(_Survey):
    """Correlation of residual PSF ellipticities of stars at most 1 arcmin apart.

    E1 = <de1 de1'>, E2 = <de2 de2'>, Ex = <de1 de2'>: mean products over the pairs of stars
    of an image, with de the distortion of a star less that of the PSF model there, on stars
    reserved from the model; all pairs of all images of the survey count alike (LPM-17,
    section 3.4.0.4). The SRD speaks of a median over fields of view. The noise of one image
    is skewed: where it is not small the median of images lies below what they share, so the
    mean decides and the median is a diagnostic. No star is paired with itself, so measurement
    noise adds nothing. Student's t over nights. The sign counts: an anticorrelation as large
    as the limit fails too.

    Differs from the peers: validate_drp and faro use xi+, the sum of E1 and E2, and faro the
    mean of its absolute values, which noise raises; pipe_tasks uses the stars the model was
    fitted to, where residuals are too small; faro's table task reads ixx for every moment.
    Not measured when: no star is reserved; no image has ten pairs at the separation; one
    night only.
    """

    id = "psf.residual_correlation.te1"
    title = "Residual PSF ellipticity correlation up to 1 arcmin (TE1)"
    requirements = ("LPM-17.TE1/ri", "DMS-REQ-0362/TE1")
    where = "near"


class TE2(_Survey):
    """Correlation of residual PSF ellipticities of stars 5 arcmin and more apart.

    As TE1, over all pairs of an image that are at least 5 arcmin apart, to its full width
    (LPM-17, section 3.4.0.4).

    Differs from the peers: validate_drp and faro stop at 20 arcmin; see TE1.
    Not measured when: see TE1.
    """

    id = "psf.residual_correlation.te2"
    title = "Residual PSF ellipticity correlation from 5 arcmin (TE2)"
    requirements = ("LPM-17.TE2/ri", "DMS-REQ-0362/TE2")
    where = "far"
