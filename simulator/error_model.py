"""Every error of the measurement-level twin, with its size, per band."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.errors import SimulatorError

Floats = NDArray[np.float64]
BANDS = ("u", "g", "r", "i", "z", "y")
#: Magnitudes per unit of relative flux error.
POGSON = 2.5 / np.log(10.0)
MAS_PER_RADIAN = 180.0 / np.pi * 3.6e6
MAS_PER_ARCMIN = 6.0e4


@dataclass(frozen=True)
class BandErrors:
    """Sizes of the errors of one band; Gaussian standard deviations unless said.

    Attributes
    ----------
    band : str
    gamma : float
        Shape of the photon noise (Ivezic et al. 2019, eq. 5 and table 2).
    saturation : float
        Magnitude at which a star saturates in a standard visit.
    photon : float
        Multiplier of the photon noise, in flux and in position; 0 switches it off.
    floor_mmag : float
        White photometric error of one star in one visit.
    zero_point_visit_mmag, zero_point_detector_mmag : float
        Zero-point error shared by a visit, and by a visit and detector.
    white_mas : float
        White astrometric error per coordinate of one star in one visit.
    centroid : float
        C of the photon term C x FWHM / SNR per coordinate.
    translation_mas : float
        Shift per coordinate shared by a visit.
    scale, shear : float
        Linear distortion shared by a visit, dimensionless; `shear` is the size of each of
        its two components. A separation D is wrong by D sqrt(scale^2 + shear^2) in any direction.
    offset_ra_mas, offset_dec_mas : float
        Constant offset of the frame of this band (not random).
    tail_fraction, tail_scale : float
        In this share of visits every term shared by the visit is `tail_scale` times larger.
    """

    band: str
    gamma: float = 0.039
    saturation: float = 16.0
    photon: float = 1.0
    floor_mmag: float = 0.7
    zero_point_visit_mmag: float = 0.8
    zero_point_detector_mmag: float = 0.4
    white_mas: float = 1.8
    centroid: float = 0.425
    translation_mas: float = 1.0
    scale: float = 2.0e-7
    shear: float = 2.0e-7
    offset_ra_mas: float = 0.0
    offset_dec_mas: float = 0.0
    tail_fraction: float = 0.0
    tail_scale: float = 3.0

    def __post_init__(self) -> None:
        """Refuse sizes that are not sizes."""
        signed = {"offset_ra_mas", "offset_dec_mas", "saturation"}
        for name, value in asdict(self).items():
            if name == "band":
                continue
            if not np.isfinite(value) or (name not in signed and value < 0):
                raise SimulatorError(
                    f"The error term {name} of band {self.band} is {value}.",
                    code="bad_error_term",
                    hint="Sizes are finite and not negative.",
                    exit_code=4,
                )
        if self.tail_fraction > 1:
            raise SimulatorError(
                "tail_fraction is a share and cannot exceed 1.", code="bad_error_term", exit_code=4
            )

    @property
    def distortion(self) -> float:
        """Relative error of a separation in one visit, without tail."""
        return float(np.hypot(self.scale, self.shear))

    def photon_mag(self, mag: Floats, m5: Floats) -> Floats:
        """Return the photon noise in magnitudes (Ivezic et al. 2019, eq. 5), broadcast."""
        x = 10.0 ** (0.4 * (mag - m5))
        return np.asarray(self.photon * np.sqrt((0.04 - self.gamma) * x + self.gamma * x * x))

    def photon_mas(self, mag: Floats, m5: Floats, seeing: Floats) -> Floats:
        """Return the photon noise per coordinate in mas; `seeing` is the FWHM in arcsec."""
        return np.asarray(self.centroid * seeing * 1e3 * self.photon_mag(mag, m5) / POGSON)


@dataclass(frozen=True)
class ErrorModel:
    """The whole error model of the twin.

    Attributes
    ----------
    bands : tuple of BandErrors
    snr_min : float
        Fainter measurements are not detected.
    flag_rate : float
        Share of measurements hit by a cosmic ray, and of those on a bad pixel.
    flagged_mag : float
        Error of the flux of a flagged measurement, so that a metric which ignores flags shows it.
    """

    bands: tuple[BandErrors, ...]
    snr_min: float = 5.0
    flag_rate: float = 1.0e-3
    flagged_mag: float = 0.05

    def __getitem__(self, band: str) -> BandErrors:
        """Return the errors of one band."""
        for errors in self.bands:
            if errors.band == band:
                return errors
        raise SimulatorError(
            f"The error model has no band {band!r}.",
            code="unknown_band",
            hint=f"It has {', '.join(b.band for b in self.bands)}.",
            exit_code=4,
        )

    def with_bands(self, **changes: Any) -> ErrorModel:
        """Return a copy with fields changed in every band.

        A mapping from band to value changes only the bands it names.
        """
        return replace(self, bands=tuple(_change(b, changes) for b in self.bands))


def _change(errors: BandErrors, changes: Mapping[str, Any]) -> BandErrors:
    """Return `errors` with its share of `changes`."""
    mine = {
        name: (value[errors.band] if isinstance(value, Mapping) else value)
        for name, value in changes.items()
        if not isinstance(value, Mapping) or errors.band in value
    }
    return replace(errors, **mine)


def default_model() -> ErrorModel:
    """Return the nominal error model.

    `gamma` is Ivezic et al. (2019), table 2; saturation is the LSST Science Book's (2.0) for
    a 15 s exposure.
    """
    base = ErrorModel(bands=tuple(BandErrors(band=b) for b in BANDS))
    return base.with_bands(
        gamma={"u": 0.038},
        white_mas={"u": 1.0, "z": 1.4, "y": 1.3},
        saturation={"u": 14.7, "g": 15.7, "r": 15.8, "i": 15.8, "z": 15.3, "y": 13.9},
        floor_mmag={"u": 1.5, "z": 1.0, "y": 1.2},
        zero_point_visit_mmag={"u": 2.3, "z": 1.2, "y": 1.4},
        offset_ra_mas={"u": 1.5, "g": 1.0, "i": -0.6, "z": 0.8, "y": -1.0},
        offset_dec_mas={"u": -1.0, "g": 0.7, "i": 0.5, "z": -0.9, "y": 1.2},
    )
