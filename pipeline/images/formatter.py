"""How a Butler reads and writes our images."""

from __future__ import annotations

from typing import Any

from astropy.io import fits
from lsst.daf.butler import FormatterV2, StorageClassDelegate
from lsst.resources import ResourcePath

from skyassay.pipeline.images.exposure import Exposure, PhotoCalib
from skyassay.pipeline.images.fits import (
    PLANE_NAMES,
    from_hdus,
    metadata_of,
    models_of,
    native,
    summary_of,
    to_hdus,
)
from skyassay.pipeline.instrument.raw import read_header, read_raw

Box = tuple[int, int, int, int]


def component(exposure: Exposure, name: str) -> Any:
    """Return one component of an exposure by its Butler name."""
    ny, nx = exposure.shape
    found = {
        "image": exposure.image,
        "mask": exposure.mask,
        "variance": exposure.variance,
        "metadata": dict(exposure.metadata),
        "visitInfo": exposure.visit_info,
        "summaryStats": dict(exposure.summary),
        "wcs": exposure.wcs,
        "psf": exposure.psf,
        "photoCalib": exposure.photo_calib,
        "bbox": {"x0": 0, "x1": nx, "y0": 0, "y1": ny},
    }
    return found[name]


class ExposureFormatter(FormatterV2):  # type: ignore[misc]
    """Exposures as FITS; components and boxes are read without the rest."""

    default_extension = ".fits"
    can_read_from_local_file = True

    def read_from_local_file(
        self, path: str, component: str | None = None, expected_size: int = -1
    ) -> Any:
        """Return the exposure, a component, or the box asked for."""
        with fits.open(path, memmap=False) as hdus:
            if component is not None:
                return _read_component(hdus, component)
            exposure = from_hdus(hdus)
        parameters = self.file_descriptor.parameters or {}
        return exposure.cut(*parameters["bbox"]) if "bbox" in parameters else exposure

    def write_local_file(self, in_memory_dataset: Exposure, uri: ResourcePath) -> None:
        """Write FITS with checksums."""
        to_hdus(in_memory_dataset).writeto(uri.ospath, checksum=True)


def _read_component(hdus: fits.HDUList, name: str) -> Any:
    """Return one component; only what it needs is decoded."""
    if name.upper() in PLANE_NAMES:
        return native(hdus[name.upper()].data)
    if name == "metadata":
        return metadata_of(hdus)
    if name == "photoCalib":
        header = hdus[0].header
        known = "PHOTOZP" in header
        return PhotoCalib(header["PHOTOZP"], header["PHOTOZPE"]) if known else None
    if name == "bbox":
        ny, nx = hdus["IMAGE"].shape
        return {"x0": 0, "x1": nx, "y0": 0, "y1": ny}
    models = models_of(hdus)
    if name == "summaryStats":
        return summary_of(models.get("SUMMARY"))
    if name == "wcs" and "WCS" in models:
        from skyassay.pipeline.astrometry.wcs import SkyWcs

        return SkyWcs.from_arrays(models["WCS"])
    return component(from_hdus(hdus), name)


class RawFormatter(FormatterV2):  # type: ignore[misc]
    """Raw frames as the camera wrote them; a Butler never writes one."""

    default_extension = ".fits"
    can_read_from_local_file = True

    def read_from_local_file(
        self, path: str, component: str | None = None, expected_size: int = -1
    ) -> Any:
        """Return the frame or its header."""
        return read_header(path) if component == "metadata" else read_raw(path)

    def write_local_file(self, in_memory_dataset: Any, uri: ResourcePath) -> None:
        """Write the frame, for repositories that copy it."""
        in_memory_dataset.write(uri.ospath)


class ExposureDelegate(StorageClassDelegate):  # type: ignore[misc]
    """Components and boxes of exposures in memory."""

    def getComponent(self, composite: Exposure, componentName: str) -> Any:  # noqa: N802
        """Return one component."""
        return component(composite, componentName)

    def handleParameters(  # noqa: N802
        self, inMemoryDataset: Exposure, parameters: Any = None
    ) -> Exposure:
        """Return the box asked for."""
        if parameters and "bbox" in parameters:
            return inMemoryDataset.cut(*parameters["bbox"])
        return inMemoryDataset


class RawDelegate(StorageClassDelegate):  # type: ignore[misc]
    """The header of a raw frame in memory."""

    def getComponent(self, composite: Any, componentName: str) -> Any:  # noqa: N802
        """Return the header."""
        return dict(composite.header)
