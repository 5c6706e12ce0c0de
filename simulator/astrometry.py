"""The astrometric and timing parts of a release: motions, the external frame, the clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.clock import ClockTerms, true_midpoints
from skyassay.simulator.frame import FrameTerms, reference_stars
from skyassay.simulator.motions import MotionTerms, faint_stars, fitted_motions, true_motions
from skyassay.simulator.universe import WIDE_ID

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skyassay.simulator.parts import Scene

Table = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Astrometry:
    """Sizes of the errors of the frame, of fitted motions and of the clock."""

    frame: FrameTerms = FrameTerms()  # noqa: RUF009 - frozen
    motions: MotionTerms = MotionTerms()  # noqa: RUF009
    clock: ClockTerms = ClockTerms()  # noqa: RUF009


def motions(scene: Scene) -> Mapping[str, Table]:
    """Return the stars with their motions, and faint ones with fits of ten years.

    Measured positions stay those of the catalogue's epoch, as an association that corrects
    for motions gives them, and say so (``epochMjdTai``): repeatability sees no motion.
    """
    stars, preset = scene["truth_star"], scene.preset
    terms = scene.twin.astrometry.motions
    truth = faint_stars(
        int(terms.stars * preset.universe.stars),
        preset.cadence.fields[0],
        preset.universe.radius,
        scene.seed,
        preset.cadence.start,
    )
    bands = {b.band: b for b in scene.twin.errors.bands}
    rows = scene["matched_source"]
    epoch = np.full(rows["objectId"].size, preset.cadence.start)
    return {
        "truth_star": {**stars, **true_motions(stars, scene.seed)},
        "matched_source": {**rows, "epochMjdTai": epoch},
        "truth_motion": truth,
        "isolated_star_stellar_motions": fitted_motions(truth, terms, bands, scene.seed),
    }


def external_frame(scene: Scene) -> Mapping[str, Table]:
    """Return the external catalogue of the stars in the survey's fields."""
    stars = scene["truth_star"]
    here = stars["objectId"] < WIDE_ID
    chosen = {name: column[here] for name, column in stars.items()}
    return {"reference_star": reference_stars(chosen, scene.twin.astrometry.frame, scene.seed)}


def reference_clock(scene: Scene) -> Mapping[str, Table]:
    """Return the visits with their times by a perfect clock."""
    visits = scene["truth_visit"]
    true = true_midpoints(visits, scene.twin.astrometry.clock, scene.seed)
    return {"truth_visit": {**visits, "trueMidptMJD": true}}
