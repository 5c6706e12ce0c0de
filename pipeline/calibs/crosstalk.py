"""Crosstalk coefficients from frames that light spots on some amplifiers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from skyassay.pipeline.calibs.errors import CalibError, need
from skyassay.pipeline.calibs.ramp import clipped
from skyassay.pipeline.calibs.reduce import reduced
from skyassay.pipeline.instrument.camera import Detector
from skyassay.pipeline.instrument.raw import RawFrame
from skyassay.pipeline.isr.assemble import disassemble
from skyassay.pipeline.isr.calibrations import Calibrations

#: Counts of a source that are bright, and of other amplifiers that count as dark, ADU.
BRIGHT, FAINT = 5000.0, 300.0
#: Pixels that a pair of amplifiers needs, and dark ones that a background needs.
LEAST, LEAST_DARK = 100, 500
CLIP = 4.0


def pair_ratio(
    source: NDArray[np.floating], target: NDArray[np.floating], background: float
) -> tuple[float, float, int]:
    """Return the target's counts as a fraction of the source's, its error, and the pixels used.

    Least squares through the background, without targets beyond 4 robust sigma (stars of the
    target, cosmic rays).

    Parameters
    ----------
    source, target : ndarray, shape (n,)
        ADU, at the same place in readout order.
    background : float
        Of the target where nothing is lit, ADU.
    """
    s = np.asarray(source, dtype=np.float64)
    t = np.asarray(target, dtype=np.float64) - background
    if s.size < LEAST:
        return float("nan"), float("nan"), int(s.size)
    ratio = float(np.median(t / s))
    rest = t - ratio * s
    width = 1.4826 * np.median(np.abs(rest - np.median(rest)))
    keep = np.abs(rest) <= CLIP * width if width > 0 else np.ones(s.size, bool)
    s, t = s[keep], t[keep]
    power = float(np.sum(s * s))
    value = float(np.sum(s * t) / power)
    scatter = float(np.std(t - value * s, ddof=1))
    return value, scatter / np.sqrt(power), int(s.size)


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
        full = np.array([0.9 * a.saturation / a.gain for a in detector.amplifiers])
        _add_frame(np.asarray(amps, dtype=np.float32), full, weight, total, pixels)
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
    full: NDArray[np.float64],
    weight: NDArray[np.float64],
    total: NDArray[np.float64],
    pixels: NDArray[np.int64],
) -> None:
    """Add what one frame says to the sums [target, source]."""
    n = len(amps)
    faint = amps < FAINT
    dark = faint.all(axis=0)
    alone = faint.sum(axis=0) == n - 1
    levels = [clipped(a[dark])[0] if dark.sum() >= LEAST_DARK else 0.0 for a in amps]
    for s in range(n):
        lit = alone & (amps[s] > BRIGHT) & (amps[s] < full[s])
        if lit.sum() < LEAST:
            continue
        for t in range(n):
            if t == s:
                continue
            value, error, used = pair_ratio(amps[s][lit], amps[t][lit], levels[t])
            if error > 0:
                weight[t, s] += error**-2
                total[t, s] += value * error**-2
                pixels[t, s] += used
