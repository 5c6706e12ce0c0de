"""A night of alerts at the level of its tables, in which nothing is wrong.

The twin draws catalogs of releases and has no nights: what reads every product of one (checks
of damaged tables, say) starts from this.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from skyassay.simulator.random import rng
from skyassay.simulator.samples.alerts import CADENCE, START, load_test
from skyassay.simulator.samples.differences import night
from skyassay.simulator.samples.model import Draw, Table


def sound_night(seed: int = 8, visits: int = 12) -> dict[str, Table]:
    """Return every product of a night of alerts, all rows sound, with the truth.

    Parameters
    ----------
    seed : int
    visits : int
        At least ten, for metrics that want several.
    """
    stream = rng(seed, "samples.sound_night")
    pairs = night(Draw({"": 0.0}, visits, seed), "injected", 1.0, 1.0)
    found = {name: _measured(pairs[name], stream) for name in ("dia_source", "injected_dia_source")}
    truth = dict(pairs["truth_dia_source"])
    # Every third thing moves, so that movers have a truth too.
    moving = truth["truthId"] % 3 == 0
    truth["kind"] = np.where(moving, "solar_system", truth["kind"])
    injected = {**pairs["truth_injected_source"]}
    return {
        **found,
        "truth_dia_source": truth,
        "truth_injected_source": injected,
        **_books(found["dia_source"], stream),
        **_made(found["dia_source"], stream),
        **_alerts(found["dia_source"], stream),
        "alert_load": load_test(6, np.linspace(12_000.0, 45_000.0, 6), np.inf),
        "alert_stream": _streams(visits),
        **_links(),
        **_known(found["dia_source"], stream),
        "night_report": {
            "night": np.repeat(20300101 + np.arange(4), 3),
            "report": np.tile(["data_quality", "performance", "calibration"], 4),
            "hours": stream.uniform(0.1, 0.3, 12),
        },
    }


def _measured(table: Mapping[str, Any], stream: np.random.Generator) -> Table:
    """Return detections with all that a catalog of them has, fluxes with their noise."""
    n = len(table["visit"])
    return {
        **table,
        "psfFlux": table["psfFlux"] + 100.0 * stream.standard_normal(n),
        "ssObjectId": np.zeros(n, dtype=np.int64),
        "midpointMjdTai": 61_000.25 + table["visit"] / 1440.0,
        "psfFlux_flag": np.zeros(n, dtype=bool),
    }


def _books(sources: Mapping[str, Any], stream: np.random.Generator) -> dict[str, Table]:
    """Return what became of every detector, and when each alert of it was handed over."""
    n = len(sources["visit"])
    key = np.column_stack([sources["visit"], sources["detector"]])
    image, number = np.unique(key, axis=0, return_counts=True)
    ready = START + CADENCE * sources["visit"]
    return {
        "night_detector": {
            "visit": image[:, 0],
            "detector": image[:, 1],
            "band": np.where(image[:, 0] % 2, "r", "i"),
            "readoutEndMjdTai": START + CADENCE * image[:, 0],
            "status": np.full(len(image), "DONE"),
            "nAlert": number.astype(np.int64),
        },
        "alert_delivery": {
            **{c: sources[c] for c in ("diaSourceId", "visit", "detector", "band")},
            "readoutEndMjdTai": ready,
            "handedMjdTai": ready + (0.4 + 0.02 * stream.standard_normal(n)) / 1440.0,
            "delivered": np.ones(n, dtype=bool),
        },
    }


def _made(sources: Mapping[str, Any], stream: np.random.Generator) -> dict[str, Table]:
    """Return what difference images say of themselves, and objects with forced fluxes."""
    image = np.unique(np.column_stack([sources["visit"], sources["detector"]]), axis=0)
    n = len(image)
    pairs = np.unique(np.column_stack([sources["visit"], sources["diaObjectId"]]), axis=0)
    names = np.unique(sources["diaObjectId"])
    fluxes = {
        f"r_psfFlux{what}": stream.uniform(100.0, 200.0, len(names))
        for what in ("Mean", "MeanErr", "Sigma")
    }
    return {
        "difference_quality": {
            "visit": image[:, 0],
            "detector": image[:, 1],
            "band": np.where(image[:, 0] % 2, "r", "i"),
            "nPixel": np.full(n, 1_000_000),
            "pullStd": stream.uniform(0.98, 1.02, n),
            "templateCoverage": np.ones(n),
            "threshold": np.full(n, 5.0),
            "kernelSum": stream.uniform(0.9, 1.1, n),
            "nKernelStars": np.full(n, 40),
            "nTemplateVisits": np.full(n, 6),
            "nPositive": np.full(n, 15),
            "nNegative": np.full(n, 3),
        },
        "dia_object": {
            "diaObjectId": names,
            "ra": stream.uniform(10.0, 19.0, len(names)),
            "dec": stream.uniform(-20.0, -19.0, len(names)),
            "raErr": np.full(len(names), 1e-5),
            "decErr": np.full(len(names), 1e-5),
            "nDiaSources": np.full(len(names), 12),
            "r_psfFluxNdata": np.full(len(names), 6.0),
            **fluxes,
        },
        "dia_object_forced_source": {
            "visit": pairs[:, 0],
            "diaObjectId": pairs[:, 1],
            "detector": pairs[:, 1] // 1_000_000,
            "band": np.where(pairs[:, 0] % 2, "r", "i"),
            "psfDiffFlux": stream.uniform(100.0, 1000.0, len(pairs)),
            "psfDiffFluxErr": np.full(len(pairs), 100.0),
        },
    }


def _alerts(sources: Mapping[str, Any], stream: np.random.Generator) -> dict[str, Table]:
    """Return a packet of every detection, and the archive of them."""
    n = len(sources["visit"])
    now = sources["midpointMjdTai"]
    key = {c: sources[c] for c in ("diaSourceId", "visit", "detector", "band", "ra", "dec")}
    yes = np.ones(n, dtype=bool)
    return {
        "alert": {
            **key,
            "psfFlux": sources["psfFlux"],
            "midpointMjdTai": now,
            "exposureTime": np.full(n, 30.0),
            "timeProcessedMjdTai": now + stream.uniform(40.0, 60.0, n) / 86_400.0,
            "hasDiaObject": yes,
            "hasSsSource": ~yes,
            "nPrvDiaSources": np.full(n, 3),
            "nDiaSources": np.full(n, 4),
            "firstDiaSourceMjdTai": now - 400.0,
            "oldestMjdTai": now - stream.uniform(350.0, 370.0, n),
            "nCutouts": np.full(n, 3, dtype=np.int32),
            "nCutoutsSound": np.full(n, 3, dtype=np.int32),
        },
        "alert_archive": {
            "diaSourceId": key["diaSourceId"],
            "visit": key["visit"],
            **dict.fromkeys(("sent", "archived", "identical"), yes),
        },
    }


def _streams(visits: int) -> Table:
    """Return five full streams and one of a user."""
    visit, stream = (a.ravel() for a in np.indices((visits, 6)))
    ready = 61_000.25 + visit / 1440.0
    full = stream < 5
    return {
        "visit": visit + 1,
        "stream": np.char.add("s", stream.astype(str)),
        "isFull": full,
        "nAlert": np.full(len(visit), 30),
        "nMatching": np.where(full, 30, 4),
        "nDelivered": np.where(full, 30, 4),
        "readoutEndMjdTai": ready,
        "lastHandedMjdTai": ready + (0.4 + 0.01 * stream) / 1440.0,
    }


def _links(objects: int = 40, detections: int = 8) -> dict[str, Table]:
    """Return new Solar System objects, each linked whole, two of its detections by precovery."""
    owner, which = (a.ravel() for a in np.indices((objects, detections)))
    ids = np.arange(len(owner), dtype=np.int64) + 1
    return {
        "linked_source": {
            "linkId": owner.astype(np.int64) + 1,
            "diaSourceId": ids,
            "orbitRms": np.full(len(owner), 0.05),
            "night": (61_000 + owner // 10).astype(np.int64),
            "delay": 1.0 + 0.1 * (owner % 7),
            "isPrecovered": which < 2,
        },
        "truth_moving_source": {"diaSourceId": ids, "ssObjectId": owner.astype(np.int64) + 7},
        "truth_linkable_object": {
            "ssObjectId": np.arange(objects, dtype=np.int64) + 7,
            "isLinkable": np.ones(objects, dtype=bool),
        },
    }


def _known(
    sources: Mapping[str, Any], stream: np.random.Generator, objects: int = 40
) -> dict[str, Table]:
    """Return known objects, each detected once, and where an ephemeris has them."""
    ids = np.arange(objects, dtype=np.int64) + 7
    geometry = {
        "phaseAngle": stream.uniform(1.0, 20.0, objects),
        "elongation": stream.uniform(90.0, 170.0, objects),
        "helioRange": stream.uniform(2.0, 3.0, objects),
        "topoRange": stream.uniform(1.0, 2.0, objects),
    }
    elements = {n: stream.uniform(0.1, 0.3, objects) for n in ("e", "i", "node", "argperi")}
    return {
        "ss_object": {
            "ssObjectId": ids,
            "MOIDEarth": stream.uniform(0.5, 1.0, objects),
            "r_nObs": np.full(objects, 9),
            "r_H": stream.uniform(15.0, 20.0, objects),
            "r_G12": stream.uniform(0.1, 0.5, objects),
            "r_slope_fit_failed": np.zeros(objects, dtype=bool),
        },
        "mpc_orbits": {
            "ssObjectId": ids,
            "q": stream.uniform(1.8, 2.8, objects),
            "t_p": stream.uniform(60_000.0, 61_000.0, objects),
            **elements,
        },
        "ss_source": {
            "diaSourceId": sources["diaSourceId"][:objects],
            "ssObjectId": ids,
            **geometry,
        },
        "truth_ss_ephemeris": {
            "visit": sources["visit"][:objects],
            "ssObjectId": ids,
            **geometry,
        },
    }
