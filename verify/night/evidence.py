"""What the store keeps of a night: the tables of its reports and of its page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

import numpy as np
import pandas as pd

from skyassay.verify.night.alerts import choose, light_curves
from skyassay.verify.night.calibrations import QUANTITIES, calibrations, trend
from skyassay.verify.night.cutouts import cutouts_of
from skyassay.verify.night.failures import failures
from skyassay.verify.night.names import DAY, METRIC, RECIPE
from skyassay.verify.night.reading import Gap, Reading
from skyassay.verify.night.repository import layered
from skyassay.verify.night.visits import SKY, night_row, visits_table
from skyassay.verify.night.waterfall import waterfall
from skyassay.verify.records import Evidence
from skyassay.verify.tables import Source

PRODUCT = "night_detector"
_DETECTOR = (
    "visit", "detector", "band", "readoutEndMjdTai", "status", "failedTask", "code", "nAlert",
    "seconds", "waited", "machineSeconds",
)  # fmt: skip
_DELIVERY = ("diaSourceId", "visit", "detector", "readoutEndMjdTai", "handedMjdTai", "delivered",
             "code", "bytes")  # fmt: skip
_STREAM = ("visit", "stream", "isFull", "nAlert", "nMatching", "nDelivered", "readoutEndMjdTai",
           "lastHandedMjdTai")  # fmt: skip
_QUANTUM = ("label", "dataId", "visit", "detector", "status", "seconds", "code", "error")
_WORK = ("label", "dataId")
#: What is known on the night itself goes before what a release says later: like with like.
_VISIT_TABLES = ("preliminary_visit_table", "visit_table")
_IMAGE_TABLES = ("preliminary_visit_detector_table", "visit_detector_table")
_QUALITY = (
    "visit", "detector", "band", "pullMean", "pullStd", "skyPullStd", "kernelSum",
    "kernelSumScatter", "nKernelStars", "nTemplateVisits", "templateCoverage", "threshold",
    "nPositive", "nNegative", "nDipole", "nStreak",
)  # fmt: skip
#: Of `visit_detector_table`: ours beside the books of the detectors.
_IMAGE = {
    "seeing": "seeing", "magLim": "depth", "zeroPoint": "zero_point", "psfSigma": "psf_sigma",
    "starEMedian": "ellipticity", "nPsfStar": "n_psf_stars", "skyBg": "sky_counts",
    "skyNoise": "sky_noise", "astromOffsetMean": "astrometry_mean",
    "astromOffsetStd": "astrometry_std", "nPixelBad": "n_bad_pixels",
}  # fmt: skip

_TRENDED = ["visit", "detector", "band", *(column for column, _, _ in QUANTITIES.values())]


def night_evidence(source: Source) -> tuple[Evidence, ...]:
    """Return a night's tables for the store; none where the source has no night.

    Parameters
    ----------
    source : Source
        With the product `night_detector`; every other product makes the tables richer, and what
        is missing stands in the table ``gaps`` with its reason.

    Returns
    -------
    tuple of Evidence
        One for each of `skyassay.verify.night.names.TABLES`. The same source gives the same
        tables.
    """
    if PRODUCT not in source.products:
        return ()
    return tuple(
        Evidence(METRIC, None, table, RECIPE, name) for name, table in tables(source).items()
    )


def tables(source: Source) -> Mapping[str, pd.DataFrame]:
    """Return the tables of a night by name; a night without detectors has gaps only."""
    reading = Reading(source)
    detectors = _detectors(reading)
    if detectors.empty:
        if not reading.gaps:
            reading.gaps.append(Gap(PRODUCT, "no_rows", "The night has no detector.", ""))
        return {"gaps": _gaps(reading)}
    visits = detectors["visit"].drop_duplicates()
    log = reading.frame("alert_delivery", _DELIVERY)
    log = log[log["visit"].isin(set(visits))]
    quanta = layered(reading, "quantum_summary", _QUANTUM, ("quantum_summary",), _WORK)
    sky = layered(reading, "visit_table", ("visit", *SKY), _VISIT_TABLES, ("visit",))
    table, gaps = visits_table(detectors, log, sky)
    reading.gaps += gaps
    night = night_row(table, detectors, log)
    images = layered(
        reading, "visit_detector_table", ("visit", "detector", "band", *_IMAGE), _IMAGE_TABLES,
        ("visit", "detector"),
    )  # fmt: skip
    streams = _streams(reading, set(visits))
    inventory = reading.frame("calibration_inventory", ("visit", "kind", "found", "begin", "end"))
    used = calibrations(inventory, visits, float(night["end_mjd"].iloc[0]))
    quality = reading.frame("difference_quality", _QUALITY)
    logged = "alert_delivery" in source.products
    chosen = choose(reading, log if logged else None, visits)
    found = {
        "night": night,
        "visits": table,
        "detectors": _with_images(detectors, images),
        "streams": streams,
        "waterfall": waterfall(detectors, log, quanta),
        "quality": quality[quality["visit"].isin(set(visits))],
        "failures": failures(detectors, log, quanta, streams, used),
        "calibrations": used,
        "trend": trend(images.reindex(columns=_TRENDED), visits),
        "alerts": chosen,
        "light_curves": light_curves(reading, chosen, table.set_index("visit")["mjd"]),
        "cutouts": cutouts_of(source, [int(i) for i in chosen["diaSourceId"]]),
    }
    return {name: one.reset_index(drop=True) for name, one in found.items()} | {
        "gaps": _gaps(reading)
    }


def _detectors(reading: Reading) -> pd.DataFrame:
    """Return the books of the night's detectors."""
    rows = reading.frame(PRODUCT, _DETECTOR).dropna(subset=["visit", "detector"])
    return rows.astype({"visit": np.int64, "detector": np.int64})


def _streams(reading: Reading, visits: set[int]) -> pd.DataFrame:
    """Return what the streams got, with the latency of the last alert of each visit, s."""
    rows = reading.frame("alert_stream", _STREAM)
    rows = rows[rows["visit"].isin(visits)]
    return pd.DataFrame(
        {
            "visit": rows["visit"],
            "stream": rows["stream"],
            "is_full": rows["isFull"],
            "n_alerts": rows["nAlert"],
            "n_matching": rows["nMatching"],
            "n_delivered": rows["nDelivered"],
            "latency": (rows["lastHandedMjdTai"] - rows["readoutEndMjdTai"]) * DAY,
        }
    )


def _with_images(detectors: pd.DataFrame, images: pd.DataFrame) -> pd.DataFrame:
    """Return the books of the detectors beside what was measured on their images."""
    mine = images.rename(columns=_IMAGE)[["visit", "detector", *_IMAGE.values()]]
    return detectors.merge(
        mine.drop_duplicates(["visit", "detector"]), "left", on=["visit", "detector"]
    )


def _gaps(reading: Reading) -> pd.DataFrame:
    """Return what could not be read."""
    columns = ["product", "code", "message", "hint"]
    return pd.DataFrame([asdict(gap) for gap in reading.gaps], columns=columns).astype(str)
