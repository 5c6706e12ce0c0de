"""Stars and galaxies told apart: completeness and purity of the classes against truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import Bindings, Column, Measurement, Recipe, Table
from skyassay.metrics.detection.counting import against_magnitude, percent
from skyassay.metrics.detection.recipes import CLASSES, OBJECT_COLUMNS
from skyassay.metrics.detection.truth import Matched, TruthMetric, inputs_of
from skyassay.metrics.plugin import NotMeasured
from skyassay.metrics.states.sky_sample import SkySample

Bools = NDArray[np.bool_]
#: Classes of an object; one that has no finite extendedness is neither star nor galaxy.
STAR, GALAXY, NEITHER = 1, 0, -1
_COMPONENTS = {"star": STAR, "galaxy": GALAXY}


class _Classes(TruthMetric):
    """Shared by the three: detected sources of a magnitude range and their class."""

    unit = "%"
    requirements = ()
    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": CLASSES}
    object_columns: ClassVar[Mapping[str, Column]] = OBJECT_COLUMNS
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = inputs_of(OBJECT_COLUMNS)
    diagnostic: ClassVar[bool] = True
    components: ClassVar[tuple[str | None, ...]] = ("star", "galaxy")

    def finish(self, state: SkySample, at: Bindings) -> list[Measurement]:
        """Return one share per class; none when there was no row at all."""
        if not state.counts:
            return []
        sources, found = _Sources.of(self.match(state), self.recipe), []
        for component in self.components:
            use, hit = self.select(sources, component)
            try:
                value = percent(
                    hit[use], sources.block[use], self.recipe, "min_sources", {}, component
                )
                found.append(self.measured(value, band=self.recipe["band"]))
            except NotMeasured as why:
                named = NotMeasured(why.reason, f"{component or 'objects'}: {why.hint}")
                return [self.not_measured(named, band=self.recipe["band"])]
        return found

    def evidence(self, state: SkySample) -> Mapping[str, Table]:
        """Return the share of true stars (percent) in bins of true magnitude."""
        sources = _Sources.of(self.match(state), self.recipe)
        use, hit = self.select(sources, self.components[0])
        return {self.recipe["band"]: against_magnitude(sources.mag[use], hit[use])}

    def select(self, s: _Sources, component: str | None) -> tuple[Bools, Bools]:
        """Return which sources count, and which of all are hits."""
        raise NotImplementedError


@dataclass(frozen=True)
class _Sources:
    """Detected true sources inside the magnitude range: true class and given class."""

    mag: NDArray[np.float64]
    block: NDArray[np.int64]
    true: NDArray[np.int64]
    given: NDArray[np.int64]

    @classmethod
    def of(cls, m: Matched, recipe: Recipe) -> _Sources:
        """Return the detected sources of a match."""
        low, high = recipe["mag"]
        paired = np.flatnonzero((m.pair >= 0) & m.counted_found)
        truth = m.pair[paired]
        inside = (m.truth["mag"][truth] >= low) & (m.truth["mag"][truth] < high)
        paired, truth = paired[inside], truth[inside]
        return cls(
            m.truth["mag"][truth],
            m.block_found[paired],
            m.truth["star"][truth].astype(np.int64),
            classes(m.found["extendedness"][paired], recipe["extendedness_max"]),
        )


def classes(extendedness: NDArray[np.float64], limit: float) -> NDArray[np.int64]:
    """Return the class of each object: star (1), galaxy (0), or neither (-1) where not finite."""
    finite = np.isfinite(extendedness)
    star = np.where(finite, extendedness, np.inf) < limit
    return np.where(finite, np.where(star, STAR, GALAXY), NEITHER).astype(np.int64)


class ClassCompleteness(_Classes):
    """Share of the detected true stars (galaxies) that the catalog calls so, %.

    Of sources with true i of 18 to 23; a star is an object with `refExtendedness` below 0.5.
    An object without a finite value is neither star nor galaxy and lowers the completeness
    of both.

    Source: no requirement of LPM-17 or LSE-61 states a limit; informational.
    Differs from the peers: analysis_tools counts a good match with a class from tables
    matched beforehand, and in faro a value that is not finite takes the object out of sight.
    Not measured when: fewer than 3 patches of sky, or 30 detected sources of a class.
    """

    id = "classification.star_galaxy.completeness"
    title = "Completeness of the star/galaxy classification"

    def select(self, s: _Sources, component: str | None) -> tuple[Bools, Bools]:
        """Return the true members, and which of all are called so."""
        wanted = _COMPONENTS[component or "star"]
        return s.true == wanted, s.given == wanted


class ClassPurity(_Classes):
    """Share of the detections called star (galaxy) that are one, %.

    Of detections of true sources with i of 18 to 23; false detections are counted by
    `detection.purity.false_share`.

    Source: no requirement of LPM-17 or LSE-61 states a limit; informational.
    Differs from the peers: an object without a finite class is called nothing, never star.
    Not measured when: fewer than 3 patches of sky, or 30 detections of a class.
    """

    id = "classification.star_galaxy.purity"
    title = "Purity of the star/galaxy classification"

    def select(self, s: _Sources, component: str | None) -> tuple[Bools, Bools]:
        """Return those called members, and which of all are."""
        wanted = _COMPONENTS[component or "star"]
        return s.given == wanted, s.true == wanted


class Unclassified(_Classes):
    """Share of the detected true sources without a finite class, %.

    Source: no requirement of LPM-17 or LSE-61 states a limit; informational.
    Differs from the peers: none counts them.
    Not measured when: fewer than 3 patches of sky, or 30 detected sources.
    """

    id = "classification.star_galaxy.unclassified"
    title = "Detections without a star/galaxy class"
    components = (None,)

    def select(self, s: _Sources, component: str | None) -> tuple[Bools, Bools]:
        """Return all sources, and which have no class."""
        return np.ones(len(s.given), dtype=bool), s.given == NEITHER
