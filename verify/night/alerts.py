"""A few single alerts of a night to look at: the best of each kind, and some that failed."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from skyassay.verify.night.names import DAY, IN_TIME
from skyassay.verify.night.reading import Reading

#: Alerts that are kept, of them at most so many that were not handed over, and that were late.
MOST, MOST_LOST, MOST_LATE = 40, 8, 4
#: Points of one light curve; the newest are kept.
MOST_POINTS = 200
KINDS = ("solar system", "dipole", "repeated", "single")
SOURCE = (
    "diaSourceId", "diaObjectId", "ssObjectId", "visit", "detector", "band", "midpointMjdTai",
    "ra", "dec", "psfFlux", "psfFluxErr", "snr", "reliability", "isDipole",
)  # fmt: skip
_FORCED = ("diaObjectId", "visit", "detector", "band", "psfDiffFlux", "psfDiffFluxErr")
_SEARCHED = ("diaSourceId", "visit", "band", "midpointMjdTai", "psfFlux", "psfFluxErr")


def choose(reading: Reading, log: pd.DataFrame | None, visits: Iterable[int]) -> pd.DataFrame:
    """Return the alerts to show, the best S/N of each kind first.

    Parameters
    ----------
    reading : Reading
        Of a source with `dia_source`, or `alert`, which packets give.
    log : DataFrame or None
        Of `alert_delivery`. Without it, every detection of the night stands for an alert.
    visits : iterable of int

    Returns
    -------
    DataFrame
        Columns of `SOURCE` and ``kind``, ``n_sources`` (of its object, as far as the tables
        reach), ``outcome`` (``in time``, ``late``, ``not handed over``, ``not known``),
        ``latency`` (s) and ``code``.
    """
    product = _product(reading)
    names = _counts(reading, product)
    best: dict[str, pd.DataFrame] = {}
    for piece in reading.frames(product, SOURCE):
        rows = piece.reindex(columns=list(SOURCE))
        rows = rows[rows["visit"].isin(set(visits))]
        rows = _dressed(rows, log, names)
        for label, mine in _groups(rows):
            held = pd.concat([best[label], mine]) if label in best else mine
            best[label] = _strongest(held, MOST)
    chosen = [_strongest(best[label], n) for label, n in _shares(best) if n]
    if not chosen:
        return _dressed(pd.DataFrame(columns=list(SOURCE)), log, names)
    found = pd.concat(chosen).drop_duplicates("diaSourceId")
    return found.reset_index(drop=True)


def _product(reading: Reading) -> str:
    """Return where detections are looked up; packets know them too."""
    there = reading.source.products
    return "alert" if "alert" in there and "dia_source" not in there else "dia_source"


def _counts(reading: Reading, product: str) -> pd.Series:
    """Return diaObjectId -> number of its detections."""
    total: pd.Series = pd.Series(dtype=np.int64)
    for piece in reading.frames(product, ("diaObjectId",)):
        here = piece.loc[piece["diaObjectId"] > 0, "diaObjectId"].astype(np.int64).value_counts()
        total = total.add(here, fill_value=0) if len(total) else here
    return total


def _dressed(rows: pd.DataFrame, log: pd.DataFrame | None, names: pd.Series) -> pd.DataFrame:
    """Add kind, latency and what became of them."""
    rows = rows.copy()
    rows["n_sources"] = rows["diaObjectId"].map(names)
    kinds = [rows["ssObjectId"] > 0, rows["isDipole"] == 1, rows["n_sources"] > 1]
    rows["kind"] = np.select([k.astype(bool) for k in kinds], list(KINDS[:3]), KINDS[3])
    if log is None:
        return rows.assign(latency=np.nan, code="", outcome="not known")
    logged = log.drop_duplicates("diaSourceId").set_index("diaSourceId")
    latency = (logged["handedMjdTai"] - logged["readoutEndMjdTai"]) * DAY
    rows = rows[rows["diaSourceId"].isin(logged.index)].copy()
    rows["latency"] = rows["diaSourceId"].map(latency)
    rows["code"] = rows["diaSourceId"].map(logged["code"]).fillna("").astype(str)
    sent, late = rows["latency"].notna(), rows["latency"] > IN_TIME
    rows["outcome"] = np.select([~sent, late], ["not handed over", "late"], "in time")
    return rows


def _groups(rows: pd.DataFrame) -> Iterable[tuple[str, pd.DataFrame]]:
    """Yield what is chosen from, with its label."""
    for outcome in ("not handed over", "late"):
        mine = rows[rows["outcome"] == outcome]
        if len(mine):
            yield outcome, mine
    rest = rows[~rows["outcome"].isin(["not handed over", "late"])]
    for kind, mine in rest.groupby("kind"):
        yield str(kind), mine


def _shares(best: dict[str, pd.DataFrame]) -> list[tuple[str, int]]:
    """Return how many of each group are kept: what a small group leaves goes to the others."""
    bad = [(n, min(len(best[n]), m)) for n, m in
           (("not handed over", MOST_LOST), ("late", MOST_LATE)) if n in best]  # fmt: skip
    left = MOST - sum(n for _, n in bad)
    good = sorted((k for k in KINDS if k in best), key=lambda k: len(best[k]))
    shares = []
    for place, kind in enumerate(good):
        mine = min(len(best[kind]), left // (len(good) - place))
        shares.append((kind, mine))
        left -= mine
    return [*sorted(shares, key=lambda s: KINDS.index(s[0])), *bad]


def _strongest(rows: pd.DataFrame, count: int) -> pd.DataFrame:
    """Return the rows of the largest |S/N|, of equal ones the smallest id."""
    order = rows.assign(strength=-rows["snr"].abs()).sort_values(
        ["strength", "diaSourceId"], na_position="last"
    )
    return order.head(count).drop(columns="strength")


def light_curves(reading: Reading, chosen: pd.DataFrame, times: pd.Series) -> pd.DataFrame:
    """Return all fluxes of the objects of these alerts, in order of time.

    Parameters
    ----------
    reading : Reading
    chosen : DataFrame
        Of `choose`.
    times : Series
        Visit -> middle of its exposure, MJD TAI: forced fluxes do not say theirs.

    Returns
    -------
    DataFrame
        ``object`` (diaObjectId, or ssObjectId of what moves), ``moving``, ``diaSourceId`` (0 of
        a forced flux), ``visit``, ``band``, ``mjd``, ``flux`` and ``error`` (nJy), ``forced``.
    """
    product = _product(reading)
    still = set(chosen.loc[chosen["diaObjectId"] > 0, "diaObjectId"].astype(np.int64))
    moving = set(chosen.loc[chosen["ssObjectId"] > 0, "ssObjectId"].astype(np.int64))
    names = {"midpointMjdTai": "mjd", "psfFlux": "flux", "psfFluxErr": "error",
             "psfDiffFlux": "flux", "psfDiffFluxErr": "error"}  # fmt: skip
    pieces = []
    for piece in reading.frames(product, (*_SEARCHED, "diaObjectId", "ssObjectId")):
        for column, wanted in (("diaObjectId", still), ("ssObjectId", moving)):
            mine = piece[piece[column].isin(wanted)] if column in piece else piece[:0]
            mine = mine.rename(columns=names)
            pieces.append(mine.assign(object=mine.get(column), moving=column == "ssObjectId"))
    found = [p.assign(forced=False) for p in pieces]
    if "dia_object_forced_source" in reading.source.products:
        for piece in reading.frames("dia_object_forced_source", _FORCED):
            mine = piece[piece["diaObjectId"].isin(still)].rename(columns=names)
            mine = mine.assign(object=mine["diaObjectId"], moving=False, diaSourceId=0)
            mine["mjd"] = mine["visit"].map(times)
            found.append(mine.assign(forced=True))
    columns = ["object", "moving", "diaSourceId", "visit", "band", "mjd", "flux", "error", "forced"]
    if not found:
        return pd.DataFrame(columns=columns)
    rows = pd.concat(found, ignore_index=True).reindex(columns=columns)
    rows = rows.dropna(subset=["mjd", "flux"]).sort_values(["object", "forced", "mjd"])
    return rows.groupby(["object", "forced"]).tail(MOST_POINTS).reset_index(drop=True)
