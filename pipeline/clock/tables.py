"""The tables `night_detector`, `alert_delivery` and `alert_stream` of a night."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy.table import MaskedColumn, Table
from astropy.units import Unit
from numpy.typing import NDArray

from skyassay.pipeline.clock import costs
from skyassay.pipeline.clock.costs import Frame
from skyassay.pipeline.clock.errors import ClockError
from skyassay.pipeline.clock.night import (
    Alerts,
    Night,
    Packets,
    Sent,
    Visit,
    gather,
    look_up,
    time_frames,
    time_messages,
)
from skyassay.pipeline.clock.parameters import Parameters
from skyassay.pipeline.distribution.deliveries import Deliveries
from skyassay.pipeline.products.catalog import product

#: Of alerts that were not handed over.
NOT_SENT, NOT_ACKNOWLEDGED = "NOT_SENT", "NOT_ACKNOWLEDGED"
#: What failed, and the code, where a detector is done and its alerts are not there.
DISTRIBUTION, NOT_DISTRIBUTED = "distribution", "NOT_DISTRIBUTED"


@dataclass(frozen=True)
class NightTables:
    """Tables of the products of the same names."""

    night_detector: Table
    alert_delivery: Table
    alert_stream: Table


def night_tables(
    summaries: Sequence[Table],
    visits: Iterable[Visit],
    packets: Mapping[Frame, Packets],
    deliveries: Deliveries,
    parameters: Parameters | None = None,
) -> NightTables:
    """Time a night and tell what became of every detector and alert.

    Parameters
    ----------
    summaries : sequence of Table
        `quantum_summary` of the night's runs, the newest first; a rerun's quanta that were
        there already take their cost from the run that made them.
    visits : iterable of Visit
        All visits of the night with the detectors that should have come.
    packets : mapping
        (visit, detector) -> the alerts that were built; an image without alerts is there with
        none, an image that is not there is not distributed.
    deliveries : Deliveries
        Of the delivery log.
    parameters : Parameters, optional

    Returns
    -------
    NightTables
        The same input gives the same tables, whatever its order.

    Raises
    ------
    ClockError
        ``SUMMARY_COLUMN``, ``CLOCK_CHAIN``; ``NO_VISITS``; ``STRAY_FRAME`` where alerts come
        from a frame that no visit has, ``DOUBLE_VISIT`` and ``DOUBLE_ALERT``.
    """
    parameters = parameters or Parameters()
    night = time_frames(summaries, visits, parameters)
    where = {frame: i for i, frame in enumerate(night.frames)}
    stray = sorted(set(packets) - set(where))
    if stray:
        raise ClockError(
            f"Alerts of visit {stray[0][0]}, detector {stray[0][1]}: no visit of the night has it.",
            code="STRAY_FRAME",
        )
    alerts = gather(packets, where)
    sent = look_up(alerts, deliveries)
    handed = time_messages(night, alerts, sent, deliveries, parameters)
    return NightTables(
        _night_detector(night, packets),
        _alert_delivery(night, alerts, sent, deliveries, handed),
        _alert_stream(night, alerts, sent, deliveries, handed),
    )


def _night_detector(night: Night, packets: Mapping[Frame, Packets]) -> Table:
    """Return one row for each detector of each visit."""
    # Nobody was given its alerts: as for those who wait for them, it failed.
    unsent = [
        c.status == "DONE" and f not in packets
        for f, c in zip(night.frames, night.cost, strict=True)
    ]
    count = [
        len(packets[frame].ids) if cost.status == "DONE" and frame in packets else None
        for frame, cost in zip(night.frames, night.cost, strict=True)
    ]
    seconds = [
        cost.seconds + cost.serial
        if cost.seconds is not None and cost.serial is not None and cost.status != "LOST"
        else None
        for cost in night.cost
    ]
    waited = [
        None if cost.status == "LOST" or one is None else float(wait)
        for cost, one, wait in zip(night.cost, seconds, night.processed.waited, strict=True)
    ]
    told = list(zip(unsent, night.cost, strict=True))
    return _table(
        "night_detector",
        {
            "visit": night.work.visit,
            "detector": night.work.detector,
            "band": night.band,
            "readoutEndMjdTai": night.readout,
            "status": ["FAILED" if u else c.status for u, c in told],
            "failedTask": [DISTRIBUTION if u else c.task for u, c in told],
            "code": [NOT_DISTRIBUTED if u else c.code for u, c in told],
            "nAlert": count,
            "seconds": seconds,
            "waited": waited,
            "machineSeconds": [one.machine for one in night.cost],
        },
    )


def _alert_delivery(
    night: Night,
    alerts: Alerts,
    sent: Sent,
    deliveries: Deliveries,
    handed: NDArray[np.float64],
) -> Table:
    """Return one row for each alert that was built."""
    full = np.asarray(deliveries.full, dtype=bool)
    asked = int(full.sum())
    of_full = full[deliveries.stream[sent.row]] if asked else np.zeros(sent.row.size, dtype=bool)
    acknowledged = of_full & np.isfinite(deliveries.acknowledged[sent.row])
    n = np.bincount(sent.alert[acknowledged], minlength=alerts.ids.size)
    delivered = (n == asked) & (asked > 0)
    last = np.full(alerts.ids.size, -np.inf)
    # A NaN among them stays: an alert that cannot be timed in one stream cannot be timed.
    with np.errstate(invalid="ignore"):
        np.maximum.at(last, sent.alert[acknowledged], handed[acknowledged])
    last[~delivered] = np.nan
    codes = np.full(alerts.ids.size, NOT_SENT, dtype=object)
    codes[sent.offered] = NOT_ACKNOWLEDGED
    failed = np.flatnonzero(of_full & ~np.isfinite(deliveries.acknowledged[sent.row]))
    for i in failed:
        codes[sent.alert[i]] = str(deliveries.code[sent.row[i]]) or codes[sent.alert[i]]
    codes[delivered] = ""
    codes[delivered & ~np.isfinite(last)] = costs.SECONDS_UNKNOWN
    return _table(
        "alert_delivery",
        {
            "diaSourceId": alerts.ids,
            "visit": night.work.visit[alerts.frame],
            "detector": night.work.detector[alerts.frame],
            "band": [night.band[i] for i in alerts.frame],
            "readoutEndMjdTai": night.readout[alerts.frame],
            "handedMjdTai": last,
            "nStreams": n,
            "nStreamsAsked": np.full(alerts.ids.size, asked),
            "bytes": alerts.sizes,
            "delivered": delivered,
            "code": codes.tolist(),
        },
    )


def _alert_stream(
    night: Night,
    alerts: Alerts,
    sent: Sent,
    deliveries: Deliveries,
    handed: NDArray[np.float64],
) -> Table:
    """Return one row for each visit and stream, also where there was nothing to send."""
    rows: dict[str, list[Any]] = {name: [] for name in product("alert_stream").columns}
    visits, first = np.unique(night.work.visit, return_index=True)
    of_alert = night.work.visit[alerts.frame]
    of_row = of_alert[sent.alert]
    got = np.isfinite(deliveries.acknowledged[sent.row])
    stream = deliveries.stream[sent.row]
    for visit, at in zip(visits, first, strict=True):
        total = int(np.count_nonzero(of_alert == visit))
        for i, name in enumerate(deliveries.streams):
            here = (of_row == visit) & (stream == i)
            times = handed[here & got]
            whole = times.size > 0 and bool(np.all(np.isfinite(times)))
            rows["visit"].append(visit)
            rows["stream"].append(name)
            rows["isFull"].append(deliveries.full[i])
            rows["nAlert"].append(total)
            rows["nMatching"].append(total if deliveries.full[i] else int(here.sum()))
            rows["nDelivered"].append(int(np.count_nonzero(here & got)))
            rows["readoutEndMjdTai"].append(float(night.readout[at]))
            rows["lastHandedMjdTai"].append(float(times.max()) if whole else None)
    return _table("alert_stream", rows)


def _table(name: str, columns: Mapping[str, Any]) -> Table:
    """Return a table with the types and units of its product; what is unknown is masked."""
    table = Table(masked=True)
    kinds = {"string": "str"}
    for column, described in product(name).columns.items():
        if column not in columns:
            continue
        values = list(columns[column])
        gaps = [_is_gap(value) for value in values] if described.nullable else [False] * len(values)
        blank: Any = "" if described.dtype == "string" else 0
        filled = [blank if gap else value for value, gap in zip(values, gaps, strict=True)]
        data = np.array(filled, dtype=kinds.get(described.dtype, described.dtype))
        table[column] = MaskedColumn(data, mask=gaps)
        if described.unit:
            table[column].unit = Unit(described.unit)
    return table


def _is_gap(value: Any) -> bool:
    return value is None or value == "" or value != value
