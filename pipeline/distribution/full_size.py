"""Packets of full size for load tests: drawn numbers in every column, cutouts of noise.

They are built by the code that builds the packets of a night, so the time is that of the work.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from skyassay.pipeline.alerts import packets
from skyassay.pipeline.alerts.container import write_container
from skyassay.pipeline.alerts.cutouts import cut_all
from skyassay.pipeline.alerts.schema import newest
from skyassay.pipeline.astrometry.wcs import SkyWcs
from skyassay.pipeline.distribution.images import Image
from skyassay.pipeline.images.exposure import Exposure, PhotoCalib
from skyassay.pipeline.psf.model import PsfModel

#: Earlier sources and forced fluxes of each object, and side of the cutouts in pixels.
HISTORY, SIDE = 20, 31
_SHAPE = (512, 512)
_TIME = 61041.25


def full_size_images(visit: int, count: int, per_image: int, seed: int = 1) -> Iterator[Image]:
    """Build the alerts of a visit, one detector after the other.

    Parameters
    ----------
    visit : int
        The alerts are numbered from ``visit * 10**7``.
    count, per_image : int
        Alerts of the visit and of each detector.
    seed : int

    Yields
    ------
    Image
        Each is built when it is asked for.
    """
    draw = np.random.default_rng([seed, visit])
    exposures = [_exposure(draw) for _ in range(3)]
    for detector, start in enumerate(range(0, count, per_image)):
        rows = min(per_image, count - start)
        ids = visit * 10**7 + start + np.arange(rows, dtype=np.int64)
        yield Image(visit, detector, _container(ids, visit, detector, exposures, draw))


def _container(
    ids: Any, visit: int, detector: int, exposures: list[Exposure], draw: np.random.Generator
) -> bytes:
    rows = len(ids)
    objects = ids + 10**12
    sources = _fill("diaSource", rows, draw) | {
        "diaSourceId": ids,
        "diaObjectId": objects,
        "ssObjectId": np.zeros(rows, dtype=np.int64),
        "visit": np.full(rows, visit),
        "detector": np.full(rows, detector),
        "midpointMjdTai": np.full(rows, _TIME),
        # Differential counts as bright ones have: a third of those of half the S/N.
        "snr": (5.0 * draw.random(rows) ** -0.63).astype(np.float32),
        "reliability": draw.random(rows).astype(np.float32),
        "x": draw.uniform(30.0, _SHAPE[1] - 30.0, rows),
        "y": draw.uniform(30.0, _SHAPE[0] - 30.0, rows),
        "ra": np.full(rows, 60.0),
        "dec": np.full(rows, -30.0),
        "bboxSize": np.full(rows, SIDE),
    }
    difference, science, template = exposures
    built = packets.build(
        sources,
        _fill("diaObject", rows, draw) | {"diaObjectId": objects},
        previous=_history("diaSource", objects, draw),
        forced=_history("diaForcedSource", objects, draw),
        cutouts=cut_all(sources, difference=difference, science=science, template=template),
        target=packets.SIMULATED,
    )
    return write_container(built.bodies, built.schema)


def _history(record: str, objects: Any, draw: np.random.Generator) -> dict[str, Any]:
    rows = HISTORY * len(objects)
    return _fill(record, rows, draw) | {
        f"{record}Id": 10**13 + objects.repeat(HISTORY) * HISTORY + np.arange(rows) % HISTORY,
        "diaObjectId": objects.repeat(HISTORY),
        "midpointMjdTai": _TIME - draw.uniform(1.0, 300.0, rows),
    }


def _fill(record: str, rows: int, draw: np.random.Generator) -> dict[str, Any]:
    """Return drawn values for every field of a record."""
    kinds = {"float": np.float32, "double": np.float64}
    table: dict[str, Any] = {}
    for field in newest().record(record).fields:
        if field.kind in kinds:
            table[field.name] = draw.normal(size=rows).astype(kinds[field.kind])
        elif field.kind in ("int", "long"):
            table[field.name] = draw.integers(0, 1000, rows)
        elif field.kind == "boolean":
            table[field.name] = draw.random(rows) > 0.5
        else:
            table[field.name] = np.full(rows, "r")
    return table


def _exposure(draw: np.random.Generator) -> Exposure:
    """Return an image of noise with WCS, PSF and zero point."""
    step = 0.2 / 3600.0
    none = np.zeros((4, 4))
    middle = (_SHAPE[1] / 2.0, _SHAPE[0] / 2.0)
    wcs = SkyWcs((60.0, -30.0), middle, step * np.diag([-1.0, 1.0]), none, none, _SHAPE)
    psf = PsfModel(
        np.array([[4.0, 0.3, 3.5]]),
        np.array([1.0, 2.0]),
        np.array([0.8, 0.2]),
        np.zeros((7, 7)),
        10,
        _SHAPE,
    )
    return Exposure(
        draw.normal(size=_SHAPE).astype(np.float32),
        np.zeros(_SHAPE, dtype=np.int32),
        draw.uniform(1.0, 2.0, _SHAPE).astype(np.float32),
        wcs=wcs,
        psf=psf,
        photo_calib=PhotoCalib(31.9, 0.001),
    )
