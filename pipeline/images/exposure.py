"""An image with all that belongs to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from skyassay.pipeline.astrometry.wcs import SkyWcs
    from skyassay.pipeline.psf.model import PsfModel

Image = NDArray[np.float32]
Mask = NDArray[np.int32]
#: Header keyword -> name in `visit_info`.
VISIT_INFO: Mapping[str, str] = {
    "EXPID": "visit",
    "DAYOBS": "dayObs",
    "FILTER": "physicalFilter",
    "EXPTIME": "expTime",
    "DARKTIME": "darkTime",
    "MJD-BEG": "obsStartMJD",
    "MJD-AVG": "expMidptMJD",
    "RA": "boresightRa",
    "DEC": "boresightDec",
    "ROTPA": "skyRotation",
    "ALT": "altitude",
    "AZ": "azimuth",
    "SEEING": "seeingMonitor",
}


@dataclass(frozen=True)
class PhotoCalib:
    """How counts become magnitudes.

    Attributes
    ----------
    zero_point : float
        AB magnitude of one electron in the whole exposure.
    error : float
        mag.
    """

    zero_point: float
    error: float

    @property
    def nanojansky(self) -> float:
        """Flux of one electron, nJy."""
        return float(10.0 ** (0.4 * (31.4 - self.zero_point)))


@dataclass(frozen=True, eq=False)
class Exposure:
    """An image of one detector.

    Attributes
    ----------
    image : ndarray of float32, shape (ny, nx)
        Electrons (calibration frames: ADU or a ratio; their task says which).
    mask : ndarray of int32, shape (ny, nx)
        Bits of `mask.PLANES`.
    variance : ndarray of float32, shape (ny, nx)
        Of the image, its unit squared.
    metadata : mapping
        Header cards.
    wcs : SkyWcs or None
    psf : PsfModel or None
    photo_calib : PhotoCalib or None
    models : mapping
        Name -> arrays of further models that belong to the image (``apCorr``, ``background``).
    summary : mapping
        Numbers that sum the image up, with the names of `visit_detector_table`.
    """

    image: Image
    mask: Mask
    variance: Image
    metadata: Mapping[str, Any] = field(default_factory=dict)
    wcs: SkyWcs | None = None
    psf: PsfModel | None = None
    photo_calib: PhotoCalib | None = None
    models: Mapping[str, Mapping[str, NDArray[Any]]] = field(default_factory=dict)
    summary: Mapping[str, float] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return (int(self.image.shape[0]), int(self.image.shape[1]))

    @property
    def visit_info(self) -> dict[str, Any]:
        """What the header says of the visit, by Rubin's names; what it does not say is absent."""
        info = {name: self.metadata[k] for k, name in VISIT_INFO.items() if k in self.metadata}
        if "AMSTART" in self.metadata and "AMEND" in self.metadata:
            info["airmass"] = 0.5 * (self.metadata["AMSTART"] + self.metadata["AMEND"])
        return info

    def with_(self, **changes: Any) -> Exposure:
        """Return a copy with other parts."""
        return replace(self, **changes)

    def cut(self, x0: int, x1: int, y0: int, y1: int) -> Exposure:
        """Return columns x0..x1 and rows y0..y1; models keep the coordinates of the whole."""
        box = np.s_[y0:y1, x0:x1]
        return replace(
            self, image=self.image[box], mask=self.mask[box], variance=self.variance[box]
        )
