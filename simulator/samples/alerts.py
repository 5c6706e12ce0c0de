"""Samplers of alerts: latencies, visits that are late or empty, loads, streams, reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from skyassay.simulator.random import rng
from skyassay.simulator.samples.model import Draw, Sampler, Table

#: Detectors of a visit, alerts of each, and the scatter of their latency over the limit.
DETECTORS, ALERTS, SCATTER = 3, 10, 0.1
#: Start of the night, MJD, and time between visits, d.
START, CADENCE = 61_000.25, 40.0 / 86_400.0
_MINUTE = 1.0 / 1440.0
#: Share of the alerts that the latency is about, %.
_OTR1 = 98.0


def books(
    size: int, minutes: NDArray[np.float64], detectors: int = DETECTORS
) -> Mapping[str, Table]:
    """Return detectors and alerts of a night.

    Parameters
    ----------
    size : int
        Visits.
    minutes : ndarray, shape (n_alerts,)
        Latency of every alert, by visit and detector; NaN for one that never left.
    detectors : int
    """
    visit, detector = (a.ravel() for a in np.indices((size, detectors)))
    each = len(minutes) // len(visit)
    row = np.repeat(np.arange(len(visit)), each)
    band = np.where(visit % 2, "r", "i")
    ready = START + visit * CADENCE
    images = {
        "visit": visit.astype(np.int64) + 1,
        "detector": detector.astype(np.int64),
        "band": band,
        "readoutEndMjdTai": ready,
        "status": np.full(len(visit), "DONE"),
        "nAlert": np.full(len(visit), each, dtype=np.int64),
    }
    log = {
        "diaSourceId": np.arange(len(row), dtype=np.int64) + 1,
        **{n: images[n][row] for n in ("visit", "detector", "band", "readoutEndMjdTai")},
        "handedMjdTai": ready[row] + minutes * _MINUTE,
        "delivered": np.isfinite(minutes),
    }
    return {"night_detector": images, "alert_delivery": log}


def _latencies(asked: Draw, middle: float) -> Mapping[str, Table]:
    """Return a night of normal latencies about `middle`, a part of the scatter by visit."""
    stream = rng(asked.seed, "samples.alerts.latency")
    shared = np.repeat(stream.standard_normal(asked.size), DETECTORS * ALERTS)
    own = stream.standard_normal(len(shared))
    variate = np.sqrt(asked.share) * shared + np.sqrt(1.0 - asked.share) * own
    return books(asked.size, np.maximum(middle + SCATTER * variate, 0.01))


def draw_latency(asked: Draw) -> Mapping[str, Table]:
    """Return a night of which 98 % of the alerts leave within the target."""
    return _latencies(asked, asked.target - SCATTER * float(ndtri(_OTR1 / 100.0)))


def draw_timely(asked: Draw) -> Mapping[str, Table]:
    """Return a night of which the target share leaves within the bound latency."""
    latest = next(iter(asked.at.values()), 1.0)
    return _latencies(asked, latest - SCATTER * float(ndtri(asked.target / 100.0)))


def draw_delayed(asked: Draw) -> Mapping[str, Table]:
    """Return visits of one alert, which is late in the target share of them."""
    late = rng(asked.seed, "samples.alerts.delayed").random(asked.size) < asked.target / 100.0
    return books(asked.size, np.where(late, 5.0, 0.3), 1)


def draw_failed(asked: Draw) -> Mapping[str, Table]:
    """Return visits of one alert, which never left in the target share of them."""
    lost = rng(asked.seed, "samples.alerts.failed").random(asked.size) < asked.target / 100.0
    return books(asked.size, np.where(lost, np.nan, 0.3), 1)


def load_test(size: int, alerts: NDArray[np.float64], capacity: float) -> Table:
    """Return a load test: visits up to the capacity are handled, others come too late."""
    good = alerts <= capacity
    number = np.floor(alerts).astype(np.int64)
    return {
        "visit": np.arange(size, dtype=np.int64) + 1,
        "nAlert": number,
        "nConsumers": np.full(size, 5),
        "nReceived": number,
        "nDouble": np.zeros(size, dtype=np.int64),
        "seconds": np.where(good, 30.0, 90.0),
        "nUsers": np.full(size, 120),
        "nUserAlerts": np.full(size, 25),
    }


def draw_peak(asked: Draw) -> Mapping[str, Table]:
    """Return a test of loads on both sides of the target, up to which they are handled."""
    factor = rng(asked.seed, "samples.alerts.peak").uniform(0.5, 1.5, asked.size)
    factor[0] = 1.0
    return {"alert_load": load_test(asked.size, asked.target * factor, asked.target)}


def draw_average(asked: Draw) -> Mapping[str, Table]:
    """Return a test of a load of the target, and one that was not handled."""
    alerts = np.r_[np.full(asked.size - 1, asked.target), 2.0 * asked.target]
    return {"alert_load": load_test(asked.size, alerts, asked.target)}


def draw_users(asked: Draw) -> Mapping[str, Table]:
    """Return a test with users on both sides of the target, up to which they are served."""
    users = np.floor(asked.target * np.r_[1.0, np.full(asked.size - 1, 1.5)])
    table = load_test(asked.size, np.full(asked.size, 1000.0), np.inf)
    got = np.where(users <= asked.target, 25, 3)
    return {"alert_load": {**table, "nUsers": users.astype(np.int64), "nUserAlerts": got}}


def draw_user_alerts(asked: Draw) -> Mapping[str, Table]:
    """Return a test in which each user gets the target number of packets at most."""
    stream = rng(asked.seed, "samples.alerts.users")
    got = np.floor(asked.target * stream.uniform(0.5, 1.0, asked.size))
    got[0] = np.floor(asked.target)
    table = load_test(asked.size, np.full(asked.size, 1000.0), np.inf)
    return {"alert_load": {**table, "nUserAlerts": got.astype(np.int64)}}


def draw_streams(asked: Draw) -> Mapping[str, Table]:
    """Return ten full streams, of which the target number, in whole, is in time."""
    visit, stream = (a.ravel() for a in np.indices((asked.size, 10)))
    ready = START + visit * CADENCE
    late = np.where(stream < np.floor(asked.target), 0.4, 5.0)
    return {
        "alert_stream": {
            "visit": visit.astype(np.int64) + 1,
            "stream": np.char.add("full-", stream.astype(str)),
            "isFull": np.ones(len(visit), dtype=bool),
            "nAlert": np.full(len(visit), 50),
            "nMatching": np.full(len(visit), 50),
            "nDelivered": np.full(len(visit), 50),
            "readoutEndMjdTai": ready,
            "lastHandedMjdTai": ready + late * _MINUTE,
        }
    }


def draw_history(asked: Draw) -> Mapping[str, Table]:
    """Return packets of old objects whose longest history is the target, d."""
    stream = rng(asked.seed, "samples.alerts.history")
    now = START + 1000.0 + np.arange(asked.size) * CADENCE
    held = asked.target * stream.uniform(0.2, 0.999, asked.size)
    held[0] = 0.999 * asked.target  # times are good to so much
    return {
        "alert": {
            "diaSourceId": np.arange(asked.size, dtype=np.int64) + 1,
            "visit": np.arange(asked.size, dtype=np.int64) + 1,
            "midpointMjdTai": now,
            "firstDiaSourceMjdTai": now - 900.0,
            "oldestMjdTai": now - held,
        }
    }


def _draw_reports(report: str) -> Callable[[Draw], Mapping[str, Table]]:
    def draw(asked: Draw) -> Mapping[str, Table]:
        """Return nights whose reports take the target in the mean, normal scatter."""
        stream = rng(asked.seed, f"samples.alerts.{report}")
        hours = asked.target + 0.2 * stream.standard_normal(asked.size)
        night = np.arange(asked.size, dtype=np.int64) + 20300101
        return {
            "night_report": {
                "night": night,
                "report": np.full(asked.size, report),
                "hours": np.maximum(hours, 0.0),
            }
        }

    return draw


def _less(limit: float) -> float:
    """Return a capacity 5 % below what is asked."""
    return limit / 1.05


def _one_less(limit: float) -> float:
    """Return one less than is asked: streams are whole."""
    return limit - 1.0


def _twice(limit: float) -> float:
    """Return twice what is asked."""
    return 2.0 * limit


def _more_missing(limit: float) -> float:
    """Return a share of which 5 % more is missing than may be."""
    return 100.0 - 1.05 * (100.0 - limit)


def _third_missing(limit: float) -> float:
    """Return a share of which a third of what may be is missing."""
    return 100.0 - (100.0 - limit) / 3.0


def _tenth(limit: float) -> float:
    """Return a tenth of what is allowed."""
    return 0.1 * limit


_EXACT = "limits are those of a binomial, or of order statistics"
_SHOWN = "a capacity is bracketed by what was handled and what was not"
_VISITS = (
    Sampler(
        metric="alerts.latency.ott1",
        draw=draw_latency,
        sizes=(3, 12, 60),
        shares=(0.0, 0.3),
        power_shares=(0.0, 0.3),
        required_share=0.0,
        conservative=_EXACT,
    ),
    Sampler(
        metric="alerts.latency.otr1",
        draw=draw_timely,
        sizes=(3, 12, 60),
        shares=(0.0, 0.3),
        power_shares=(0.0, 0.3),
        required_share=0.0,
        beyond=_more_missing,
        comfortable=_third_missing,
        conservative=_EXACT,
    ),
    *(
        Sampler(
            metric=metric,
            draw=draw,
            sizes=(3, 30, largest),
            shares=(0.0,),
            power_shares=(0.0,),
            comfortable=_tenth,
            conservative=_EXACT,
        )
        for metric, draw, largest in (
            ("alerts.visits.delayed", draw_delayed, 1000),
            ("alerts.visits.failed", draw_failed, 10_000),
        )
    ),
)
_CAPACITIES = tuple(
    Sampler(
        metric=metric,
        draw=draw,
        sizes=(3, 6, 12),
        shares=(0.0,),
        power_shares=(0.0,),
        beyond=_less,
        comfortable=_twice,
        conservative=_SHOWN,
    )
    for metric, draw in (
        ("alerts.load.peak", draw_peak),
        ("alerts.load.average", draw_average),
        ("alerts.load.users", draw_users),
        ("alerts.load.user_alerts", draw_user_alerts),
        ("alerts.content.history", draw_history),
    )
)
_STREAMS = Sampler(
    metric="alerts.streams.number",
    draw=draw_streams,
    sizes=(3, 6, 12),
    shares=(0.0,),
    power_shares=(0.0,),
    beyond=_one_less,
    comfortable=_twice,
    conservative=_SHOWN,
)
_REPORTS = tuple(
    Sampler(
        metric=f"alerts.reports.{name}",
        draw=_draw_reports(report),
        unit="night",
        sizes=(3, 6, 12, 30),
        shares=(0.0,),
        power_shares=(0.0,),
    )
    for name, report in (
        ("quality", "data_quality"),
        ("performance", "performance"),
        ("calibration", "calibration"),
    )
)
SAMPLERS = (*_VISITS, *_CAPACITIES, _STREAMS, *_REPORTS)
