"""The calibrations of a detector, and the numbers per amplifier that are in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from skyassay.pipeline.instrument.camera import Detector
from skyassay.pipeline.isr.errors import IsrError
from skyassay.pipeline.isr.saturation import saturation_level

Float32 = NDArray[np.float32]


class Frame(Protocol):
    """What a calibration frame is: an image with mask and variance."""

    @property
    def image(self) -> Float32: ...  # noqa: D102
    @property
    def mask(self) -> NDArray[np.int32]: ...  # noqa: D102
    @property
    def variance(self) -> Float32: ...  # noqa: D102


@dataclass(frozen=True, eq=False)
class Calibrations:
    """Everything needed to calibrate the raw frames of a detector.

    Attributes
    ----------
    bias : Frame, ADU above the overscan, in detector order
    dark : Frame, electrons per second
    flat : Frame, relative response, mean 1
    defects : Table with x0, y0, width, height
    ptc : Table with amplifier, gain (electron/adu), readNoise (electron), saturation (adu)
    linearizer : Table with amplifier, c2, c3, ..., maxAdu
    crosstalk : Table with source, target, coefficient
    """

    bias: Frame | None = None
    dark: Frame | None = None
    flat: Frame | None = None
    defects: Table | None = None
    ptc: Table | None = None
    linearizer: Table | None = None
    crosstalk: Table | None = None


@dataclass(frozen=True, eq=False)
class AmplifierNumbers:
    """Arrays over the amplifiers of a detector, in the order of their index.

    Attributes
    ----------
    gain : ndarray
        Electrons per ADU; NaN where the amplifier is not usable.
    read_noise : ndarray
        Electrons.
    full, suspect : ndarray
        ADU above bias from which pixels are SAT, SUSPECT.
    """

    gain: NDArray[np.float64]
    read_noise: NDArray[np.float64]
    full: NDArray[np.float64]
    suspect: NDArray[np.float64]


def by_amplifier(table: Table, detector: Detector, column: str, what: str) -> NDArray[Any]:
    """Return a column in the order of the detector's amplifiers.

    Raises
    ------
    IsrError
        ``invalid_<what>`` where an amplifier or the column is missing or there twice.
    """
    names = [str(n) for n in table["amplifier"]] if "amplifier" in table.colnames else []
    wanted = [amp.name for amp in detector.amplifiers]
    if sorted(names) != sorted(wanted) or column not in table.colnames:
        raise IsrError(
            f"The {what} of detector {detector.name} has not one {column} for each amplifier.",
            code=f"invalid_{what}",
            hint=f"Build it again for a detector with amplifiers {', '.join(wanted)}.",
        )
    place = {name: k for k, name in enumerate(names)}
    values = np.asarray(np.ma.filled(np.ma.asarray(table[column], dtype=np.float64), np.nan))
    return np.asarray(values[[place[name] for name in wanted]])


def amplifier_numbers(
    detector: Detector, ptc: Table | None, linearizer: Table | None
) -> AmplifierNumbers:
    """Return gains, noise and limits: measured ones, nominal ones where there is no table."""
    amps = detector.amplifiers
    gain = np.array([a.gain for a in amps])
    noise = np.array([a.read_noise for a in amps])
    measured = np.full(len(amps), np.nan)
    if ptc is not None:
        gain = by_amplifier(ptc, detector, "gain", "ptc")
        noise = by_amplifier(ptc, detector, "readNoise", "ptc")
        measured = by_amplifier(ptc, detector, "saturation", "ptc")
    # The well is in electrons: with the nominal gain an amplifier whose own is larger would
    # saturate below its limit, and nothing would say so.
    known = np.where(gain > 0, gain, [a.gain for a in amps])
    full = np.array(
        [
            saturation_level(a.saturation, float(g), m)
            for a, g, m in zip(amps, known, measured, strict=True)
        ]
    )
    suspect = full
    if linearizer is not None:
        suspect = np.fmin(by_amplifier(linearizer, detector, "maxAdu", "linearizer"), full)
    gain = np.where((gain > 0) & (noise >= 0), gain, np.nan)
    return AmplifierNumbers(gain, noise, full, suspect)


def polynomial(detector: Detector, linearizer: Table | None) -> Float32:
    """Return c2, c3, ... of each amplifier, shape (n_amp, n); n = 0 without a linearizer."""
    n_amp = len(detector.amplifiers)
    if linearizer is None:
        return np.zeros((n_amp, 0), np.float32)
    order = 2
    while f"c{order}" in linearizer.colnames:
        order += 1
    found = [by_amplifier(linearizer, detector, f"c{k}", "linearizer") for k in range(2, order)]
    return np.asarray(np.stack(found, axis=1) if found else np.zeros((n_amp, 0)), dtype=np.float32)


def crosstalk_matrix(detector: Detector, crosstalk: Table | None) -> NDArray[np.float64]:
    """Return coefficients [target, source]; zeros without a table.

    Raises
    ------
    IsrError
        ``invalid_crosstalk`` where it names other amplifiers than the detector has.
    """
    n_amp = len(detector.amplifiers)
    matrix = np.zeros((n_amp, n_amp))
    if crosstalk is None:
        return matrix
    place = {amp.name: amp.index for amp in detector.amplifiers}
    try:
        target = [place[str(n)] for n in crosstalk["target"]]
        source = [place[str(n)] for n in crosstalk["source"]]
        matrix[target, source] = np.asarray(crosstalk["coefficient"], dtype=np.float64)
    except KeyError as error:
        raise IsrError(
            f"The crosstalk table of detector {detector.name} does not fit it: {error} is amiss.",
            code="invalid_crosstalk",
            hint="Certify the crosstalk calibration of this detector.",
        ) from error
    return matrix
