"""A metric of visits: how bright the sky is."""

import numpy as np

from skyassay.metrics.contract import Column, Recipe
from skyassay.metrics.plugin import NotMeasured, Value
from skyassay.metrics.statistics.clustered import clustered_mean
from skyassay.metrics.unit_family import UnitMetric, all_finite, nights

VISITS = (
    Column("visit"),
    Column("band"),
    Column("expMidptMJD", "d"),
    Column("skyBrightness", "mag/arcsec**2"),
)


class SkyLevel(UnitMetric):
    """Mean brightness of the sky in single visits, mag/arcsec2.

    The nights' scatter is what the interval is made of. Source: ours; nothing asks for it.

    Differs from the peers: none of them gives it an interval.
    Not measured when: fewer than three nights have a sky brightness.
    """

    id = "ours.sky.level"
    unit = "mag/arcsec**2"
    title = "Mean sky brightness"
    requirements = ()
    recipes = {"srd": Recipe("srd", {"min_nights": 3})}
    inputs = {"visit_table": VISITS}
    locality = "visit"
    error_units = ("night",)

    def rows(self, part):
        """Return one row per visit, and which rows are usable."""
        table = part["visit_table"]
        columns = {
            "visit": np.asarray(table["visit"]),
            "band": np.asarray(table["band"]),
            "mjd": np.asarray(table["expMidptMJD"], dtype=np.float64),
            "sky": np.asarray(table["skyBrightness"], dtype=np.float64),
        }
        return columns, all_finite(columns)

    def values(self, rows, band, at):
        """Return the mean of one band; visits of a night share Moon and air."""
        night = nights(rows["mjd"])
        n = int(night.max()) + 1
        if n < self.recipe["min_nights"]:
            raise NotMeasured("too_few_nights", f"{n} nights have a sky brightness.")
        value, interval = clustered_mean(rows["sky"], night)
        return [Value(value, len(rows), interval, diagnostics={"n_units": n})]

    def behind(self, rows, band):
        """Return the numbers behind the value: the reports draw them against time."""
        return {"value": rows["sky"], "mjd": rows["mjd"], "visit": rows["visit"]}
