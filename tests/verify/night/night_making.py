"""A night written by hand: four visits of three detectors, and everything that can go wrong.

Visit 1 is in order; in visit 2 the difference of detector 2 failed; visit 3 never came; visit 4
is late, and one of its alerts was not acknowledged. Detector 1 has lost 50 mmag since before.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from skyassay.pipeline.products.io import write_table
from skyassay.verify.tables import FileSource, open_tables

START, CADENCE, SECOND = 61_063.1, 40.0 / 86_400.0, 1.0 / 86_400.0
VISITS = (2026012200001, 2026012200002, 2026012200003, 2026012200004)
BANDS = ("r", "i", "r", "i")
#: Beyond the whole numbers that a float holds.
FIRST = 5_358_157_656_664_047_617
ALERTS = 4
CHAIN = ("isr", "calibrateImage", "subtractImages", "associateApdb")
COST = (1.0, 3.0, 5.0, 2.0)


def ints(values: list[int | None]) -> Any:
    """Return whole numbers with gaps."""
    gaps = [v is None for v in values]
    return np.ma.array([v or 0 for v in values], mask=gaps, dtype=np.int64)


def detectors() -> dict[str, Any]:
    """Return `night_detector`."""
    visit, detector = (a.ravel() for a in np.indices((4, 3)))
    failed, lost = (visit == 1) & (detector == 2), visit == 2
    status = np.select([failed, lost], ["FAILED", "LOST"], "DONE")
    done = status == "DONE"
    return {
        "visit": np.array(VISITS)[visit],
        "detector": detector,
        "band": np.array(BANDS)[visit],
        "readoutEndMjdTai": START + visit * CADENCE,
        "status": status,
        "failedTask": np.select([failed, lost], ["subtractImages", "isr"], ""),
        "code": np.select([failed, lost], ["NO_KERNEL_STARS", "RAW_ABSENT"], ""),
        "nAlert": ints([ALERTS if d else None for d in done]),
        "seconds": np.where(done, sum(COST), np.nan),
        "waited": np.where(done, np.where(visit == 3, 60.0, 0.5), np.nan),
        "machineSeconds": np.where(done, 12.0, np.nan),
    }


def alerts() -> dict[str, Any]:
    """Return `alert_delivery`: 15 s after readout, of visit 4 after 75 s; its last one never."""
    books = detectors()
    done = np.flatnonzero(books["status"] == "DONE")
    row = np.repeat(done, ALERTS)
    n = len(row)
    late = books["visit"][row] == VISITS[3]
    latency = np.where(late, 75.0, 15.0) + 0.01 * np.arange(n)
    gone = np.arange(n) != n - 1
    ready = books["readoutEndMjdTai"][row]
    return {
        "diaSourceId": FIRST + np.arange(n),
        **{name: books[name][row] for name in ("visit", "detector", "band")},
        "readoutEndMjdTai": ready,
        "handedMjdTai": np.where(gone, ready + latency * SECOND, np.nan),
        "nStreams": np.where(gone, 5, 4).astype(np.int32),
        "nStreamsAsked": np.full(n, 5, dtype=np.int32),
        "bytes": np.full(n, 80_000),
        "delivered": gone,
        "code": np.where(gone, "", "NOT_ACKNOWLEDGED"),
    }


def sources() -> dict[str, Any]:
    """Return `dia_source`: one object in every fourth, a mover, and things seen once."""
    log = alerts()
    n = len(log["diaSourceId"])
    place = np.arange(n) % ALERTS
    moving = place == 1
    return {
        **{name: log[name] for name in ("diaSourceId", "visit", "detector", "band")},
        "diaObjectId": np.where(moving, 0, np.where(place == 0, FIRST, log["diaSourceId"])),
        "ssObjectId": np.where(moving, 77, 0),
        "midpointMjdTai": log["readoutEndMjdTai"] - 17 * SECOND,
        "ra": np.full(n, 60.0),
        "dec": np.full(n, -30.0),
        "psfFlux": 1000.0 + 10.0 * np.arange(n),
        "psfFluxErr": np.full(n, 100.0),
        "snr": np.where(place == 3, -1.0, 1.0) * (10.0 + 0.1 * np.arange(n)),
        "reliability": np.full(n, 0.9),
        "isDipole": place == 2,
    }


def quanta() -> dict[str, Any]:
    """Return `quantum_summary`, one failure beside the alerts too."""
    books = detectors()
    rows: list[tuple[Any, ...]] = []
    for i in np.flatnonzero(books["status"] != "LOST"):
        failed = books["status"][i] == "FAILED"
        for label, cost in zip(CHAIN, COST, strict=True):
            if failed and label == "associateApdb":
                continue
            bad = failed and label == "subtractImages"
            rows.append((label, int(books["visit"][i]), int(books["detector"][i]),
                         "FAILED" if bad else "SUCCESS", np.nan if bad else cost,
                         "NO_KERNEL_STARS" if bad else "",
                         "2 stars are too few for a kernel." if bad else ""))  # fmt: skip
    rows.append(("consolidateVisit", VISITS[0], None, "FAILED", np.nan, "DISK_FULL", "No room."))
    columns = list(zip(*rows, strict=True))
    return {
        "label": np.array(columns[0]),
        "dataId": np.array(
            [f"visit={v}, detector={d}" for v, d in zip(*columns[1:3], strict=True)]
        ),
        "visit": ints(list(columns[1])),
        "detector": ints(list(columns[2])),
        "status": np.array(columns[3]),
        "seconds": np.array(columns[4]),
        "code": np.array(columns[5]),
        "error": np.array(columns[6]),
    }


def visit_tables() -> dict[str, dict[str, Any]]:
    """Return `visit_table` and `visit_detector_table`, with five earlier visits in each band."""
    before = [2026010100000 + k for k in range(10)]
    visit = np.array([*before, *VISITS])
    band = np.array([*("r", "i") * 5, *BANDS])
    now = visit >= VISITS[0]
    n = len(visit)
    mjd = (
        np.where(now, START - 17 * SECOND, START - 20.0) + np.r_[np.arange(10), range(4)] * CADENCE
    )
    seeing = 0.7 + 0.01 * np.arange(n)
    table = {
        "visit": visit, "band": band, "expMidptMJD": mjd, "seeing": seeing,
        "magLim": np.full(n, 24.0), "skyBrightness": np.full(n, 21.0),
        "zeroPoint": np.full(n, 32.0), "airmass": np.full(n, 1.1), "expTime": np.full(n, 30.0),
    }  # fmt: skip
    row, detector = (a.ravel() for a in np.indices((n, 3)))
    noise = 1e-3 * np.random.default_rng(4).standard_normal(len(row))
    moved = np.where(now[row] & (detector == 1), -0.05, 0.0)
    images = {
        "visit": visit[row], "detector": detector, "band": band[row], "seeing": seeing[row],
        "magLim": np.full(len(row), 24.0), "psfSigma": np.full(len(row), 1.7),
        "zeroPoint": 32.0 + 0.01 * detector + noise + moved,
        "astromOffsetMean": np.full(len(row), 0.002), "astromOffsetStd": np.full(len(row), 0.01),
    }  # fmt: skip
    return {"visit_table": table, "visit_detector_table": images}


def night_tables() -> dict[str, dict[str, Any]]:
    """Return the products of the night."""
    books = detectors()
    visit, stream = (a.ravel() for a in np.indices((4, 5)))
    meant = np.array([12, 8, 0, 12])[visit]
    image = np.flatnonzero(books["status"] == "DONE")
    frame, kind = (a.ravel() for a in np.indices((12, 2)))
    return {
        "night_detector": books,
        "alert_delivery": alerts(),
        "dia_source": sources(),
        "quantum_summary": quanta(),
        **visit_tables(),
        "alert_stream": {
            "visit": np.array(VISITS)[visit],
            "stream": np.char.add("alerts-full-", (stream + 1).astype(str)),
            "isFull": np.ones(20, dtype=bool),
            "nAlert": meant,
            "nMatching": meant,
            "nDelivered": meant - ((visit == 3) & (stream == 4)),
            "readoutEndMjdTai": START + visit * CADENCE,
            "lastHandedMjdTai": START + visit * CADENCE + 15 * SECOND,
        },
        "difference_quality": {
            "visit": books["visit"][image],
            "detector": books["detector"][image],
            "band": books["band"][image],
            "pullStd": np.where(np.arange(len(image)) == 4, 1.4, 1.0),
            "templateCoverage": np.ones(len(image)),
            "threshold": np.full(len(image), 5.0),
            "nPositive": np.full(len(image), 3),
        },
        "calibration_inventory": {
            "visit": books["visit"][frame],
            "detector": books["detector"][frame],
            "kind": np.array(["bias", "flat"])[kind],
            "found": ~((frame == 0) & (kind == 1)),
            "begin": np.full(24, START - 20.0),
            "end": np.full(24, START + 5.0),
        },
    }


def source_of(tables: Mapping[str, Mapping[str, Any]], folder: Path, **more: Path) -> FileSource:
    """Return these products as a source of files."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {n: write_table(folder / f"{n}.parquet", n, t) for n, t in tables.items()}
    return open_tables({**paths, **more})


def packets(ids: list[int], images: Mapping[str, Any]) -> bytes:
    """Return an Avro container of alerts, their cutouts FITS images of these arrays."""
    import fastavro
    from astropy.io import fits
    from lsst.alert.packet import SchemaRegistry

    schema = SchemaRegistry.all_schemas_from_filesystem().get_by_version("11.1").definition

    def empty(kind: Any) -> Any:
        if isinstance(kind, list):
            return None
        if isinstance(kind, dict) and "fields" in kind:
            return {f["name"]: f.get("default", empty(f["type"])) for f in kind["fields"]}
        name = kind["type"] if isinstance(kind, dict) else kind
        return {"string": "", "float": 0.0, "double": 0.0, "boolean": False}.get(name, 0)

    source = next(f["type"] for f in schema["fields"] if f["name"] == "diaSource")
    records = []
    for number in ids:
        cuts = {}
        for field, pixels in images.items():
            out = io.BytesIO()
            fits.PrimaryHDU(np.asarray(pixels, dtype=np.float32)).writeto(out)
            cuts[field] = out.getvalue()
        one = empty(source) | {"diaSourceId": number, "visit": VISITS[0], "band": "r"}
        records.append(empty(schema) | {"diaSourceId": number, "diaSource": one} | cuts)
    out = io.BytesIO()
    fastavro.writer(out, schema, records)
    return out.getvalue()
