"""SExtractor, PSFEx and SExtractor with PSFEx's model, on images in files."""

from __future__ import annotations

import resource
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.table import Table

#: Debian's names and the original ones.
NAMES = {"sextractor": ("source-extractor", "sex"), "psfex": ("psfex",)}
VIGNETTES = (
    "X_IMAGE Y_IMAGE FLUX_RADIUS SNR_WIN FLUX_APER(1) FLUXERR_APER(1) ELONGATION FLAGS "
    "VIGNET(41,41)"
)
PHOTOMETRY = (
    "X_IMAGE Y_IMAGE XWIN_IMAGE YWIN_IMAGE X2_IMAGE Y2_IMAGE XY_IMAGE FLUX_AUTO FLUXERR_AUTO "
    "FLUX_APER(3) FLUXERR_APER(3) FLUX_PSF FLUXERR_PSF FLAGS"
)
#: Sigma of a detection. The noise is taken from the image itself, faint objects and all, which
#: makes it larger than the noise of the pixels: 4.2 finds as many stars as ours does at 5, and
#: as many things that are not there.
THRESHOLD = 4.2
_PLAIN = {"VERBOSE_TYPE": "QUIET", "WRITE_XML": "N", "NTHREADS": 1}


@dataclass(frozen=True)
class Run:
    """CPU seconds of the three steps, and the catalogue of the last one.

    Attributes
    ----------
    seconds : dict of float
    undiagnosed : float
        Of PSFEx when it judges its model in one place only, not in the 81 of its default.
    catalogue : Table
    """

    seconds: dict[str, float]
    undiagnosed: float
    catalogue: Table


def programs() -> dict[str, str] | None:
    """Return the programs; nothing where one is not installed."""
    found = {k: next(filter(None, map(shutil.which, names)), None) for k, names in NAMES.items()}
    return found if all(found.values()) else None


def filter_kernel(fwhm: float, half: int = 4) -> np.ndarray:
    """Return a Gaussian filter, sum 1."""
    at = np.arange(-half, half + 1)
    line = np.exp(-4.0 * np.log(2.0) * (at / fwhm) ** 2)
    return np.outer(line, line) / line.sum() ** 2


def measure(
    programs: dict[str, str], image: np.ndarray, fwhm: float, degree: int, folder: Path
) -> Run:
    """Run the three steps on an image in electrons.

    Detection is that of a matched filter, as ours: SExtractor counts its threshold in the noise
    of the image before the filter, which lowers it by the root of the sum of squares. What is
    not set has the programs' defaults.
    """
    kernel = filter_kernel(fwhm)
    rows = "\n".join(" ".join(f"{v:.8f}" for v in row) for row in kernel)
    (folder / "filter.conv").write_text(f"CONV NORM\n{rows}\n")
    (folder / "vignettes.param").write_text("\n".join(VIGNETTES.split()))
    (folder / "photometry.param").write_text("\n".join(PHOTOMETRY.split()))
    fits.writeto(folder / "image.fits", image, overwrite=True)
    common = _PLAIN | {
        "FILTER_NAME": "filter.conv", "DETECT_MINAREA": 1, "BACK_SIZE": 128, "GAIN": 1.0,
        "DETECT_THRESH": THRESHOLD * float(np.sqrt(np.square(kernel).sum())),
        "ANALYSIS_THRESH": 1.5, "SATUR_LEVEL": 80_000.0, "SEEING_FWHM": 0.2 * fwhm,
        "PIXEL_SCALE": 0.2, "CATALOG_TYPE": "FITS_LDAC",
    }  # fmt: skip
    first = common | {
        "CATALOG_NAME": "first.cat", "PARAMETERS_NAME": "vignettes.param", "PHOT_APERTURES": 24,
    }  # fmt: skip
    model = _PLAIN | {
        "PSFVAR_DEGREES": degree, "PSF_SIZE": "25,25", "CHECKPLOT_TYPE": "NONE",
        "CHECKIMAGE_TYPE": "NONE",
    }  # fmt: skip
    last = common | {
        "CATALOG_NAME": "last.cat", "PARAMETERS_NAME": "photometry.param",
        "PHOT_APERTURES": "12,24,34", "PSF_NAME": "first.psf",
    }  # fmt: skip
    seconds = {
        "SExtractor, vignettes": _run([programs["sextractor"], "image.fits"], first, folder),
        "PSFEx": _run([programs["psfex"], "first.cat"], model, folder),
        "SExtractor, PSF photometry": _run([programs["sextractor"], "image.fits"], last, folder),
    }
    once = _run([programs["psfex"], "first.cat"], model | {"PSFVAR_NSNAP": 1}, folder)
    return Run(seconds, once, Table.read(folder / "last.cat", hdu=2))


def _run(command: list[str], settings: dict, folder: Path) -> float:
    """Run a program and return its CPU seconds, the system's too."""
    (folder / "none.conf").write_text("")
    words = [word for key, value in settings.items() for word in (f"-{key}", str(value))]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(  # noqa: S603 - a fixed program
        [*command, "-c", "none.conf", *words], cwd=folder, check=True, capture_output=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
