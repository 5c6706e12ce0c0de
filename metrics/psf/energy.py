"""Radii that enclose 80, 95 and 99 % of the PSF's energy: SR1, SR2, SR3 (LPM-17, 3.3.3.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import Bindings, Column, Recipe, Scalar, Table
from skyassay.metrics.plugin import NotMeasured, Value
from skyassay.metrics.psf.budget import budget
from skyassay.metrics.psf.family import ImageMetric
from skyassay.metrics.psf.growth import energy_radius
from skyassay.metrics.psf.recipes import ENERGY
from skyassay.metrics.psf.stars import NIGHT, SOURCE, STAR, VISITS, Images, seeing
from skyassay.metrics.states.unit_rows import UnitRows
from skyassay.metrics.statistics.clustered import clustered_mean
from skyassay.metrics.unit_family import nights, number

_ENERGIES = {"r80": 0.80, "r95": 0.95, "r99": 0.99}
_APERTURES = tuple(f"ap{k:02d}Flux" for k in ENERGY["srd"]["radii"])


@dataclass(frozen=True)
class _EnergyRadius(ImageMetric):
    """Shared by the three radii: the curve of growth of every visit."""

    unit: ClassVar[str] = "arcsec"
    recipes: ClassVar[Mapping[str, Recipe]] = ENERGY
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        SOURCE: (*STAR, *(Column(name, "nJy") for name in _APERTURES)),
        VISITS: NIGHT,
    }
    key: ClassVar[tuple[str, ...]] = ("visit",)
    needed: ClassVar[tuple[str, ...]] = _APERTURES
    #: Which radius.
    radius: ClassVar[str]

    def reduced(self, found: Images) -> dict[str, NDArray[Any]]:
        """Return seeing and energy radii (arcsec) of every visit."""
        scale = float(self.recipe["stars"]["pixel_scale"])
        total = number(found.columns, _APERTURES[-1])
        # A star whose largest aperture holds no flux has no curve; a median bears a few others.
        total = np.where(total > 0.0, total, np.nan)
        shares = [found.reduced(number(found.columns, n) / total, _median) for n in _APERTURES]
        curve = np.stack(shares, axis=1)
        radii = scale * np.array(self.recipe["radii"], dtype=np.float64)
        settings = self.recipe["profile"], self.recipe["least_missing"]
        return {
            "seeing": found.reduced(seeing(found.columns, scale)),
            **{n: energy_radius(radii, curve, e, *settings) for n, e in _ENERGIES.items()},
        }

    def scaled(self, rows: UnitRows) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return radii at the delivered seeing of the SRD, and which visits have one."""
        value = rows[self.radius] * self.recipe["delivered_seeing"] / rows["seeing"]
        return value, np.isfinite(value)

    def values(self, rows: UnitRows, band: str, at: Bindings) -> list[Value]:
        """Return the radius of one band."""
        value, there = self.scaled(rows)
        if not there.any():
            raise NotMeasured(
                "core_unresolved",
                "In every visit the smallest aperture holds more than the asked energy; "
                "smaller apertures are needed.",
            )
        night = nights(rows["mjd"][there])
        mean, interval = clustered_mean(value[there], night)
        notes: dict[str, Scalar] = {
            "n_units": len(np.unique(night)),
            "n_visits": int(there.sum()),
            "n_stars": int(rows["n_stars"][there].sum()),
            "seeing_median": float(np.median(rows["seeing"][there])),
            **budget(value[there], night),
        }
        return [Value(mean, int(there.sum()), interval, diagnostics=notes)]

    def behind(self, rows: UnitRows, band: str) -> Table:
        """Return the scaled radius of every visit."""
        value, there = self.scaled(rows)
        return {
            "value": value[there],
            "mjd": rows["mjd"][there],
            "visit": rows["visit"][there],
            "seeing": rows["seeing"][there],
        }


def _median(values: NDArray[np.float64]) -> float:
    there = values[np.isfinite(values)]
    return float(np.median(there)) if len(there) else float("nan")


class SR1(_EnergyRadius):
    """Radius that encloses 80 % of the energy of a star at a delivered seeing of 0.69 arcsec.

    From the curve of growth of bright stars in `source`, visit by visit: the median share of
    the flux in apertures of 3 to 70 pixels, log radius interpolated along the double Gaussian
    of the SRD, scaled by 0.69 / seeing; the mean over visits (LPM-17, section 3.3.3.2; the
    shape, not the size, is the requirement). Seeing is the FWHM of the Gaussian with the
    stars' second moments. It is 4.6 % above the half-maximum width of the SRD's profile and
    8.6 % below 0.663 pixelscale sqrt(neff).

    Differs from the peers: none of them computes it. The SRD's glossary says diameter and
    90 % for SR2; the specification text decides here.
    Not measured when: a visit has fewer than 10 clean stars, or its smallest aperture holds
    more than the asked energy; all visits belong to one night.
    """

    id = "psf.energy_radius.sr1"
    title = "Radius of 80 % of the PSF energy (SR1)"
    requirements = ("LPM-17.SR1/value",)
    radius = "r80"


class SR2(_EnergyRadius):
    """Radius that encloses 95 % of the energy of a star at a delivered seeing of 0.69 arcsec.

    As SR1, LPM-17 section 3.3.3.2.

    Differs from the peers: none of them computes it.
    Not measured when: see SR1.
    """

    id = "psf.energy_radius.sr2"
    title = "Radius of 95 % of the PSF energy (SR2)"
    requirements = ("LPM-17.SR2/value",)
    radius = "r95"


class SR3(_EnergyRadius):
    """Radius that encloses 99 % of the energy of a star at a delivered seeing of 0.69 arcsec.

    As SR1, LPM-17 section 3.3.3.2. A pure Kolmogorov profile fails it at any level.

    Differs from the peers: none of them computes it.
    Not measured when: see SR1.
    """

    id = "psf.energy_radius.sr3"
    title = "Radius of 99 % of the PSF energy (SR3)"
    requirements = ("LPM-17.SR3/value",)
    radius = "r99"
