"""Crosstalk coefficients from frames that light spots on some amplifiers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from skyassay.pipeline.calibs.errors import CalibError, need
from skyassay.pipeline.calibs.reduce import reduced
from skyassay.pipeline.instrument.camera import Detector
from skyassay.pipeline.instrument.raw import RawFrame
from skyassay.pipeline.isr.assemble import disassemble
from skyassay.pipeline.isr.calibrations import Calibrations

#: Counts of a source that are bright, and of other amplifiers that count as dark, ADU.
BRIGHT, FAINT = 5000.0, 100.0
#: Bright pixels that a pair of amplifiers needs.
LEAST = 100
CLIP, ROUNDS = 4.0, 5
#: Part of the squared counts that must lie in differences within rows.
LEVERAGE = 0.1


def pair_ratio(
    source: NDArray[np.floating], target: NDArray[np.floating], row: NDArray[np.integer]
) -> tuple[float, float, int]:
    """Return the target's counts as a fraction of the source's, its error, and the pixels used.

    Least squares with a free level of the target in each row: the overscan knows a row's level
    to a tenth of an ADU only, which all pixels of the row share. Where rows are lit evenly, so
    that this leaves little to fit, the overscan's level is trusted. Targets beyond 4 robust
    sigma (cosmic rays, hot pixels) are left out.

    Parameters
    ----------
    source, target : ndarray, shape (n,)
        ADU, at the same place in readout order.
    row : ndarray of int, shape (n,)

    Returns
    -------
    tuple
        NaN, NaN and the number with fewer than 100 bright pixels.
    """
    s, t = np.asarray(source, dtype=np.float64), np.asarray(target, dtype=np.float64)
    if np.count_nonzero(s > BRIGHT) < LEAST:
        return float("nan"), float("nan"), int(np.count_nonzero(s > BRIGHT))
    keep = np.abs(t - np.median(t)) < FAINT
    value, error = float("nan"), float("nan")
    for _ in range(ROUNDS):
        x, y = _within_rows(s[keep], t[keep], row[keep])
        power = float(np.sum(x * x))
        value = float(np.sum(x * y) / power)
        rest = y - value * x
        width = 1.4826 * np.median(np.abs(rest))
        error = float(np.std(rest) / np.sqrt(power))
        kept = np.abs(rest) <= CLIP * width
        if width == 0.0 or kept.all():
            break
        keep[np.nonzero(keep)[0][~kept]] = False
    return value, error, int(np.count_nonzero(s[keep] > BRIGHT))


def _within_rows(
    s: NDArray[np.float64], t: NDArray[np.float64], row: NDArray[np.integer]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return source and target about their means in each row, where that leaves enough."""
    number = np.maximum(np.bincount(row), 1)
    x = s - (np.bincount(row, s) / number)[row]
    if np.sum(x * x) < LEVERAGE * np.sum(s * s):
        return s, t
    return x, t - (np.bincount(row, t) / number)[row]


def build_crosstalk(
    raws: Sequence[RawFrame], detector: Detector, calibs: Calibrations
) -> tuple[Table, dict[str, Any]]:
    """Return the crosstalk coefficients between all amplifiers of a detector.

    A pixel serves a source where that is bright and every other amplifier dark at the same
    place of the readout. Frames are averaged with inverse variances.

    Parameters
    ----------
    raws : sequence of RawFrame
        Spots, so that every amplifier is bright somewhere while the others are dark there.
    detector : Detector
    calibs : Calibrations
        Bias.

    Returns
    -------
    Table
        source, target (amplifier names), coefficient, coefficientErr, nPixels, status: ``ok``,
        or ``no_pixels`` and then a coefficient of 0 with the error NaN: nothing is corrected.
    dict
        ``nFrames``, ``nMissing``, ``largest``, ``worstError``.

    Raises
    ------
    CalibError
        ``no_frames``; ``no_spots`` where no pair of amplifiers could be measured.
    """
    need(len(raws), 1, "spot frames")
    n = len(detector.amplifiers)
    weight, total = np.zeros((n, n)), np.zeros((n, n))
    pixels = np.zeros((n, n), np.int64)
    for raw in raws:
        image = reduced(raw, detector, Calibrations(bias=calibs.bias), adu=True).image
        amps = disassemble(image, detector).reshape(n, -1)
        row = np.arange(amps.shape[1]) // detector.amplifiers[0].width
        full = np.array([0.9 * a.saturation / a.gain for a in detector.amplifiers])
        _add_frame(np.asarray(amps, dtype=np.float32), row, full, weight, total, pixels)
    names = [amp.name for amp in detector.amplifiers]
    rows = []
    for s in range(n):
        for t in range(n):
            if s == t:
                continue
            known = weight[t, s] > 0
            rows.append(
                {
                    "source": names[s],
                    "target": names[t],
                    "coefficient": total[t, s] / weight[t, s] if known else 0.0,
                    "coefficientErr": weight[t, s] ** -0.5 if known else np.nan,
                    "nPixels": int(pixels[t, s]),
                    "status": "ok" if known else "no_pixels",
                }
            )
    table = Table(rows=rows)
    good = table["status"] == "ok"
    if not good.any():
        raise CalibError(
            f"No amplifier of detector {detector.name} is lit while the others are dark.",
            code="no_spots",
            hint=f"Spots need more than {BRIGHT:g} ADU on {LEAST} unsaturated pixels.",
        )
    return table, {
        "nFrames": len(raws),
        "nMissing": int((~good).sum()),
        "largest": float(np.abs(table["coefficient"][good]).max()),
        "worstError": float(table["coefficientErr"][good].max()),
    }


def _add_frame(
    amps: NDArray[np.float32],
    row: NDArray[np.integer],
    full: NDArray[np.float64],
    weight: NDArray[np.float64],
    total: NDArray[np.float64],
    pixels: NDArray[np.int64],
) -> None:
    """Add what one frame says to the sums [target, source]."""
    n = len(amps)
    bright = amps >= FAINT
    for s in range(n):
        # Its own dark pixels are the levels that the lit ones are compared with.
        alone = ~np.delete(bright, s, axis=0).any(axis=0) & (amps[s] < full[s])
        # A row without light says nothing about a slope within rows; most rows have none.
        lit = np.zeros(int(row[-1]) + 1, np.bool_)
        lit[row[amps[s] > BRIGHT]] = True
        alone &= lit[row]
        for t in range(n):
            if t == s:
                continue
            value, error, used = pair_ratio(amps[s][alone], amps[t][alone], row[alone])
            if error > 0:
                weight[t, s] += error**-2
                total[t, s] += value * error**-2
                pixels[t, s] += used
