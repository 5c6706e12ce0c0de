"""How much the photometric zero point wanders from visit to visit, and how much it may."""

import numpy as np

from skyassay.metrics.family import NotMeasured, StarMetric, Value
from skyassay.metrics.plugin import Recipe, spread_interval
from skyassay.metrics.visit_table import visit_table

ID = "photometry.zeropoint.visit_scatter"
CLEAN_STARS = {"mag": {"*": [17.0, 20.0]}, "snr": [100.0, None], "min_visits": 3}


class VisitScatter(StarMetric):
    """Standard deviation over visits of the median residual of bright stars, mmag.

    A star's residual is its magnitude in a visit minus its mean over the visits.
    """

    id = ID
    unit = "mmag"
    title = "Scatter of the zero point from visit to visit"
    requirements = ("OBS-1.ZP1/gri",)
    recipes = {"medians": Recipe("medians", {"selection": CLEAN_STARS, "stars_per_visit": 20})}
    # 2000 trials at 3 to 30 visits (tests/plugins): void as soon as the recipe changes
    certificate = {"recipe_hash": "925c9f7e9da1d407", "certified": True}

    def values(self, state, band, at):
        """Return the scatter of one band."""
        mag = visit_table(state.bands[band]).mag * 1e3
        residual = mag - np.nanmean(mag, axis=1, keepdims=True)
        seen = np.isfinite(residual).sum(axis=0)
        good = seen >= self.recipe["stars_per_visit"]
        n = int(good.sum())
        if n < 2:
            raise NotMeasured("too_few_visits", f"{n} visits have stars enough; 2 are needed.")
        zero_point = np.nanmedian(residual[:, good], axis=0)
        spread = float(np.std(zero_point, ddof=1))
        interval = spread_interval(spread, n - 1, "chi-square over visits, normal zero points")
        notes = {"n_visits": n, "stars_per_visit": float(np.median(seen[good]))}
        return [Value(spread, n, interval, diagnostics=notes)]


REQUIREMENTS = {
    "schema": "skyassay.requirements-source/1",
    "document": {
        "id": "OBS-1", "title": "What our observatory asks of a night", "revision": "1",
        "url": "https://example.org/obs-1", "levels": ["given"], "binding_level": "given",
    },
    "requirements": [{
        "id": "OBS-1.ZP1", "title": "Steady zero point", "section": "2.1", "method": "test",
        "text": "From one visit to the next the calibrated zero point must hardly move.",
        "owner": "photometry", "group": "Photometry", "parents": ["LPM-17.PA1"],
        "criteria": [{
            "name": "gri", "metric": ID, "bands": ["g", "r", "i"], "population": "process",
            "text": "Scatter of the zero point over visits in g, r and i.",
            "op": "<=", "levels": {"given": 4.0}, "unit": "mmag",
        }],
    }],
}  # fmt: skip
