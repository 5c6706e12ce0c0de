"""What the reliability is computed from: numbers without units, of one source each."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

Floats = NDArray[np.float64]
#: Names of the columns of `features`, in order. A model names those that it was trained with.
NAMES = (
    "logSnr", "isNegative", "isDipole", "dipoleTried", "isTrail", "logCoreChi2", "logRingChi2",
    "ringMean", "evenness", "oppositeShare", "logWorst", "logSharpness", "coreRatio",
    "apertureRatio", "share", "size", "roundness", "shapeFailed", "positionFailed",
    "positionError", "scienceSnr", "templateSnr", "scienceRatio", "templateRatio",
    "logTemplatePeak", "saturatedShare", "crowd",
    "nearBad", "nearCosmicRay", "nearInterpolated", "nearSaturated", "nearSuspect", "nearNoData",
    "nearStreak", "edge",
)  # fmt: skip
#: Sources within this many pixels crowd each other.
CROWD = 20.0
#: Feature -> flag of the footprint.
_NEAR = {
    "nearBad": "bad", "nearCosmicRay": "cr", "nearInterpolated": "interpolated",
    "nearSaturated": "saturated", "nearSuspect": "suspect", "nearNoData": "nodata",
    "nearStreak": "streak", "edge": "edge",
}  # fmt: skip


def features(measured: Table) -> Floats:
    """Return the features of the sources of one image, shape (n, len(NAMES)).

    Parameters
    ----------
    measured : Table
        As `dia.measure_dia` makes it. A quantity that could not be measured gets the value
        of an ordinary source, and a flag among the features says so.
    """
    c = {n: np.asarray(measured[n], dtype=np.float64) for n in _numbers(measured)}
    error = np.maximum(c["psfFlux_instFluxErr"], 1e-12)
    flux = np.abs(c["psfFlux_instFlux"])
    strength = np.maximum(flux, error)
    made = {
        "logSnr": _log(c["snr"]),
        "isNegative": c["isNegative"],
        "isDipole": c["isDipole"],
        "dipoleTried": c["dipoleFitAttempted"],
        "isTrail": 1.0 - c["trail_flag"],
        "logCoreChi2": _log(c["feature_coreChi2"]),
        "logRingChi2": _log(c["feature_ringChi2"]),
        "ringMean": np.clip(c["feature_ringMean"], -10.0, 10.0),
        "evenness": c["feature_evenness"],
        "oppositeShare": c["feature_oppositeShare"],
        "logWorst": _log(c["feature_worstPixel"]),
        "logSharpness": _log(c["feature_sharpness"]),
        "coreRatio": np.clip(c["feature_coreRatio"], 0.0, 3.0),
        "apertureRatio": np.clip(c["apFlux_instFlux"] / c["psfFlux_instFlux"], -5.0, 5.0),
        "share": c["share"],
        "shapeFailed": c["shape_flag"],
        "positionFailed": c["centroid_flag"],
        "positionError": np.hypot(c["xErr"], c["yErr"]),
        "scienceSnr": _signed_log(c["scienceFlux_instFlux"] / c["scienceFlux_instFluxErr"]),
        "templateSnr": _signed_log(c["templateFlux_instFlux"] / c["templateFlux_instFluxErr"]),
        "scienceRatio": _signed_log(c["scienceFlux_instFlux"] / strength),
        "templateRatio": _signed_log(c["templateFlux_instFlux"] / strength),
        "logTemplatePeak": _log(c["feature_templatePeak"]),
        "saturatedShare": c["feature_saturatedShare"],
        "crowd": _log(1.0 + crowd(c["x"], c["y"])),
        **{name: c[f"pixelFlags_{flag}"] for name, flag in _NEAR.items()},
        **_shapes(c),
    }
    matrix = np.column_stack([made[name] for name in NAMES]).astype(np.float64)
    ordinary = np.array([ORDINARY.get(name, 0.0) for name in NAMES])
    return np.where(np.isfinite(matrix), matrix, ordinary)


#: Values of features that could not be measured, where these are not zero.
ORDINARY: Mapping[str, float] = {"evenness": 1.0, "coreRatio": 1.0, "apertureRatio": 1.0}


def _numbers(measured: Table) -> list[str]:
    return [n for n in measured.colnames if measured[n].dtype.kind in "fiub"]


def _shapes(c: Mapping[str, Floats]) -> dict[str, Floats]:
    """Return size and ellipticity against those of the PSF; of a point they are zero."""
    own, model = ({k: c[f"i{k}{end}"] for k in ("xx", "xy", "yy")} for end in ("", "PSF"))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (own["xx"] + own["yy"]) / (model["xx"] + model["yy"])
        parts = [(i["xx"] - i["yy"], 2.0 * i["xy"], i["xx"] + i["yy"]) for i in (own, model)]
        (e1, e2), (m1, m2) = ((p / t, q / t) for p, q, t in parts)
    return {"size": np.log(np.clip(ratio, 0.05, 20.0)), "roundness": np.hypot(e1 - m1, e2 - m2)}


def _log(values: Floats) -> Floats:
    """Return the logarithm, bounded where there is nothing."""
    return np.asarray(np.log(np.clip(values, 1e-2, 1e6)))


def _signed_log(values: Floats) -> Floats:
    return np.asarray(np.sign(values) * np.log1p(np.abs(values)))


def crowd(x: Floats, y: Floats) -> Floats:
    """Return how many other sources lie within `CROWD` pixels of each."""
    from scipy.spatial import cKDTree

    if not len(x):
        return np.zeros(0)
    tree = cKDTree(np.column_stack([x, y]))
    near = tree.query_ball_point(np.column_stack([x, y]), CROWD, return_length=True)
    return np.asarray(near, dtype=np.float64) - 1.0
