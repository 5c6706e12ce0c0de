"""Single-visit depth: D1, DF1, Z1 and DB1 (LPM-17 sections 3.3.2.1 and 3.3.2.2)."""

from __future__ import annotations

from skyassay.metrics.contract import Bindings
from skyassay.metrics.depth.visits import DepthMetric, notes
from skyassay.metrics.plugin import Value
from skyassay.metrics.states.unit_rows import UnitRows
from skyassay.metrics.statistics.clustered import clustered_fraction, clustered_quantile
from skyassay.metrics.statistics.tails import scaled
from skyassay.metrics.unit_family import nights

MAG = "mag(AB)"


class _MedianDepth(DepthMetric):
    """Shared by DB1 and D1: the median."""

    unit = MAG

    def values(self, rows: UnitRows, band: str, at: Bindings) -> list[Value]:
        """Return the median depth of one band."""
        kept = self.chosen(rows, self.kind)
        value, interval = clustered_quantile(kept["depth"], nights(kept["mjd"]), 0.5)
        return [Value(value, len(kept), interval, diagnostics=notes(kept))]


class DB1(_MedianDepth):
    """Median five-sigma depth of single visits under fiducial conditions, mag (AB).

    LPM-17 section 3.3.2.2. Each visit's depth is brought to the fiducial seeing, sky, airmass
    and exposure of its band (see `skyassay.metrics.depth.fiducial`); cloudy visits, told by
    their zero points, do not count.

    Differs from the peers: no published package computes it over a survey; analysis_tools
    lists the uncorrected ``magLim`` of every image.
    Not measured when: fewer than three visits or two nights are near fiducial conditions.
    """

    id = "depth.single_visit.db1"
    title = "Single-visit depth by band (DB1)"
    requirements = tuple(f"LPM-17.DB1/{b}" for b in "ugrizy")


class D1(_MedianDepth):
    """Median five-sigma depth of single r visits under fiducial conditions, mag (AB).

    LPM-17 section 3.3.2.1. Each visit's depth is brought to images of 0.7 arcsec, a sky of
    21 mag/arcsec2, airmass 1 and 30 s; cloudy visits, told by their zero points, do not count.

    Differs from the peers: no published package computes it over a survey.
    Not measured when: fewer than three r visits or two nights are near fiducial conditions.
    """

    id = "depth.single_visit.d1"
    title = "Single-visit depth in r (D1)"
    requirements = ("LPM-17.D1/r",)
    bands = ("r",)


class DF1(DepthMetric):
    """Share of good r visits whose corrected depth is brighter than Z1, %.

    LPM-17 section 3.3.2.1. Good are visits with images within 1.2 of the fiducial size, a sky
    at most 0.3 mag brighter, airmass below 1.2, and a clear sky; the SRD names the kinds of
    visits and leaves the numbers open. Their depths are corrected as those of D1.

    Differs from the peers: no published package computes it.
    Not measured when: fewer than three visits or two nights are good.
    """

    id = "depth.single_visit.df1"
    unit = "%"
    title = "Shallow visits (DF1 at Z1)"
    requirements = ("LPM-17.DF1/r",)
    at_units = {"Z1": MAG}  # noqa: RUF012
    bands = ("r",)
    kind = "good"

    def values(self, rows: UnitRows, band: str, at: Bindings) -> list[Value]:
        """Return the share at every bound depth."""
        kept = self.chosen(rows, self.kind)
        depth, label = kept["depth"], nights(kept["mjd"])
        found = []
        for limit in self.bound("Z1", band, at):
            share, interval = clustered_fraction(depth < limit, label, depth)
            percent = scaled(interval, 100.0)
            found.append(Value(100.0 * share, len(kept), percent, {"Z1": limit}, None, notes(kept)))
        return found


class Z1(DepthMetric):
    """Depth that all but DF1 % of the good r visits reach, mag (AB).

    LPM-17 section 3.3.2.1: the DF1-th percentile of the depths that DF1 is about.

    Differs from the peers: no published package computes it.
    Not measured when: fewer than three visits or two nights are good. With fewer than about
    thirty good visits the interval is open below.
    """

    id = "depth.single_visit.z1"
    unit = MAG
    title = "Depth of the shallow tail (Z1 at DF1)"
    requirements = ("LPM-17.Z1/r",)
    at_units = {"DF1": "%"}  # noqa: RUF012
    bands = ("r",)
    kind = "good"

    def values(self, rows: UnitRows, band: str, at: Bindings) -> list[Value]:
        """Return the percentile at every bound share."""
        kept = self.chosen(rows, self.kind)
        found = []
        for percent in self.bound("DF1", band, at):
            value, interval = clustered_quantile(
                kept["depth"], nights(kept["mjd"]), percent / 100.0
            )
            found.append(Value(value, len(kept), interval, {"DF1": percent}, None, notes(kept)))
        return found
