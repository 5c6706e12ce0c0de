"""Exposures as FITS: IMAGE, MASK, VARIANCE, and an extension for each array of a model.

Other software sees an image with its mask, variance and a TAN-SIP WCS in the IMAGE header.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from skyassay.pipeline.images.exposure import Exposure, PhotoCalib
from skyassay.pipeline.images.mask import PLANES
from skyassay.pipeline.instrument.raw import STRUCTURAL

PLANE_NAMES = ("IMAGE", "MASK", "VARIANCE")
Arrays = Mapping[str, NDArray[Any]]


def to_hdus(exposure: Exposure) -> fits.HDUList:
    """Return an exposure as FITS extensions."""
    primary = fits.Header()
    for name, value in exposure.metadata.items():
        if name not in STRUCTURAL and not (isinstance(value, float) and not math.isfinite(value)):
            primary[name] = value
    if exposure.photo_calib is not None:
        primary["PHOTOZP"] = (exposure.photo_calib.zero_point, "AB mag of one electron")
        primary["PHOTOZPE"] = (exposure.photo_calib.error, "its error, mag")
    image = fits.ImageHDU(exposure.image, name="IMAGE")
    mask = fits.ImageHDU(exposure.mask, name="MASK")
    for name, number in PLANES.items():
        mask.header[f"HIERARCH MP_{name}"] = number
    hdus = [fits.PrimaryHDU(header=primary), image, mask]
    hdus.append(fits.ImageHDU(exposure.variance, name="VARIANCE"))
    if exposure.wcs is not None:
        image.header.update(exposure.wcs.to_header())
        hdus += _arrays("WCS", exposure.wcs.to_arrays())
    if exposure.psf is not None:
        hdus += _arrays("PSF", exposure.psf.to_arrays())
    for name, arrays in exposure.models.items():
        hdus += _arrays(name, arrays)
    if exposure.summary:
        # Text keeps "not a number" apart from a number, which a FITS card cannot.
        text = json.dumps({k: None if v != v else v for k, v in exposure.summary.items()})
        hdus += _arrays("SUMMARY", {"json": np.frombuffer(text.encode(), dtype=np.uint8)})
    return fits.HDUList(hdus)


def _arrays(model: str, arrays: Arrays) -> list[fits.ImageHDU]:
    """Return one extension per array; its model and name are in its header."""
    made = []
    for name, array in arrays.items():
        found = np.asarray(array)
        hdu = fits.ImageHDU(found.reshape(1) if found.ndim == 0 else found)
        hdu.header["EXTNAME"] = "MODEL"
        hdu.header["MODEL"] = model
        hdu.header["ARRAY"] = name
        hdu.header["SCALAR"] = found.ndim == 0
        made.append(hdu)
    return made


def native(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array in the machine's byte order: FITS has the other one."""
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))


def models_of(hdus: fits.HDUList) -> dict[str, dict[str, NDArray[Any]]]:
    """Return model -> arrays."""
    found: dict[str, dict[str, NDArray[Any]]] = {}
    for hdu in hdus:
        if "MODEL" in hdu.header and "ARRAY" in hdu.header:
            array = native(hdu.data)
            whole = array.reshape(()) if hdu.header["SCALAR"] else array
            found.setdefault(hdu.header["MODEL"], {})[hdu.header["ARRAY"]] = whole
    return found


def metadata_of(hdus: fits.HDUList) -> dict[str, Any]:
    """Return the cards of the primary header."""
    own = {*STRUCTURAL, "PHOTOZP", "PHOTOZPE"}
    return {k: v for k, v in hdus[0].header.items() if k and k not in own}


def from_hdus(hdus: fits.HDUList) -> Exposure:
    """Return the exposure that `to_hdus` wrote."""
    from skyassay.pipeline.astrometry.wcs import SkyWcs
    from skyassay.pipeline.psf.model import PsfModel

    models = models_of(hdus)
    wcs, psf = models.pop("WCS", None), models.pop("PSF", None)
    summary = models.pop("SUMMARY", None)
    header = hdus[0].header
    return Exposure(
        image=native(hdus["IMAGE"].data),
        mask=native(hdus["MASK"].data),
        variance=native(hdus["VARIANCE"].data),
        metadata=metadata_of(hdus),
        wcs=SkyWcs.from_arrays(wcs) if wcs else None,
        psf=PsfModel.from_arrays(psf) if psf else None,
        photo_calib=(
            PhotoCalib(header["PHOTOZP"], header["PHOTOZPE"]) if "PHOTOZP" in header else None
        ),
        models=models,
        summary=summary_of(summary),
    )


def summary_of(arrays: Arrays | None) -> dict[str, float]:
    """Return the summary that `to_hdus` wrote, empty where there is none."""
    if arrays is None:
        return {}
    found = json.loads(arrays["json"].tobytes().decode())
    return {k: float("nan") if v is None else float(v) for k, v in found.items()}
