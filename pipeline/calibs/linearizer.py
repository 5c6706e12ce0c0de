"""Linearizer: what makes the counts proportional to light."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from astropy import units as u
from astropy.table import Table
from numpy.typing import NDArray

from skyassay.pipeline.calibs.errors import CalibError, need
from skyassay.pipeline.calibs.ramp import Ramp, measure_ramp, saturation, usable
from skyassay.pipeline.instrument.camera import Detector
from skyassay.pipeline.instrument.raw import RawFrame
from skyassay.pipeline.isr.calibrations import Calibrations
from skyassay.pipeline.isr.linearity import linearize

#: Counts that the polynomial's variable is measured in, so that its terms are alike.
SCALE = 5.0e4
#: Relative scatter of the lamp below which points do not gain weight.
LAMP = 1.0e-4
#: Terms beyond the linear one: c2, c3.
TERMS = 2


def fit_linearity(
    light: NDArray[np.float64],
    mean: NDArray[np.float64],
    error: NDArray[np.float64],
    terms: int = TERMS,
) -> tuple[NDArray[np.float64], float, float]:
    """Return c2, c3, ... with ``mean + c2 mean^2 + ... = slope light``, slope and scatter.

    Linear least squares of the light on powers of the counts, with the relative error of the
    counts as weight; the linear coefficient sets the scale.

    Parameters
    ----------
    light : ndarray, shape (n,)
    mean, error : ndarray, shape (n,)
        ADU.
    terms : int

    Returns
    -------
    coefficients : ndarray, shape (terms,)
        ADU^-1, ADU^-2, ...
    slope : float
        ADU per unit of light at zero signal.
    scatter : float
        Standard deviation of corrected counts over light, relative.
    """
    x = mean / SCALE
    weight = 1.0 / (light * np.hypot(error / mean, LAMP))
    powers = np.stack([x ** (k + 1) for k in range(terms + 1)], axis=1)
    found, *_ = np.linalg.lstsq(powers * weight[:, None], light * weight, rcond=None)
    coefficients = np.array([found[k] / found[0] / SCALE**k for k in range(1, terms + 1)])
    slope = SCALE / found[0]
    ratio = linearize(mean, coefficients) / (slope * light) - 1.0
    free = max(light.size - terms - 1, 1)
    return coefficients, float(slope), float(np.sqrt(np.sum(ratio**2) / free))


def build_linearizer(
    raws: Sequence[RawFrame], detector: Detector, calibs: Calibrations, *, terms: int = TERMS
) -> tuple[Table, dict[str, Any]]:
    """Return the linearizer of a detector from a ramp of flats.

    Parameters
    ----------
    raws : sequence of RawFrame
        Flats whose EXPTIME is proportional to the light.
    detector : Detector
    calibs : Calibrations
        Bias; crosstalk where it is known.
    terms : int
        Number of coefficients beyond the linear one.

    Returns
    -------
    Table
        amplifier, c2 ... (ADU^-1 ...), slope (ADU/s), maxAdu (highest counts it holds for),
        scatter (relative), nPoints, status: ``ok``, or ``too_few_points`` and then zeros: the
        amplifier is not corrected, and maxAdu = 0 marks all its pixels SUSPECT.
    dict
        ``nPairs``, ``worstScatter``.

    Raises
    ------
    CalibError
        ``no_frames``; ``no_linearity`` where no amplifier has enough points.
    """
    need(len(raws), 1, "flat frames")
    known = Calibrations(bias=calibs.bias, crosstalk=calibs.crosstalk)
    ramp = measure_ramp(raws, detector, known)
    rows = [_row(ramp, amp.index, amp.name, terms) for amp in detector.amplifiers]
    table = Table(rows=rows)
    for k in range(terms):
        table[f"c{k + 2}"].unit = u.adu ** (-k - 1)
    table["slope"].unit, table["maxAdu"].unit = u.adu / u.s, u.adu
    good = table["status"] == "ok"
    if not good.any():
        raise CalibError(
            f"No amplifier of detector {detector.name} has {terms + 2} unsaturated levels.",
            code="no_linearity",
            hint="Take a ramp with more levels of light below saturation.",
        )
    worst = float(np.max(table["scatter"][good]))
    return table, {"nPairs": int(ramp.light.size), "worstScatter": worst}


def _row(ramp: Ramp, index: int, name: str, terms: int) -> dict[str, Any]:
    """Fit one amplifier."""
    keep = usable(ramp, index, saturation(ramp, index))
    levels = np.unique(ramp.light[keep]).size
    row: dict[str, Any] = {"amplifier": name}
    if levels < terms + 2:
        row |= {f"c{k + 2}": 0.0 for k in range(terms)}
        blank = {"slope": np.nan, "maxAdu": 0.0, "scatter": np.nan}
        return row | blank | {"nPoints": int(keep.sum()), "status": "too_few_points"}
    mean = ramp.mean[index][keep]
    spread = np.where(np.isfinite(ramp.variance[index]), ramp.variance[index], ramp.mean[index])
    error = np.sqrt(spread[keep] / ramp.n_pixel)
    c, slope, scatter = fit_linearity(ramp.light[keep], mean, error, terms)
    row |= {f"c{k + 2}": float(c[k]) for k in range(terms)}
    top = float(ramp.high[index][keep].max())
    row |= {"slope": slope, "maxAdu": top, "scatter": scatter}
    return row | {"nPoints": int(keep.sum()), "status": "ok"}
