"""The night log of a survey: who observed, for which programme, and how it went."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.random import rng
from skyassay.simulator.survey.fields import PROGRAMS

Table = dict[str, NDArray[Any]]


def night_log(plan: Table, visit: NDArray[np.int64], seed: int) -> Table:
    """Return one line per night with visits, with invented observers.

    Parameters
    ----------
    plan : mapping
        Visits of whole nights, in order.
    visit : ndarray of int64, shape (n,)
        Their ids.
    seed : int
    """
    from faker import Faker

    fake = Faker("en_GB", use_weakref=False)
    rows: list[tuple[int, str, str, str]] = []
    edges = np.r_[np.flatnonzero(np.diff(plan["night"], prepend=-1)), len(visit)]
    for start, stop in pairwise(edges.tolist()):
        night = slice(start, stop)
        label = int(visit[start] // 100_000)
        fake.seed_instance(int(rng(seed, "survey.log", label).integers(1 << 62)))
        rows.append((label, fake.name(), *_said(plan, night, fake.sentence(nb_words=6))))
    label_, observer, programme, text = (np.array(c) for c in zip(*rows, strict=True))
    return {"night": label_, "observer": observer, "programme": programme, "text": text}


def _said(plan: Table, night: slice, remark: str) -> tuple[str, str]:
    """Return the programmes of a night and what is noted about it."""
    number = np.bincount(plan["program"][night], minlength=len(PROGRAMS))
    names = [PROGRAMS[k] for k in np.argsort(-number, kind="stable") if number[k]]
    cloud = float(np.median(plan["extinction"][night]))
    sky = "Clear." if cloud == 0.0 else f"Cloud of {cloud:.2f} mag."
    pauses = np.diff(plan["mjd"][night]) * 1440.0
    closed = float(pauses[pauses > 9.0].sum())
    shut = f" Closed for {closed:.0f} min." if closed else ""
    seeing = float(np.median(plan["dimm"][night]))
    done = f"{int(number.sum())} visits, atmospheric seeing {seeing:.2f} arcsec."
    return ", ".join(names), f"{done} {sky}{shut} {remark}"
