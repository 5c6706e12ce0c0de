"""Ellipticity of the point-spread function: SE1, EF1, SE2 (LPM-17, section 3.3.3.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import Bindings, Column, Recipe, Scalar, Table
from skyassay.metrics.plugin import NotMeasured, Value
from skyassay.metrics.psf.family import ImageMetric
from skyassay.metrics.psf.recipes import ELLIPTICITY
from skyassay.metrics.psf.stars import NIGHT, SOURCE, STAR, VISITS, Images, seeing, star_distortion
from skyassay.metrics.states.unit_rows import UnitRows
from skyassay.metrics.statistics.clustered import (
    clustered_fraction,
    clustered_quantile,
    clusters,
    shared_share,
)
from skyassay.metrics.statistics.tails import scaled
from skyassay.metrics.unit_family import nights


@dataclass(frozen=True)
class _Ellipticity(ImageMetric):
    """Shared by the three: the mean star of every image, and the conditions that count."""

    recipes: ClassVar[Mapping[str, Recipe]] = ELLIPTICITY
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        SOURCE: (*STAR, Column("detector")),
        VISITS: (*NIGHT, Column("zenithDistance", "deg")),
    }
    bands: ClassVar[tuple[str, ...]] = ("r", "i")
    key: ClassVar[tuple[str, ...]] = ("visit", "detector")

    def reduced(self, found: Images) -> dict[str, NDArray[Any]]:
        """Return mean distortion, the variance of that mean, and the conditions."""
        e1, e2 = star_distortion(found.columns)
        n = found.count
        mean1, mean2 = found.mean(e1), found.mean(e2)
        off = (e1 - np.repeat(mean1, n)) ** 2 + (e2 - np.repeat(mean2, n)) ** 2
        return {
            "e1": mean1,
            "e2": mean2,
            # of both components together
            "noise": found.mean(off) / np.maximum(n - 1, 1),
            "seeing": _of_visits(found, seeing(found.columns, self.recipe["stars"]["pixel_scale"])),
            "zenith": found.first("zenithDistance"),
        }

    def chosen(self, rows: UnitRows) -> tuple[UnitRows, NDArray[np.float64]]:
        """Return the images under the conditions of the SRD and their ellipticity.

        Raises
        ------
        NotMeasured
            ``out_of_scope_conditions``, ``images_too_noisy``.
        """
        recipe = self.recipe
        off = np.abs(rows["seeing"] - recipe["delivered_seeing"])
        low = rows["zenith"] <= recipe["zenith_distance_max"]
        there = low & (off <= recipe["seeing_tolerance"])
        if not there.any():
            raise NotMeasured(
                "out_of_scope_conditions",
                f"No image within {recipe['zenith_distance_max']:g} deg of the zenith has a seeing "
                f"of {recipe['delivered_seeing']} +- {recipe['seeing_tolerance']} arcsec.",
            )
        # `noise` is of two components; the error of |e| is that of one. A typical star's noise
        # decides: an image's own is larger where its PSF is worse, and that must count.
        star = float(np.median(rows["noise"][there] * rows["n_stars"][there]))
        own = np.sqrt(0.5 * star / rows["n_stars"])
        sharp = own <= recipe["noise_share_max"] * recipe["SE2"]
        if not (there & sharp).any():
            raise NotMeasured(
                "images_too_noisy",
                "The ellipticity of no image is known to a third of the limit: more or "
                "brighter stars are needed.",
            )
        kept = rows.where(there & sharp)
        square = kept["e1"] ** 2 + kept["e2"] ** 2 - kept["noise"]
        return kept, np.sqrt(np.maximum(square, 0.0))

    def notes(self, kept: UnitRows, night: NDArray[np.int64]) -> dict[str, Scalar]:
        """Return what explains a value."""
        return {
            "n_units": len(np.unique(night)),
            "n_visits": len(np.unique(kept["visit"])),
            "n_images": len(kept),
            "n_stars": int(kept["n_stars"].sum()),
            "seeing_median": float(np.median(kept["seeing"])),
            "own_noise_rms": float(np.sqrt(np.mean(kept["noise"]) / 2.0)),
        }

    def behind(self, rows: UnitRows, band: str) -> Table:
        """Return the ellipticity of every image that counts."""
        kept, e = self.chosen(rows)
        named = {n: kept[n] for n in ("mjd", "visit", "detector", "seeing")}
        return {"value": e, "e1": kept["e1"], "e2": kept["e2"], **named}


def _of_visits(found: Images, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the median over each image's whole visit."""
    visit = found.columns["visit"]
    edge = np.r_[0, np.flatnonzero(visit[1:] != visit[:-1]) + 1, len(visit)]
    median = [float(np.median(values[a:b])) for a, b in pairwise(edge)]
    at = np.searchsorted(visit[edge[:-1]], found.first("visit"))
    return np.array(median)[at]


def _most_shared(
    kept: UnitRows, e: NDArray[np.float64], night: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return what nights share most of: a direction is shared more than a length tells."""
    groups = clusters(night)
    return max((e, kept["e1"], kept["e2"]), key=lambda v: shared_share(v, groups))


class SE1(_Ellipticity):
    """Median ellipticity of the PSF over images near the zenith in reference seeing.

    Ellipticity is the distortion sqrt(e1^2 + e2^2) of the mean star of an image (visit x
    detector), its own noise removed as of a Rice variable; images of visits with a seeing of
    0.69 +- 0.10 arcsec within 10 deg of the zenith (LPM-17, section 3.3.3.3; r and i).
    Order statistics; nights are the independent units.

    Differs from the peers: `starEMedian` of Rubin's visit summary is the median of single
    stars' |e|, which noise raises, under all conditions.
    Not measured when: no visit has the conditions (out of scope); an image has fewer than
    five clean stars or its ellipticity is not known to a third of SE2; one night only.
    """

    id = "psf.ellipticity.se1"
    unit = ""
    title = "Median PSF ellipticity (SE1)"
    requirements = ("LPM-17.SE1/ri",)

    def values(self, rows: UnitRows, band: str, at: Bindings) -> list[Value]:
        """Return the median of one band."""
        kept, e = self.chosen(rows)
        night = nights(kept["mjd"])
        value, interval = clustered_quantile(e, night, 0.5)
        return [Value(value, len(e), interval, diagnostics=self.notes(kept, night))]


class EF1(_Ellipticity):
    """Share of images that are more elongated than SE2, %.

    Images, ellipticity and conditions as in SE1 (LPM-17, section 3.3.3.3). Binomial limits
    for the effective number of independent images.

    Differs from the peers: none of them computes it.
    Not measured when: see SE1.
    """

    id = "psf.ellipticity.ef1"
    unit = "%"
    title = "Share of elongated images (EF1 at SE2)"
    requirements = ("LPM-17.EF1/ri",)
    at_units = {"SE2": ""}  # noqa: RUF012 - a class constant of the contract

    def values(self, rows: UnitRows, band: str, at: Bindings) -> list[Value]:
        """Return the share of one band at every bound SE2."""
        kept, e = self.chosen(rows)
        night = nights(kept["mjd"])
        found = []
        for limit in self.bound("SE2", band, at):
            share, interval = clustered_fraction(e > limit, night, _most_shared(kept, e, night))
            percent, notes = scaled(interval, 100.0), self.notes(kept, night)
            found.append(Value(100.0 * share, len(e), percent, {"SE2": limit}, None, notes))
        return found


class SE2(_Ellipticity):
    """Ellipticity that EF1 % of the images exceed.

    The (100 - EF1)th percentile of the images of SE1 (LPM-17, section 3.3.3.3).

    Differs from the peers: none of them computes it.
    Not measured when: see SE1.
    """

    id = "psf.ellipticity.se2"
    unit = ""
    title = "Ellipticity of the most elongated images (SE2 at EF1)"
    requirements = ("LPM-17.SE2/ri",)
    at_units = {"EF1": "%"}  # noqa: RUF012

    def values(self, rows: UnitRows, band: str, at: Bindings) -> list[Value]:
        """Return the percentile of one band at every bound EF1."""
        kept, e = self.chosen(rows)
        night = nights(kept["mjd"])
        found = []
        for share in self.bound("EF1", band, at):
            value, interval = clustered_quantile(e, night, 1.0 - share / 100.0)
            notes = self.notes(kept, night)
            found.append(Value(value, len(e), interval, {"EF1": share}, None, notes))
        return found
