"""A night's books: detectors, and when each alert of theirs was handed over."""

from __future__ import annotations

import numpy as np
import pytest

START = 61_000.25


def _night(n_visits=20, detectors=9, alerts=8, *, minutes=0.4, shared=0.05, own=0.02, seed=1):
    """Return both tables: latency = minutes + a visit's own + an alert's own part."""
    rng = np.random.default_rng(seed)
    visit, detector = (a.ravel() for a in np.indices((n_visits, detectors)))
    ready = START + visit / 1440.0
    images = {
        "visit": visit + 100,
        "detector": detector,
        "band": np.where(visit % 2, "r", "i"),
        "readoutEndMjdTai": ready,
        "status": np.full(len(visit), "DONE"),
        "nAlert": np.full(len(visit), alerts),
    }
    row = np.repeat(np.arange(len(visit)), alerts)
    late = minutes + shared * rng.standard_normal(n_visits)[visit[row]]
    late = late + own * rng.standard_normal(len(row))
    log = {
        "diaSourceId": np.arange(len(row)) + 1,
        "visit": images["visit"][row],
        "detector": detector[row],
        "band": images["band"][row],
        "readoutEndMjdTai": ready[row],
        "handedMjdTai": ready[row] + late / 1440.0,
        "nStreams": np.full(len(row), 5),
        "nStreamsAsked": np.full(len(row), 5),
        "delivered": np.ones(len(row), dtype=bool),
    }
    return {"night_detector": images, "alert_delivery": log}


@pytest.fixture
def night():
    """Return a maker of nights."""
    return _night


def _pick(table, keep):
    return {n: c[keep] for n, c in table.items()}


@pytest.fixture
def pick():
    """Return rows of a table."""
    return _pick
