"""A small piece of sky that is looked at again and again, with sources made to measure."""

from __future__ import annotations

import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from astropy.table import Table

from skyassay.pipeline.astrometry.wcs import SkyWcs
from skyassay.pipeline.images.exposure import Exposure, PhotoCalib
from skyassay.pipeline.prompt.database import ensure_database, open_database
from skyassay.pipeline.prompt.image import ImageInput
from skyassay.pipeline.psf.model import PsfModel
from skyassay.pipeline.tables.ids import source_ids

SHAPE = (120, 140)
SCALE = 0.2
#: 1 electron is 10 nJy.
ZERO = 31.4 - 2.5
SIGMA = 2.0
FILTERS = {"r": "r_sim", "i": "i_sim"}
VISIT, MJD = 2026_11_01_00100, 61345.2


def wcs(ra=150.0, dec=2.0):
    cd = np.array([[-SCALE, 0.0], [0.0, SCALE]]) / 3600.0
    centre = ((SHAPE[1] - 1) / 2, (SHAPE[0] - 1) / 2)
    nothing = np.zeros((4, 4))
    return SkyWcs((ra, dec), centre, cd, nothing, nothing, (SHAPE[1], SHAPE[0]))


def psf():
    width = np.array([[SIGMA**2, 0.0, SIGMA**2]])
    return PsfModel(width, np.ones(1), np.ones(1), np.zeros((3, 3)), 12, SHAPE)


def drawn(stars, mjd, sky=0.0, band="r", noise=1.0):
    """Return an image of stars (x, y, electrons) without noise; its variance is constant."""
    model = psf()
    image = np.full(SHAPE, sky, dtype=np.float64)
    for x, y, flux in stars:
        stamp = model.image(x, y)
        half = stamp.shape[0] // 2
        i, j = round(x) - half, round(y) - half
        rows, cols = (
            slice(max(0, a), min(n, a + 2 * half + 1)) for a, n in ((j, SHAPE[0]), (i, SHAPE[1]))
        )
        image[rows, cols] += (
            flux * stamp[rows.start - j : rows.stop - j, cols.start - i : cols.stop - i]
        )
    header = {"EXPTIME": 30.0, "MJD-AVG": mjd, "FILTER": FILTERS[band], "DAYOBS": 20261101}
    return Exposure(
        image.astype(np.float32),
        np.zeros(SHAPE, dtype=np.int32),
        np.full(SHAPE, noise, dtype=np.float32),
        metadata=header,
        wcs=wcs(),
        psf=model,
        photo_calib=PhotoCalib(ZERO, 0.01),
    )


def source_table(number, places, mjd, fluxes=None, band="r", detector=4, error=2e-6, **more):
    """Return `dia_source_detector` with sources at places (ra, dec)."""
    ra, dec = np.array(places, dtype=np.float64).reshape(-1, 2).T
    n = len(ra)
    flux = np.full(n, 1000.0) if fluxes is None else np.array(fluxes, dtype=np.float64)
    x, y = wcs().sky_to_pixel(ra, dec) if n else (np.empty(0), np.empty(0))
    table = Table(
        {
            "diaSourceId": source_ids(number, detector, n),
            "visit": np.full(n, number),
            "detector": np.full(n, detector, dtype=np.int32),
            "band": np.full(n, band, dtype="U1"),
            "midpointMjdTai": np.full(n, mjd),
            "exposureTime": np.full(n, 30.0, dtype=np.float32),
            "parentDiaSourceId": np.zeros(n, dtype=np.int64),
            "ra": ra,
            "dec": dec,
            "coord_ra": ra,
            "raErr": np.full(n, error, dtype=np.float32),
            "decErr": np.full(n, error, dtype=np.float32),
            "ra_dec_Cov": np.zeros(n, dtype=np.float32),
            "x": x,
            "y": y,
            "psfFlux": flux.astype(np.float32),
            "psfFluxErr": np.full(n, 50.0, dtype=np.float32),
            "psfFlux_flag": np.zeros(n, dtype=bool),
            "psfNdata": np.full(n, 400, dtype=np.int32),
            "scienceFlux": (flux + 500.0).astype(np.float32),
            "scienceFluxErr": np.full(n, 60.0, dtype=np.float32),
            "snr": flux / 50.0,
            "isNegative": flux < 0,
            "dipoleNdata": np.zeros(n, dtype=np.int64),
            "bboxSize": np.full(n, 20, dtype=np.int64),
            "reliability": np.full(n, 0.9, dtype=np.float32),
            "reliabilityVersion": np.full(n, "test", dtype="U4"),
            "extendedness": np.full(n, np.nan),
        }
    )
    for name, values in more.items():
        table[name] = values
    return table


def ephemeris(rows=()):
    """Return `preloaded_ss_object` of (id, ra, dec, error in arcsec)."""
    ids, ra, dec, error = (
        (np.array(c) for c in zip(*rows, strict=True)) if rows else [np.empty(0)] * 4
    )
    n = len(ids)
    table = Table({"ssObjectId": ids.astype(np.int64), "ra": ra, "dec": dec, "err": error})
    numbers = ["rate_ra", "rate_dec", "Vmag", "phaseAngle", "elongation"]
    numbers += ["helioRange", "topoRange", "helioRangeRate", "topoRangeRate"]
    numbers += [f"{f}_{v}{a}" for f in ("helio", "topo") for v in ("", "v") for a in "xyz"]
    for k, name in enumerate(numbers, start=1):
        table[name] = np.full(n, float(k))
    table["designation"] = np.array([f"2026 A{i}" for i in range(n)], dtype="U12")
    for name in (
        "packed_primary_provisional_designation",
        "unpacked_primary_provisional_designation",
    ):
        table[name] = table["designation"]
    return table


@dataclass
class World:
    """A database and images of one place, a day apart."""

    config: Path

    @property
    def database(self):
        return open_database(self.config, wait=1.0)

    def image(self, day, places, *, fluxes=None, band="r", detector=4, orbits=(), stars=(), **more):
        """Return the image of a day; `stars` (x, y, nJy) are drawn on difference and science."""
        mjd, number = MJD + day, VISIT + round(day)
        light = [(x, y, nanojansky / 10.0) for x, y, nanojansky in stars]
        sources = source_table(number, places, mjd, fluxes, band, detector, **more)
        return ImageInput(
            number,
            detector,
            sources,
            ephemeris(orbits),
            drawn(light, mjd, band=band),
            drawn([(x, y, 2.0 * flux) for x, y, flux in light], mjd, band=band, noise=4.0),
        )

    def rows(self, sql, *values):
        """Return rows of the SQLite file."""
        with sqlite3.connect(self.config.parent / "apdb.sqlite") as connection:
            found = connection.execute(sql, values).fetchall()
        connection.close()
        return found


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory) -> Path:
    """Return the folder of a database without rows, to be copied."""
    folder = tmp_path_factory.mktemp("apdb")
    ensure_database(folder / "apdb_config.yaml")
    return folder


@pytest.fixture
def own_world(empty_database, tmp_path):
    """Return a world with a database that nobody else has: it may be broken."""
    shutil.copytree(empty_database, tmp_path / "apdb")
    made = World(tmp_path / "apdb" / "apdb_config.yaml")
    yield made
    if made.config.exists():
        made.database.close()


@pytest.fixture
def world(empty_database):
    """Return a world; its database is emptied afterwards, which is quicker than opening one."""
    made = World(empty_database / "apdb_config.yaml")
    yield made
    with made.database.engine.begin() as connection:
        for name in ("DiaObject", "DiaSource", "DiaForcedSource"):
            connection.exec_driver_sql(f"delete from {name}")
    made.database.close()


@pytest.fixture(scope="session")
def made():
    """Return the makers of tables, for tests without a database."""
    return SimpleNamespace(
        source_table=source_table, ephemeris=ephemeris, drawn=drawn, wcs=wcs, VISIT=VISIT, MJD=MJD
    )
