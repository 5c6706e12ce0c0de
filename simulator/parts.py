"""What a release is made of: parts that run in order, each adding products or columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.astrometry import external_frame, motions, reference_clock
from skyassay.simulator.cadence import NIGHT_FACTOR, night_log, visit_table, visits
from skyassay.simulator.calibration import object_rows, zero_point_error
from skyassay.simulator.detectors import visit_detector_table
from skyassay.simulator.errors import SimulatorError
from skyassay.simulator.galaxies import galaxy_table
from skyassay.simulator.galaxy_objects import (
    false_rows,
    galaxy_rows,
    previous_objects,
    with_position_errors,
    with_redshifts,
)
from skyassay.simulator.galaxy_visits import appended, resolved_rows, star_columns
from skyassay.simulator.image_quality import with_images
from skyassay.simulator.observe import observe
from skyassay.simulator.presets import Preset
from skyassay.simulator.psf_observe import source as psf_source
from skyassay.simulator.random import rng
from skyassay.simulator.twin import Twin
from skyassay.simulator.universe import star_table
from skyassay.simulator.variables import seen_on_coadds, variable_stars, with_variables
from skyassay.simulator.visit_errors import with_errors
from skyassay.simulator.wide import wide_stars, with_wide

Table = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Scene:
    """What a part knows: the size of the survey, the seed, the twin, the tables so far."""

    preset: Preset
    seed: int
    twin: Twin
    tables: Mapping[str, Table] = field(default_factory=dict)

    def __getitem__(self, product: str) -> Table:
        """Return a product that an earlier part made."""
        return self.tables[product]


#: Returns new products, or products there are with more columns, or with rows added at the end.
Part = Callable[[Scene], Mapping[str, Table]]


def stars(scene: Scene) -> Mapping[str, Table]:
    """Return the stars that are really there."""
    cadence = scene.preset.cadence
    table = star_table(scene.preset.universe, cadence.fields, scene.seed, cadence.start)
    return {"truth_star": table}


def wide_sky(scene: Scene) -> Mapping[str, Table]:
    """Return the stars with those of the rest of the sky after them, and the standards."""
    cadence = scene.preset.cadence
    more = wide_stars(scene.preset.wide, cadence.fields, scene.seed, cadence.start)
    return {"truth_star": with_wide(scene["truth_star"], more)}


def nights(scene: Scene) -> Mapping[str, Table]:
    """Return the visits, what the survey says of them, and the log of the nights."""
    truth = with_errors(visits(scene.preset.cadence, scene.seed), scene.twin.errors, scene.seed)
    return {
        "truth_visit": truth,
        "visit_table": visit_table(truth),
        "night_log": night_log(truth, scene.seed),
    }


def images(scene: Scene) -> Mapping[str, Table]:
    """Return what is true of images, sky and depth of visits and detectors, and what is said."""
    truth, twin = scene["truth_visit"], scene.twin
    night = truth["visit"] // NIGHT_FACTOR
    true, said = with_images(truth, scene["visit_table"], twin.images, scene.seed, night)
    return {
        "truth_visit": true,
        "visit_table": said,
        "visit_detector_table": visit_detector_table(said, twin.detectors, scene.seed, night),
    }


def measurements(scene: Scene) -> Mapping[str, Table]:
    """Return the stars as measured visit by visit."""
    table = observe(scene["truth_star"], scene["truth_visit"], scene.twin.errors, scene.seed)
    return {"matched_source": table}


def coadds(scene: Scene) -> Mapping[str, Table]:
    """Return the stars as measured on the coadds of all visits."""
    stars, twin = scene["truth_star"], scene.twin
    errors = zero_point_error(twin.calibration, stars, scene.preset.cadence.fields, scene.seed)
    bands = {b.band: b for b in twin.errors.bands}
    return {"object": object_rows(stars, scene["truth_visit"], bands, errors, scene.seed)}


def variables(scene: Scene) -> Mapping[str, Table]:
    """Return variable stars, in the truth and on the coadds; no visit-by-visit product has them."""
    twin, cadence, visits = scene.twin, scene.preset.cadence, scene["truth_visit"]
    more = variable_stars(
        twin.variables, scene.preset.universe, cadence.fields, scene.seed, cadence.start
    )
    seen = seen_on_coadds(more, visits)
    # Noise of their own: streams go by seed, module and band.
    own = int(rng(scene.seed, "variables.coadds").integers(1 << 62))
    errors = zero_point_error(twin.calibration, seen, cadence.fields, scene.seed)
    bands = {b.band: b for b in twin.errors.bands}
    rows = object_rows(seen, visits, bands, errors, own)
    return {
        "truth_star": with_variables(scene["truth_star"], more),
        "object": appended(scene["object"], rows),
    }


def galaxies(scene: Scene) -> Mapping[str, Table]:
    """Return the galaxies that are really there."""
    universe, terms = scene.preset.universe, scene.twin.galaxies
    number = int(universe.stars * terms.per_star)
    fields = scene.preset.cadence.fields
    return {"truth_galaxy": galaxy_table(terms, number, fields, universe.radius, scene.seed)}


def galaxy_coadds(scene: Scene) -> Mapping[str, Table]:
    """Return all objects: stars, galaxies, false detections; and those of the release before."""
    terms, truth, seed = scene.twin.galaxies, scene["truth_galaxy"], scene.seed
    table = appended(scene["object"], galaxy_rows(terms, truth, seed))
    fields = scene.preset.cadence.fields
    false = false_rows(terms, table["objectId"].size, fields, seed)
    table = appended(table, false)
    table |= with_redshifts(terms, table, truth, seed)
    table |= with_position_errors(table)
    return {"object": table, "previous_object": previous_objects(table, seed)}


def galaxy_visits(scene: Scene) -> Mapping[str, Table]:
    """Return bright galaxies measured visit by visit, after the stars."""
    table = scene["matched_source"]
    table = {**table, **star_columns(table)}
    rows = resolved_rows(
        scene.twin.galaxies,
        scene["truth_galaxy"],
        scene["truth_visit"],
        scene.twin.errors,
        scene.seed,
    )
    return {"matched_source": appended(table, rows)}


PARTS: tuple[Part, ...] = (
    stars,
    wide_sky,
    nights,
    images,
    measurements,
    psf_source,
    coadds,
    variables,
    galaxies,
    galaxy_coadds,
    galaxy_visits,
    motions,
    external_frame,
    reference_clock,
)


def build(preset: Preset, seed: int, twin: Twin, parts: tuple[Part, ...] = PARTS) -> Scene:
    """Return the scene with every product.

    Raises
    ------
    SimulatorError
        ``part_changed`` when a part changes or loses what an earlier one made.
    """
    scene = Scene(preset, seed, twin)
    for part in parts:
        made = part(scene)
        for name, table in made.items():
            _only_more(part, name, scene.tables.get(name, {}), table)
        scene = replace(scene, tables={**scene.tables, **made})
    return scene


def _only_more(part: Part, name: str, before: Table, after: Table) -> None:
    """Refuse a table that is not the one there was with more columns or rows after its own."""
    lost = [c for c in before if c not in after or not _begins_with(after[c], before[c])]
    if lost:
        named = getattr(part, "__name__", "a part")
        raise SimulatorError(
            f"{named} changed {', '.join(lost)} of {name}.",
            code="part_changed",
            hint="A part may add columns, and rows after those that are there.",
        )


def _begins_with(after: NDArray[Any], before: NDArray[Any]) -> bool:
    if after is before:
        return True
    head = after[: len(before)]
    floats = head.dtype.kind == "f"
    return bool(np.array_equal(head, before, equal_nan=floats))
