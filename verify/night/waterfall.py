"""Where the time of a visit's last alert went."""

from __future__ import annotations

import numpy as np
import pandas as pd

from skyassay.verify.night.names import CHAIN, DAY, REST, SENT, WAITED

#: Tasks may add up to a little more than the books say, by rounding, s.
_ROUNDING = 0.05


def waterfall(detectors: pd.DataFrame, log: pd.DataFrame, quanta: pd.DataFrame) -> pd.DataFrame:
    """Return the stages between readout and the last alert of each visit.

    Of each visit the detector whose last alert left last is shown, or, where no alert left, the
    one with the most work. Seconds of tasks are those of `quantum_summary`; where they are
    unknown, or belong to another run than the clock's, the work stands as one stage.

    Returns
    -------
    DataFrame
        ``visit``, ``detector``, ``place`` (of the stage, from 0), ``stage``, ``start`` and
        ``seconds`` after the end of readout.
    """
    done = detectors[(detectors["status"] == "DONE") & detectors["seconds"].notna()].copy()
    late = log.assign(latency=(log["handedMjdTai"] - log["readoutEndMjdTai"]) * DAY)
    last = late.groupby(["visit", "detector"])["latency"].max().rename("latency")
    done = done.join(last, on=["visit", "detector"])
    done["work"] = done["seconds"] + done["waited"].fillna(0.0)
    # Latency decides; a detector without alerts only where no detector has any.
    done = done.sort_values(["latency", "work"], ascending=False, na_position="last")
    tasks = _tasks(quanta)
    rows = []
    for _, one in done.groupby("visit", sort=True).head(1).sort_values("visit").iterrows():
        mine = tasks.get((int(one["visit"]), int(one["detector"])), {})
        start = 0.0
        for place, (stage, seconds) in enumerate(_stages(one, mine)):
            rows.append((int(one["visit"]), int(one["detector"]), place, stage, start, seconds))
            start += seconds
    return pd.DataFrame(
        rows, columns=["visit", "detector", "place", "stage", "start", "seconds"]
    ).astype({"visit": np.int64, "detector": np.int64, "place": np.int64})


def _tasks(quanta: pd.DataFrame) -> dict[tuple[int, int], dict[str, float]]:
    """Return (visit, detector) -> task -> seconds."""
    use = quanta["label"].isin(CHAIN) & quanta["seconds"].notna()
    mine = quanta[use & (quanta["visit"] > 0) & quanta["detector"].notna()]
    found: dict[tuple[int, int], dict[str, float]] = {}
    columns = [mine[name].tolist() for name in ("visit", "detector", "label", "seconds")]
    for visit, detector, label, seconds in zip(*columns, strict=True):
        tasks = found.setdefault((int(visit), int(detector)), {})
        tasks[label] = tasks.get(label, 0.0) + float(seconds)
    return found


def _stages(one: pd.Series, tasks: dict[str, float]) -> list[tuple[str, float]]:
    """Return the stages of one detector."""
    stages = [(label, tasks[label]) for label in CHAIN if label in tasks]
    rest = float(one["seconds"]) - sum(seconds for _, seconds in stages)
    if rest < -_ROUNDING:
        stages, rest = [], float(one["seconds"])
    waited = float(one["waited"])
    if rest > _ROUNDING:
        stages.insert(0, (REST, rest))
    if waited > 0.0:
        stages.insert(0, (WAITED, waited))
    sent = float(one["latency"]) - sum(seconds for _, seconds in stages)
    return [*stages, (SENT, sent)] if sent > 0.0 else stages
