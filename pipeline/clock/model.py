"""The modelled clock: from the readout of a frame until its alerts are on the outbound link.

Everything here is a pure function of declared parameters and recorded costs, so a night is
timed again from what is stored with the run to the same numbers.

A frame waits for a worker, is processed, passes the stage that one process does for all, and
its alerts queue for the link. Frames are begun in the order of (end of readout, visit,
detector), whatever order the arrays have.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.clock.parameters import Parameters
from skyassay.pipeline.clock.queues import Calendar, Floats, by_pool, by_worker, in_turn

Ints = NDArray[np.int64]
SECONDS_A_DAY = 86400.0


@dataclass(frozen=True)
class Work:
    """Frames and what they cost; all arrays of shape (n,), in any order.

    Attributes
    ----------
    visit, detector : ndarray of int64
    readout_end : ndarray of float64
        s after the night's epoch.
    seconds : ndarray of float64
        Work of a worker of the pool, s.
    serial : ndarray of float64
        Work of the one process that serves all, s; 0 for a frame that does not get there.
    """

    visit: Ints
    detector: Ints
    readout_end: Floats
    seconds: Floats
    serial: Floats

    def order(self) -> Ints:
        """Return the indices in the order in which frames are begun."""
        return np.lexsort((self.detector, self.visit, self.readout_end))


@dataclass(frozen=True)
class Processed:
    """When the alerts of each frame were built, and how long the frame had waited, s."""

    ready: Floats
    waited: Floats


def process(work: Work, parameters: Parameters) -> Processed:
    """Return when each frame is done, in the order of `work`.

    Parameters
    ----------
    work : Work
    parameters : Parameters

    Returns
    -------
    Processed
        `ready` in s after the epoch; `waited` is what is neither transfer nor work.
    """
    order = work.order()
    arrived = work.readout_end[order] + parameters.transfer
    seconds, serial = work.seconds[order], work.serial[order]
    if parameters.workers is None:
        pooled = by_worker(arrived, seconds, work.detector[order])
    else:
        pooled = by_pool(arrived, seconds, parameters.workers)
    done = in_turn(pooled, serial) if parameters.serial else pooled
    ready, waited = np.empty(order.size), np.empty(order.size)
    ready[order] = done
    # Rounding must not make a frame wait less than nothing.
    waited[order] = np.maximum(done - arrived - seconds - serial, 0.0)
    return Processed(ready, waited)


@dataclass(frozen=True)
class Messages:
    """Alerts to be put into streams; all arrays of shape (m,), in any order.

    Attributes
    ----------
    frame : ndarray of int64
        Index into the frames.
    alert : ndarray of int64
        diaSourceId.
    stream : ndarray of int64
        Index of the stream; lower ones go first.
    size : ndarray of int64
        Bytes.
    """

    frame: Ints
    alert: Ints
    stream: Ints
    size: Ints


def hand_over(
    work: Work, ready: Floats, messages: Messages, parameters: Parameters, epoch: float
) -> Floats:
    """Return when each message was handed to the outbound link and acknowledged.

    Messages queue in the order in which their frames were ready, those of a frame by alert and
    stream. One takes its bytes over the bandwidth plus the work of sending it, and is
    acknowledged after the latency.

    Parameters
    ----------
    work : Work
    ready : ndarray, shape (n,)
        Of `process`.
    messages : Messages
    parameters : Parameters
    epoch : float
        MJD TAI of second 0, for the outages.

    Returns
    -------
    ndarray, shape (m,)
        s after the epoch.
    """
    rank = np.empty(ready.size, dtype=np.int64)
    rank[np.lexsort((work.detector, work.visit, work.readout_end, ready))] = np.arange(ready.size)
    order = np.lexsort((messages.stream, messages.alert, rank[messages.frame]))
    link = parameters.network
    cost = parameters.message + messages.size[order] / link.bandwidth
    calendar = Calendar(
        [tuple((end - epoch) * SECONDS_A_DAY for end in outage) for outage in link.outages]  # type: ignore[misc]
    )
    handed = np.empty(order.size)
    handed[order] = calendar.through(ready[messages.frame[order]], cost) + link.latency
    return handed
