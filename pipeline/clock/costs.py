"""What each detector of each visit cost and how it ended, from the tables `quantum_summary`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from astropy.table import Table

from skyassay.pipeline.clock.errors import ClockError
from skyassay.pipeline.clock.parameters import Parameters

Frame = tuple[int, int]
_COLUMNS = ("label", "visit", "detector", "status", "seconds", "code")
_TEMPLATE = ("buildTemplate", "NO_TEMPLATE")
#: Codes of frames that cannot be timed.
SECONDS_UNKNOWN = "SECONDS_UNKNOWN"
QUANTUM_ABSENT = "QUANTUM_ABSENT"
RAW_ABSENT = "RAW_ABSENT"


@dataclass(frozen=True)
class Quantum:
    """One task on one frame: how it ended and what it cost, where that was ever recorded, s."""

    status: str
    code: str
    seconds: float | None
    machine: float | None


@dataclass(frozen=True)
class Cost:
    """One frame.

    Attributes
    ----------
    status : str
        ``DONE``, ``FAILED``, ``LOST`` or ``NO_TEMPLATE``.
    task, code : str
        Where it ended and why; for a frame that is done, why it cannot be timed.
    seconds, serial : float or None
        Work in the pool and in the serial stage, s; `None` where not all of it was recorded.
    queued, queued_serial : float
        The same as far as those behind it are concerned: what was not recorded counts as the
        dearest quantum of its task.
    machine : float or None
        Wall time on this machine in the newest run, s.
    """

    status: str
    task: str = ""
    code: str = ""
    seconds: float | None = None
    serial: float | None = None
    queued: float = 0.0
    queued_serial: float = 0.0
    machine: float | None = None


@dataclass(frozen=True)
class Recorded:
    """The quanta of a night: frame -> label -> quantum, and the dearest of each label, s."""

    quanta: Mapping[Frame, Mapping[str, Quantum]]
    dearest: Mapping[str, float] = field(default_factory=dict)


def recorded(summaries: Sequence[Table], chain: Sequence[str]) -> Recorded:
    """Gather the quanta of the chain from one or more runs.

    Parameters
    ----------
    summaries : sequence of Table
        `quantum_summary` tables, the newest first. How a quantum ended is what the newest says
        that knows it; a quantum that was there already (``EXISTING``) cost what the run said
        that made it.
    chain : sequence of str
        Labels that count, in order.

    Raises
    ------
    ClockError
        ``SUMMARY_COLUMN`` where a table is none of these.
    """
    wanted = set(chain)
    quanta: dict[Frame, dict[str, Quantum]] = {}
    dearest: dict[str, float] = {}
    for table in summaries:
        for frame, label, found in _rows(table, wanted):
            known = quanta.setdefault(frame, {})
            known[label] = _with_older(known.get(label), found)
            if found.status == "SUCCESS" and found.seconds is not None:
                dearest[label] = max(dearest.get(label, 0.0), found.seconds)
    _check_chain(quanta, chain)
    return Recorded(quanta, dearest)


def _check_chain(quanta: Mapping[Frame, Mapping[str, Quantum]], chain: Sequence[str]) -> None:
    """Refuse a task that nobody ran: its cost would be left out of every frame.

    A night without templates ends before them.
    """
    labels: set[str] = set().union(*quanta.values())
    ends = chain.index(_TEMPLATE[0]) if _TEMPLATE[0] in set(chain) - labels else len(chain)
    absent = [label for label in chain[:ends] if label not in labels] if quanta else []
    if absent:
        raise ClockError(
            f"No quantum of {absent[0]} is recorded, which the clock counts.",
            code="CLOCK_CHAIN",
            hint="Give the summaries of all runs of the night, or another chain.",
            exit_code=4,
        )


def _with_older(known: Quantum | None, older: Quantum) -> Quantum:
    """Return what is known, with the cost of an older run where it made what is there now."""
    if known is None:
        return older
    if known.status == "EXISTING" and known.seconds is None and older.status == "SUCCESS":
        return Quantum(known.status, known.code, older.seconds, known.machine)
    return known


def _rows(table: Table, wanted: set[str]) -> Iterable[tuple[Frame, str, Quantum]]:
    lacking = [name for name in _COLUMNS if name not in table.colnames]
    if lacking:
        raise ClockError(
            f"The summary of quanta has no column {lacking[0]}.",
            code="SUMMARY_COLUMN",
            hint="It is the dataset quantum_summary of a run.",
        )
    columns = [table[name].tolist() for name in _COLUMNS]
    for label, visit, detector, status, seconds, code in zip(*columns, strict=True):
        if label not in wanted or visit is None or detector is None:
            continue
        known = seconds is not None and bool(np.isfinite(seconds))
        cost = float(seconds) if known else None
        yield (int(visit), int(detector)), str(label), Quantum(str(status), code or "", cost, cost)


def cost_of(frame: Frame, known: Recorded, parameters: Parameters) -> Cost:
    """Return what became of one frame and what it cost.

    A frame without any quantum is ``LOST``: its raw never came. The first task of the chain
    that did not end well says how a frame failed; what was done before it still kept a worker.
    """
    quanta = known.quanta.get(frame)
    if not quanta:
        return Cost("LOST", parameters.chain[0], RAW_ABSENT)
    end = _end(quanta, parameters.chain)
    labels = parameters.chain[: len(parameters.chain) if end is None else end + 1]
    if end is None:
        status, task, code = "DONE", "", ""
    else:
        task = labels[-1]
        status, code = _failure(task, quanta.get(task))
    parts = [_sums(quanta, known, [x for x in labels if (x in parameters.serial) is s])
             for s in (False, True)]  # fmt: skip
    (seconds, queued), (serial, queued_serial) = parts
    if status == "DONE" and (seconds is None or serial is None):
        code = SECONDS_UNKNOWN
    spent = [quanta[x].machine for x in labels if x in quanta]
    machine = [one for one in spent if one is not None]
    return Cost(
        status,
        task,
        code,
        seconds,
        serial,
        queued,
        queued_serial,
        sum(machine) if machine else None,
    )


def _end(quanta: Mapping[str, Quantum], chain: Sequence[str]) -> int | None:
    """Return the place in the chain where a frame ended before its end.

    One that failed tells more than one that was skipped for it, wherever it stands.
    """
    bad = {
        i: quanta[label].status if label in quanta else "ABSENT"
        for i, label in enumerate(chain)
        if label not in quanta or quanta[label].status not in ("SUCCESS", "EXISTING")
    }
    for kind in (("FAILED", "LOST", "NO_WORK"), ("SKIPPED",), ("ABSENT",)):
        found = [i for i, status in bad.items() if status in kind]
        if found:
            return found[0]
    return next(iter(bad), None)


def _failure(task: str, quantum: Quantum | None) -> tuple[str, str]:
    """Return status and code of a frame that ended with this quantum, or for want of it.

    A template that was never to be built has no images there.
    """
    if quantum is None and task == _TEMPLATE[0]:
        return "NO_TEMPLATE", _TEMPLATE[1]
    if quantum is None:
        return "FAILED", QUANTUM_ABSENT
    code = quantum.code or {"LOST": "WORKER_LOST", "SKIPPED": "STOPPED"}.get(
        quantum.status, quantum.status
    )
    if code == _TEMPLATE[1] or (task == _TEMPLATE[0] and quantum.status == "NO_WORK"):
        return "NO_TEMPLATE", _TEMPLATE[1]
    return "FAILED", code


def _sums(
    quanta: Mapping[str, Quantum], known: Recorded, labels: Sequence[str]
) -> tuple[float | None, float]:
    """Return the recorded cost of some tasks, if all of it is, and what others wait for."""
    total, queued, whole = 0.0, 0.0, True
    for label in labels:
        one = quanta.get(label)
        if one is None or one.status == "SKIPPED":
            continue
        if one.seconds is None:
            whole = False
        queued += known.dearest.get(label, 0.0) if one.seconds is None else one.seconds
        total += one.seconds or 0.0
    return (total if whole else None), queued
