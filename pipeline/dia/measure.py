"""Sources of a difference image: all of `detectAndMeasureDiaSource`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from astropy.table import Table, vstack
from numpy.typing import NDArray

from skyassay.pipeline.detection.grow import grow
from skyassay.pipeline.dia.detect import FWHM, Peaks, find_peaks, width
from skyassay.pipeline.dia.dipoles import fit_dipoles
from skyassay.pipeline.dia.fit import fit_points
from skyassay.pipeline.dia.forced import EDGE, NO_GOOD_PIXELS, PARTIAL, correction, forced_psf
from skyassay.pipeline.dia.options import Options
from skyassay.pipeline.dia.shapes import MODELS, add_dipoles, add_trails
from skyassay.pipeline.dia.streaks import mask_streaks
from skyassay.pipeline.dia.table import add_features, beyond, point_columns
from skyassay.pipeline.dia.trails import fit_trails
from skyassay.pipeline.images.exposure import Exposure
from skyassay.pipeline.images.mask import bit
from skyassay.pipeline.measurement.apertures import circle_sums, truncated
from skyassay.pipeline.measurement.prepare import Plane, prepare
from skyassay.pipeline.measurement.sky_sources import sky_places

#: Radius (pixel) of the aperture of `apFlux`, that of Rubin's DiaSource.
APERTURE = 12.0


@dataclass(frozen=True, eq=False)
class DiaMeasured:
    """What was found on a difference image.

    Attributes
    ----------
    table : Table
        One row per source, highest signal-to-noise first; pixels and electrons, fluxes of
        darker sources negative. Columns ``feature_*`` are for the reliability.
    exposure : Exposure
        The difference image with DETECTED, DETECTED_NEGATIVE and STREAK.
    quality : dict
        nPositive, nNegative, nDipole, nStreak, threshold, skyPullMean, skyPullStd, nSky.
    """

    table: Table
    exposure: Exposure
    quality: dict[str, float]


def measure_dia(
    difference: Exposure,
    science: Exposure,
    template: Exposure,
    options: Options,
    seed: int,
) -> DiaMeasured:
    """Find and measure what has changed.

    Parameters
    ----------
    difference : Exposure
        Science minus template, electrons of the science image, without sky; with its PSF.
    science : Exposure
        Without sky.
    template : Exposure
        On the pixels of the science image, matched to it; without a PSF of its own it has
        that of the science image.
    options : Options
    seed : int
        Of the empty places.

    Raises
    ------
    MeasurementError
        Of an image that cannot be measured (`prepare`).
    ValueError
        Where difference or science image has no PSF.
    """
    if difference.psf is None:
        raise ValueError("The difference image has no PSF.")
    psf, sigma = difference.psf, width(difference.psf)
    plane = prepare(difference.image, difference.mask, difference.variance)
    _leave_out_cosmic_rays(plane, options)
    streaks = mask_streaks(plane, options)
    peaks = find_peaks(plane, sigma, options)
    residual, groups = fit_points(plane, peaks, psf, sigma, options)
    tables = []
    for points, mine in zip(groups, peaks, strict=True):
        part = point_columns(plane, residual, points, mine, psf, sigma)
        add_features(part, plane, residual, points, psf, sigma, science, template)
        tables.append(part)
    images = science, _as_matched(_in_unit_of(template, difference), science)
    add_dipoles(tables, fit_dipoles(plane, residual, groups, psf, FWHM * sigma, images, options))
    moments, model = (
        np.column_stack([tables[0][f"{name}{end}"] for name in ("ixx", "ixy", "iyy")])
        for end in ("", "PSF")
    )
    bright = peaks[0].found
    add_trails(
        tables,
        fit_trails(plane, residual, groups[0], bright, moments, model, psf, FWHM * sigma, options),
    )
    table = _chosen(tables, plane.shape, options)
    _scale(table, difference, plane)
    _apertures(table, plane)
    edge = forced_psf(difference, table["x"], table["y"], good=plane.good).flags & EDGE
    table["psfFlux_flag_edge"] = edge != 0
    _forced(table, *images)
    _mark(plane, peaks)
    quality = _counts(table, options) | {"nStreak": len(streaks)}
    quality |= _sky(difference, plane, peaks, options, seed)
    return DiaMeasured(table, difference.with_(mask=plane.mask), quality)


def _leave_out_cosmic_rays(plane: Plane, options: Options) -> None:
    """Take the pixels around cosmic rays from the good ones: their faint rims are not masked.

    On a single image they drown in noise; with a source's PSF summed over them they make
    most of the false detections of a difference image.
    """
    plane.good[grow((plane.mask & bit("CR")) != 0, options.cosmic_ray_rim)] = False


def _chosen(tables: list[Table], shape: tuple[int, ...], options: Options) -> Table:
    """Return the sources of both signs in one table, without lobes and parts of another one.

    What has its middle beyond the image is left out: the next detector sees it better, and no
    cutout could show it.
    """
    table = vstack(tables, join_type="exact", metadata_conflicts="silent")
    table = table[np.argsort(-np.asarray(table["snr"]), kind="stable")]
    share = np.asarray(table["share"])
    # Set here, not with the other flags: a dipole or a trail may lie elsewhere than its point.
    table["pixelFlags_offimage"] = beyond(table, shape)
    off = np.asarray(table["pixelFlags_offimage"])
    return table[(share >= options.least_share) & ~np.asarray(table["part"]) & ~off]


def _as_matched(template: Exposure, science: Exposure) -> Exposure:
    """Return a matched template with the PSF that it was matched to, unless it brings its own."""
    if template.psf is not None:
        return template
    return template.with_(psf=science.psf, models=science.models)


def _in_unit_of(image: Exposure, other: Exposure) -> Exposure:
    """Return an image in the unit of another one's counts, where both have zero points."""
    if image.photo_calib is None or other.photo_calib is None:
        return image
    factor = np.float32(image.photo_calib.nanojansky / other.photo_calib.nanojansky)
    if factor == 1.0:
        return image
    return image.with_(
        image=image.image * factor,
        variance=image.variance * factor**2,
        photo_calib=other.photo_calib,
    )


def _scale(table: Table, difference: Exposure, plane: Plane) -> None:
    """Bring fluxes of the PSF to the aperture that the zero point is of.

    Dipoles and trails lie elsewhere than the peaks that they were found by: their PSF flux is
    that at their own position.
    """
    x, y = np.asarray(table["x"]), np.asarray(table["y"])
    factor = correction(difference, x, y)
    for name in ("psfFlux", *MODELS):
        for end in ("", "Err"):
            table[f"{name}_instFlux{end}"] *= factor
    moved = np.asarray(table["replaced"])
    there = forced_psf(difference, x[moved], y[moved], good=plane.good)
    table["psfFlux_instFlux"][moved] = there.flux
    table["psfFlux_instFluxErr"][moved] = there.error


def _apertures(table: Table, plane: Plane) -> None:
    """Add the flux in the aperture; pixels that are not good count zero, and flag it."""
    x, y = np.asarray(table["x"]), np.asarray(table["y"])
    light = np.where(plane.good, plane.image, np.float32(0.0))
    spread = np.where(plane.good, plane.variance, np.float32(0.0))
    table["apFlux_instFlux"] = circle_sums(light, x, y, (APERTURE,))[:, 0]
    noise = circle_sums(spread, x, y, (APERTURE,))[:, 0]
    table["apFlux_instFluxErr"] = np.sqrt(np.maximum(noise, 0.0))
    over = truncated(plane.shape, x, y, (APERTURE,))[:, 0]
    holes = circle_sums((~plane.good).astype(np.float32), x, y, (APERTURE,))[:, 0] > 1e-3
    table["apFlux_flag_apertureTruncated"] = over
    table["apFlux_flag"] = over | holes


def _forced(table: Table, science: Exposure, template: Exposure) -> None:
    """Add PSF fluxes at the positions on science image and template, in the same unit."""
    x, y = np.asarray(table["x"]), np.asarray(table["y"])
    flags = np.zeros(len(x), dtype=np.int32)
    for name, image in (("science", science), ("template", template)):
        found = forced_psf(image, x, y)
        table[f"{name}Flux_instFlux"] = found.flux
        table[f"{name}Flux_instFluxErr"] = found.error
        flags |= found.flags
    table["forced_PsfFlux_flag"] = (flags & (NO_GOOD_PIXELS | PARTIAL)) != 0
    table["forced_PsfFlux_flag_edge"] = (flags & EDGE) != 0
    table["forced_PsfFlux_flag_noGoodPixels"] = (flags & NO_GOOD_PIXELS) != 0


def _mark(plane: Plane, peaks: tuple[Peaks, Peaks]) -> None:
    """Set the mask planes of what was detected."""
    for mine, name in zip(peaks, ("DETECTED", "DETECTED_NEGATIVE"), strict=True):
        plane.mask[mine.found.basin > 0] |= bit(name)


def _counts(table: Table, options: Options) -> dict[str, float]:
    dark = np.asarray(table["isNegative"])
    return {
        "nPositive": int((~dark).sum()),
        "nNegative": int(dark.sum()),
        "nDipole": int(np.asarray(table["isDipole"]).sum()),
        "threshold": options.threshold,
    }


def _sky(
    difference: Exposure,
    plane: Plane,
    peaks: tuple[Peaks, Peaks],
    options: Options,
    seed: int,
) -> dict[str, float]:
    """Return mean and scatter of forced fluxes at empty places over their quoted errors."""
    taken: NDArray[np.bool_] = ~plane.good
    for mine in peaks:
        taken = taken | (mine.found.basin > 0)
    found = forced_psf(difference, *sky_places(taken, options.sky_sources, seed), good=plane.good)
    there = found.flags == 0
    pull = found.flux[there] / found.error[there]
    made: Mapping[str, float] = {
        "skyPullMean": float(pull.mean()) if pull.size else float("nan"),
        "skyPullStd": float(pull.std(ddof=1)) if pull.size > 1 else float("nan"),
        "nSky": int(pull.size),
    }
    return dict(made)
