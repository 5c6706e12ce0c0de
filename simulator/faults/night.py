"""Faults in the tables of a night: what a broken part of alert production would have written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.faults.catalog import Action, Table, Tables
from skyassay.simulator.random import rng
from skyassay.simulator.samples.alerts import books
from skyassay.simulator.samples.sound_night import sound_night

Floats = NDArray[np.float64]
#: Visits whose alerts are timed, and those of the other tables; detectors and alerts of each.
VISITS, FEW, DETECTORS, ALERTS = 30_000, 150, 3, 2
#: Latency in min: mean, scatter of visits and of single alerts.
LATENCY, OF_VISIT, OWN = 0.42, 0.05, 0.03
_SECOND, _HOUR = 1.0 / 86_400.0, 1.0 / 24.0


def base_night(seed: int) -> dict[str, Table]:
    """Return the tables of a sound night, with enough visits to decide rare failures."""
    stream = rng(seed, "faults.night")
    each = DETECTORS * ALERTS
    shared = np.repeat(stream.standard_normal(VISITS), each)
    minutes = LATENCY + OF_VISIT * shared + OWN * stream.standard_normal(VISITS * each)
    tables = sound_night(seed, FEW)
    alert = tables["alert"]
    # Younger than the window: all earlier sources must be there.
    first = alert["midpointMjdTai"] - 100.0
    tables["alert"] = {**alert, "firstDiaSourceMjdTai": first, "oldestMjdTai": first}
    return {**tables, **books(VISITS, np.maximum(minutes, 0.05), DETECTORS)}


def _hit(seed: int, name: str, n: int, percent: float) -> NDArray[np.bool_]:
    """Return which of `n` are hit by chance."""
    return np.asarray(rng(seed, f"faults.{name}").random(n) < 0.01 * percent)


def _spoilt(table: Table, column: str, value: Any, count: float, seed: int) -> Table:
    """Return a table in which a whole number of rows has another value."""
    rows = rng(seed, f"faults.{column}").permutation(len(table[column]))[: int(count)]
    changed = table[column].copy()
    changed[rows] = value
    return {**table, column: changed}


def _undelivered(log: Table, lost: NDArray[np.bool_]) -> Table:
    """Return a delivery log in which some alerts were never handed over."""
    return {
        **log,
        "handedMjdTai": np.where(lost, np.nan, log["handedMjdTai"]),
        "delivered": log["delivered"] & ~lost,
    }


def late_alerts(tables: Tables, dose: float, seed: int) -> dict[str, Table]:
    """Hand over every alert `dose` s later."""
    log = tables["alert_delivery"]
    return {"alert_delivery": {**log, "handedMjdTai": log["handedMjdTai"] + dose * _SECOND}}


def dropped_alerts(tables: Tables, dose: float, seed: int) -> dict[str, Table]:
    """Lose `dose` percent of the alerts on their way, by chance."""
    log = tables["alert_delivery"]
    lost = _hit(seed, "dropped", len(log["visit"]), dose)
    return {"alert_delivery": _undelivered(log, lost)}


def crashed_detector(tables: Tables, dose: float, seed: int) -> dict[str, Table]:
    """Let the processing of `dose` percent of the images fail: they have no alerts."""
    images, log = tables["night_detector"], tables["alert_delivery"]
    down = _hit(seed, "crashed", len(images["visit"]), dose)
    places = images["visit"] * DETECTORS + images["detector"]
    gone = np.isin(log["visit"] * DETECTORS + log["detector"], places[down])
    return {
        "night_detector": {
            **images,
            "status": np.where(down, "FAILED", images["status"]),
            "nAlert": np.where(down, 0, images["nAlert"]),
        },
        "alert_delivery": {name: column[~gone] for name, column in log.items()},
    }


def dead_broker(tables: Tables, dose: float, seed: int) -> dict[str, Table]:
    """Let no stream acknowledge anything of `dose` percent of the visits."""
    log = tables["alert_delivery"]
    dead = np.flatnonzero(_hit(seed, "broker", VISITS, dose)) + 1
    return {"alert_delivery": _undelivered(log, np.isin(log["visit"], dead))}


def network_outage(tables: Tables, dose: float, seed: int) -> dict[str, Table]:
    """Let nothing out in the first `dose` s of every hour: alerts wait."""
    log = tables["alert_delivery"]
    handed = log["handedMjdTai"]
    since = np.mod(handed - log["readoutEndMjdTai"].min(), _HOUR)
    wait = np.where(since < dose * _SECOND, dose * _SECOND - since, 0.0)
    return {"alert_delivery": {**log, "handedMjdTai": handed + wait}}


def broken_cutouts(tables: Tables, dose: float, seed: int) -> dict[str, Table]:
    """Break a cutout of `dose` packets."""
    return {"alert": _spoilt(tables["alert"], "nCutoutsSound", 2, dose, seed)}


def lost_history(tables: Tables, dose: float, seed: int) -> dict[str, Table]:
    """Leave the earlier sources out of `dose` packets."""
    return {"alert": _spoilt(tables["alert"], "nPrvDiaSources", 0, dose, seed)}


def leaking_archive(tables: Tables, dose: float, seed: int) -> dict[str, Table]:
    """Let the archive give back other bytes for `dose` alerts."""
    table = tables["alert_archive"]
    return {"alert_archive": _spoilt(table, "identical", False, dose, seed)}


def satellite_storm(tables: Tables, dose: float, seed: int) -> dict[str, Table]:
    """Make `dose` percent of the detections pieces of trails that score as real ones do."""
    table = tables["dia_source"]
    score = float(np.median(table["reliability"][table["reliability"] > 0.5]))
    real = np.flatnonzero(table["reliability"] > 0.5)
    draw = rng(seed, "faults.storm")
    row = draw.choice(real, int(draw.binomial(real.size, min(0.01 * dose / (1 - 0.01 * dose), 1))))
    copy = {name: column[row] for name, column in table.items()}
    copy["dec"] = copy["dec"] + 0.4
    copy["diaSourceId"] = table["diaSourceId"].max() + 1 + np.arange(row.size)
    copy["reliability"] = np.full(row.size, score)
    return {"dia_source": {n: np.concatenate([c, copy[n]]) for n, c in table.items()}}


def bad_template(tables: Tables, dose: float, seed: int) -> dict[str, Table]:
    """Let `dose` percent of the injected sources be lost in the template's own structure."""
    table = tables["injected_dia_source"]
    lost = _hit(seed, "template", len(table["visit"]), dose)
    return {"injected_dia_source": {name: column[~lost] for name, column in table.items()}}


def late_reports(tables: Tables, dose: float, seed: int) -> dict[str, Table]:
    """Complete the reports of every night `dose` h later."""
    table = tables["night_report"]
    return {"night_report": {**table, "hours": table["hours"] + dose}}


ACTIONS: Mapping[str, Action] = {
    action.__name__: action
    for action in (
        late_alerts, dropped_alerts, crashed_detector, dead_broker, network_outage, broken_cutouts,
        lost_history, leaking_archive, satellite_storm, bad_template, late_reports,
    )
}  # fmt: skip
