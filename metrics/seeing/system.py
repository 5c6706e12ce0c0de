"""What telescope and camera add to the images: SysIQ and SXE (LPM-17 section 3.3.3.1)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import Bindings, Interval, Table
from skyassay.metrics.plugin import NotMeasured, Value
from skyassay.metrics.seeing.delivered import near_zenith
from skyassay.metrics.seeing.visits import SeeingMetric, notes, system_squared
from skyassay.metrics.states.unit_rows import UnitRows
from skyassay.metrics.statistics.clustered import clustered_mean
from skyassay.metrics.unit_family import nights

Floats = NDArray[np.float64]


class _SystemPart(SeeingMetric):
    """Shared by SysIQ and SXE: the root of the mean square."""

    unit = "arcsec"

    def chosen(self, rows: UnitRows) -> tuple[UnitRows, Floats]:
        """Return the visits that count, and the square of their system part."""
        raise NotImplementedError

    def values(self, rows: UnitRows, band: str, at: Bindings) -> list[Value]:
        """Return the system part of one band."""
        kept, squared = self.chosen(rows)
        mean, interval = clustered_mean(squared, nights(kept["mjd"]))
        if mean <= 0.0:
            raise NotMeasured(
                "atmosphere_exceeds_image",
                "The atmosphere alone is larger than the images: check the seeing monitor.",
            )
        return [
            Value(math.sqrt(mean), len(kept), _root(interval), diagnostics=notes(kept, squared))
        ]

    def behind(self, rows: UnitRows, band: str) -> Table:
        """Return the system part of each visit, arcsec; negative where its square is."""
        kept, squared = self.chosen(rows)
        value = np.sign(squared) * np.sqrt(np.abs(squared))
        return {"value": value} | {n: kept[n] for n in ("visit", "mjd", "airmass")}


class SysIQ(_SystemPart):
    """System part of the delivered image size near the zenith in u, g, z and y, arcsec.

    LPM-17 section 3.3.3.1: root of the mean over visits of the size squared less the
    atmosphere's squared, which is what quadrature means; the monitor's noise is allowed for.

    Differs from the peers: no published package computes it.
    Not measured when: fewer than three visits or two nights are near the zenith, or the
    atmosphere alone is larger than the images: then the monitor cannot be trusted.
    """

    id = "seeing.system.sysiq"
    title = "System image size outside r and i (SysIQ)"
    requirements = ("LPM-17.SysIQ/ugzy",)
    bands = ("u", "g", "z", "y")

    def chosen(self, rows: UnitRows) -> tuple[UnitRows, Floats]:
        """Return the visits that count, and the square of their system part."""
        kept = near_zenith(self, rows)
        return kept, system_squared(kept)


class SXE(_SystemPart):
    """System part of the delivered image size at airmass 2, arcsec.

    LPM-17 section 3.3.3.1, table 10. Visits between airmass 1.8 and 2.2 count; each system
    part is brought to airmass 2 by the power of the airmass that the SRD's two error budgets
    (0.35 at the zenith, 0.52 at 2) follow.

    Differs from the peers: no published package computes it.
    Not measured when: fewer than three visits or two nights were so low; none at all is out
    of scope.
    """

    id = "seeing.system.sxe"
    title = "System image size at airmass two (SXE)"
    requirements = ("LPM-17.SXE/value",)

    def chosen(self, rows: UnitRows) -> tuple[UnitRows, Floats]:
        """Return the visits near airmass 2, and the square of their system part there."""
        asked = self.recipe["SXE"]
        kept = rows.where((rows["airmass"] >= asked["low"]) & (rows["airmass"] <= asked["high"]))
        if len(kept) < self.recipe["min_visits"]:
            raise NotMeasured(
                "too_few_visits" if len(kept) else "out_of_scope_no_low_visits",
                f"{len(kept)} visits were taken between airmass {asked['low']} "
                f"and {asked['high']}.",
            )
        power = 2.0 * self.recipe["atmosphere"]["airmass_power"]
        return kept, system_squared(kept) * (asked["airmass"] / kept["airmass"]) ** power


def _root(interval: Interval) -> Interval:
    """Return the interval of the root; what lies below zero is zero."""
    low, high, lower, upper = (
        math.sqrt(max(x, 0.0))
        for x in (interval.low, interval.high, interval.lower, interval.upper)
    )
    return Interval(
        low=low,
        high=high,
        confidence=interval.confidence,
        method=f"root of a {interval.method}",
        lower=lower,
        upper=upper,
        one_sided_confidence=interval.one_sided_confidence,
    )
