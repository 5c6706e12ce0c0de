"""Tables with a value in every field of a record, and a small exposure."""

import numpy as np
import pytest

from skyassay.pipeline.alerts.schema import newest
from skyassay.pipeline.astrometry.wcs import SkyWcs
from skyassay.pipeline.images.exposure import Exposure, PhotoCalib
from skyassay.pipeline.psf.model import PsfModel

TIME = 61041.25


def fill(record, count, seed=1, **own):
    """Return a table of one record with all its columns."""
    rng = np.random.default_rng(seed)
    table = {}
    for field in newest().record(record).fields:
        if field.kind in ("float", "double"):
            table[field.name] = rng.normal(size=count).astype(
                np.float32 if field.kind == "float" else np.float64
            )
        elif field.kind in ("int", "long"):
            table[field.name] = rng.integers(0, 1000, count)
        elif field.kind == "boolean":
            table[field.name] = rng.random(count) > 0.5
        else:
            table[field.name] = np.array(["r"] * count)
    return table | own


@pytest.fixture
def night():
    """Return tables of four sources: three of objects 7, 8, 9 and one of a moving object."""
    sources = fill(
        "diaSource",
        4,
        diaSourceId=np.arange(4) + 2**60,
        diaObjectId=np.array([7, 8, 9, 0]),
        ssObjectId=np.array([0, 0, 0, 55]),
        midpointMjdTai=np.full(4, TIME),
        visit=np.full(4, 2026010100001),
        x=np.array([40.0, 3.2, 61.7, 20.1]),
        y=np.array([30.0, 60.4, 1.2, 20.9]),
        ra=np.full(4, 60.0),
        dec=np.full(4, -30.0),
        bboxSize=np.array([9, 31, 40, 500]),
    )
    ages = np.array([400.0, 300.0, 20.0, 1.0, 0.0])
    previous = fill(
        "diaSource",
        5,
        diaSourceId=np.array([10, 11, 12, 13, 2**60]),
        diaObjectId=np.array([7, 7, 7, 8, 7]),
        midpointMjdTai=TIME - ages,
    )
    forced = fill(
        "diaForcedSource",
        5,
        diaForcedSourceId=np.arange(5) + 100,
        diaObjectId=np.array([7, 7, 8, 8, 8]),
        midpointMjdTai=TIME - ages,
    )
    objects = fill("diaObject", 5, diaObjectId=np.array([3, 9, 8, 7, 5]))
    system = fill("ssSource", 1, diaSourceId=np.array([2**60 + 3]), ssObjectId=np.array([55]))
    orbits = {
        "ssObjectId": np.array([54, 55]),
        "unpacked_primary_provisional_designation": np.array(["2026 AA", "2026 AB"]),
        "packed_primary_provisional_designation": np.array(["K26A00A", "K26A00B"]),
        "q": np.array([1.0, 2.5]),
        "e": np.array([0.1, 0.2]),
        "t_p": np.array([61000.0, 61001.5]),
        "mpc_H": np.array([20.0, 21.0]),
        "mpc_G": np.array([0.15, 0.15]),
    }
    return {
        "sources": sources,
        "objects": objects,
        "previous": previous,
        "forced": forced,
        "ss_sources": system,
        "orbits": orbits,
    }


@pytest.fixture
def exposure():
    """Return an image of 64 x 72 pixels with WCS, PSF and zero point."""
    rng = np.random.default_rng(5)
    shape = (64, 72)
    step = 0.2 / 3600.0
    turned = np.radians(25.0)
    cd = step * np.array([[-np.cos(turned), np.sin(turned)], [np.sin(turned), np.cos(turned)]])
    wcs = SkyWcs((60.0, -30.0), (35.0, 31.0), cd, np.zeros((4, 4)), np.zeros((4, 4)), (72, 64))
    psf = PsfModel(
        np.array([[4.0, 0.3, 3.5]]),
        np.array([1.0, 2.0]),
        np.array([0.8, 0.2]),
        np.zeros((7, 7)),
        10,
        shape,
    )
    return Exposure(
        rng.normal(size=shape).astype(np.float32),
        np.zeros(shape, dtype=np.int32),
        rng.uniform(1.0, 2.0, shape).astype(np.float32),
        wcs=wcs,
        psf=psf,
        photo_calib=PhotoCalib(31.9, 0.001),
    )
