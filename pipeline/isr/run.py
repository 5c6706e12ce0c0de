"""From a raw frame to an image in electrons with mask and variance."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.images.mask import bit, bits
from skyassay.pipeline.instrument.camera import Detector
from skyassay.pipeline.instrument.raw import RawFrame
from skyassay.pipeline.isr.bitscan import count_boxes, mark_not_finite, where_set
from skyassay.pipeline.isr.calibrations import (
    AmplifierNumbers,
    Calibrations,
    Frame,
    amplifier_numbers,
    crosstalk_matrix,
    polynomial,
)
from skyassay.pipeline.isr.checks import check_frame, check_numbers, check_raw, dark_time, required
from skyassay.pipeline.isr.cosmic_rays import MIN_FWHM, find_cosmic_rays
from skyassay.pipeline.isr.crosstalk import correction_matrix
from skyassay.pipeline.isr.defects import interpolate, mark_defects
from skyassay.pipeline.isr.kernel import reduce_amps
from skyassay.pipeline.isr.overscan import Overscan, serial_overscan
from skyassay.pipeline.isr.saturation import grow_saturation

#: A crosstalk correction beyond this many sigma of read noise is marked CROSSTALK.
CROSSTALK_SIGMA = 3.0


@dataclass(frozen=True)
class IsrConfig:
    """Which steps are done. What is done needs its calibration: there is no silent fallback.

    Attributes
    ----------
    bias, linearity, crosstalk, dark, flat, defects, ptc : bool
        Without `ptc` the nominal gain, read noise and saturation are used.
    parallel_overscan : bool
    cosmic_rays : bool
    interpolate : bool
        Over BAD pixels; those of cosmic rays always are.
    min_fwhm : float
        Sharpest star possible, pixels.
    """

    bias: bool = True
    linearity: bool = True
    crosstalk: bool = True
    dark: bool = True
    flat: bool = True
    defects: bool = True
    ptc: bool = True
    parallel_overscan: bool = False
    cosmic_rays: bool = True
    interpolate: bool = True
    min_fwhm: float = MIN_FWHM


@dataclass(frozen=True, eq=False)
class IsrResult:
    """A calibrated detector image.

    Attributes
    ----------
    image : ndarray of float32, shape (ny, nx)
        Electrons per pixel of mean response; NaN in amplifiers that are not usable.
    mask : ndarray of int32
        Bits of `images.mask`.
    variance : ndarray of float32
        Electrons^2; see `variance.pixel_variance`.
    metadata : dict
        Per amplifier lists ``amplifier overscanLevel overscanNoise`` (adu), ``gain``,
        ``readNoise`` (electron), ``nSaturated nCosmicRay nBad nInterpolated status``; and
        ``darkTime`` (s).
    """

    image: NDArray[np.float32]
    mask: NDArray[np.int32]
    variance: NDArray[np.float32]
    metadata: dict[str, Any]


def remove_signature(
    raw: RawFrame, detector: Detector, calibs: Calibrations, config: IsrConfig | None = None
) -> IsrResult:
    """Return a raw frame without the signature of the instrument.

    Overscan, crosstalk, bias, linearity, gain, dark, flat; then saturation grown, defects,
    cosmic rays and interpolation.

    Raises
    ------
    IsrError
        ``raw_shape``, ``raw_type``, ``wrong_detector``, ``raw_no_signal``,
        ``missing_<calibration>``, ``<calibration>_shape``, ``<calibration>_no_data``,
        ``invalid_<calibration>``, ``missing_dark_time``.
    """
    config = config or IsrConfig()
    check_raw(raw, detector)
    used = _chosen(calibs, config)
    overscan = serial_overscan(raw.amps, detector, parallel=config.parallel_overscan)
    dead = overscan.noise == 0.0
    numbers = amplifier_numbers(detector, used.ptc, used.linearizer)
    check_numbers(dead | ~np.isfinite(numbers.gain), detector)
    time = dark_time(raw) if used.dark is not None else 0.0
    result = _arrays(raw, detector, used, numbers, overscan, time)
    unusable = dead | ~np.isfinite(numbers.gain)
    _finish(result, detector, used, config, unusable)
    meta = _metadata(detector, numbers, overscan, unusable, result[1])
    meta["darkTime"] = time
    return IsrResult(*result, metadata=meta)


def _chosen(calibs: Calibrations, config: IsrConfig) -> Calibrations:
    """Return the calibrations that the configuration asks for; all must be there."""
    names = {"linearizer": config.linearity}
    picked = {
        f.name: required(calibs, f.name) if names.get(f.name, getattr(config, f.name, False))
        else None
        for f in fields(Calibrations)
    }  # fmt: skip
    return Calibrations(**picked)


def _arrays(
    raw: RawFrame,
    detector: Detector,
    used: Calibrations,
    numbers: AmplifierNumbers,
    overscan: Overscan,
    time: float,
) -> tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.float32]]:
    """Run the fused kernel."""
    shape = (detector.ny, detector.nx)
    image, variance = np.empty(shape, np.float32), np.empty(shape, np.float32)
    mask = np.empty(shape, np.int32)
    bias = check_frame(used.bias, "bias", shape, 0.0)
    dark = check_frame(used.dark, "dark", shape, 0.0)
    flat = check_frame(used.flat, "flat", shape, 1.0)
    amps = detector.amplifiers
    flips = np.array([(a.flip_x, a.flip_y) for a in amps])
    noise2, share = _noise_terms(detector, used, numbers, time)
    reduce_amps(
        raw.amps, amps[0].prescan, overscan.level, overscan.column, _boxes(detector), flips,
        correction_matrix(crosstalk_matrix(detector, used.crosstalk)),
        _f4(CROSSTALK_SIGMA * overscan.noise), polynomial(detector, used.linearizer),
        _f4(numbers.gain), noise2, share, _f4(numbers.full), _f4(numbers.suspect),
        bias, dark, time, flat, image, mask, variance,
    )  # fmt: skip
    for name in ("bias", "dark", "flat"):
        frame = getattr(used, name)
        if frame is not None:
            ys, xs = where_set(frame.mask, bits("BAD", "NO_DATA"))
            mask[ys, xs] |= np.int32(bit("BAD"))
    return image, mask, variance


def _boxes(detector: Detector) -> NDArray[np.int64]:
    """Return x0, y0, width, height of the amplifiers."""
    boxes = [(a.x0, a.y0, a.width, a.height) for a in detector.amplifiers]
    return np.array(boxes, dtype=np.int64)


def _f4(values: NDArray[np.floating]) -> NDArray[np.float32]:
    return np.ascontiguousarray(values, dtype=np.float32)


def _noise_terms(
    detector: Detector, used: Calibrations, numbers: AmplifierNumbers, time: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return read and calibration noise, electrons^2, and the flat's relative variance.

    Of the calibration frames the median variance of each amplifier: it hardly varies there,
    and planes of it would cost as much memory traffic as the image.
    """
    noise2, share = numbers.read_noise**2, np.zeros(len(detector.amplifiers))

    def typical(frame: Frame | None, k: int) -> float:
        if frame is None:
            return 0.0
        plane = frame.variance[detector.amplifiers[k].box][4::16, 4::16]
        good = plane[np.isfinite(plane)]
        return float(np.median(good)) if good.size else 0.0

    for k in range(share.size):
        noise2[k] += typical(used.bias, k) * numbers.gain[k] ** 2
        noise2[k] += typical(used.dark, k) * time**2
        share[k] = typical(used.flat, k)
    return _f4(noise2), _f4(share)


def _finish(
    result: tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.float32]],
    detector: Detector,
    used: Calibrations,
    config: IsrConfig,
    unusable: NDArray[np.bool_],
) -> None:
    """Masks, cosmic rays and interpolation, in place."""
    image, mask, variance = result
    grow_saturation(mask)
    if used.defects is not None:
        mark_defects(mask, used.defects)
    # What is not a number in bias or dark is no pixel either.
    n_lost = mark_not_finite(image, mask, bits("BAD", "UNMASKEDNAN"))
    for amp in detector.amplifiers:
        if unusable[amp.index]:
            image[amp.box], variance[amp.box] = np.nan, np.nan
            mask[amp.box] = bits("BAD", "NO_DATA")
    if config.cosmic_rays:
        find_cosmic_rays(image, variance, mask, fwhm=config.min_fwhm)
    if config.interpolate:
        interpolate(image, variance, mask, ("BAD",))
    if n_lost:
        mask[np.isfinite(image)] &= ~np.int32(bit("UNMASKEDNAN"))


def _metadata(
    detector: Detector,
    numbers: AmplifierNumbers,
    overscan: Overscan,
    unusable: NDArray[np.bool_],
    mask: NDArray[np.int32],
) -> dict[str, Any]:
    """Return what was measured and done, per amplifier."""
    planes = {"nSaturated": "SAT", "nCosmicRay": "CR", "nBad": "BAD", "nInterpolated": "INTRP"}
    counts = count_boxes(mask, _boxes(detector), tuple(bit(p) for p in planes.values()))
    rows = detector.amplifiers[0].height
    return {
        "amplifier": [amp.name for amp in detector.amplifiers],
        "overscanLevel": [float(v) for v in np.mean(overscan.level[:, :rows], axis=1)],
        "overscanNoise": [float(v) for v in overscan.noise],
        "gain": [float(v) for v in numbers.gain],
        "readNoise": [float(v) for v in numbers.read_noise],
        **{name: [int(v) for v in counts[:, k]] for k, name in enumerate(planes)},
        "status": ["unusable" if u else "ok" for u in unusable],
    }
