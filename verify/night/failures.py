"""What failed in a night: named one by one, with what to do."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pandas as pd

COLUMNS = ("what", "visit", "detector", "task", "code", "count", "message", "hint")
#: Code -> what to do.
_HINTS = {
    "RAW_ABSENT": "The raw frame never came: look at the transfer, ingest it, process again.",
    "QUANTUM_ABSENT": "Nothing says that the task was ever planned: process the night again.",
    "WORKER_LOST": "The worker died, mostly for want of memory: give it more, process again.",
    "STOPPED": "The run was stopped: run it again, it does what is missing.",
    "NO_TEMPLATE": "No earlier night covers it: no difference can be made, and no alert is due.",
    "NOT_DISTRIBUTED": "Its alerts were not given to the distribution: distribute again.",
    "NOT_SENT": "It was built and not offered to the streams: distribute again.",
    "NOT_ACKNOWLEDGED": "No acknowledgement came: distribute again, only these are sent.",
    "SECONDS_UNKNOWN": "No run says what its work cost, so it cannot be timed.",
    "BROKER_AWAY": "The broker did not answer: start it and distribute again.",
    "CALIBRATION_ABSENT": "Build it and certify it for this night, then process again.",
    "DISK_FULL": "Make room and run it again.",
}
_OTHER = "See the log of the run; run it again once the cause is gone."
_NOT_DONE = {"FAILED": "failed", "LOST": "never came", "NO_TEMPLATE": "has no template"}


def failures(
    detectors: pd.DataFrame,
    log: pd.DataFrame,
    quanta: pd.DataFrame,
    streams: pd.DataFrame,
    calibrations: pd.DataFrame,
) -> pd.DataFrame:
    """Return everything that failed, in order of visit and detector.

    ``what`` is ``detector``, ``quantum`` (work beside the alerts), ``alerts``, ``stream`` or
    ``calibration``; ``visit`` and ``detector`` are -1 where it is about none.
    """
    visits = set(detectors["visit"])
    rows = [*_detectors(detectors, quanta), *_quanta(quanta, detectors, visits)]
    rows += [*_alerts(log), *_streams(streams[streams["visit"].isin(visits)])]
    for _, one in calibrations[calibrations["n_missing"] > 0].iterrows():
        kind, count = str(one["kind"]), int(one["n_missing"])
        message = f"No valid {kind} for {count} of {int(one['n_frames'])} frames."
        rows.append(_row("calibration", -1, -1, kind, "CALIBRATION_ABSENT", count, message))
    made = pd.DataFrame(rows, columns=list(COLUMNS))
    return made.sort_values(["visit", "detector", "what"], kind="stable").reset_index(drop=True)


def _row(what: str, visit: int, detector: int, task: str, code: str, count: int, message: str,
         hint: str = "") -> tuple[Any, ...]:  # fmt: skip
    return (what, visit, detector, task, code, count, message, hint or _HINTS.get(code, _OTHER))


def _detectors(detectors: pd.DataFrame, quanta: pd.DataFrame) -> list[tuple[Any, ...]]:
    """Return the detectors that gave no alerts."""
    said = _errors(quanta)
    rows = []
    for _, one in detectors[detectors["status"] != "DONE"].iterrows():
        visit, detector, task = int(one["visit"]), int(one["detector"]), _text(one["failedTask"])
        error = said.get((visit, detector, task), "")
        words = f"Detector {detector} {_NOT_DONE.get(str(one['status']), 'is not done')}."
        message = f"{words} {error}".strip()
        rows.append(_row("detector", visit, detector, task, _text(one["code"]), 1, message))
    return rows


def _errors(quanta: pd.DataFrame) -> dict[tuple[int, int, str], str]:
    """Return (visit, detector, task) -> what the task said."""
    bad = quanta[quanta["status"].isin(["FAILED", "LOST"]) & (quanta["visit"] > 0)]
    bad = bad[bad["detector"].notna()]
    return {
        (int(q["visit"]), int(q["detector"]), str(q["label"])): _text(q["error"])
        for _, q in bad.iterrows()
    }


def _quanta(
    quanta: pd.DataFrame, detectors: pd.DataFrame, visits: set[int]
) -> list[tuple[Any, ...]]:
    """Return failed work of the night's visits that the detectors do not already name."""
    told = {
        (int(d["visit"]), int(d["detector"]), _text(d["failedTask"]))
        for _, d in detectors[detectors["status"] != "DONE"].iterrows()
    }
    bad = quanta[quanta["status"].isin(["FAILED", "LOST"]) & quanta["visit"].isin(visits)]
    rows = []
    for _, one in bad.iterrows():
        visit, task = int(one["visit"]), str(one["label"])
        detector = int(one["detector"]) if pd.notna(one["detector"]) else -1
        if (visit, detector, task) not in told:
            message = _text(one["error"]) or f"{task} {str(one['status']).lower()}."
            rows.append(_row("quantum", visit, detector, task, _text(one["code"]), 1, message))
    return rows


def _alerts(log: pd.DataFrame) -> list[tuple[Any, ...]]:
    """Return alerts that were built and not handed over, by visit and code."""
    bad = log[log["handedMjdTai"].isna()]
    rows = []
    counts = Counter(zip(bad["visit"].tolist(), bad["code"].map(_text).tolist(), strict=True))
    for (visit, code), count in sorted(counts.items()):
        words = f"{count} of the visit's alerts were not handed over."
        if code == "SECONDS_UNKNOWN":
            words = f"{count} alerts were handed over at a time that is not known."
        rows.append(_row("alerts", int(visit), -1, "distribution", code, count, words))
    return rows


def _streams(streams: pd.DataFrame) -> list[tuple[Any, ...]]:
    """Return streams that did not get all that was meant for them."""
    short = streams[streams["n_delivered"] < streams["n_matching"]]
    return [
        _row("stream", int(one["visit"]), -1, str(one["stream"]), "NOT_ACKNOWLEDGED",
             int(one["n_matching"] - one["n_delivered"]),
             f"{one['stream']} got {int(one['n_delivered'])} of {int(one['n_matching'])} alerts.")
        for _, one in short.iterrows()
    ]  # fmt: skip


def _text(value: object) -> str:
    """Return a text; nothing for what is none."""
    return "" if value is None or value != value else str(value)
