"""Samplers of difference images: true sources, detections and scores of known shares."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.random import rng
from skyassay.simulator.samples.model import Draw, Sampler, Table

Floats = NDArray[np.float64]
DETECTORS = 9
#: Sources of one kind on one detector of one visit, on a grid without near pairs.
SOURCES = 12
#: Degrees between them, and the scatter of measured positions.
_STEP, _JITTER = 0.005, 0.05 / 3600.0
#: Scores of what is called real, and of what is called false.
_HIGH, _LOW = 0.995, 0.2


def grid(visits: int, sources: int, detectors: int = DETECTORS) -> Table:
    """Return places on every detector of every visit."""
    visit, detector, source = (a.ravel() for a in np.indices((visits, detectors, sources)))
    return {
        "visit": visit.astype(np.int64) + 1,
        "detector": detector.astype(np.int64),
        "band": np.where(visit % 2, "r", "i"),
        "ra": 10.0 + detector + _STEP * (source % 10),
        "dec": -20.0 + _STEP * (source // 10),
        "source": source.astype(np.int64),
    }


def truth_of(places: Table, kind: str, snr: Floats, first: int) -> Table:
    """Return a truth table of such places; the same source has the same number in all visits."""
    number = places["detector"] * 1_000_000 + places["source"] + first
    return {
        **{n: places[n] for n in ("visit", "detector", "band", "ra", "dec")},
        "truthId": number.astype(np.int64),
        "kind": np.full(len(number), kind),
        "flux": snr * 100.0,
        "snr": snr,
        "hostSeparation": 0.1 + 0.3 * (places["source"] % 12),
        "seen": np.ones(len(number), dtype=bool),
    }


def found_of(places: Table, snr: Floats, score: Floats, seed: int, first: int) -> Table:
    """Return detections at such places, a little beside them."""
    stream = rng(seed, "samples.differences.places")
    n = len(snr)
    return {
        "diaSourceId": np.arange(n, dtype=np.int64) + first,
        **{name: places[name] for name in ("visit", "detector", "band")},
        "ra": places["ra"] + _JITTER * stream.standard_normal(n),
        "dec": places["dec"] + _JITTER * stream.standard_normal(n),
        "psfFlux": snr * 100.0,
        "psfFluxErr": np.full(n, 100.0),
        "snr": snr,
        "reliability": score,
        "diaObjectId": places["detector"] * 1_000_000 + places["source"] + 1,
    }


def pick(table: Table, keep: NDArray[np.bool_]) -> Table:
    """Return some rows."""
    return {name: column[keep] for name, column in table.items()}


def joined(*tables: Table) -> Table:
    """Return the rows of all tables."""
    return {name: np.concatenate([t[name] for t in tables]) for name in tables[0]}


def hits(asked: Draw, places: Table, share: float, what: str) -> NDArray[np.bool_]:
    """Return hits of a mean share whose visits differ: `asked.share` is what two of a visit share.

    A beta-binomial law: the correlation of two hits of one visit is 1 / (a + b + 1).
    """
    stream = rng(asked.seed, f"samples.differences.{what}")
    visit = places["visit"] - 1
    chance = np.full(asked.size, share)
    if asked.share > 0.0 and share < 1.0:
        total = 1.0 / asked.share - 1.0
        chance = stream.beta(share * total, (1.0 - share) * total, asked.size)
    return np.asarray(stream.random(len(visit)) < chance[visit])


def night(asked: Draw, kind: str, complete: float, pure: float) -> Mapping[str, Table]:
    """Return a night of one kind of source: what is complete and pure does not hang on the cut.

    Parameters
    ----------
    asked : Draw
    kind : str
        ``injected``: found in the injected run; ``solar_system``: in the plain one.
    complete, pure : float
        Shares, 0 to 1.
    """
    stream = rng(asked.seed, "samples.differences.snr")
    places = grid(asked.size, SOURCES)
    snr = stream.uniform(6.0, 20.0, len(places["visit"]))
    found = (
        hits(asked, places, complete, "found") if complete < 1.0 else np.ones(len(snr), dtype=bool)
    )
    real = hits(asked, places, pure, "real") if pure < 1.0 else np.ones(len(snr), dtype=bool)
    every = found_of(places, snr, np.full(len(snr), _HIGH), asked.seed, 1)
    bogus = grid(asked.size, 6)
    bogus["dec"] = bogus["dec"] + 0.2
    weak = stream.uniform(6.0, 20.0, len(bogus["visit"]))
    low = found_of(bogus, weak, np.full(len(weak), _LOW), asked.seed + 1, 10**9)
    moving = kind == "solar_system"
    plain = pick(every, found) if moving else every
    truth = truth_of(places, kind if moving else "variable", snr, 1)
    injected = truth_of(places, "injected", snr, -(10**9))
    return {
        # What is not real has no true source beside it.
        "truth_dia_source": pick(truth, real),
        "dia_source": joined(plain, low),
        "truth_injected_source": injected,
        "injected_dia_source": pick(every, found),
    }


def draw_transient_completeness(asked: Draw) -> Mapping[str, Table]:
    """Return a night of which the target share of injected transients is found."""
    return night(asked, "injected", asked.target / 100.0, 1.0)


def draw_transient_purity(asked: Draw) -> Mapping[str, Table]:
    """Return a night of which the target share of detections is real."""
    return night(asked, "injected", 1.0, asked.target / 100.0)


def draw_moving_completeness(asked: Draw) -> Mapping[str, Table]:
    """Return a night of which the target share of moving objects is found."""
    return night(asked, "solar_system", asked.target / 100.0, 1.0)


def draw_moving_purity(asked: Draw) -> Mapping[str, Table]:
    """Return a night of which the target share of what is offered is real."""
    return night(asked, "solar_system", 1.0, asked.target / 100.0)


def draw_position_error(asked: Draw) -> Mapping[str, Table]:
    """Return injected sources whose rms error per coordinate is the target, arcsec."""
    stream = rng(asked.seed, "samples.differences.positions")
    places = grid(asked.size, SOURCES)
    n = len(places["visit"])
    snr = stream.uniform(12.0, 20.0, n)
    found = found_of(places, snr, np.full(n, _HIGH), asked.seed, 1)
    visit = places["visit"] - 1
    for name, scale in (("ra", 1.0 / np.cos(np.radians(places["dec"]))), ("dec", 1.0)):
        shared = stream.standard_normal(asked.size)[visit]
        own = stream.standard_normal(n)
        variate = np.sqrt(asked.share) * shared + np.sqrt(1.0 - asked.share) * own
        found[name] = places[name] + asked.target / 3600.0 * variate * scale
    return {
        "truth_injected_source": truth_of(places, "injected", snr, 1),
        "injected_dia_source": found,
    }


def _more_missing(limit: float) -> float:
    """Return a share of which 5 % more is missing than may be."""
    return 100.0 - 1.05 * (100.0 - limit)


def _half_missing(limit: float) -> float:
    """Return a share of which a third of what may be is missing."""
    return 100.0 - (100.0 - limit) / 3.0


_EXACT = "limits are those of a binomial for an effective number of sources"
_DRAWS = {
    "difference.transients.completeness": draw_transient_completeness,
    "difference.transients.purity": draw_transient_purity,
    "difference.moving.completeness": draw_moving_completeness,
    "difference.moving.purity": draw_moving_purity,
}
_JOINT = tuple(
    Sampler(
        metric=metric,
        draw=draw,
        # One in three hundred that is missing takes many to be told from one in a hundred.
        sizes=(6, 12, 80 if metric == "difference.moving.completeness" else 30),
        shares=(0.0, 0.02 if metric == "difference.moving.completeness" else 0.05),
        power_shares=(0.0, 0.02),
        required_share=0.0,
        beyond=_more_missing,
        comfortable=_half_missing,
        conservative=_EXACT,
    )
    for metric, draw in _DRAWS.items()
)
SAMPLERS = (
    *_JOINT,
    Sampler(
        metric="difference.position.rms",
        draw=draw_position_error,
        sizes=(12, 30),
        shares=(0.0, 0.5),
        power_shares=(0.0, 0.25),
    ),
)
