"""Images with large residual correlations: TE3, TE4, TEF (LPM-17, 3.4.0.4; LSE-61, 5.1.3)."""

from __future__ import annotations

from itertools import product
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import Bindings, Table
from skyassay.metrics.plugin import NotMeasured, Value
from skyassay.metrics.psf.correlation import ResidualCorrelation
from skyassay.metrics.psf.pairs import COMPONENTS
from skyassay.metrics.states.unit_rows import UnitRows
from skyassay.metrics.statistics.clustered import clustered_fraction, clustered_quantile
from skyassay.metrics.statistics.tails import scaled
from skyassay.metrics.unit_family import nights

Floats = NDArray[np.float64]


class _Tail(ResidualCorrelation):
    """Shared by the tails: sizes of single images' correlations without their own noise."""

    def sharp(self, rows: UnitRows, limits: dict[str, float]) -> UnitRows:
        """Return the images whose stars can tell their correlation to a third of the limits.

        An image's own noise is larger where its residuals are, and dropping those would hide
        what is looked for. So the noise of a typical pair and the number of pairs decide.

        Raises
        ------
        NotMeasured
            ``images_too_noisy``.
        """
        kept = self.with_pairs(rows, *limits)
        enough = np.ones(len(kept), dtype=bool)
        for where, limit in limits.items():
            for component in COMPONENTS:
                own = _expected_noise(kept, component, where)
                enough &= own <= self.recipe["noise_share_max"] * limit
        if not enough.any():
            raise NotMeasured(
                "images_too_noisy",
                "The residual correlation of no image is known to a third of the limit; more "
                "reserved stars per image are needed.",
            )
        return kept.where(enough)

    def size(self, kept: UnitRows, component: str, where: str) -> Floats:
        """Return the size of each image's correlation, the known noise removed."""
        x = kept[f"xi_{component}_{where}"]
        own = float(np.mean(np.square(_expected_noise(kept, component, where))))
        total = float(np.var(x, ddof=1)) if len(x) > 1 else 0.0
        least = float(self.recipe["scatter_kept_min"])
        left = np.sqrt(max(1.0 - own / total, least**2)) if total > 0.0 else 1.0
        return np.asarray(np.abs(x.mean() + left * (x - x.mean())))


def _expected_noise(rows: UnitRows, component: str, where: str) -> Floats:
    """Return what a typical pair's noise makes of each image's number of pairs."""
    root = np.sqrt(rows[f"pairs_{where}"].astype(np.float64))
    return np.asarray(float(np.median(rows[f"noise_{component}_{where}"] * root)) / root)


class _Percentile(_Tail):
    """Shared by TE3 and TE4: the correlation that TEF % of the images exceed."""

    #: Name of the limit in the recipe, to which images must be known.
    limit: ClassVar[str]
    at_units = {"TEF": "%"}  # noqa: RUF012 - a class constant of the contract

    def values(self, rows: UnitRows, band: str, at: Bindings) -> list[Value]:
        """Return the percentile of each component at every bound TEF."""
        kept = self.sharp(rows, {self.where: self.recipe[self.limit]})
        night = nights(kept["mjd"])
        notes = self.notes(kept, night, self.where)
        found = []
        for share, component in product(self.bound("TEF", band, at), COMPONENTS):
            size = self.size(kept, component, self.where)
            value, interval = clustered_quantile(size, night, 1.0 - share / 100.0)
            found.append(Value(value, len(size), interval, {"TEF": share}, component, notes))
        return found


class TE3(_Percentile):
    """Correlation up to 1 arcmin that TEF % of the single images exceed.

    The (100 - TEF)th percentile over images of |E1|, |E2| and |Ex| of TE1 (LPM-17, section
    3.4.0.4). The noise of each image from its finite number of stars is taken off the scatter.

    Differs from the peers: faro and pipe_tasks report values per visit or detector but no
    percentile, at separations up to 5 arcmin (the DMSR's reading, a metric of its own here).
    Not measured when: see TE1; or the stars of no image tell its correlation to a third of
    the limit.
    """

    id = "psf.residual_correlation.te3"
    title = "Residual correlation of single images up to 1 arcmin (TE3 at TEF)"
    requirements = ("LPM-17.TE3/ri",)
    where = "near"
    limit = "TE3"


class TE3Below5(_Percentile):
    """Correlation below 5 arcmin that TEF % of the single images exceed.

    TE3 as LSE-61 (DMS-REQ-0362) describes it: all pairs below 5 arcmin. The wider range
    lowers the mean and makes the same limit easier to meet.

    Differs from the peers: see TE3.
    Not measured when: see TE3.
    """

    id = "psf.residual_correlation.te3_below_5arcmin"
    title = "Residual correlation of single images below 5 arcmin (TE3 of the DMSR)"
    requirements = ("DMS-REQ-0362/TE3",)
    where = "below"
    limit = "TE3"


class TE4(_Percentile):
    """Correlation from 5 arcmin that TEF % of the single images exceed.

    As TE3, over all pairs of an image at least 5 arcmin apart (LPM-17, section 3.4.0.4).

    Differs from the peers: faro and pipe_tasks stop at 20 arcmin; see TE3.
    Not measured when: see TE3. It takes several hundred reserved stars per image.
    """

    id = "psf.residual_correlation.te4"
    title = "Residual correlation of single images from 5 arcmin (TE4 at TEF)"
    requirements = ("LPM-17.TE4/ri", "DMS-REQ-0362/TE4")
    where = "far"
    limit = "TE4"


class _Share(_Tail):
    """Shared by both TEF: the images beyond either limit."""

    unit = "%"
    at_units = {"TE3": "", "TE4": ""}  # noqa: RUF012

    def values(self, rows: UnitRows, band: str, at: Bindings) -> list[Value]:
        """Return the share of each component at every bound pair of limits."""
        found: list[Value] = []
        why: NotMeasured | None = None
        for limits in zip(*self._levels(band, at), strict=True):
            try:
                found += self._at(rows, *limits)
            except NotMeasured as reason:
                # One level's limits may be too tight for these images, another's not.
                why = reason
        if why is not None and not found:
            raise why
        return found

    def _at(self, rows: UnitRows, te3: float, te4: float) -> list[Value]:
        kept = self.sharp(rows, {self.where: te3, "far": te4})
        night = nights(kept["mjd"])
        notes = self.notes(kept, night, "far")
        found = []
        for component in COMPONENTS:
            sizes = self.size(kept, component, self.where), self.size(kept, component, "far")
            beyond = np.maximum(sizes[0] / te3, sizes[1] / te4)
            share, interval = clustered_fraction(beyond > 1.0, night, beyond)
            percent, asked = scaled(interval, 100.0), {"TE3": te3, "TE4": te4}
            found.append(Value(100.0 * share, len(beyond), percent, asked, component, notes))
        return found

    def _levels(self, band: str, at: Bindings) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return the limits of each level: both rise together, else all combinations."""
        te3, te4 = self.bound("TE3", band, at), self.bound("TE4", band, at)
        if len(te3) == len(te4):
            return te3, te4
        pairs = list(product(te3, te4))
        return tuple(p[0] for p in pairs), tuple(p[1] for p in pairs)

    def behind(self, rows: UnitRows, band: str) -> Table:
        """Return how far each image is from the nearer limit: 1 is at the limit."""
        limits = {self.where: float(self.recipe["TE3"]), "far": float(self.recipe["TE4"])}
        kept = self.sharp(rows, limits)
        ratio = np.max(
            [self.size(kept, c, w) / x for w, x in limits.items() for c in COMPONENTS], axis=0
        )
        return {"value": ratio, "mjd": kept["mjd"], "visit": kept["visit"]}


class TEF(_Share):
    """Share of images whose residual correlations exceed TE3 (up to 1 arcmin) or TE4, %.

    Each of E1, E2 and Ex apart; sizes of single images with the known noise removed (LPM-17,
    section 3.4.0.4). Binomial limits for the effective number of independent images.

    Differs from the peers: none of them computes it.
    Not measured when: see TE3 and TE4.
    """

    id = "psf.residual_correlation.tef"
    title = "Share of images with residual correlations (TEF at TE3, TE4)"
    requirements = ("LPM-17.TEF/ri",)
    where = "near"


class TEFBelow5(_Share):
    """Share of images whose residual correlations exceed TE3 (below 5 arcmin) or TE4, %.

    TEF with the TE3 of LSE-61 (DMS-REQ-0362).

    Differs from the peers: none of them computes it.
    Not measured when: see TE3 and TE4.
    """

    id = "psf.residual_correlation.tef_below_5arcmin"
    title = "Share of images with residual correlations (TEF of the DMSR)"
    requirements = ("DMS-REQ-0362/TEF",)
    where = "below"
