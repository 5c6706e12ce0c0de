"""Small alerts of the newest schema, written by fastavro, and sinks that misbehave."""

from __future__ import annotations

import io
from types import SimpleNamespace

import fastavro
import numpy as np
import pytest

from skyassay.pipeline.alerts.container import write_container
from skyassay.pipeline.alerts.schema import newest
from skyassay.pipeline.distribution.images import Image

ZERO = {"int": 0, "long": 0, "float": 0.0, "double": 0.0, "boolean": False, "string": ""}


def filled(record: str, **values):
    """A record whose required fields are zero and whose others are null."""
    fields = newest().record(record).fields
    return {f.name: None if f.nullable else ZERO[f.kind] for f in fields} | values


def packet(number, *, snr=10.0, reliability=0.9, n_sources=1, size=2000, system=False, **source):
    """One alert as a dictionary; `size` bytes of cutout."""
    rng = np.random.default_rng(number)
    parent = {
        "diaObject": None if system else filled("diaObject", nDiaSources=n_sources),
        "ssSource": filled("ssSource", ssObjectId=77) if system else None,
    }
    return {
        "diaSourceId": number, "observation_reason": "science", "target_name": None,
        "diaSource": filled(
            "diaSource", diaSourceId=number, snr=snr, reliability=reliability, **source
        ),
        "prvDiaSources": None, "prvDiaForcedSources": None, **parent, "mpc_orbits": None,
        "cutoutDifference": rng.bytes(size), "cutoutScience": None, "cutoutTemplate": None,
    }  # fmt: skip


def body(record) -> bytes:
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, newest().definition, record)
    return stream.getvalue()


def image(visit, detector, count=3, *, first=None, **values) -> Image:
    first = 10_000 * visit + 1000 * detector if first is None else first
    bodies = [body(packet(first + i, **values)) for i in range(count)]
    return Image(visit, detector, write_container(bodies))


def night(visits=2, detectors=2, count=3, **values) -> list[Image]:
    return [image(v, d, count, **values) for v in range(1, 1 + visits) for d in range(detectors)]


@pytest.fixture(scope="session")
def make() -> SimpleNamespace:
    return SimpleNamespace(packet=packet, body=body, image=image, night=night, filled=filled)
