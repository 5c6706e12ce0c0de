"""One detector characterised: sky, PSF, aperture correction and a table of sources."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from skyassay.pipeline.background.fit import first_background, fit_background
from skyassay.pipeline.background.model import Background
from skyassay.pipeline.detection.detect import Detections, detect
from skyassay.pipeline.images.mask import bit
from skyassay.pipeline.measurement.aperture_correction import ApertureCorrection, fit_correction
from skyassay.pipeline.measurement.classify import extendedness, size_extendedness
from skyassay.pipeline.measurement.options import CALIB_RADIUS, Options
from skyassay.pipeline.measurement.prepare import Plane, prepare
from skyassay.pipeline.measurement.sources import fit_scene, measure_sources
from skyassay.pipeline.measurement.summary import summarise
from skyassay.pipeline.psf.fit import fit_psf
from skyassay.pipeline.psf.model import PsfModel
from skyassay.pipeline.psf.select import select_stars

#: Standard deviation and FWHM of a Gaussian.
FWHM = 2.0 * float(np.sqrt(2.0 * np.log(2.0)))
#: How far (in widths of the PSF) a footprint is widened before the sky is fitted.
GROW = 3.0
#: A PSF star is the source within this distance (pixel).
MATCH = 2.0
#: Algorithms that are normalised to the 12-pixel aperture.
CORRECTED = ("psfFlux", "gaussianFlux")
CALIB = f"ap{int(CALIB_RADIUS):02d}Flux"


@dataclass(frozen=True, eq=False)
class Characterized:
    """What is known of one detector after `characterize`.

    Attributes
    ----------
    background : Background
        `background.image()` is the sky, electrons per pixel.
    psf : PsfModel
    sources : Table
        One row per source, blend and empty place; pixels and electrons.
    mask : ndarray of int32, shape (ny, nx)
        The mask given, with DETECTED, EDGE and UNMASKEDNAN added.
    psf_stars : Table
        The rows of `sources` with `calib_psf_candidate`.
    aperture_correction : ApertureCorrection
    summary : dict
        See `summarise`.
    """

    background: Background
    psf: PsfModel
    sources: Table
    mask: NDArray[np.int32]
    psf_stars: Table
    aperture_correction: ApertureCorrection
    summary: dict[str, float]


def characterize(
    image: NDArray[np.float32],
    mask: NDArray[np.int32],
    variance: NDArray[np.float32],
    *,
    options: Options,
    rng_seed: int,
) -> Characterized:
    """Find the sky, the PSF and the sources of one detector.

    Parameters
    ----------
    image, variance : ndarray of float32, shape (ny, nx)
        Electrons with the sky, and electrons squared with the noise of the sources.
    mask : ndarray of int32, shape (ny, nx)
        Bits of `images.mask.PLANES`.
    options : Options
    rng_seed : int
        Chooses reserved stars and empty places.

    Raises
    ------
    MeasurementError
        With its code: see there. A detector without stars has no PSF: `no_psf_stars`.
    """
    plane = prepare(image, mask, variance)
    background, sigma = _first_look(plane, options)
    clean = _without(plane, background)
    found = _detect(plane, clean, sigma, options)
    chosen = select_stars(clean, plane.good, background, found, sigma, options, rng_seed)
    psf = fit_psf(chosen.used(), options)
    background, found, clean = _final_look(plane, background, psf, options)
    scene = fit_scene(plane, clean, background, found, psf, options, rng_seed)
    _mark(plane, found, psf)
    sources = measure_sources(plane, scene, found, psf)
    _flag_stars(sources, chosen.x, chosen.y, chosen.reserved)
    correction = _corrections(sources, plane.shape)
    _finish(sources, correction, options)
    stars = sources[np.asarray(sources["calib_psf_candidate"])]
    summary = summarise(background, psf, correction, stars, plane.good)
    return Characterized(background, psf, sources, plane.mask, stars, correction, summary)


def measure_with(
    image: NDArray[np.float32],
    mask: NDArray[np.int32],
    variance: NDArray[np.float32],
    psf: PsfModel,
    ap_corr: ApertureCorrection,
    options: Options,
    *,
    rng_seed: int = 0,
) -> Table:
    """Detect and measure anew with a given PSF and aperture correction.

    Parameters are those of `characterize`; the image may have its sky or not. The columns
    `calib_psf_*` are left to the caller, who knows the stars.
    """
    plane = prepare(image, mask, variance)
    background, _ = _first_look(plane, options)
    background, found, clean = _final_look(plane, background, psf, options)
    scene = fit_scene(plane, clean, background, found, psf, options, rng_seed)
    _mark(plane, found, psf)
    sources = measure_sources(plane, scene, found, psf)
    _finish(sources, ap_corr, options)
    return sources


def _width(psf: PsfModel) -> float:
    moments = psf.moments((psf.shape[1] - 1) / 2, (psf.shape[0] - 1) / 2)[0]
    return float(np.sqrt(0.5 * (moments[0] + moments[2])))


def _without(plane: Plane, background: Background) -> NDArray[np.float32]:
    made: NDArray[np.float32] = np.where(plane.usable, plane.image - background.image(), 0.0)
    return made.astype(np.float32, copy=False)


def _detect(plane: Plane, clean: NDArray[np.float32], sigma: float, options: Options) -> Detections:
    return detect(
        clean,
        plane.variance,
        plane.usable,
        sigma=sigma,
        threshold=options.threshold,
        prominence=options.prominence,
    )


def _first_look(plane: Plane, options: Options) -> tuple[Background, float]:
    """Return a background with the brighter sources masked, and the width guessed for them."""
    sigma = options.guess_fwhm / FWHM
    rough = first_background(plane.image, plane.good, options.mesh)
    clean = np.where(plane.usable, plane.image - rough, np.float32(0.0))
    found = _detect(plane, clean, sigma, options)
    sky = plane.good & ~found.near(GROW * sigma)
    return fit_background(plane.image, sky, options.mesh), sigma


def _final_look(
    plane: Plane, background: Background, psf: PsfModel, options: Options
) -> tuple[Background, Detections, NDArray[np.float32]]:
    """Return sky, detections and clean image at the true width of the PSF."""
    sigma = _width(psf)
    found = _detect(plane, _without(plane, background), sigma, options)
    sky = plane.good & ~found.near(GROW * sigma)
    background = fit_background(plane.image, sky, options.mesh)
    return background, found, _without(plane, background)


def _mark(plane: Plane, found: Detections, psf: PsfModel) -> None:
    """Set DETECTED, and EDGE where the smoothing filter reached over the border."""
    plane.mask[found.basin > 0] |= bit("DETECTED")
    border = int(np.ceil(3.5 * _width(psf)))
    for edge in (np.s_[:border], np.s_[-border:], np.s_[:, :border], np.s_[:, -border:]):
        plane.mask[edge] |= bit("EDGE")


def _flag_stars(
    sources: Table,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    reserved: NDArray[np.bool_],
) -> None:
    """Add `calib_psf_candidate`, `_used` and `_reserved`."""
    flags = {
        name: np.zeros(len(sources), dtype=np.bool_) for name in ("candidate", "used", "reserved")
    }
    primary = np.flatnonzero(np.asarray(sources["detect_isPrimary"]))
    if len(primary):
        tree = cKDTree(np.column_stack([sources["x"][primary], sources["y"][primary]]))
        distance, near = tree.query(np.column_stack([x, y]))
        there = distance < MATCH
        at = primary[np.asarray(near)[there]]
        flags["candidate"][at] = True
        flags["reserved"][at] = reserved[there]
        flags["used"][at] = ~reserved[there]
    for name, column in flags.items():
        sources[f"calib_psf_{name}"] = column


def _corrections(sources: Table, shape: tuple[int, int]) -> ApertureCorrection:
    """Return the corrections from the stars that made the PSF."""
    stars = sources[np.asarray(sources["calib_psf_used"])]
    x, y = np.asarray(stars["x"]), np.asarray(stars["y"])
    aperture, error = (np.asarray(stars[f"{CALIB}_instFlux{t}"]) for t in ("", "Err"))
    fits = {}
    for name in CORRECTED:
        flux = np.asarray(stars[f"{name}_instFlux"])
        with np.errstate(divide="ignore", invalid="ignore"):
            fits[name] = fit_correction(name, x, y, aperture / flux, error / np.abs(flux), shape)
    return ApertureCorrection(
        {name: fit[0] for name, fit in fits.items()},
        {name: fit[1] for name, fit in fits.items()},
        shape,
    )


def _finish(sources: Table, correction: ApertureCorrection, options: Options) -> None:
    """Apply the aperture corrections and add what follows from corrected fluxes."""
    x, y = np.asarray(sources["x"]), np.asarray(sources["y"])
    for name in CORRECTED:
        factor = correction.at(name, x, y)
        sources[f"{name}_apCorr"] = factor
        sources[f"{name}_instFlux"] *= factor
        sources[f"{name}_instFluxErr"] *= factor
    for tail in ("instFlux", "instFluxErr"):
        sources[f"calib_{tail}"] = sources[f"{CALIB}_{tail}"]
    flux = np.asarray(sources["psfFlux_instFlux"])
    gaussian = np.asarray(sources["gaussianFlux_instFlux"])
    sources["extendedness"] = extendedness(flux, gaussian, options.extended_ratio)
    sources["extendedness_flag"] = ~np.isfinite(sources["extendedness"])
    trace = np.asarray(sources["ixx"] + sources["iyy"])
    model = np.asarray(sources["ixxPSF"] + sources["iyyPSF"])
    snr = flux / np.asarray(sources["psfFlux_instFluxErr"])
    sources["sizeExtendedness"] = size_extendedness(trace, model, snr)
    sources["sizeExtendedness_flag"] = ~np.isfinite(sources["sizeExtendedness"])
