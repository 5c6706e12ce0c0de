"""The frames and alerts of a night on the modelled clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from skyassay.pipeline.clock import costs
from skyassay.pipeline.clock.costs import Cost, Frame
from skyassay.pipeline.clock.errors import ClockError
from skyassay.pipeline.clock.model import (
    SECONDS_A_DAY,
    Messages,
    Processed,
    Work,
    hand_over,
    process,
)
from skyassay.pipeline.clock.parameters import Parameters
from skyassay.pipeline.distribution.deliveries import Deliveries
from skyassay.pipeline.distribution.images import Image


@dataclass(frozen=True)
class Visit:
    """A visit that was taken.

    Attributes
    ----------
    visit : int
    band : str
    start : float
        Begin of the exposure, MJD TAI.
    exposure : float
        s.
    detectors : tuple of int
        Those that should have come.
    """

    visit: int
    band: str
    start: float
    exposure: float
    detectors: tuple[int, ...]


@dataclass(frozen=True)
class Packets:
    """The alerts that were built of one frame: ids and bytes, both of shape (n,)."""

    ids: NDArray[np.int64]
    sizes: NDArray[np.int64]


def packets_of(images: Iterable[Image]) -> dict[Frame, Packets]:
    """Return the alerts that were built, from the containers of the images."""
    return {
        (image.visit, image.detector): Packets(
            np.array(image.ids, dtype=np.int64), np.array(image.sizes, dtype=np.int64)
        )
        for image in images
    }


@dataclass(frozen=True)
class Night:
    """Everything about the frames, in the order of visit and detector."""

    frames: list[Frame]
    band: list[str]
    epoch: float
    readout: NDArray[np.float64]  # MJD TAI
    cost: list[Cost]
    processed: Processed
    work: Work


def time_frames(
    summaries: Sequence[Table], visits: Iterable[Visit], parameters: Parameters
) -> Night:
    """Return the frames of a night with their costs and when their alerts were built.

    Raises
    ------
    ClockError
        ``NO_VISITS``, ``DOUBLE_VISIT``, ``SUMMARY_COLUMN``, ``CLOCK_CHAIN``.
    """
    listed = sorted(visits, key=lambda v: v.visit)
    numbers = [v.visit for v in listed]
    if not listed or len(set(numbers)) < len(numbers):
        raise ClockError(
            "The night has no visit." if not listed else "A visit is given twice.",
            code="NO_VISITS" if not listed else "DOUBLE_VISIT",
        )
    known = costs.recorded(summaries, parameters.chain)
    ends = {v.visit: v.start + (v.exposure + parameters.readout) / SECONDS_A_DAY for v in listed}
    frames = [(v.visit, d) for v in listed for d in sorted(set(v.detectors))]
    band = [v.band for v in listed for _ in set(v.detectors)]
    cost = [costs.cost_of(frame, known, parameters) for frame in frames]
    readout = np.array([ends[visit] for visit, _ in frames], dtype=np.float64)
    epoch = float(np.floor(min(ends.values())))
    work = Work(
        visit=np.array([visit for visit, _ in frames], dtype=np.int64),
        detector=np.array([detector for _, detector in frames], dtype=np.int64),
        readout_end=(readout - epoch) * SECONDS_A_DAY,
        seconds=np.array([one.queued for one in cost], dtype=np.float64),
        serial=np.array([one.queued_serial for one in cost], dtype=np.float64),
    )
    return Night(frames, band, epoch, readout, cost, process(work, parameters), work)


@dataclass(frozen=True)
class Alerts:
    """Alerts in the order of their ids: id, bytes and frame."""

    ids: NDArray[np.int64]
    sizes: NDArray[np.int64]
    frame: NDArray[np.int64]


def gather(packets: Mapping[Frame, Packets], where: Mapping[Frame, int]) -> Alerts:
    """Return all alerts of a night; `where` is the index of each frame.

    Raises
    ------
    ClockError
        ``DOUBLE_ALERT``.
    """
    frames = sorted(packets)
    empty = np.zeros(0, dtype=np.int64)
    ids = np.concatenate([empty, *(packets[f].ids for f in frames)]).astype(np.int64)
    sizes = np.concatenate([empty, *(packets[f].sizes for f in frames)]).astype(np.int64)
    frame = np.concatenate(
        [empty, *(np.full(len(packets[f].ids), where[f], dtype=np.int64) for f in frames)]
    )
    order = np.argsort(ids, kind="stable")
    ids = ids[order]
    if np.any(ids[1:] == ids[:-1]):
        double = int(ids[1:][ids[1:] == ids[:-1]][0])
        raise ClockError(f"The alert {double} was built twice.", code="DOUBLE_ALERT")
    return Alerts(ids, sizes[order], frame[order])


@dataclass(frozen=True)
class Sent:
    """What the log says about the alerts that were built.

    `row` are the log's rows about them, `alert` the index of the alert of each, `offered`
    whether the log knows an alert at all.
    """

    row: NDArray[np.int64]
    alert: NDArray[np.int64]
    offered: NDArray[np.bool_]


def look_up(alerts: Alerts, deliveries: Deliveries) -> Sent:
    """Return the rows of the log that are about these alerts."""
    at = np.searchsorted(alerts.ids, deliveries.alert)
    ours = np.zeros(deliveries.alert.size, dtype=bool)
    inside = at < alerts.ids.size
    ours[inside] = alerts.ids[at[inside]] == deliveries.alert[inside]
    row = np.flatnonzero(ours)
    return Sent(row, at[row], np.isin(alerts.ids, deliveries.alert[row]))


def time_messages(
    night: Night,
    alerts: Alerts,
    sent: Sent,
    deliveries: Deliveries,
    parameters: Parameters,
) -> NDArray[np.float64]:
    """Return MJD TAI at which each row of the log was handed over; NaN where it never was.

    What was not acknowledged still takes its turn on the link. What a later session sent again
    is late by the time that passed on this machine between the two: no model knows it.
    """
    messages = Messages(
        frame=alerts.frame[sent.alert],
        alert=alerts.ids[sent.alert],
        stream=deliveries.stream[sent.row],
        size=alerts.sizes[sent.alert],
    )
    seconds = hand_over(night.work, night.processed.ready, messages, parameters, night.epoch)
    late = deliveries.late[sent.row]
    timed = np.array([one.seconds is not None and one.serial is not None for one in night.cost])
    good = np.isfinite(deliveries.acknowledged[sent.row]) & timed[messages.frame]
    return np.where(good, night.epoch + (seconds + late) / SECONDS_A_DAY, np.nan)
