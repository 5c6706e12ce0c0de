"""A small night for the clock: visits, quanta, packets and a log, as plain as they can be."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from astropy.table import MaskedColumn, Table

from skyassay.pipeline.clock.night import Packets, Visit
from skyassay.pipeline.clock.parameters import Network, Parameters
from skyassay.pipeline.distribution.deliveries import Deliveries

CHAIN = ("isr", "buildTemplate", "associateApdb")
START = 61000.25
CADENCE = 34.0


def parameters(**changed) -> Parameters:
    link = {"bandwidth": 1e6, "latency": 0.0} | changed.pop("network", {})
    plain = {"chain": CHAIN, "serial": (), "transfer": 0.0, "message": 0.0}
    return Parameters(**(plain | changed), network=Network(**link))


def summary(rows) -> Table:
    """Rows: (label, visit, detector, status, seconds or None, code)."""
    names = ("label", "visit", "detector", "status", "seconds", "code")
    columns = list(zip(*rows, strict=True)) if rows else [[]] * len(names)
    seconds = [np.nan if s is None else s for s in columns[4]]
    table = Table(masked=True)
    for name, values in zip(names, columns, strict=True):
        data = seconds if name == "seconds" else values
        kind = {"seconds": float, "visit": int, "detector": int}.get(name, str)
        table[name] = MaskedColumn(data, dtype=kind)
    table["seconds"].mask = np.isnan(np.asarray(seconds, dtype=float))
    return table


def good(visit, detector, seconds=(1.0, 2.0, 3.0), status="SUCCESS"):
    return [
        (label, visit, detector, status, s, "") for label, s in zip(CHAIN, seconds, strict=True)
    ]


def visits(n=2, detectors=(0, 1)):
    return [Visit(v, "r", START + v * CADENCE / 86400, 30.0, tuple(detectors)) for v in range(n)]


def packets(n=2, detectors=(0, 1), alerts=3, size=100_000):
    return {
        (v, d): Packets(
            1000 * (10 * v + d) + np.arange(alerts), np.full(alerts, size, dtype=np.int64)
        )
        for v in range(n)
        for d in detectors
    }


def deliveries(of, streams=("one", "two"), full=(True, True), lost=(), late=0.0):
    """Every alert acknowledged by every stream but the pairs (stream, alert) in `lost`."""
    pairs = [(s, int(a)) for p in of.values() for a in p.ids for s in range(len(streams))]
    got = np.array([1.0e9 if pair not in lost else np.nan for pair in pairs])
    return Deliveries(
        tuple(streams), tuple(full),
        np.array([s for s, _ in pairs], dtype=np.int64),
        np.array([a for _, a in pairs], dtype=np.int64),
        got, np.full(len(pairs), late),
        np.where(np.isnan(got), "BROKER_AWAY", ""),
    )  # fmt: skip


@pytest.fixture
def tiny() -> SimpleNamespace:
    return SimpleNamespace(
        parameters=parameters, summary=summary, good=good, visits=visits, packets=packets,
        deliveries=deliveries, CHAIN=CHAIN, START=START, CADENCE=CADENCE,
    )  # fmt: skip
