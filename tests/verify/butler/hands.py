"""A small repository that looks like one of Rubin's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from astropy.table import Table
from lsst.daf.butler import Butler, CollectionType, DatasetType, Timespan

from skyassay.verify.butler.opening import open_repository
from skyassay.verify.butler.source import ButlerSource, open_collection

CAMERA = "HandCam"
RUN = "HandCam/runs/one"
VISITS = (101, 102, 103)
STARS = 40
DETECTORS = (0, 1, 2)


def open_again(repo: Path, collection: str, truth: str | None = None) -> ButlerSource:
    """Open a collection of a repository that was changed since it was opened last."""
    open_repository.cache_clear()
    return open_collection(str(repo), collection, truth)


def register(butler: Butler, name: str, dimensions: tuple[str, ...], storage: str, **more):
    kind = DatasetType(name, dimensions, storage, universe=butler.dimensions, **more)
    butler.registry.registerDatasetType(kind)


def records(butler: Butler, camera: str = CAMERA, simulated: bool = False) -> None:
    """Enter a camera of four detectors, one of them a guider, and three visits."""
    from astropy.time import Time

    sync = butler.registry.syncDimensionData
    sync("instrument", {"name": camera, "class_name": "hand.Cam", "detector_max": 9})
    sync("physical_filter", {"instrument": camera, "name": "r_hand", "band": "r"})
    for number in (*DETECTORS, 3):
        purpose = "GUIDER" if number == 3 else "SCIENCE"
        names = {"id": number, "full_name": f"D{number}", "purpose": purpose}
        sync("detector", {"instrument": camera, **names})
    sync("day_obs", {"instrument": camera, "id": 20300101})
    for k, visit in enumerate(VISITS):
        begin = Time(61041.0 + k, format="mjd", scale="tai")
        end = Time(61041.0 + k + 30 / 86400, format="mjd", scale="tai")
        common = {
            "instrument": camera,
            "id": visit,
            "physical_filter": "r_hand",
            "day_obs": 20300101,
            "timespan": Timespan(begin, end),
        }
        sync("group", {"instrument": camera, "name": str(visit)})
        sync(
            "exposure",
            common
            | {"obs_id": str(visit), "group": str(visit), "observation_type": "science"}
            | {"has_simulated": simulated},
        )
        sync("visit", common | {"name": str(visit)})


def source_table(visit: int, rng: np.random.Generator) -> Table:
    """Return the stars of a visit with 2 mmag of noise, and three sources of no star."""
    n = STARS + 3
    table = Table()
    table["sourceId"] = visit * 1000 + np.arange(n)
    table["visit"] = np.full(n, visit)
    table["detector"] = np.arange(n) % 3
    table["band"] = np.full(n, "r")
    table["coord_ra"] = 10.0 + 0.01 * np.arange(n)
    table["coord_dec"] = np.full(n, -30.0)
    table["psfFlux"] = 1e6 * (1.0 + 0.002 * rng.standard_normal(n))
    table["psfFluxErr"] = np.full(n, 1e3)
    table["extendedness"] = np.zeros(n)
    for name, unit in (("coord_ra", "deg"), ("coord_dec", "deg"), ("psfFlux", "nJy")):
        table[name].unit = unit
    table["psfFluxErr"].unit = "nJy"
    return table


def tables(butler: Butler) -> None:
    """Enter one dataset per visit, the stars of all, and the table of visits."""
    rng = np.random.default_rng(1)
    register(butler, "source", ("instrument", "visit"), "ArrowAstropy")
    register(butler, "visit_table", ("instrument",), "ArrowAstropy")
    for name in ("isolated_star", "isolated_star_association"):
        register(butler, name, ("instrument",), "ArrowAstropy")
    members = []
    for visit in VISITS:
        table = source_table(visit, rng)
        butler.put(table, "source", instrument=CAMERA, visit=visit)
        members += [(s, i % 1000 + 7000) for i, s in enumerate(table["sourceId"][:STARS])]
    found = Table(np.array(members), names=["sourceId", "isolated_star_id"])
    butler.put(found, "isolated_star_association", instrument=CAMERA)
    first = source_table(VISITS[0], rng)[:STARS]
    stars = Table({"isolated_star_id": 7000 + np.arange(STARS)})
    stars["ra"], stars["dec"] = first["coord_ra"], first["coord_dec"]
    butler.put(stars, "isolated_star", instrument=CAMERA)
    visits = Table({"visit": np.array(VISITS), "band": ["r"] * 3, "expTime": [30.0] * 3})
    visits["expTime"].unit = "s"
    butler.put(visits, "visit_table", instrument=CAMERA)


def frames(butler: Butler) -> None:
    """Enter all raws but one, and a bias that is valid for the first two visits."""
    from astropy.time import Time

    raws, calib = f"{CAMERA}/raw/all", f"{CAMERA}/calib"
    register(butler, "raw", ("instrument", "exposure", "detector"), "StructuredDataDict")
    butler.collections.register(raws, CollectionType.RUN)
    for visit in VISITS:
        for detector in DETECTORS:
            if (visit, detector) != (VISITS[2], 1):
                data_id = {"instrument": CAMERA, "exposure": visit, "detector": detector}
                butler.put({"a": 1}, "raw", data_id, run=raws)
    kind = ("instrument", "detector")
    register(butler, "bias", kind, "StructuredDataDict", isCalibration=True)
    butler.collections.register(calib, CollectionType.CALIBRATION)
    butler.collections.register(f"{calib}/one")
    refs = [
        butler.put({"b": 1}, "bias", instrument=CAMERA, detector=d, run=f"{calib}/one")
        for d in DETECTORS
    ]
    end = Time(61042.5, format="mjd", scale="tai")
    butler.registry.certify(calib, refs, Timespan(None, end))
