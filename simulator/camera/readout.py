"""From expected electrons to the counts of a raw frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.instrument.raw import RawFrame
from skyassay.simulator.camera import charge as charges
from skyassay.simulator.camera.cosmics import CosmicRay, draw_rays, ray_electrons
from skyassay.simulator.camera.defects import trap
from skyassay.simulator.camera.electronics import TrueDetector
from skyassay.simulator.camera.readout_order import as_read
from skyassay.simulator.errors import SimulatorError
from skyassay.simulator.random import rng

Floats = NDArray[np.float32]
#: Largest count of the converter.
ADC_MAX = 65_535


def read_out(
    electrons: NDArray[np.floating[Any]],
    true: TrueDetector,
    physical_filter: str,
    exptime: float,
    dark_time: float,
    seed: int,
    exposure_id: int,
    kind: str,
    header: Mapping[str, Any] | None = None,
) -> RawFrame:
    """Expose a detector and read it.

    In this order: flat field and insensitive pixels, dark current and hot pixels, Poisson
    noise, cosmic rays, brighter-fatter effect, traps, bleeding, non-linearity, gain,
    crosstalk, bias and read noise, conversion to counts.

    Parameters
    ----------
    electrons : ndarray, shape (ny, nx)
        Expected electrons of the scene, sky included, in a mean pixel on the optical axis:
        before quantum efficiency, vignetting and Poisson noise. Not negative.
    true : TrueDetector
    physical_filter : str
        Whose illumination the light has.
    exptime, dark_time : float
        Seconds of light, and of dark current and cosmic rays.
    seed : int
        Of the simulation.
    exposure_id : int
    kind : str
        ``OBJECT``, ``BIAS``, ``DARK``, ``FLAT`` or ``SPOT``.
    header : mapping, optional
        Of the frame, from `raw_header`; without it only what the arguments say.

    Returns
    -------
    RawFrame
        The same for the same arguments, to the last bit.

    Raises
    ------
    SimulatorError
        ``bad_scene`` for another shape, or electrons that are negative or not finite.
    """
    number = true.nominal.id
    expected = _checked(electrons, true) * true.flat(physical_filter) + true.dark * dark_time
    charge = rng(seed, "photons", exposure_id, number).poisson(expected).astype(np.float32)
    charge += cosmic_rays(true, dark_time, seed, exposure_id)[0]
    charges.brighter_fatter(charge, true.terms.brighter_fatter)
    trap(charge, true.defects)
    read = as_read(charge, true.nominal)
    charges.bleed(read, true.full_well)
    counts = _amplify(read, true)
    cards = {
        "EXPID": exposure_id,
        "IMGTYPE": kind,
        "FILTER": physical_filter,
        "EXPTIME": float(exptime),
        "DARKTIME": float(dark_time),
        "DETECTOR": number,
        "DETNAME": true.nominal.name,
    }
    amps = _digitise(counts, true, rng(seed, "readout", exposure_id, number))
    return RawFrame(amps, cards | dict(header or {}))


def cosmic_rays(
    true: TrueDetector, dark_time: float, seed: int, exposure_id: int
) -> tuple[Floats, tuple[CosmicRay, ...]]:
    """Return the charge of an exposure's cosmic rays, and their truth.

    `read_out` adds exactly these.

    Returns
    -------
    image : ndarray of float32, shape (ny, nx)
        Electrons.
    rays : tuple of CosmicRay
    """
    stream = rng(seed, "cosmics", exposure_id, true.nominal.id)
    rays = draw_rays(true.sensitivity.shape, dark_time, true.terms, stream)
    return ray_electrons(rays, true.sensitivity.shape, true.terms.diffusion, stream), rays


def _checked(electrons: NDArray[np.floating[Any]], true: TrueDetector) -> Floats:
    """Return the scene in single precision, or say why it is none."""
    shape = (true.nominal.ny, true.nominal.nx)
    if electrons.shape != shape:
        why = f"has the shape {electrons.shape}, the detector {shape}"
    # A NaN makes the smallest one NaN, which is not >= 0.
    elif not (electrons.min() >= 0.0 and np.isfinite(electrons.max())):
        why = f"goes from {electrons.min():.3g} to {electrons.max():.3g} electrons"
    else:
        return electrons.astype(np.float32, copy=False)
    raise SimulatorError(
        f"The scene on detector {true.nominal.name} {why}.",
        code="bad_scene",
        hint="Give expected electrons per pixel, sky included: finite and not negative.",
    )


def _amplify(charge: Floats, true: TrueDetector) -> Floats:
    """Return counts above bias of electrons, in place; both shape (n_amp, height, width)."""
    charge *= 1.0 + true.column("nonlinearity") * charge
    charge /= true.column("gain")
    # All amplifiers are read at once: what one reads leaks into what the others read then.
    # Not by a matrix product, whose last bits depend on how many threads the library takes.
    leaked = np.zeros_like(charge)
    for target, source in zip(*np.nonzero(true.crosstalk), strict=True):
        leaked[target] += np.float32(true.crosstalk[target, source]) * charge[source]
    charge += leaked
    return charge


def _digitise(
    counts: Floats, true: TrueDetector, stream: np.random.Generator
) -> NDArray[np.uint16]:
    """Add bias, overscans and read noise; return what the converter gives."""
    terms, first = true.terms, true.amplifiers[0].nominal
    n, (rows, columns) = len(counts), first.raw_shape
    level = stream.standard_normal((n, 1, 1), dtype=np.float32) * np.float32(terms.bias_drift)
    level = level + terms.row_noise * stream.standard_normal((n, rows, 1), dtype=np.float32)
    read = stream.standard_normal((n, rows, columns), dtype=np.float32)
    read *= true.column("read_noise") / true.column("gain")
    read += true.bias
    read += level
    read[:, : first.height, first.prescan : first.prescan + first.width] += counts
    np.rint(read, out=read)
    np.clip(read, 0, ADC_MAX, out=read)
    return read.astype(np.uint16)
