"""Building and encoding alert packets beside the stock libraries, in one run.

    python benchmarks/alerts.py [--alerts 200] [--images 10] [--stock 40] [--workers 2] [--json F]

A packet has three cutouts of 31 x 31 with variance and a PSF of 41 x 41, 20 earlier sources
and 20 forced fluxes: 130 kB. One image has `--alerts` of them. CPU microseconds an alert on one
core, the median of `--images` runs. The stock path makes the same packets by `CCDData.write`,
rows of DataFrames as dicts and fastavro, `--stock` of them; its bytes are compared with ours.
At last `--workers` processes work at the same time, for the rate on the clock.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

# Threads that wait would count as CPU; compiled libraries read this when they are loaded.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"

import numpy as np  # noqa: E402

from skyassay.pipeline.alerts.cutouts import Frame, cut_all, frames  # noqa: E402
from skyassay.pipeline.alerts.packets import Packets, build  # noqa: E402
from skyassay.pipeline.alerts.schema import newest  # noqa: E402
from skyassay.pipeline.astrometry.wcs import SkyWcs  # noqa: E402
from skyassay.pipeline.images.exposure import Exposure, PhotoCalib  # noqa: E402
from skyassay.pipeline.psf.model import PsfModel  # noqa: E402

TARGET, HISTORY, SIDE, PIXELS = 2_000, 20, 31, 1024
Tables = dict[str, dict[str, Any]]


def table(record: str, count: int, rng: np.random.Generator, **own: Any) -> dict[str, Any]:
    """Return columns for every field of a record."""
    made: dict[str, Any] = {}
    for field in newest().record(record).fields:
        if field.kind in ("float", "double"):
            made[field.name] = rng.normal(size=count).astype(f"f{4 + 4 * (field.kind == 'double')}")
        elif field.kind == "boolean":
            made[field.name] = rng.random(count) > 0.5
        elif field.kind == "string":
            made[field.name] = np.full(count, "r")
        else:
            made[field.name] = rng.integers(0, 2000, count)
    return made | own


def image_tables(count: int, seed: int) -> Tables:
    """Return the tables of one image."""
    rng = np.random.default_rng(seed)
    objects = np.arange(count) + 10**17
    first = np.repeat(objects, HISTORY)
    times = 61000.0 + np.tile(np.arange(HISTORY) * 3.0, count)
    sources = table("diaSource", count, rng, diaSourceId=objects + 10**16, diaObjectId=objects)
    sources |= {"ssObjectId": np.zeros(count, int), "midpointMjdTai": np.full(count, 61090.0)}
    sources |= {name: rng.uniform(40, PIXELS - 40, count) for name in ("x", "y")}
    sources |= {"ra": np.full(count, 60.0), "dec": np.full(count, -30.0)}
    ids = np.arange(count * HISTORY)
    own = {"diaObjectId": first, "midpointMjdTai": times}
    return {
        "sources": sources | {"bboxSize": np.full(count, SIDE)},
        "objects": table("diaObject", count, rng, diaObjectId=objects),
        "previous": table("diaSource", len(ids), rng, diaSourceId=ids, **own),
        "forced": table("diaForcedSource", len(ids), rng, diaForcedSourceId=ids, **own),
    }


def image(seed: int) -> Exposure:
    """Return an image with WCS, zero point and a PSF of 41 x 41."""
    rng = np.random.default_rng(seed)
    shape, none = (PIXELS, PIXELS), np.zeros((4, 4))
    cd = np.diag([-0.2, 0.2]) / 3600.0
    pixels = rng.normal(size=shape).astype(np.float32)
    return Exposure(
        pixels,
        np.zeros(shape, np.int32),
        np.ones(shape, np.float32),
        wcs=SkyWcs((60.0, -30.0), (511.5, 511.5), cd, none, none, shape),
        psf=PsfModel(
            np.array([[4.0, 0.1, 4.0]]), np.ones(1), np.ones(1), np.zeros((9, 9)), 20, shape
        ),
        photo_calib=PhotoCalib(31.9, 0.001),
    )


def ours(tables: Tables, exposure: Exposure, spent: dict[str, float]) -> Packets:
    """Return the packets of one image, and add the CPU seconds of each step."""
    rest = {name: tables[name] for name in ("previous", "forced")}
    cutouts = timed(
        spent,
        "cutouts",
        lambda: cut_all(
            tables["sources"], difference=exposure, science=exposure, template=exposure
        ),
    )
    made = timed(
        spent,
        "rows, history, encoding",
        lambda: build(tables["sources"], tables["objects"], cutouts=cutouts, **rest),
    )
    timed(spent, "container", made.container)
    return made


def stock_cutout(exposure: Exposure, frame: Frame) -> bytes:
    """Return a cutout as the stock library writes it."""
    import astropy.units as u
    from astropy.nddata import CCDData, VarianceUncertainty
    from astropy.wcs import WCS

    scale = exposure.photo_calib.nanojansky if exposure.photo_calib else 1.0
    box = np.s_[frame.y0 : frame.y0 + SIDE, frame.x0 : frame.x0 + SIDE]
    wcs = WCS(naxis=2)
    wcs.wcs.crpix, wcs.wcs.crval, wcs.wcs.cdelt = frame.crpix, frame.crval, [1.0, 1.0]
    wcs.wcs.pc = np.reshape(frame.pc, (2, 2))
    x, y = frame.x0 + frame.crpix[0] - 1.0, frame.y0 + frame.crpix[1] - 1.0
    data = CCDData(
        exposure.image[box] * np.float32(scale),
        uncertainty=VarianceUncertainty(exposure.variance[box] * np.float32(scale * scale)),
        wcs=wcs,
        psf=exposure.psf.kernel(x, y) if exposure.psf else None,
        unit=u.nJy,
        meta={"cutMinX": frame.x0 - 1, "cutMinY": frame.y0 - 1},
    )
    turned = "Pos angle in deg of focal plane +Y wrt North"
    data.header["ROTPA"] = (round(frame.rotation, 10), turned)
    out = io.BytesIO()
    data.write(out, format="fits")
    return out.getvalue()


def stock(tables: Tables, exposure: Exposure, count: int, spent: dict[str, float]) -> list[bytes]:
    """Return the first packets by the stock libraries."""
    import pandas as pd
    from lsst.alert.packet import Schema

    schema, frame = Schema.from_uri(), {k: pd.DataFrame(t) for k, t in tables.items()}
    where = frames(tables["sources"], exposure)[:count]
    cut = timed(
        spent, "cutouts", lambda: [[stock_cutout(exposure, f) for _ in range(3)] for f in where]
    )
    fields = {name: list(record.names) for name, record in newest().records.items()}

    def rows() -> list[dict[str, Any]]:
        made = []
        for k in range(count):
            own = frame["sources"].iloc[k : k + 1][fields["diaSource"]].to_dict("records")[0]
            mine = {n: frame[n][frame[n].diaObjectId == own["diaObjectId"]] for n in list(frame)}
            made.append(
                {
                    "diaSourceId": own["diaSourceId"],
                    "diaSource": own,
                    "prvDiaSources": mine["previous"][fields["diaSource"]].to_dict("records"),
                    "prvDiaForcedSources": mine["forced"].to_dict("records"),
                    "diaObject": mine["objects"].to_dict("records")[0],
                    "cutoutDifference": cut[k][0],
                    "cutoutScience": cut[k][1],
                    "cutoutTemplate": cut[k][2],
                }
            )
        return made

    records = timed(spent, "rows, history", rows)
    return timed(spent, "encoding", lambda: [schema.serialize(one) for one in records])


def timed(spent: dict[str, float], name: str, work: Callable[[], Any]) -> Any:
    start = time.process_time()
    made = work()
    spent[name] = spent.get(name, 0.0) + time.process_time() - start
    return made


def many(count: int, images: int, seed: int) -> tuple[int, float]:
    """Return how many packets one process made of several images, and its CPU seconds."""
    tables, exposure = image_tables(count, seed), image(seed)
    start = time.process_time()
    made = sum(len(ours(tables, exposure, {})) for _ in range(images))
    return made, time.process_time() - start


def together(count: int, images: int, workers: int) -> tuple[float, float]:
    """Return packets a second of several processes, once they are warm: clock, and CPU.

    The second is what they reach when each has a core to itself.
    """
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        list(pool.map(many, [count] * workers, [1] * workers, range(workers)))
        start = time.perf_counter()
        done = list(pool.map(many, [count] * workers, [images] * workers, range(workers)))
        clock = time.perf_counter() - start
    return sum(made for made, _ in done) / clock, sum(made / cpu for made, cpu in done)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    for name, value in (("alerts", 200), ("images", 10), ("stock", 40), ("workers", 2)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    tables, exposure = image_tables(asked.alerts, 1), image(1)
    made = ours(tables, exposure, {})
    runs: list[dict[str, float]] = [{} for _ in range(asked.images)]
    for spent in runs:
        ours(tables, exposure, spent)
    here = {name: median(run[name] for run in runs) / asked.alerts * 1e6 for name in runs[0]}
    theirs: dict[str, float] = {}
    bodies = stock(tables, exposure, min(asked.stock, asked.alerts), theirs)
    assert bodies == list(made.bodies[: len(bodies)]), "the stock path makes other packets"
    theirs = {name: value / len(bodies) * 1e6 for name, value in theirs.items()}
    print(f"{len(made.bodies[0]):,} bytes a packet; the stock path makes the same bytes")
    for label, split in (("ours", here), ("stock libraries", theirs)):
        total = sum(split.values())
        print(f"{label}: {total:,.0f} us an alert, {1e6 / total:,.0f} a second on a core")
        for name, value in split.items():
            print(f"    {name:<26}{value:>10,.0f} us")
    print(f"ratio {sum(theirs.values()) / sum(here.values()):.0f}")
    clock, cpu = together(asked.alerts, asked.images, asked.workers)
    print(f"{asked.workers} processes at once: {clock:,.0f} packets a second on the clock,")
    print(f"{cpu:,.0f} by their CPU time (target {TARGET:,} on two cores)")
    if asked.json:
        rates = {"rate": clock, "rate_cpu": cpu, "workers": asked.workers}
        result = {"ours_us": here, "stock_us": theirs} | rates
        asked.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
