"""The true amplifiers of a detector: gains, noise, bias, crosstalk; and all that is fixed in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.instrument.camera import Amplifier, Camera, Detector
from skyassay.simulator.camera import defects, flat
from skyassay.simulator.camera.terms import CameraTerms
from skyassay.simulator.random import rng

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class TrueAmplifier:
    """What an amplifier really does.

    Attributes
    ----------
    nominal : Amplifier
    gain : float
        Electrons per ADU.
    read_noise : float
        Electrons.
    bias : float
        Mean level, ADU.
    nonlinearity : float
        Quadratic term, per electron.
    """

    nominal: Amplifier
    gain: float
    read_noise: float
    bias: float
    nonlinearity: float


@dataclass(frozen=True, eq=False)
class TrueDetector:
    """A detector as it really is; the same for all exposures.

    Attributes
    ----------
    nominal : Detector
    layout : str
    pixel_scale : float
        Nominal, arcsec.
    terms : CameraTerms
    seed : int
        That it was drawn from.
    amplifiers : tuple of TrueAmplifier
    crosstalk : ndarray, shape (n_amp, n_amp)
        [target, source]: counts in the target over counts in the source; 0 on the diagonal.
    bias : ndarray of float32, shape (n_amp, rows, columns)
        Level and fixed pattern of what is read, overscan too, ADU.
    dark : ndarray of float32, shape (ny, nx)
        Electrons per second.
    sensitivity : ndarray of float32, shape (ny, nx)
        Response to even light, about 1, without vignetting.
    defects : tuple of Defect
    """

    nominal: Detector
    layout: str
    pixel_scale: float
    terms: CameraTerms
    seed: int
    amplifiers: tuple[TrueAmplifier, ...]
    crosstalk: NDArray[np.float64]
    bias: Floats
    dark: Floats
    sensitivity: Floats
    defects: tuple[defects.Defect, ...]

    @property
    def full_well(self) -> float:
        """Full well of the pixels, electrons."""
        return self.nominal.amplifiers[0].saturation * self.terms.full_well

    def flat(self, physical_filter: str) -> Floats:
        """Return the response to light that is even on the sky, shape (ny, nx).

        1 is that of a mean pixel on the optical axis.
        """
        return self.sensitivity * flat.illumination(
            self.nominal, self.pixel_scale, physical_filter, self.terms, self.seed
        )

    def column(self, name: str) -> Floats:
        """Return an attribute of the amplifiers as an array that broadcasts over their pixels."""
        values = [getattr(amp, name) for amp in self.amplifiers]
        return np.array(values, dtype=np.float32)[:, None, None]


def true_detector(
    camera: Camera, detector: int, seed: int, terms: CameraTerms | None = None
) -> TrueDetector:
    """Draw a true detector.

    Parameters
    ----------
    camera : Camera
        Nominal.
    detector : int
        Its id.
    seed : int
    terms : CameraTerms, optional
        How far it may be from nominal.

    Raises
    ------
    InstrumentError
        ``unknown_detector``.
    """
    terms, nominal = terms or CameraTerms(), camera[detector]
    # A stream each: more defects change no gain.
    found = defects.draw(nominal, terms, rng(seed, "camera", detector, "defects"))
    dark = np.full((nominal.ny, nominal.nx), terms.dark_current, dtype=np.float32)
    defects.add_dark(dark, found)
    amps = _amplifiers(nominal, terms, rng(seed, "camera", detector))
    return TrueDetector(
        nominal=nominal,
        layout=camera.layout,
        pixel_scale=camera.pixel_scale,
        terms=terms,
        seed=seed,
        amplifiers=amps,
        crosstalk=_crosstalk(nominal, terms, rng(seed, "camera", detector, "crosstalk")),
        bias=_bias(amps, terms, rng(seed, "camera", detector, "bias")),
        dark=dark,
        sensitivity=flat.sensitivity(
            nominal, terms, found, rng(seed, "camera", detector, "sensitivity")
        ),
        defects=found,
    )


def _amplifiers(
    detector: Detector, terms: CameraTerms, stream: np.random.Generator
) -> tuple[TrueAmplifier, ...]:
    draws = stream.standard_normal((len(detector.amplifiers), 4))
    return tuple(
        TrueAmplifier(
            nominal=amp,
            gain=amp.gain * (1.0 + terms.gain_error) * (1.0 + terms.gain_scatter * z[0]),
            read_noise=(
                amp.read_noise * terms.read_noise_factor * (1.0 + terms.read_noise_scatter * z[1])
            ),
            bias=terms.bias_level + terms.bias_scatter * z[2],
            nonlinearity=terms.nonlinearity * (1.0 + terms.nonlinearity_scatter * z[3]),
        )
        for amp, z in zip(detector.amplifiers, draws, strict=True)
    )


def _crosstalk(
    detector: Detector, terms: CameraTerms, stream: np.random.Generator
) -> NDArray[np.float64]:
    """Draw coefficients: large ones, of either sign, between amplifiers side by side."""
    n = len(detector.amplifiers)
    low, high = terms.crosstalk_near
    near = stream.uniform(low, high, (n, n)) * stream.choice((-1.0, 1.0), (n, n))
    far = terms.crosstalk_far * stream.standard_normal((n, n))
    x = np.array([amp.x0 // amp.width for amp in detector.amplifiers])
    y = np.array([amp.y0 // amp.height for amp in detector.amplifiers])
    # Those of one row share a readout board; across the middle there is next to nothing.
    beside = (np.abs(x[:, None] - x) == 1) & (y[:, None] == y)
    found = np.where(beside, near, far) * terms.crosstalk_factor
    np.fill_diagonal(found, 0.0)
    return found


def _bias(
    amps: tuple[TrueAmplifier, ...], terms: CameraTerms, stream: np.random.Generator
) -> Floats:
    """Draw the level and pattern of what the amplifiers read, shape (n_amp, rows, columns)."""
    first = amps[0].nominal
    rows, columns = first.raw_shape
    found = np.empty((len(amps), rows, columns), dtype=np.float32)
    begin, end = first.prescan, first.prescan + first.width
    settling = terms.row_settling * np.exp(-np.arange(rows) / terms.row_scale)
    drift = np.zeros(columns)
    drift[end:] = terms.serial_drift * np.linspace(0.0, 1.0, columns - end)
    for amp, level in zip(amps, found, strict=True):
        level[:] = amp.bias + settling[:, None] + drift
        light = level[: first.height, begin:end]
        light += terms.bias_pixels * stream.standard_normal(light.shape, dtype=np.float32)
        light += terms.bias_pattern * stream.standard_normal((first.height, 1), dtype=np.float32)
        light += terms.bias_pattern * stream.standard_normal((1, first.width), dtype=np.float32)
    return found
