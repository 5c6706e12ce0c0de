"""What the metrics of the point-spread function have in common: images of stars, one row each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import Tables
from skyassay.metrics.psf.stars import SOURCE, Images, images
from skyassay.metrics.states.unit_rows import UnitRows, from_columns
from skyassay.metrics.unit_family import UnitMetric


@dataclass(frozen=True)
class ImageMetric(UnitMetric):
    """Shared by metrics of images, each reduced to one row of numbers about its stars.

    Subclasses give `key` (what an image is), `needed` (columns of `source` that must be
    finite), `reduced` and `values`. Metrics with one recipe share one state.
    """

    error_units: ClassVar[tuple[str, ...]] = ("night", "visit")
    needed: ClassVar[tuple[str, ...]] = ()

    @property
    def state_key(self) -> str:
        """Return the hash of the recipe with the name of the reduction."""
        return f"{type(self).reduced.__qualname__}:{self.recipe.hash}"

    def reduced(self, found: Images) -> dict[str, NDArray[Any]]:
        """Return one row per image."""
        raise NotImplementedError

    def fold(self, part: Tables) -> UnitRows:
        """Return the images of one partition that have stars enough; count the others."""
        # Other metrics of the same pass may have asked for more columns and bands.
        named = {column.name for column in self.inputs[SOURCE]}
        source = {n: np.asarray(c) for n, c in part[SOURCE].items() if n in named}
        if self.bands:
            asked = np.isin(source["band"], self.bands)
            source = {name: column[asked] for name, column in source.items()}
        if not len(source["visit"]):
            return UnitRows(self.key)
        mine = {**part, SOURCE: source}
        least = self.recipe["min_stars"]
        found = images(mine, self.recipe["stars"], self.key, self.needed, least)
        enough = found.count >= least
        refused = np.concatenate([found.lost, found.first("band")[~enough].astype(str)])
        names, count = np.unique(refused, return_counts=True)
        counts = {f"unusable_{n}": int(k) for n, k in zip(names, count, strict=True)}
        # Stars without moments may be the worst: an image whose stars have none is missed.
        for what, band in (("missing", found.blank), ("usable", found.first("band")[enough])):
            names, count = np.unique(band.astype(str), return_counts=True)
            counts |= {f"{what}_{n}": int(k) for n, k in zip(names, count, strict=True)}
        if not enough.any():
            return UnitRows(self.key, {}, counts)
        kept = found.of(enough)
        columns = {
            **{name: kept.first(name) for name in self.key},
            "band": kept.first("band").astype(str),
            "mjd": kept.first("mjd"),
            "n_stars": kept.count,
            **self.reduced(kept),
        }
        return from_columns(self.key, columns, counts)
