"""All that changes in a night, at any time and in any band."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.instrument.camera import Camera
from skyassay.simulator.cadence import Cadence
from skyassay.simulator.changing.fast import (
    fast_flux,
    hosted_transients,
    lonely_density,
    lonely_transients,
)
from skyassay.simulator.changing.moving import mover_points, movers, tracks
from skyassay.simulator.changing.nuclei import active_nuclei, nucleus_flux
from skyassay.simulator.changing.points import Points, joined_points, points
from skyassay.simulator.changing.supernovae import supernova_flux, supernovae
from skyassay.simulator.changing.terms import ChangingSky
from skyassay.simulator.exposure.field import PixelSky, scattered
from skyassay.simulator.geometry import basis

Floats = NDArray[np.float64]
Table = dict[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Catalogue:
    """What changes, but for the stars, whose own numbers say all.

    Attributes
    ----------
    terms : ChangingSky
    supernova, hosted, lonely, nucleus, mover : dict
        One table per kind; `mover` has orbits.
    tracks : mapping
        MJD of a visit -> where the objects of the Solar System are seen.
    """

    terms: ChangingSky
    supernova: Table
    hosted: Table
    lonely: Table
    nucleus: Table
    mover: Table
    tracks: Mapping[float, Table]

    def at(self, mjd: float, band: str, ra: float, dec: float, radius: float) -> Points:
        """Return what differs at a time within `radius` degrees of a place, stars excepted."""
        t = self.terms
        supernova, hosted, lonely, nucleus = (
            near(table, ra, dec, radius)
            for table in (self.supernova, self.hosted, self.lonely, self.nucleus)
        )
        return joined_points(
            [
                _points("supernova", supernova, supernova_flux(t.supernovae, supernova, mjd, band)),
                _points("fast", hosted, fast_flux(t.fast, hosted, mjd, band)),
                _points("fast", lonely, fast_flux(t.fast, lonely, mjd, band)),
                _points("agn", nucleus, nucleus_flux(t.nuclei, nucleus, mjd, band)),
                mover_points(self.tracks, mjd, band),
            ]
        )


def _points(kind: str, table: Table, flux: Floats) -> Points:
    more = {"colour": table["colour"]} if "colour" in table else {}
    return points(
        kind,
        table["truthId"],
        table["ra"],
        table["dec"],
        flux,
        host_id=table["hostId"],
        separation=table["hostSeparation"],
        **more,
    )


def near(table: Table, ra: float, dec: float, radius: float) -> Table:
    """Return the rows within `radius` degrees of a place."""
    middle = basis(np.array(ra), np.array(dec))[0]
    chosen = middle @ basis(table["ra"], table["dec"])[0] > np.cos(np.radians(radius))
    return {n: c[chosen] for n, c in table.items()}


def catalogue(
    terms: ChangingSky,
    camera: Camera,
    cadence: Cadence,
    sky: PixelSky,
    galaxy: Table,
    times: Floats,
    seed: int,
) -> Catalogue:
    """Return all that changes in a night.

    Parameters
    ----------
    terms : ChangingSky
    camera : Camera
    cadence : Cadence
        Its fields and rotation.
    sky : PixelSky
        The population that the galaxies are from.
    galaxy : dict
        `truth_galaxy`.
    times : ndarray
        MJD (TAI) of the night's visits.
    seed : int
    """

    def places(kind: str, density: float, margin: float) -> Table:
        where = cadence.fields, cadence.rotation
        return scattered(f"changing.{kind}", density, camera, *where, margin, seed)

    start, middle = float(times.min()), 0.5 * float(times.min() + times.max())
    lonely = places("lonely", lonely_density(terms.fast), sky.margin)
    moving = places("movers", terms.movers.density, terms.movers.margin)
    mover = movers(terms.movers, moving, middle, seed)
    return Catalogue(
        terms,
        supernovae(terms.supernovae, galaxy, sky, start, seed),
        hosted_transients(terms.fast, galaxy, sky, start, seed),
        lonely_transients(terms.fast, lonely, start, seed),
        active_nuclei(terms.nuclei, galaxy, seed),
        mover,
        tracks(mover, times),
    )
