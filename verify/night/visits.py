"""The visits of a night: what the sky was like, what became of them, when their alerts left."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skyassay.metrics.alerts.handed import handed
from skyassay.metrics.alerts.visits import Latencies, latencies
from skyassay.metrics.plugin import NotMeasured
from skyassay.verify.night.names import DAY, IN_TIME, SHARE
from skyassay.verify.night.reading import Gap

#: Column of `visit_table` -> ours.
SKY = {
    "expMidptMJD": "mjd", "seeing": "seeing", "magLim": "depth", "skyBrightness": "sky",
    "zeroPoint": "zero_point", "airmass": "airmass", "expTime": "exposure", "ra": "ra",
    "dec": "dec",
}  # fmt: skip
_COUNTED = {
    "DONE": "n_done",
    "FAILED": "n_failed",
    "LOST": "n_lost",
    "NO_TEMPLATE": "n_no_template",
}


def visits_table(
    detectors: pd.DataFrame, log: pd.DataFrame, table: pd.DataFrame
) -> tuple[pd.DataFrame, list[Gap]]:
    """Return one row for each visit of a night, in order of time.

    Parameters
    ----------
    detectors : DataFrame
        Of `night_detector`.
    log : DataFrame
        Of `alert_delivery`.
    table : DataFrame
        Of `visit_table`; its other visits are left out.

    Returns
    -------
    table : DataFrame
        Latencies in s; those that are not reached are NaN.
    gaps : list of Gap
        Why latencies are not known, if they are not.
    """
    books = detectors.groupby("visit", sort=True)
    made = pd.DataFrame(
        {
            "band": books["band"].first(),
            "readout_mjd": books["readoutEndMjdTai"].max(),
            "n_detectors": books.size(),
            "n_built": books["nAlert"].sum(min_count=1),
        }
    )
    for status, name in _COUNTED.items():
        there = (detectors["status"] == status).groupby(detectors["visit"]).sum()
        made[name] = there.reindex(made.index).astype(np.int64)
    sky = table.rename(columns=SKY).drop_duplicates("visit").set_index("visit")
    made = made.join(sky[[name for name in SKY.values() if name in sky.columns]])
    left, gaps = _left(detectors, log)
    if len(table) and not table["visit"].isin(made.index).any():
        gaps.append(
            Gap("visit_table", "other_visits", "visit_table has none of the night's visits.")
        )
    made = made.join(left)
    made["status"] = [_status(row) for _, row in made.iterrows()]
    # Readout ends follow the exposures; visits without a table have no other time.
    made["mjd"] = made["mjd"].fillna(made["readout_mjd"])
    return made.sort_values("mjd", kind="stable").reset_index(), gaps


def _left(detectors: pd.DataFrame, log: pd.DataFrame) -> tuple[pd.DataFrame, list[Gap]]:
    """Return, by visit, alerts due, handed over, in time, and quantiles of the latency."""
    names = ("n_expected", "n_delivered", "n_in_time", "n_never")
    empty = pd.DataFrame(columns=[*names, "latency_50", "latency_98", "latency_max"], dtype=float)
    if log.empty and detectors["nAlert"].sum() > 0:
        return empty, [Gap("alert_delivery", "no_rows", "No alert of the night is logged.")]
    # A column that was not there is no statement that nothing was delivered.
    known = log.drop(columns="delivered") if log["delivered"].isna().all() else log
    try:
        found = latencies(handed(_columns(detectors), _columns(known)))
    except NotMeasured as why:
        if why.reason == "no_alert_due":
            none = dict.fromkeys(names, 0)
            return empty.reindex(np.unique(detectors["visit"])).fillna(none), []
        return empty, [Gap("alert_delivery", why.reason, why.hint)]
    visit, due, sent, early = found.per_visit(IN_TIME / 60.0)
    rows = {"n_expected": due, "n_delivered": sent, "n_in_time": early, "n_never": due - sent}
    shares = {"latency_50": 0.5, "latency_98": SHARE / 100.0}
    quantiles = {n: [_quantile(found, v, s) for v in visit] for n, s in shares.items()}
    last = [_last(found, v) for v in visit]
    return pd.DataFrame({**rows, **quantiles, "latency_max": last}, index=visit), []


def _columns(frame: pd.DataFrame) -> dict[str, NDArray[Any]]:
    """Return the columns; those of a log without any row have a type all the same."""
    return {str(n): frame[n].to_numpy(dtype=float if frame.empty else None) for n in frame.columns}


def _quantile(found: Latencies, visit: int, share: float) -> float:
    """Return the latency that a share of the alerts of a visit does not exceed, s."""
    mine = slice(*np.searchsorted(found.visit, [visit, visit + 1]))
    total = np.cumsum(found.count[mine])
    if not len(total) or not total[-1]:
        return np.nan
    value = found.minutes[mine][np.searchsorted(total, share * total[-1] - 1e-9)] * 60.0
    return float(value) if np.isfinite(value) else np.nan


def _last(found: Latencies, visit: int) -> float:
    """Return the largest latency of what left, s."""
    mine = slice(*np.searchsorted(found.visit, [visit, visit + 1]))
    gone = found.minutes[mine][np.isfinite(found.minutes[mine]) & (found.count[mine] > 0)]
    return float(gone.max() * 60.0) if len(gone) else np.nan


def _status(row: pd.Series) -> str:
    """Return what a visit is called; a number that is not known is never a good one."""
    if row["n_done"] == 0 and row["n_no_template"] == 0:
        return "FAILED"
    if not np.isfinite(row["n_expected"]):
        nothing = row["n_failed"] + row["n_lost"] == 0 and row["n_built"] == 0
        return "OK" if nothing or row["n_done"] == 0 else "NOT_MEASURED"
    if row["n_expected"] > 0 and row["n_delivered"] == 0:
        return "FAILED"
    if row["n_failed"] + row["n_lost"] + row["n_never"] > 0:
        return "INCOMPLETE"
    due = row["n_expected"]
    return "OK" if due == 0 or row["n_in_time"] >= SHARE / 100.0 * due else "LATE"


def night_row(visits: pd.DataFrame, detectors: pd.DataFrame, log: pd.DataFrame) -> pd.DataFrame:
    """Return the night as one row.

    ``night`` is the day it began on (noon to noon UTC, as YYYYMMDD), ``end_mjd`` the end of its
    last readout, ``done_mjd`` when the last alert was handed over or the last detector done by
    the modelled clock: NaN where that is not known of one that was.
    """
    from astropy.time import Time

    begin, end = visits["mjd"].min(), visits["readout_mjd"].max()
    worked = detectors["readoutEndMjdTai"] + (detectors["seconds"] + detectors["waited"]) / DAY
    last = pd.Series([worked.max(), log["handedMjdTai"].max()]).max()
    # What was done at an unknown time may have been done last.
    untimed = (detectors["status"] == "DONE") & worked.isna()
    unknown = (log["delivered"] == 1) & log["handedMjdTai"].isna()
    if untimed.any() or unknown.any():
        last = np.nan
    known = pd.notna(begin)
    day = Time(begin - 0.5, format="mjd", scale="tai").utc.strftime("%Y%m%d") if known else 0
    return pd.DataFrame(
        {
            "night": [int(day)],
            "begin_mjd": [begin],
            "end_mjd": [end],
            "done_mjd": [float(last)],
            "n_visits": [len(visits)],
            "n_detectors": [len(detectors)],
        }
    )
