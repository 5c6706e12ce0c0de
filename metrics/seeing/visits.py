"""The state of every seeing metric: delivered size, and the atmosphere's part in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import Column, Recipe, Scalar, Tables
from skyassay.metrics.plugin import NotMeasured
from skyassay.metrics.states.unit_rows import UnitRows
from skyassay.metrics.unit_family import (
    ABSURD,
    Columns,
    UnitMetric,
    all_finite,
    night_share,
    nights,
    number,
)

Floats = NDArray[np.float64]
PRODUCT = "visit_table"
COLUMNS = (
    Column("visit"),
    Column("band"),
    Column("expMidptMJD", "d"),
    Column("airmass"),
    Column("seeing", "arcsec"),
    Column("atmosphericSeeing", "arcsec"),
    Column("atmosphericSeeingErr", "arcsec"),
)
#: From the monitor (500 nm, zenith) to the visit by Kolmogorov's law (Roddier 1981). A finite
#: outer scale makes the real law steeper in wavelength; what it changes counts as system.
ATMOSPHERE: Mapping[str, Any] = {
    "wavelength_nm": {"u": 368.0, "g": 480.0, "r": 622.0, "i": 754.0, "z": 869.0, "y": 971.0},
    "wavelength_power": -0.2,
    "airmass_power": 0.6,
    "error_max": 0.15,
}
SRD_SEEING = Recipe(
    "srd",
    {
        "atmosphere": ATMOSPHERE,
        "airmass_max": 1.2,
        "min_visits": 3,
        # Visits count for a seeing when they are this near to it, relative.
        "near": 0.1,
        "seeing": [0.44, 0.60, 0.80],
        # The design column of LPM-17 table 9, for the S1 of the seeing at hand.
        "S1": {"seeing": [0.44, 0.60, 0.80], "size": [0.56, 0.69, 0.87]},
        "SX": 1.1,
        # The error budget of LPM-17 table 10.
        "SXE": {"airmass": 2.0, "low": 1.8, "high": 2.2},
        "size": "0.663 pixel scale sqrt(neff), median of the field",
        "system": "size^2 - atmosphere^2, known noise of the monitor removed",
    },
)


@dataclass(frozen=True)
class SeeingMetric(UnitMetric):
    """Shared by the metrics of delivered image sizes against atmospheric seeing: the fold.

    Size and seeing are compared along the line of sight in the visit's band: the monitor's
    value, at 500 nm at the zenith, is brought there by the powers of airmass and wavelength.
    """

    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": SRD_SEEING}
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {PRODUCT: COLUMNS}

    @property
    def state_key(self) -> str:
        """Return the hash of what the fold depends on: all of these share one state."""
        return Recipe("visit_sizes", {"atmosphere": self.recipe["atmosphere"]}).hash

    def rows(self, part: Tables) -> tuple[Columns, NDArray[np.bool_]]:
        """Return each visit's delivered size, and the atmosphere's with its noise, arcsec."""
        table = part[PRODUCT]
        band = np.asarray(table["band"]).astype(str)
        airmass, size = number(table, "airmass"), number(table, "seeing")
        atmosphere, error = (
            number(table, n) for n in ("atmosphericSeeing", "atmosphericSeeingErr")
        )
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            factor = along_the_line_of_sight(self.recipe["atmosphere"], band, airmass)
            noisy = error > self.recipe["atmosphere"]["error_max"] * atmosphere
        columns = {
            "visit": np.asarray(table["visit"]).astype(np.int64),
            "band": band,
            "mjd": number(table, "expMidptMJD"),
            "airmass": airmass,
            "size": size,
            "atmosphere": atmosphere * factor,
            "error": error * factor,
        }
        usable = all_finite(columns) & (airmass >= 1.0) & ~noisy
        usable &= (size > 0) & (size < ABSURD) & (airmass < ABSURD)
        # A monitor that says just what the images show is a copy of their size.
        usable &= atmosphere != size
        return columns, usable & (atmosphere > 0) & (atmosphere < ABSURD) & (error >= 0)

    def due(self, columns: Columns) -> NDArray[np.bool_]:
        """Return which visits the monitor saw: without it, no size is compared."""
        told = self.recipe["atmosphere"], columns["atmosphere"], columns["error"]
        return _monitored(*told)


def _monitored(atmosphere: Mapping[str, Any], seeing: Floats, error: Floats) -> NDArray[np.bool_]:
    """Return for which visits the monitor tells the seeing well enough."""
    with np.errstate(invalid="ignore"):
        told = np.isfinite(seeing) & (seeing > 0) & (seeing < ABSURD) & (error >= 0)
        return np.asarray(told & ~(error > atmosphere["error_max"] * seeing))


def along_the_line_of_sight(
    atmosphere: Mapping[str, Any], band: NDArray[Any], airmass: Floats
) -> Floats:
    """Return what turns seeing at 500 nm at the zenith into that of a visit's images."""
    names, index = np.unique(band.astype(str), return_inverse=True)
    nm = atmosphere["wavelength_nm"]
    wave = np.array([nm.get(str(n), np.nan) for n in names], dtype=np.float64)[index]
    chromatic = (wave / 500.0) ** atmosphere["wavelength_power"]
    return np.asarray(airmass ** atmosphere["airmass_power"] * chromatic)


def system_squared(rows: UnitRows) -> Floats:
    """Return the square of what telescope and camera add to each image, arcsec squared.

    The square of a noisy seeing is too large by the square of its noise on average.
    """
    return np.asarray(rows["size"] ** 2 - rows["atmosphere"] ** 2 + rows["error"] ** 2)


def refuse_impossible(rows: UnitRows) -> None:
    """Refuse visits whose atmosphere alone is as large as their images, or whose sizes never vary.

    Images cannot be sharper than the air: such a monitor is wrong (its unit, a copy of the
    delivered size), and all that is left for telescope and camera would look like nothing.

    Raises
    ------
    NotMeasured
        ``atmosphere_exceeds_image``, ``no_scatter``.
    """
    if len(rows) > 1 and np.ptp(rows["size"]) == 0.0:
        raise NotMeasured("no_scatter", "All sizes are the same: no real images repeat so well.")
    if float(system_squared(rows).mean()) <= 0.0:
        raise NotMeasured(
            "atmosphere_exceeds_image",
            "The atmosphere alone is larger than the images: check the seeing monitor.",
        )


def calibrated_atmosphere(rows: UnitRows) -> Floats:
    """Return the atmosphere's size as best known, given its noise and how it is distributed.

    Among visits that a noisy monitor calls excellent more are worse than better ones; seen
    from a chosen seeing this shifts the truth towards the mean by the noise's share of the
    scatter (regression calibration: Carroll et al. 2006, chapter 4), here of the logarithm.
    """
    log = np.log(rows["atmosphere"])
    scatter = float(np.var(log))
    noise = float(np.mean((rows["error"] / rows["atmosphere"]) ** 2))
    share = min(noise / scatter, 1.0) if scatter > 0.0 else 0.0
    return np.asarray(np.exp(log - share * (log - log.mean())))


def notes(rows: UnitRows, values: Floats) -> dict[str, Scalar]:
    """Return the diagnostics of visits: how many nights share how much of the scatter."""
    label = nights(rows["mjd"])
    return {
        "n_units": int(label.max()) + 1,
        "n_visits": len(rows),
        "budget_night": night_share(values, label),
    }
