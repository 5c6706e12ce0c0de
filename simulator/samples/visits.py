"""Samplers of visits' depth, seeing and sky: nights whose visits share a part of a scatter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from skyassay.simulator.conditions import DARK_SKY, EXTINCTION, ZENITH_SEEING
from skyassay.simulator.image_quality import SLANT, line_of_sight
from skyassay.simulator.random import rng
from skyassay.simulator.samples.model import Draw, Sampler, Table

Floats = NDArray[np.float64]
#: Band of samples of metrics without bands.
ANY_BAND = "r"
AIRMASS, LOW_AIRMASS = 1.1, 2.0
DETECTORS = 9
#: Scatter of depths, mag: large, so that intervals and limits are of one size.
DEPTH_SCATTER = 0.2
#: Relative scatter of sizes at one seeing, of the ratio of sizes to S1, of system parts squared.
SIZE_SCATTER, RATIO_SCATTER, SYSTEM_SCATTER = 0.02, 0.05, 0.3
#: Relative noise of the seeing monitor.
MONITOR = 0.02
#: LPM-17 table 9, design: seeing, and S1 there, arcsec.
S1_TABLE = ((0.44, 0.60, 0.80), (0.56, 0.69, 0.87))
_COUNTS = "limits of counts are exact, so they cover more than they say"
_ORDER = "limits are order statistics of few independent nights"


def nights(asked: Draw, band: str, visits: int) -> tuple[Table, Floats, np.random.Generator]:
    """Return visits of nights, a normal variate each with the wanted share by night, a stream."""
    stream = rng(asked.seed, "samples.visits", band)
    night = np.repeat(np.arange(asked.size), visits)
    shared = stream.standard_normal(asked.size)[night]
    own = stream.standard_normal(night.size)
    mjd = 61000.1 + night + 0.01 * np.tile(np.arange(visits), asked.size)
    table: Table = {
        "visit": np.arange(night.size, dtype=np.int64) + 1_000_000 * ("ugrizy".find(band) + 1),
        "band": np.full(night.size, band),
        "expMidptMJD": mjd,
        "expTime": np.full(night.size, 30.0),
        "airmass": np.full(night.size, AIRMASS),
    }
    variate = np.sqrt(asked.share) * shared + np.sqrt(1.0 - asked.share) * own
    return table, variate, stream


def _joined(asked: Draw, one: Callable[[str], Table]) -> Table:
    """Return the samples of every band under each other."""
    parts = [one(band or ANY_BAND) for band in asked.targets]
    return {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}


def _depths(asked: Draw, visits: int, centre: Callable[[str], float]) -> Mapping[str, Table]:
    """Return visits under fiducial conditions, but for the airmass, about a depth."""

    def one(band: str) -> Table:
        table, variate, _ = nights(asked, band, visits)
        n = len(variate)
        loss = EXTINCTION[band] * (AIRMASS - 1.0)
        return table | {
            "seeing": np.full(n, 0.7 * ZENITH_SEEING[band] / ZENITH_SEEING["r"]),
            "skyBrightness": np.full(n, DARK_SKY[band] - DARK_SKY["r"] + 21.0),
            "zeroPoint": np.full(n, 32.0 - loss),
            "magLim": centre(band) + DEPTH_SCATTER * variate - loss,
        }

    return {"visit_table": _joined(asked, one)}


def draw_median_depth(asked: Draw) -> Mapping[str, Table]:
    """Return visits whose median depth is the target."""
    return _depths(asked, 4, lambda band: asked.targets[band])


def draw_shallow_share(asked: Draw) -> Mapping[str, Table]:
    """Return visits of which the target (percent) are shallower than Z1."""

    def centre(band: str) -> float:
        return asked.at[band] - DEPTH_SCATTER * float(ndtri(asked.targets[band] / 100.0))

    return _depths(asked, 8, centre)


def draw_shallow_depth(asked: Draw) -> Mapping[str, Table]:
    """Return visits of which DF1 percent are shallower than the target."""

    def centre(band: str) -> float:
        return asked.targets[band] - DEPTH_SCATTER * float(ndtri(asked.at[band] / 100.0))

    return _depths(asked, 8, centre)


def _losses(asked: Draw, scatter: float) -> Mapping[str, Table]:
    """Return detectors whose depths scatter about their visit's; a night shares a pattern."""
    visits = 4
    table, _, stream = nights(asked, ANY_BAND, visits)
    n = len(table["visit"])
    night = np.repeat(stream.standard_normal((asked.size, DETECTORS)), visits, axis=0)
    own = stream.standard_normal((n, DETECTORS))
    loss = scatter * (np.sqrt(asked.share) * night + np.sqrt(1.0 - asked.share) * own)
    rows = {name: np.repeat(table[name], DETECTORS) for name in ("visit", "band", "expMidptMJD")}
    detector = np.tile(np.arange(DETECTORS), n)
    return {"visit_detector_table": rows | {"detector": detector, "magLim": 24.0 - loss.ravel()}}


def draw_shallow_detectors(asked: Draw) -> Mapping[str, Table]:
    """Return detectors of which the target (percent) lose more than Z2."""
    limit = next(iter(asked.at.values()))
    return _losses(asked, limit / -float(ndtri(asked.target / 100.0)))


def draw_depth_loss(asked: Draw) -> Mapping[str, Table]:
    """Return detectors of which DF2 percent lose more than the target."""
    percent = next(iter(asked.at.values()))
    return _losses(asked, asked.target / -float(ndtri(percent / 100.0)))


def _images(
    asked: Draw, visits: int, size: Callable[[str, Floats, Floats], Floats], seeing: Any,
    airmass: float = AIRMASS,
) -> Mapping[str, Table]:  # fmt: skip
    """Return visits whose delivered size is made of a seeing and of normal variates."""

    def one(band: str) -> Table:
        table, variate, stream = nights(asked, band, visits)
        n = len(variate)
        centre = asked.at[band] if seeing is None else seeing
        free = centre * np.exp(0.04 * stream.standard_normal(n))
        factor = line_of_sight(table["band"], np.full(n, airmass))
        error = MONITOR * free / factor
        return table | {
            "airmass": np.full(n, airmass),
            "seeing": size(band, free, variate),
            "atmosphericSeeing": free / factor + error * stream.standard_normal(n),
            "atmosphericSeeingErr": error,
        }

    return {"visit_table": _joined(asked, one)}


def draw_s1(asked: Draw) -> Mapping[str, Table]:
    """Return visits whose median size at the wanted seeing is the target."""

    def size(band: str, free: Floats, variate: Floats) -> Floats:
        there = asked.targets[band] * np.exp(SIZE_SCATTER * variate)
        return np.asarray(np.sqrt(there**2 - asked.at[band] ** 2 + free**2))

    return _images(asked, 4, size, None)


def draw_sf1(asked: Draw) -> Mapping[str, Table]:
    """Return visits of which the target (percent) have images larger than SX times S1."""
    seeing, sizes = (np.array(column) for column in S1_TABLE)

    def size(band: str, free: Floats, variate: Floats) -> Floats:
        shift = float(ndtri(1.0 - asked.targets[band] / 100.0))
        ratio = asked.at[band] * np.exp(RATIO_SCATTER * (variate - shift))
        system = np.interp(free, seeing, sizes**2 - seeing**2)
        return np.asarray(ratio * np.sqrt(free**2 + system))

    return _images(asked, 8, size, 0.7)


def _system(asked: Draw, airmass: float, seeing: float) -> Mapping[str, Table]:
    def size(band: str, free: Floats, variate: Floats) -> Floats:
        target = asked.targets.get(band, asked.target)
        return np.asarray(np.sqrt(free**2 + target**2 * (1.0 + SYSTEM_SCATTER * variate)))

    return _images(asked, 4, size, seeing, airmass)


def draw_sysiq(asked: Draw) -> Mapping[str, Table]:
    """Return visits near the zenith whose system part is the target."""
    return _system(asked, AIRMASS, 0.7)


def draw_sxe(asked: Draw) -> Mapping[str, Table]:
    """Return visits at airmass 2 whose system part is the target."""
    return _system(asked, LOW_AIRMASS, 0.7 * LOW_AIRMASS**SLANT)


def draw_sky(asked: Draw) -> Mapping[str, Table]:
    """Return visits whose sky errors have the target as their root mean square, percent."""
    table, variate, _ = nights(asked, ANY_BAND, 4)
    true = np.full(len(variate), 21.0)
    measured = true - 2.5 * np.log10(1.0 + 0.01 * asked.target * variate)
    truth = {"visit": table["visit"], "skyBrightness": true}
    return {"visit_table": table | {"skyBrightness": measured}, "truth_visit": truth}


def _mag_short(limit: float) -> float:
    return limit - 0.05


def _mag_deep(limit: float) -> float:
    return limit + 0.75


def _few(limit: float) -> float:
    return 0.2 * limit


def _sharp(limit: float) -> float:
    # A size cannot be half of the limit: the atmosphere alone is larger.
    return limit - 0.03


SAMPLERS: tuple[Sampler, ...] = (
    *(
        Sampler(
            f"depth.single_visit.{name}", draw_median_depth, "night",
            beyond=_mag_short, comfortable=_mag_deep, conservative=_ORDER,
        )
        for name in ("d1", "db1")
    ),
    Sampler(
        "depth.single_visit.df1", draw_shallow_share, "night",
        comfortable=_few, conservative=_COUNTS,
    ),
    Sampler(
        "depth.single_visit.z1", draw_shallow_depth, "night",
        beyond=_mag_short, comfortable=_mag_deep, conservative=_ORDER,
    ),
    Sampler(
        "depth.focal_plane.df2", draw_shallow_detectors, "night",
        comfortable=_few, conservative=_COUNTS,
    ),
    Sampler("depth.focal_plane.z2", draw_depth_loss, "night", conservative=_ORDER),
    Sampler(
        "seeing.delivered.s1", draw_s1, "night", comfortable=_sharp, conservative=_ORDER
    ),
    Sampler(
        "seeing.delivered.sf1", draw_sf1, "night", comfortable=_few, conservative=_COUNTS
    ),
    Sampler("seeing.system.sysiq", draw_sysiq, "night"),
    Sampler("seeing.system.sxe", draw_sxe, "night"),
    Sampler("instrument.sky.sbprec", draw_sky, "night"),
)  # fmt: skip
